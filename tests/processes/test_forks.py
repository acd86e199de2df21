"""fork, spawn and forkserver, from a parent whose kernels have run on several threads."""

import pytest
from children import ended, needs_fork, needs_kernels, run, start_file

pytestmark = [needs_kernels, needs_fork]

# A child that hangs is ended by its alarm, with a status that no test expects.
CHILD = """
    import signal
    def in_child(work):
        child = os.fork()
        if child == 0:
            signal.alarm(120)
            os._exit(work())
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def test_a_child_begins_with_one_thread_may_have_more_and_gets_the_same_bits():
    code = (
        CHILD
        + """
    diglot.set_num_threads(2)
    expected = kernels.matmul(big, big)
    def work():
        one = diglot.get_num_threads() == 1 and np.array_equal(kernels.matmul(big, big), expected)
        diglot.set_num_threads(2)
        two = np.array_equal(kernels.matmul(big, big), expected)
        return 10 * one + two
    print([in_child(work) for _ in range(5)], np.array_equal(kernels.matmul(big, big), expected))
    """
    )
    assert run(code) == "[11, 11, 11, 11, 11] True"


def test_a_grandchild_too():
    code = (
        CHILD
        + """
    diglot.set_num_threads(2)
    kernels.matmul(big, big)
    def work():
        diglot.set_num_threads(2)
        kernels.matmul(big, big)
        return in_child(lambda: 5 if diglot.get_num_threads() == 1 and inner() else 6)
    def inner():
        diglot.set_num_threads(2)
        return kernels.matmul(big, big).shape == (300, 300)
    print(in_child(work))
    """
    )
    assert run(code) == "5"


def test_a_with_block_around_the_fork_gives_the_child_no_thread_back():
    code = (
        CHILD
        + """
    diglot.set_num_threads(2)
    def left():
        with diglot.num_threads(3):
            child = os.fork()
        if child == 0: os._exit(diglot.get_num_threads())
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    def of_its_own():
        diglot.set_num_threads(2)
        with diglot.num_threads(1): pass
        return diglot.get_num_threads()
    print(left(), in_child(of_its_own), diglot.get_num_threads())
    """
    )
    assert run(code) == "1 2 2"


def test_a_thread_that_forks_and_ends_lets_the_child_end():
    code = """
    diglot.set_num_threads(2)
    def work():
        kernels.matmul(big, big)  # the thread has a team of its own
        child = os.fork()
        if child == 0:
            kernels.matmul(big, big)
            return
        results.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    results = []
    thread = threading.Thread(target=work); thread.start(); thread.join()
    print(results)
    """
    assert run(code) == "[0]"


def test_forks_while_other_threads_are_in_kernels():
    # Whatever those threads held at the moment of the fork stays held in the child: the lock of the
    # pool of memory, the C library's, OpenMP's. 60 children compute, and train.
    code = (
        CHILD
        + """
    diglot.set_num_threads(2)
    kernels.matmul(big, big)
    expected = kernels.relu_forward(big)
    over = threading.Event()
    def compute():
        while not over.is_set():
            kernels.relu_forward(big); kernels.matmul(big, big)
    others = [threading.Thread(target=compute) for _ in range(4)]
    for t in others: t.start()
    def work():
        for _ in range(5):
            kernels.matmul(big, big)
            if not np.array_equal(kernels.relu_forward(big), expected): return 1
        diglot.set_num_threads(2)
        kernels.matmul(big, big)
        return 0
    def fork_in_a_thread():
        results.extend(in_child(work) for _ in range(15))
    results = []
    forking = [threading.Thread(target=fork_in_a_thread) for _ in range(3)]
    for t in forking: t.start()
    results.extend(in_child(work) for _ in range(15))
    for t in forking: t.join()
    over.set()
    for t in others: t.join()
    print(set(results), len(results))
    """
    )
    assert run(code) == "{0} 60"


def test_forks_leave_the_parents_team_as_large_as_it_was():
    code = (
        CHILD
        + """
    diglot.set_num_threads(3)
    kernels.matmul(big, big)
    before = len(os.listdir("/proc/self/task"))
    for _ in range(30):
        in_child(lambda: 0)
        kernels.matmul(big, big)
    print(len(os.listdir("/proc/self/task")) <= before)  # NumPy ends its own before a fork, too
    """
    )
    assert run(code) == "True"


def test_a_fork_in_the_middle_of_a_training_disturbs_neither():
    code = (
        CHILD
        + """
    diglot.set_num_threads(2)
    whole = trained()
    codes = []
    class Forks:
        def on_batch_end(self, fit):
            if fit.batch == 3:
                child = os.fork()
                if child == 0:
                    signal.alarm(120)
                    os._exit(7 if trained(epochs=1) else 8)
                codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    network = net()
    trainer = diglot.Trainer(network, diglot.Adam(lr=0.01))
    trainer.fit(x, y, epochs=2, batch_size=32, seed=1, progress=False, callbacks=[Forks()])
    print(codes, b"".join(p.tobytes() for p in network.parameters().values()) == whole)
    """
    )
    assert run(code) == "[7, 7] True"


def test_a_child_that_becomes_another_program():
    code = """
    import subprocess
    diglot.set_num_threads(2)
    kernels.matmul(big, big)
    done = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True)
    forked = subprocess.run(  # a function before exec: a real fork
        [sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True,
        preexec_fn=lambda: kernels.matmul(big, big))
    kernels.matmul(big, big)
    print(done.stdout.strip(), forked.stdout.strip())
    """
    assert run(code) == "42 42"


# multiprocessing's spawn and forkserver import a main module: a file.
POOLS = """
import concurrent.futures, hashlib, multiprocessing, sys
import numpy as np
import diglot
from diglot import kernels

def work(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((200, 30)).astype(np.float32), rng.integers(0, 5, 200)
    layers = [diglot.Dense(300, activation=diglot.Tanh), diglot.Dense(5)]
    network = diglot.NeuralNetwork(layers, loss=diglot.SoftmaxCrossEntropy(), seed=seed)
    trainer = diglot.Trainer(network, diglot.Adam(lr=0.01))
    trainer.fit(x, y, epochs=2, batch_size=50, seed=seed, progress=False)
    data = b"".join(p.tobytes() for p in network.parameters().values())
    return hashlib.sha256(data).hexdigest()

def predict(task):
    network, x = task
    return network.predict(x)

def threaded(seed):
    diglot.set_num_threads(2)
    return work(seed), diglot.get_num_threads()

def nested(method):
    context = multiprocessing.get_context(method)
    # A pool's workers may have no children of their own, an executor's may.
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as inner:
        return list(inner.map(work, range(2)))

if __name__ == "__main__":
    method = sys.argv[1]
    diglot.set_num_threads(2)
    expected = [work(seed) for seed in range(4)]
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        assert pool.map(work, range(4)) == expected
        assert pool.map(threaded, range(4)) == [(each, 2) for each in expected]
        network = diglot.NeuralNetwork([diglot.Dense(3)], loss="MeanSquaredError", seed=1)
        x = np.ones((5, 4), np.float32)
        expected_y = network.predict(x)
        for y in pool.map(predict, [(network, x)] * 4):  # a network travels by pickle
            assert np.array_equal(y, expected_y)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        assert list(executor.map(work, range(4))) == expected
        assert executor.submit(nested, method).result() == expected[:2]
    assert work(0) == expected[0]
    print("the same bits")
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_of_workers_train_networks(method, tmp_path):
    path = tmp_path / "pools.py"
    path.write_text(POOLS)
    assert ended(start_file(path, method)) == (0, "the same bits\n", "")
