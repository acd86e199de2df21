"""The end: of a program whose threads are in kernels, of a module, of the last array."""

import signal
import sys

import pytest
from children import ended, needs_fork, needs_kernels, run, start

pytestmark = needs_kernels

WORK = {
    "small": "kernels.matmul(a, a)",
    "large": "kernels.matmul(big, big)",
    "strided": "kernels.matmul(big[::-1], big.T)",  # NumPy copies, and gives the lock back, too
    "training": "trained(epochs=1)",
    "in place": "kernels.sgd_inplace(param, a, lr=0.1)",
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("work", WORK)
def test_a_program_may_end_while_daemon_threads_are_in_kernels(work, threads):
    code = f"""
    diglot.set_num_threads({threads})
    a = np.ones((20, 20), np.float32)
    def for_ever():
        param = np.ones_like(a)
        while True: {WORK[work]}
    for _ in range(4): threading.Thread(target=for_ever, daemon=True).start()
    time.sleep(0.05)
    """
    run(code)


def test_threads_that_are_no_daemons_end_their_work_first():
    code = """
    def work():
        time.sleep(0.05)
        kernels.matmul(big, big)
        print("computed")
    threading.Thread(target=work).start()
    """
    assert run(code) == "computed"


def test_an_exception_ends_the_program_while_others_compute():
    code = """
    def for_ever():
        while True: kernels.matmul(big, big)
    for _ in range(4): threading.Thread(target=for_ever, daemon=True).start()
    time.sleep(0.02)
    raise SystemExit(3)
    """
    assert ended(start(code)) == (3, "", "")


def test_kernels_at_exit():
    code = """
    import atexit, weakref
    atexit.register(lambda: print(kernels.matmul(big, big).shape))
    class Late: pass
    late = Late()
    weakref.finalize(late, lambda: print(kernels.relu_forward(big).shape))
    """
    assert sorted(run(code).split("\n")) == ["(300, 300)", "(300, 300)"]


@needs_fork
def test_a_forked_child_may_end_while_its_threads_are_in_kernels():
    code = """
    import signal
    diglot.set_num_threads(2)
    kernels.matmul(big, big)
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        diglot.set_num_threads(2)
        def for_ever():
            while True: kernels.matmul(big, big)
        for _ in range(3): threading.Thread(target=for_ever, daemon=True).start()
        time.sleep(0.05)
        sys.exit(4)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run(code) == "4"


def test_modules_are_reloaded():
    code = """
    import importlib
    expected = kernels.matmul(big, big)
    kept = kernels.relu_forward(big)
    diglot.set_num_threads(2)
    for module in (diglot.threads, native, kernels, diglot):
        importlib.reload(module)
    same = np.array_equal(kernels.matmul(big, big), expected)
    for name in [name for name in sys.modules if name.partition(".")[0] == "diglot"]:
        del sys.modules[name]
    from diglot import kernels as again
    same &= np.array_equal(again.matmul(big, big), expected)
    print(same, np.array_equal(kept, again.relu_forward(big)))
    """
    assert run(code) == "True True"


def test_a_fork_after_a_reload():
    code = """
    import importlib, signal
    importlib.reload(native); importlib.reload(diglot.threads); importlib.reload(kernels)
    diglot.set_num_threads(2)
    kernels.matmul(big, big)
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        kernels.matmul(big, big)
        os._exit(5)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run(code) == "5"


def test_views_and_cycles_keep_large_outputs_and_nothing_else_does():
    code = """
    import gc, weakref
    large = np.ones((600, 600), np.float32)
    def in_use(): return build._block_counts()["in_use"]
    before = in_use()
    output = build.relu_forward(large)
    row, taken = output[3], in_use() - before
    gone = weakref.ref(output)
    del output
    print(in_use() - before == taken, (row == 1).all(), end=" ")
    cycle = [row]; cycle.append(cycle)
    memory = memoryview(row)
    del row, cycle
    gc.collect()
    print(in_use() - before == taken, memory[0] == 1, end=" ")
    del memory
    print(gone() is None, in_use() - before)
    """
    assert run(code) == "True True True True True 0"


def test_arrays_that_die_in_another_thread_than_their_makers():
    code = """
    import queue
    large = np.ones((600, 600), np.float32)
    before = build._block_counts()["in_use"]
    outputs = queue.Queue(4)
    def make():
        for i in range(100): outputs.put(build.relu_forward(large))
    makers = [threading.Thread(target=make) for _ in range(4)]
    for t in makers: t.start()
    right = all((outputs.get() == 1).all() for _ in range(400))
    for t in makers: t.join()
    print(right, build._block_counts()["in_use"] - before)
    """
    assert run(code) == "True 0"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_killed_program_leaves_no_threads_of_openmp_behind():
    child = start(
        """
        diglot.set_num_threads(2)
        kernels.matmul(big, big)
        print("ready", flush=True)
        while True: kernels.matmul(big, big)
        """
    )
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGKILL)
    assert ended(child)[0] == -signal.SIGKILL
