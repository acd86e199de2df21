"""Many Python threads in the kernels, and in one network, at once."""

import copy
import sys
import threading

import numpy as np
import pytest
from children import at_once, needs_fork, needs_kernels, needs_proc, run

import diglot
from diglot import kernels
from diglot.kernels import native
from diglot.kernels.cases import CASES
from diglot.kernels.tolerance import call

MIB = 1 << 20


def outcome(name, arguments, calls):
    """What a kernel returned or changed, to the last bit."""
    outputs = call(getattr(kernels, name), arguments, calls)
    return {key: np.asarray(value).tobytes() for key, value in outputs.items()}


def most_cases(name):
    """Every case of a kernel, or twelve of many, small and large."""
    cases = list(CASES[name])
    return cases[:: -(-len(cases) // 12)]


@pytest.mark.parametrize("count", [1, 2])
def test_sixteen_threads_run_every_kernel_and_get_a_lone_threads_bits(count):
    work = [
        (name, case.arguments(np.float32), case.calls)
        for name in CASES
        for case in most_cases(name)
    ]
    expected = [outcome(*each) for each in work]

    def all_of_them(i):  # each thread begins somewhere else: different kernels meet
        for j in range(len(work)):
            place = (j + i * len(work) // 16) % len(work)
            assert outcome(*work[place]) == expected[place], work[place][0]

    with diglot.num_threads(count):
        at_once(all_of_them, 16)


def test_threads_that_write_into_their_outputs_do_not_meet():
    # Large outputs share a pool of memory (csrc/bindings/buffers.h): no two live ones may overlap.
    x = np.ones((300, 300), np.float32)

    def scribble(i):
        for _ in range(40):
            kept = [kernels.relu_forward(x) for _ in range(3)]
            for output in kept:
                assert (output == 1).all()
                output[...] = i
            assert all((output == i).all() for output in kept)

    at_once(scribble, 16)


@needs_kernels
def test_memory_kept_for_later_is_bounded_however_many_threads_come_and_go():
    build = native.load(kernels.available_builds()[0])

    def work(i):
        x = np.ones((i % 5 + 1) * MIB // 4, np.float32)
        for _ in range(5):
            build.relu_forward(x)

    for _ in range(3):
        at_once(work, 32)
    counts = build._block_counts()
    assert counts["idle"] <= min(256 * MIB, counts["most_in_use"])
    before = counts["in_use"]
    at_once(work, 32)
    assert build._block_counts()["in_use"] == before, "threads that ended hold memory"


@needs_kernels
@needs_proc
def test_a_thread_that_ends_takes_its_team_with_it():
    code = """
    build.set_num_threads(3)
    def tasks(): return len(os.listdir("/proc/self/task"))
    kernels.matmul(big, big)
    before = tasks()
    for _ in range(20):
        threads = [threading.Thread(target=kernels.matmul, args=(big, big)) for _ in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
    deadline = time.monotonic() + 30
    while tasks() > before and time.monotonic() < deadline: time.sleep(0.01)
    print(tasks() - before)
    """
    assert run(code) == "0"


def network(seed=1):
    layers = [diglot.Dense(30, activation=diglot.Tanh), diglot.Dropout(0.2), diglot.Dense(4)]
    return diglot.NeuralNetwork(layers, loss=diglot.SoftmaxCrossEntropy(), seed=seed)


@pytest.fixture
def data(rng):
    return rng.standard_normal((128, 20)).astype(np.float32), rng.integers(0, 4, 128)


def train(seed, data):
    one = network(seed)
    trainer = diglot.Trainer(one, diglot.Adam(lr=0.01))
    trainer.fit(*data, epochs=3, batch_size=16, seed=seed, progress=False)
    return b"".join(p.tobytes() for p in one.parameters().values())


def test_networks_trained_in_threads_are_those_trained_one_after_another(data):
    assert at_once(lambda i: train(i, data), 8) == [train(i, data) for i in range(8)]


@pytest.fixture
def often_switched():
    """Python's threads take turns every few bytecodes."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("often_switched")
def test_a_network_that_threads_share_predicts_for_each_its_own(rng):
    one = network()
    inputs = [rng.standard_normal((i + 1, 20)).astype(np.float32) for i in range(8)]
    same_shape = [rng.standard_normal((64, 20)).astype(np.float32) for _ in range(8)]
    expected = [one.predict(x) for x in inputs], [one.predict(x) for x in same_shape]

    def work(i):
        for _ in range(100):
            assert np.array_equal(one.predict(inputs[i]), expected[0][i])
            assert np.array_equal(one.predict(same_shape[i]), expected[1][i])

    at_once(work, 8)


def test_predictions_from_other_threads_do_not_disturb_gradients(data):
    one, alone = network(), network()
    x, y = data
    stop = threading.Event()
    wrong = []

    def predict():
        while not stop.is_set():
            if one.predict(x[:50]).shape != (50, 4):
                wrong.append("shape")

    one.setup((20,))
    threads = [threading.Thread(target=predict) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):  # one generator draws for dropout: only train_batch takes from it
            assert one.train_batch(x, y) == alone.train_batch(x, y)
            for name, grad in one.gradients().items():
                assert np.array_equal(grad, alone.gradients()[name]), name
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong


def test_backward_in_a_thread_that_has_not_run_forward_is_refused(data):
    one = network()
    output = one.forward(data[0])

    def backward(_):
        with pytest.raises(ValueError, match="nor does another thread"):
            one.backward(np.ones_like(output))

    at_once(backward, 1)
    one.backward(np.ones_like(output))


def test_a_copy_of_a_network_does_not_wait_for_the_other(data):
    one = network()
    one.predict(data[0])
    other = copy.deepcopy(one)
    with one._turns.lock:
        (prediction,) = at_once(lambda _: other.predict(data[0]), 1)
    assert np.array_equal(prediction, one.predict(data[0]))


@needs_kernels
@needs_fork
def test_a_child_forked_while_a_thread_is_in_a_network_can_use_it():
    code = """
    import signal
    network = net()
    network.predict(x)
    inside, done = threading.Event(), threading.Event()
    def hold():
        with network._turns.lock:
            inside.set(); done.wait()
    thread = threading.Thread(target=hold); thread.start(); inside.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        network.predict(x)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    done.set(); thread.join()
    print(os.waitstatus_to_exitcode(status))
    """
    assert run(code) == "0"


def test_a_backend_chosen_in_one_thread_is_not_anothers(data):
    names = {}
    chosen, looked = threading.Event(), threading.Event()

    def choose():
        with diglot.use_backend("reference"):
            chosen.set()
            looked.wait(30)
            names["inside"] = diglot.get_backend()

    before = diglot.get_backend()
    thread = threading.Thread(target=choose)
    thread.start()
    assert chosen.wait(30)
    names["outside"] = diglot.get_backend()
    looked.set()
    thread.join()
    assert names == {"inside": "reference", "outside": before}


def test_a_generator_that_threads_share_makes_valid_networks(rng):
    # Which thread draws what is a matter of chance; what is drawn is not lost or doubled.
    shared = np.random.default_rng(5)

    def make(_):
        one = diglot.NeuralNetwork([diglot.Dense(50)], loss="MeanSquaredError", seed=shared)
        one.setup((40,))
        return one.parameters()["0.weight"].tobytes()

    made = at_once(make, 8)
    again = np.random.default_rng(5)
    shared = again  # the same draws, one after another
    assert sorted(made) == sorted(make(i) for i in range(8))
