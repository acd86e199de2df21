"""Beside other libraries with threads of their own, imported before diglot and after it."""

import importlib.util

import pytest
from children import needs_kernels, run

pytestmark = needs_kernels

PEERS = {
    "torch": """
    import torch
    torch.set_num_threads(2)
    def peer(a): return (torch.from_numpy(a) @ torch.from_numpy(a)).numpy()
    """,
    "sklearn": """
    from sklearn.cluster import KMeans  # OpenMP in its own modules
    points = np.repeat(np.eye(4), 500, axis=0)
    def peer(a):
        labels = KMeans(4, n_init=1, random_state=0).fit(points).labels_
        assert len(set(labels)) == 4
        return a @ a
    """,
    "jax": """
    import jax.numpy as jnp
    def peer(a): return np.asarray(jnp.matmul(a, a, precision="highest"))
    """,
}

ALTERNATE = """
    diglot.set_num_threads(2)
    expected = kernels.matmul(big, big)
    def both(n):
        for _ in range(n):
            assert np.array_equal(kernels.matmul(big, big), expected)
            assert np.allclose(peer(big), expected, atol=1e-3)
    both(20)
    threads = [threading.Thread(target=both, args=(5,)) for _ in range(4)]
    for t in threads: t.start()
    for t in threads: t.join(30)
    assert not any(t.is_alive() for t in threads)
    both(1)
    diglot.set_num_threads(1)
    assert np.array_equal(kernels.matmul(big, big), expected)
    print("fine")
"""


@pytest.mark.parametrize("first", ["peer", "diglot"])
@pytest.mark.parametrize("peer", PEERS)
def test_kernels_and_a_peers_take_turns(peer, first):
    if importlib.util.find_spec(peer) is None:
        pytest.skip(f"{peer} is not installed")
    if first == "peer":
        out = run(PEERS[peer], ALTERNATE, first=f"import numpy, {peer}", timeout=120)
    else:
        out = run("kernels.matmul(big, big)", PEERS[peer], ALTERNATE, timeout=120)
    assert out == "fine"


@pytest.mark.parametrize("limit", [1, 3])
def test_threadpoolctl_limits_the_others_and_leaves_diglots_number(limit):
    # omp_set_num_threads acts on the calling thread; diglot's number is given with every region.
    code = f"""
    from threadpoolctl import threadpool_limits
    diglot.set_num_threads(2)
    expected = kernels.matmul(big, big)
    with threadpool_limits({limit}):
        assert np.array_equal(kernels.matmul(big, big), expected)
        assert diglot.get_num_threads() == 2
    print("fine")
    """
    assert run(code) == "fine"
