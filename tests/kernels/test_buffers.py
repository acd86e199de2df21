"""Large outputs' memory is used again: once its array is gone, never before, within bounds."""

import gc
import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from builds import BUILDS, SANITIZED

from diglot.kernels import native

pytestmark = pytest.mark.skipif(not BUILDS, reason="nothing is compiled")

KIB = 1 << 10
MIB = 1 << 20


@pytest.fixture
def build():
    return native.load(BUILDS[0])


def floats(count, value=1.0):
    return np.full(count, value, np.float32)


def address(array):
    return array.__array_interface__["data"][0]


def test_a_large_output_is_an_ordinary_array(build):
    y = build.relu_forward(floats(MIB))
    assert type(y) is np.ndarray
    assert y.flags.c_contiguous
    assert y.flags.writeable
    assert y.flags.aligned
    assert type(y.base).__name__ == "PyCapsule"
    y += 1
    assert (y == 2).all()


def test_a_small_output_is_numpys_own(build):
    assert build.relu_forward(floats(1000)).flags.owndata


def test_memory_is_used_again_when_its_array_is_gone(build):
    y = build.relu_forward(floats(MIB))
    place = address(y)
    del y
    assert address(build.relu_forward(floats(MIB))) == place


def test_a_nearly_equal_size_takes_the_same_memory(build):
    place = address(build.relu_forward(floats(MIB)))
    assert address(build.relu_forward(floats(MIB - 100))) == place


def test_memory_is_not_used_while_somebody_looks_at_it(build):
    view = build.relu_forward(floats(MIB))[5:10]
    gc.collect()
    others = [build.relu_forward(floats(MIB, 3.0)) for _ in range(10)]
    assert (view == 1).all()
    assert not any(np.shares_memory(view, other) for other in others)


def test_all_of_a_block_may_be_written(build):
    for count in (16 * KIB, 16 * KIB + 1, 20 * KIB, 65537, 100_000, MIB, MIB + 1):
        arrays = [build.relu_forward(floats(count, value)) for value in (1, 2, 3)]
        for value, array in enumerate(arrays, 1):
            assert array.shape == (count,)
            assert (array == value).all()


def test_what_lies_idle_is_bounded(build):
    most = 256 * MIB
    alive = [build.relu_forward(floats(2 * MIB)) for _ in range(8)]
    assert build._block_counts()["in_use"] >= 64 * MIB
    del alive
    counts = build._block_counts()
    assert 64 * MIB <= counts["idle"] <= min(most, counts["most_in_use"])
    for count in range(20 * KIB, 2 * MIB, 60 * KIB):  # sizes that come only once
        build.relu_forward(floats(count))
        counts = build._block_counts()
        assert counts["idle"] <= min(most, counts["most_in_use"])


def test_results_that_do_not_fit_are_a_memory_error_and_leave_no_trace(build):
    before = build._block_counts()["in_use"]
    column, row = np.ones((1 << 24, 1), np.float32), np.ones((1, 1 << 24), np.float32)
    with pytest.raises(MemoryError):
        build.matmul(column, row)  # 2^50 bytes
    assert build._block_counts()["in_use"] == before


def test_several_threads_take_and_give_back(build):
    wrong = []

    def work(value):
        x = floats(100_000, value)
        wrong.extend(value for _ in range(200) if not (build.relu_forward(x) == value).all())

    threads = [threading.Thread(target=work, args=(i + 1,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _in_child(parents, queue):
    build = native.load(BUILDS[0])
    y = build.relu_forward(floats(MIB, 5.0))
    queue.put((bool((y == 5).all()), bool((parents == 1).all())))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_has_memory_of_its_own(build):
    y = build.relu_forward(floats(MIB))
    del y
    kept = build.relu_forward(floats(MIB))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(kept, queue))
    child.start()
    assert queue.get(timeout=60) == (True, True)
    child.join(timeout=60)
    assert (kept == 1).all()


def test_arrays_may_outlive_everything_else():
    code = (
        "import numpy as np, atexit, builtins\n"
        "from diglot import kernels\n"
        "builtins.kept = kernels.relu_forward(np.ones(1 << 20, np.float32))\n"
        "class Late:\n"
        "    def __del__(self, kernels=kernels, x=np.ones(1 << 20, np.float32)):\n"
        "        kernels.relu_forward(x)\n"
        "builtins.late = Late()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# The peak of a process's memory never falls, so each size is measured in a process of its own.
MEASURE = """
import sys, numpy as np
from diglot.kernels import native
name, batch, threads, N = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), np.float32
build = native.load(sys.argv[4])
build.set_num_threads(threads)
C, OC, H, K = 16, 32, 28, 3
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
def run(n):
    x, w = np.ones((n, C, H, H), N), np.ones((OC, C, K, K), N)
    dy = np.ones((n, OC, H, H), N)
    before = peak()
    out = {
        "conv2d_forward": lambda: build.conv2d_forward(x, w, padding=1),
        "conv2d_backward_input": lambda: build.conv2d_backward_input(
            dy, w, input_size=(H, H), padding=1),
        "conv2d_backward_weight": lambda: build.conv2d_backward_weight(
            dy, x, kernel_size=K, padding=1)[0],
    }[name]()
    return peak() - before - out.nbytes
run(1)  # what is loaded and started once does not count
print(run(batch))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc")
@pytest.mark.skipif(SANITIZED, reason="AddressSanitizer's own memory grows with the batch")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "name", ["conv2d_forward", "conv2d_backward_input", "conv2d_backward_weight"]
)
def test_scratch_memory_does_not_grow_with_the_batch(name, threads):
    # 200 images' patches in one matrix would be 90 MB.
    arguments = [sys.executable, "-c", MEASURE, name, "200", str(threads), BUILDS[0]]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert int(done.stdout) <= threads * 2 * MIB + MIB, "of which 1 MiB may be anything else"
