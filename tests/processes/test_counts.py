"""The number of threads, from outside and while kernels run: it changes no bit."""

import sys

import pytest
from children import needs_kernels, run

pytestmark = needs_kernels

# A digest of what every kernel computes in its largest cases.
DIGEST = """
import hashlib
from diglot.kernels.cases import CASES
from diglot.kernels.tolerance import call

def size(arguments):
    return sum(a.size for a in arguments.values() if isinstance(a, np.ndarray))

work = []
for name in CASES:
    made = [(name, case.arguments(np.float32), case.calls) for case in CASES[name]]
    work += sorted(made, key=lambda one: size(one[1]))[-3:]

def digest():
    whole = hashlib.sha256()
    for name, arguments, calls in work:
        for value in call(getattr(kernels, name), arguments, calls).values():
            whole.update(np.asarray(value).tobytes())
    return whole.hexdigest()
"""


@pytest.fixture(scope="module")
def lone():
    """The digest on one thread."""
    return run(DIGEST, "print(digest())", OMP_NUM_THREADS="1")


@pytest.mark.parametrize(
    "environment",
    [
        {"OMP_NUM_THREADS": "8"},
        {"OMP_NUM_THREADS": "64"},
        {"OMP_NUM_THREADS": "4", "OMP_THREAD_LIMIT": "1"},
        {"OMP_NUM_THREADS": "4", "OMP_THREAD_LIMIT": "3"},
        {"OMP_NUM_THREADS": "4", "OMP_DYNAMIC": "true"},
        {"OMP_NUM_THREADS": "4", "OMP_PROC_BIND": "true"},
        {"OMP_NUM_THREADS": "4", "OMP_MAX_ACTIVE_LEVELS": "0"},
        {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "active"},
        {"OMP_NUM_THREADS": "4", "OMP_WAIT_POLICY": "passive", "OMP_SCHEDULE": "dynamic,7"},
        {"OMP_NUM_THREADS": "2", "OMP_STACKSIZE": "256k"},
    ],
    ids=lambda environment: " ".join(f"{k[4:]}={v}" for k, v in environment.items()),
)
def test_openmps_variables_change_no_bit(environment, lone):
    assert run(DIGEST, "print(digest())", **environment) == lone


def test_numbers_set_while_kernels_run_change_no_bit(lone):
    code = """
    over = threading.Event()
    def change():
        while not over.is_set():
            for count in (1, 2, 8, 5, 1, 3):
                diglot.set_num_threads(count)
                time.sleep(0.0005)
    changing = threading.Thread(target=change); changing.start()
    found = []
    computing = [threading.Thread(target=lambda: found.append(digest())) for _ in range(4)]
    for t in computing: t.start()
    for t in computing: t.join(60)
    over.set(); changing.join()
    assert len(found) == 4
    print(*set(found))
    """
    assert run(DIGEST, code, timeout=90) == lone


def test_a_with_block_in_one_thread_is_the_whole_processs():
    code = """
    diglot.set_num_threads(2)
    inside, looked = threading.Event(), threading.Event()
    def block():
        with diglot.num_threads(3):
            inside.set(); looked.wait(30)
    thread = threading.Thread(target=block); thread.start(); inside.wait(30)
    during = diglot.get_num_threads()
    looked.set(); thread.join()
    print(during, diglot.get_num_threads())
    """
    assert run(code) == "3 2"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for affinities")
def test_processors_that_the_process_may_not_use_get_no_thread(lone):
    first = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    code = "print(diglot.get_num_threads(), digest())"
    out = run(DIGEST, code, first=first, OMP_NUM_THREADS=None)
    assert out == f"1 {lone}"


def test_the_count_of_every_build_stays_the_same_while_builds_are_loaded():
    code = """
    over = threading.Event()
    def change():
        while not over.is_set():
            for count in (1, 2, 3): diglot.set_num_threads(count)
    changing = threading.Thread(target=change); changing.start()
    modules = [native.load(name) for name in native.available_builds()]
    over.set(); changing.join()
    print({module.get_num_threads() for module in modules} == {diglot.get_num_threads()})
    """
    assert run(code) == "True"


def test_more_threads_than_processors_are_allowed():
    code = """
    diglot.set_num_threads(1)
    expected = kernels.matmul(big, big)
    diglot.set_num_threads(4 * (os.cpu_count() or 1))
    assert np.array_equal(kernels.matmul(big, big), expected)
    print("fine")
    """
    assert run(code) == "fine"
