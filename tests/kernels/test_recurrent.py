"""Recurrent networks and embeddings, judged by loops over scalars, by PyTorch, on hostile sizes."""

import math

import naive
import numpy as np
import pytest
from builds import BACKENDS, BUILDS, LAYOUTS, kernel

import diglot.threads
from diglot.kernels import reference
from diglot.kernels.draw import Draw
from diglot.kernels.recurrent_cases import RECURRENT, Recurrent

NETWORKS = [
    ("rnn", {}),
    ("rnn", {"activation": "relu"}),
    ("gru", {}),
    ("gru", {"reset_after": False}),
    ("lstm", {}),
]
every_network = pytest.mark.parametrize(
    ("kind", "settings"), NETWORKS, ids=lambda v: str(v) if v else "usual"
)
DTYPES = [np.float32, np.float64]


def arguments(kind, settings, sizes, dtype=np.float64):
    network = Recurrent(kind, sizes, settings)
    return network.forward().arguments(dtype), network.backward().arguments(dtype)


def flat(result):
    if not isinstance(result, tuple):
        return [result]
    return [array for part in result for array in flat(part)]


# ---- loops over scalars --------------------------------------------------------------------------


@every_network
def test_a_network_is_its_formulas(kind, settings):
    a, _ = arguments(kind, settings, (3, 4, 2, 3))
    y, *_ = getattr(reference, f"{kind}_forward")(**a)
    N, T, _, H = 3, 4, 2, 3
    for n in range(N):
        state = [
            (float(a["h0"][n, j]), float(a["c0"][n, j]) if "c0" in a else 0.0) for j in range(H)
        ]
        for t in range(T):
            state = naive.RECURRENT_STEPS[kind](a["x"][n, t], state, a)
            for j in range(H):
                assert y[n, t, j] == pytest.approx(state[j][0], rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
@every_network
def test_the_last_states_and_what_is_saved_agree(kind, settings, backend):
    """What layers rely on: every state of every step stands where the docstring says."""
    a, _ = arguments(kind, settings, (3, 5, 2, 4))
    y, *ends, saved = kernel(backend, f"{kind}_forward")(**a)
    states = saved if kind == "rnn" else saved[0]
    np.testing.assert_array_equal(states[0], a["h0"])
    np.testing.assert_array_equal(states[1:].swapaxes(0, 1), y)
    np.testing.assert_array_equal(states[-1], ends[0])
    if kind == "lstm":
        np.testing.assert_array_equal(saved[1][0], a["c0"])
        np.testing.assert_array_equal(saved[1][-1], ends[1])
        o = saved[2][..., 3 * 4 :]
        np.testing.assert_allclose(states[1:], o * np.tanh(saved[1][1:]), rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@every_network
def test_two_halves_of_a_sequence_give_the_whole(kind, settings, backend):
    """The state that a piece ends with begins the next one; gradients go back through both."""
    a, back = arguments(kind, settings, (3, 6, 4, 5))
    forward, backward = (kernel(backend, f"{kind}_{way}") for way in ("forward", "backward"))
    states = [name for name in ("h0", "c0") if name in a]
    y, *ends, saved = forward(**a)
    first = a | {"x": a["x"][:, :2]}
    y_1, *middle, saved_1 = forward(**first)
    second = a | {"x": a["x"][:, 2:]} | dict(zip(states, middle, strict=True))
    y_2, *ends_2, saved_2 = forward(**second)
    np.testing.assert_allclose(np.concatenate([y_1, y_2], axis=1), y, rtol=1e-12)
    np.testing.assert_allclose(ends_2, ends, rtol=1e-12)

    def gradients(part, saved, dy, end):
        names = {key: part[key] for key in ("x", *states, "w_x", "w_h")}
        end = dict(zip([f"d{state[0]}_n" for state in states], end, strict=True))
        return backward(dy=dy, saved=saved, **names, **end, **settings)

    end = [back[f"d{state[0]}_n"] for state in states]
    dx, *rest = gradients(a, saved, back["dy"], end)
    dx_2, *rest_2 = gradients(second, saved_2, back["dy"][:, 2:], end)
    dx_1, *rest_1 = gradients(first, saved_1, back["dy"][:, :2], rest_2[: len(states)])
    np.testing.assert_allclose(np.concatenate([dx_1, dx_2], axis=1), dx, rtol=1e-10, atol=1e-12)
    for i, value in enumerate(rest):
        both = rest_1[i] if i < len(states) else rest_1[i] + rest_2[i]
        np.testing.assert_allclose(both, value, rtol=1e-10, atol=1e-12)


# ---- PyTorch -------------------------------------------------------------------------------------


def torch_gradients(torch, kind, settings, a, back):
    """Run PyTorch's network; give its outputs and all gradients in our order."""
    D, H = a["x"].shape[2], a["h0"].shape[1]
    relu = {"nonlinearity": "relu"} if settings.get("activation") == "relu" else {}
    network = getattr(torch.nn, kind.upper())(D, H, batch_first=True, **relu)
    network = network.to(torch.tensor(a["x"]).dtype)
    bias = a.get("b_x", a.get("b"))
    parameters = {
        "weight_ih_l0": a["w_x"].T,
        "weight_hh_l0": a["w_h"].T,
        "bias_ih_l0": bias,
        "bias_hh_l0": a.get("b_h", 0 * bias),
    }
    with torch.no_grad():
        for name, value in parameters.items():
            getattr(network, name).copy_(torch.tensor(value))
    x = torch.tensor(a["x"], requires_grad=True)
    states = [torch.tensor(a[n][None], requires_grad=True) for n in ("h0", "c0") if n in a]
    y, ends = network(x, tuple(states) if kind == "lstm" else states[0])
    ends = list(ends) if kind == "lstm" else [ends]
    loss = (y * torch.tensor(back["dy"])).sum()
    for end, name in zip(ends, ("dh_n", "dc_n"), strict=False):
        loss = loss + (end[0] * torch.tensor(back[name])).sum()
    loss.backward()
    biases = [network.bias_ih_l0.grad] + ([network.bias_hh_l0.grad] if kind == "gru" else [])
    gradients = [
        x.grad,
        *(state.grad[0] for state in states),
        network.weight_ih_l0.grad.T,
        network.weight_hh_l0.grad.T,
        *biases,
    ]
    outputs = [y, *(end[0] for end in ends)]
    return [o.detach().numpy() for o in outputs], [g.numpy() for g in gradients]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("sizes", [(3, 4, 5, 6), (1, 7, 3, 40), (33, 9, 20, 70)], ids=str)
@every_network
def test_outputs_and_all_gradients_agree_with_torch(kind, settings, sizes, backend, dtype):
    torch = pytest.importorskip("torch")
    if settings.get("reset_after") is False:
        return  # PyTorch has none; finite differences judge it
    a, back = arguments(kind, settings, sizes, dtype)
    y, *ends, saved = kernel(backend, f"{kind}_forward")(**a)
    back |= {key: a[key] for key in a if key in back} | {"saved": saved}
    gradients = kernel(backend, f"{kind}_backward")(**back)
    outputs, expected = torch_gradients(torch, kind, settings, a, back)
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    for ours, theirs in zip([y, *ends, *gradients], [*outputs, *expected], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * (1 + abs(theirs).max()))


# ---- the native kernels --------------------------------------------------------------------------


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("sizes", [(1, 9, 20, 300), (3, 7, 5, 260), (50, 12, 64, 129)], ids=str)
@every_network
def test_any_share_of_the_work_gives_the_same_bits(kind, settings, sizes, build):
    """By rows, by units, and with more threads than there are of either."""
    a, back = arguments(kind, settings, sizes, np.float32)
    runs = []
    for count in (1, 2, 3, 7):
        with diglot.threads.num_threads(count):
            outputs = flat(kernel(build, f"{kind}_forward")(**a))
            gradients = flat(kernel(build, f"{kind}_backward")(**back))
        runs.append([array.tobytes() for array in outputs + gradients])
    assert all(run == runs[0] for run in runs)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layout", LAYOUTS)
@every_network
def test_what_is_saved_may_lie_in_memory_in_any_way(kind, settings, layout, backend):
    _, back = arguments(kind, settings, (3, 4, 5, 6))
    backward = kernel(backend, f"{kind}_backward")
    saved = back["saved"]
    other = LAYOUTS[layout](saved) if kind == "rnn" else tuple(map(LAYOUTS[layout], saved))
    for one, two in zip(backward(**back), backward(**back | {"saved": other}), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("build", BUILDS[:1])
@every_network
def test_something_else_than_what_was_saved_is_refused(kind, settings, build):
    _, back = arguments(kind, settings, (3, 4, 5, 6))
    backward, saved = kernel(build, f"{kind}_backward"), back["saved"]
    if kind == "rnn":
        wrongs = [saved[1:], saved[:, 1:], saved[..., 1:], saved.astype(np.float32), (saved,), None]
    else:
        wrongs = [saved[:2], saved[0], None, (*saved, saved[0]), [None] * 3]
        for place, array in enumerate(saved):
            for wrong in (array[1:], array[:, 1:], array[..., 1:], array.astype(np.float32), 1.0):
                wrongs.append(tuple(wrong if i == place else v for i, v in enumerate(saved)))
    for wrong in wrongs:
        with pytest.raises((ValueError, TypeError), match="saved"):
            backward(**back | {"saved": wrong})


@pytest.mark.parametrize("build", BUILDS[:1])
@pytest.mark.parametrize("way", ["forward", "backward"])
@pytest.mark.parametrize(
    ("kind", "setting", "values"),
    [("rnn", "activation", ["gelu", "", None, 1]), ("gru", "reset_after", ["no", b""])],
)
def test_impossible_settings_are_refused(kind, setting, values, way, build):
    case = getattr(Recurrent(kind, (3, 4, 5, 6), {}), way)()
    for value in values:
        with pytest.raises((ValueError, TypeError), match=setting):
            kernel(build, f"{kind}_{way}")(**case.arguments(np.float64) | {setting: value})


@pytest.mark.parametrize("build", BUILDS[:1])
@every_network
def test_steps_without_numbers_take_no_time(kind, settings, build):
    """A shape may claim any number of steps if there is nothing in them."""
    many = 2**55
    states = ("h0", "c0") if kind == "lstm" else ("h0",)
    G = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
    biases = ("b_x", "b_h") if kind == "gru" else ("b",)
    for N, D, H in [(0, 2, 3), (2, 0, 0)]:
        a = {"x": np.zeros((N, many, D)), "w_x": np.zeros((D, G * H)), "w_h": np.zeros((H, G * H))}
        a |= {state: np.zeros((N, H)) for state in states}
        y, *_, saved = kernel(build, f"{kind}_forward")(
            **a, **{bias: np.zeros(G * H) for bias in biases}, **settings
        )
        assert y.shape == (N, many, H)
        ends = {f"d{state[0]}_n": np.zeros((N, H)) for state in states}
        dx, *_ = kernel(build, f"{kind}_backward")(dy=y, saved=saved, **a, **ends, **settings)
        assert dx.shape == (N, many, D)


@pytest.mark.parametrize("build", BUILDS[:1])
def test_sizes_that_overflow_are_refused(build):
    x, h0, empty = np.zeros((0, 1, 1)), np.zeros((0, 2**59)), np.zeros((0, 0))
    for kind, states, biases in [("rnn", 1, 1), ("gru", 1, 2), ("lstm", 2, 1)]:
        with pytest.raises(ValueError, match="expected"):
            kernel(build, f"{kind}_forward")(
                x, *[h0] * states, empty, empty, *[np.zeros(0)] * biases
            )
    with pytest.raises(ValueError, match="memory"):
        kernel(build, "embedding_backward")(
            np.zeros((0, 2**40)), np.zeros(0, int), vocabulary_size=2**40
        )


# ---- embeddings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_embedding_is_a_product_with_one_hot_rows(backend, rng):
    tokens, w = rng.integers(0, 7, (3, 5)), rng.standard_normal((7, 4))
    one_hot = np.eye(7)[tokens]
    y = kernel(backend, "embedding_forward")(tokens, w)
    np.testing.assert_array_equal(y, one_hot @ w)
    dy = rng.standard_normal(y.shape)
    dw = kernel(backend, "embedding_backward")(dy, tokens, vocabulary_size=7)
    np.testing.assert_allclose(dw, np.einsum("ntv,ntd->vd", one_hot, dy), atol=1e-13)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_of_an_embedding_is_added_up_in_the_order_of_the_places(build, dtype, rng):
    for V, D, places in [(62, 200, 1600), (5, 17, 33), (4000, 64, 500)]:
        tokens, dy = rng.integers(0, V, places), rng.standard_normal((places, D)).astype(dtype)
        expected = reference.embedding_backward(dy, tokens, vocabulary_size=V)
        for count in (1, 2, 5):
            with diglot.threads.num_threads(count):
                dw = kernel(build, "embedding_backward")(dy, tokens, vocabulary_size=V)
            np.testing.assert_array_equal(dw, expected)


@pytest.mark.parametrize("build", BUILDS[:1])
def test_wrong_tokens_are_refused(build):
    w, dy = np.ones((5, 2)), np.ones((3, 2))
    forward, backward = (kernel(build, f"embedding_{way}") for way in ("forward", "backward"))
    for value, dtype in [
        (-1, "int64"),
        (5, "int64"),
        (5, "uint8"),
        (2**63, "uint64"),
        (-1, "int8"),
    ]:
        tokens = np.zeros(3, dtype)
        tokens[1] = value
        for call in (lambda t: forward(t, w), lambda t: backward(dy, t, vocabulary_size=5)):
            with pytest.raises(
                ValueError, match=r"tokens holds .* \(element 1\), expected 0 <= tok"
            ):
                call(tokens)
    for tokens in (np.zeros(3), np.zeros(3, bool), [0, 0, 0], np.zeros(3, "O"), None):
        with pytest.raises((ValueError, TypeError), match="tokens"):
            forward(tokens, w)
    for size in (-1, 1.5, None, 2**80):
        with pytest.raises((ValueError, TypeError), match="vocabulary_size"):
            backward(dy, np.zeros(3, int), vocabulary_size=size)
    with pytest.raises(ValueError, match="tokens holds 0"):
        forward(np.zeros(1, int), np.ones((0, 2)))
    for shape in [(2,), (3, 1), (1, 3), ()]:
        with pytest.raises(ValueError, match=r"dy has shape \(3, 2\) and tokens"):
            backward(dy, np.zeros(shape, int), vocabulary_size=5)


def test_the_table_has_the_sizes_at_which_kernels_change():
    for kind, networks in RECURRENT.items():
        sizes = [network.sizes for network in networks]
        for axis in range(4):
            assert {0, 1} <= {s[axis] for s in sizes}, (kind, axis)
        assert max(s[3] for s in sizes) > 256
    assert Draw.special in {network.fill for network in RECURRENT["lstm"]}
    assert math.prod(RECURRENT["rnn"][0].sizes) > 0
