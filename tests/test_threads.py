import multiprocessing
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import diglot
from diglot import kernels


@pytest.fixture
def big(rng):
    return rng.standard_normal((300, 300)).astype(np.float32)


def test_the_context_manager_restores_the_count():
    before = diglot.get_num_threads()
    with diglot.num_threads(before + 2):
        assert diglot.get_num_threads() == before + 2
    assert diglot.get_num_threads() == before


@pytest.mark.parametrize("count", [0, -1, 2.0, "2", True, 1025, 10**12])
def test_a_bad_count_is_refused(count):
    before = diglot.get_num_threads()
    with pytest.raises(ValueError, match="expected an integer of at least 1"):
        diglot.set_num_threads(count)
    assert diglot.get_num_threads() == before


def test_the_count_reaches_every_build():
    modules = [kernels.native.load(name) for name in kernels.available_builds()]
    assert modules
    with diglot.num_threads(3):
        assert [module.get_num_threads() for module in modules] == [3] * len(modules)


@pytest.mark.parametrize(("variable", "expected"), [("3", 3), ("2,1", 2), ("9" * 20, 1024)])
def test_omp_num_threads_sets_the_count_at_import(variable, expected):
    code = "import diglot; print(diglot.get_num_threads())"
    environment = {**os.environ, "OMP_NUM_THREADS": variable}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == expected


def _product_in_child(matrix, queue):
    queue.put((diglot.get_num_threads(), kernels.matmul(matrix, matrix)))


def test_a_forked_child_runs_on_one_thread_and_does_not_hang(big):
    with diglot.num_threads(2):
        expected = kernels.matmul(big, big)  # starts OpenMP's threads in the parent
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        child = context.Process(target=_product_in_child, args=(big, queue))
        child.start()
        count, product = queue.get(timeout=60)
        child.join(timeout=60)
    assert count == 1
    np.testing.assert_array_equal(product, expected)


def test_a_fork_within_a_with_block_leaves_the_child_on_one_thread(big):
    kernels.matmul(big, big)
    with diglot.num_threads(1):
        child = os.fork()
    if child == 0:  # leaves the same block, and must not get its parent's threads back
        signal.alarm(30)
        kernels.matmul(big, big)
        os._exit(diglot.get_num_threads())
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1


def test_a_numpy_integer_is_a_count():
    with diglot.num_threads(np.int64(2)):
        assert diglot.get_num_threads() == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for affinities")
def test_a_team_that_moves_to_other_processors_may_run_anywhere_afterwards(big):
    allowed = os.sched_getaffinity(0)
    with diglot.use_backend("native"), diglot.num_threads(2):
        kernels.matmul(big, big)
        os.sched_setaffinity(0, {min(allowed)})  # the other thread is on it, too, sooner or later
        try:
            for _ in range(50):
                kernels.matmul(big, big)
        finally:
            os.sched_setaffinity(0, allowed)
    for thread in os.listdir("/proc/self/task"):
        assert os.sched_getaffinity(int(thread)) == allowed


def test_kernels_run_in_several_python_threads_at_once(big):
    expected = kernels.matmul(big, big)
    results = [None] * 4

    def work(i):
        for _ in range(5):
            results[i] = kernels.matmul(big, big)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)
