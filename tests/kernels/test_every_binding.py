"""Whatever is called in a native module, with whatever: an answer or an exception, no crash."""

import contextlib
import inspect
import subprocess
import sys

import numpy as np
import pytest
from builds import BUILDS, SANITIZED
from hypothesis import given
from hypothesis import strategies as st
from odd_arrays import REFUSALS, SUBJECTS, native_kernels, some

import diglot.threads
from diglot.kernels import native

pytestmark = native_kernels


def functions(module, prefix=""):
    """Find everything that can be called, in submodules, too."""
    for name in dir(module):
        value = getattr(module, name)
        if inspect.ismodule(value):
            yield from functions(value, f"{prefix}{name}.")
        elif callable(value) and not isinstance(value, type) and not name.startswith("__"):
            yield f"{prefix}{name}"


FUNCTIONS = sorted(functions(native.load(BUILDS[0]))) if BUILDS else []


def called(path):
    value = native.load(BUILDS[0])
    for name in path.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("build", BUILDS)
def test_all_builds_have_the_same_functions(build):
    assert sorted(functions(native.load(build))) == FUNCTIONS


def test_the_subjects_of_the_other_tests_are_all_that_compute():
    computing = {s.kernel for s in SUBJECTS if not s.rung}
    ladders = {f"ladder.{s.kernel.removesuffix('_forward')}" for s in SUBJECTS if s.rung}
    checks = {path for path in FUNCTIONS if path.startswith("ladder.require_")}
    assert set(FUNCTIONS) - computing - ladders - checks == {
        *["_block_counts", "_lone_runs", "_fma_peak", "_triad_peak"],
        *["build_info", "source_digests"],
        *["get_num_threads", "set_num_threads", "set_winograd"],
    }


arrays = st.builds(
    lambda shape, dtype: np.ones(shape, dtype),
    st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4),
    st.sampled_from(["f4", "f8", "i4", "i8", "?", "O"]),
)
anything = (
    arrays
    | st.sampled_from([None, True, "", "float32", "naive", b"", (), [1], {}, object(), 1j])
    | st.integers(-3, 3)
    | st.sampled_from([2**31 - 1, 2**31, 2**62, 2**63, 2**64])
    | st.sampled_from([-1.0, 0.0, 1e-9, 1e-3, 1.1, np.nan, np.inf])
)


@pytest.fixture
def _as_before():
    yield
    native.set_thread_count(diglot.threads.get_num_threads())
    native.set_winograd(native.winograd())


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize("path", FUNCTIONS)
@some
@given(data=st.data())
def test_anything_as_arguments(path, data):
    function = called(path)
    keywords = st.sampled_from(["x", "a", "w", "b", "stride", "rate", "count", "unknown"])
    values = data.draw(st.lists(anything, max_size=8))
    named = data.draw(st.dictionaries(keywords, anything, max_size=2))
    with contextlib.suppress(*REFUSALS, MemoryError):
        function(*values, **named)


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize(
    "count", [0, -1, -(2**31), 1025, 10**6, 2**31 - 1, 2**31, 2**63, True, "2"]
)
@pytest.mark.parametrize("build", BUILDS)
def test_a_module_takes_only_numbers_of_threads_that_a_system_can_start(build, count):
    module = native.load(build)
    before = module.get_num_threads()
    if count is True:
        module.set_num_threads(count)
        assert module.get_num_threads() == 1
        return
    with pytest.raises((ValueError, TypeError), match="count"):
        module.set_num_threads(count)
    assert module.get_num_threads() == before


def test_the_module_and_the_library_agree_on_the_most_threads():
    module = native.load(BUILDS[0])
    with pytest.raises(ValueError, match=f"at most {native.MOST_THREADS}"):
        module.set_num_threads(native.MOST_THREADS + 1)


@pytest.mark.parametrize("bytes_", [2**33, 2**40, 2**46, 2**62, 2**63 - 1])
def test_a_measurement_does_not_fill_the_machine(bytes_):
    with pytest.raises(ValueError, match="bytes are"):
        native.load(BUILDS[0])._triad_peak(bytes_, 0.001)


LIMITED = """
import resource, sys
import numpy as np
from diglot.kernels import native
build = native.load(sys.argv[1])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20),) * 2)
one = np.ones((1, 1, 1, 1), np.float32)
for call in (
    lambda: build.embedding_backward(
        np.ones((1, 9), "f4"), np.zeros(1, int), vocabulary_size=2**24),
    lambda: build.matmul(np.ones((2**15, 1), "f4"), np.ones((1, 2**15), "f4")),
    lambda: build.conv2d_forward(one, one, padding=2**14),
    lambda: build.relu_forward(np.broadcast_to(np.float32(1), (2**15, 2**15))),
    lambda: build.lstm_forward(np.broadcast_to(np.float32(1), (2**12, 2**12, 1)),
        *[np.zeros((2**12, 2), "f4")] * 2, np.ones((1, 8), "f4"), np.ones((2, 8), "f4"),
        np.ones(8, "f4")),
):
    try:
        call()
    except MemoryError:
        print("refused")
assert (build.relu_forward(np.ones(9, "f4")) == 1).all()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif(SANITIZED, reason="AddressSanitizer itself takes terabytes of addresses")
def test_results_that_do_not_fit_are_memory_errors():
    """In a process that may have 256 MiB more, and goes on afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, BUILDS[0]], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["refused"] * 5
