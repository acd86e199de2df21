"""No memory to be had: an error that says so. No thread to be had: one computes. Never an abort."""

import os
import sys

import numpy as np
import pytest
from children import needs_kernels, needs_proc, run

import diglot

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits as Linux's")

# glibc keeps freed memory for later, and has reserved some for each thread; so set, every large
# block comes from the system, and may fail.
FROM_THE_SYSTEM = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "32768",
    "MALLOC_TRIM_THRESHOLD_": "0",
}

# What each family computes, on large arrays.
LIMITED = """
    import resource
    N = np.float32
    def some(*shape): return np.random.default_rng(len(shape)).standard_normal(shape).astype(N)
    images, filters, maps = some(16, 32, 64, 64), some(32, 32, 3, 3), some(16, 32, 64, 64)
    wide = some(32, 32, 5, 5)
    halves = some(16, 32, 32, 32)
    rows, labels = some(20_000, 100), np.arange(20_000) % 100
    steps, h, w_x = some(64, 50, 64), some(64, 128), {g: some(64, g * 128) for g in (1, 3, 4)}
    w_h = {g: some(128, g * 128) for g in (1, 3, 4)}
    b = {g: some(g * 128) for g in (1, 3, 4)}
    dys = some(64, 50, 128)
    k = build
    column, row = some(3000, 1), some(1, 3000)
    tokens = np.arange(40_000) % 500
    probabilities = k.softmax_cross_entropy_forward(rows, labels)[1]
    indices = k.max_pool2d_forward(images, kernel_size=2)[1]
    rnn = k.rnn_forward(steps, h, w_x[1], w_h[1], b[1])[-1]
    gru = k.gru_forward(steps, h, w_x[3], w_h[3], b[3], b[3])[-1]
    lstm = k.lstm_forward(steps, h, h, w_x[4], w_h[4], b[4])[-1]
    mask = k.dropout_forward(rows, rate=0.5, seed=1)[1]
    CALLS = {
        "matmul": lambda: k.matmul(column, row),
        "matmul, strided": lambda: k.matmul(rows[:, ::2], rows[:50, ::2], transpose_b=True),
        "dense_forward": lambda: k.dense_forward(column, row, some(3000)),
        "dense_backward_weight": lambda: k.dense_backward_weight(row, some(1, 3000)),
        "conv2d_forward": lambda: k.conv2d_forward(images, filters, padding=1),
        "conv2d_forward 5": lambda: k.conv2d_forward(images, wide, padding=2),
        "conv2d_backward_input": lambda: k.conv2d_backward_input(
            maps, wide, input_size=(64, 64), padding=2),
        "conv2d_backward_weight": lambda: k.conv2d_backward_weight(
            maps, images, kernel_size=3, padding=1),
        "max_pool2d_forward": lambda: k.max_pool2d_forward(images, kernel_size=2),
        "max_pool2d_backward": lambda: k.max_pool2d_backward(halves, indices, input_size=(64, 64)),
        "avg_pool2d_forward": lambda: k.avg_pool2d_forward(images, kernel_size=2),
        "avg_pool2d_backward": lambda: k.avg_pool2d_backward(
            halves, input_size=(64, 64), kernel_size=2),
        "tanh_forward": lambda: k.tanh_forward(images),
        "gelu_backward": lambda: k.gelu_backward(images, maps),
        "softmax_forward": lambda: k.softmax_forward(rows),
        "softmax_cross_entropy_forward": lambda: k.softmax_cross_entropy_forward(rows, labels),
        "softmax_cross_entropy_backward": lambda: k.softmax_cross_entropy_backward(
            probabilities, labels),
        "rnn_forward": lambda: k.rnn_forward(steps, h, w_x[1], w_h[1], b[1]),
        "rnn_backward": lambda: k.rnn_backward(dys, h, steps, h, w_x[1], w_h[1], rnn),
        "gru_forward": lambda: k.gru_forward(steps, h, w_x[3], w_h[3], b[3], b[3]),
        "gru_backward": lambda: k.gru_backward(dys, h, steps, h, w_x[3], w_h[3], gru),
        "lstm_forward": lambda: k.lstm_forward(steps, h, h, w_x[4], w_h[4], b[4]),
        "lstm_backward": lambda: k.lstm_backward(
            dys, h, h, steps, h, h, w_x[4], w_h[4], lstm),
        "embedding_forward": lambda: k.embedding_forward(tokens, rows[:500]),
        "embedding_backward": lambda: k.embedding_backward(
            rows, labels, vocabulary_size=100_000),
        "dropout_forward": lambda: k.dropout_forward(rows, rate=0.5, seed=1),
        "dropout_backward": lambda: k.dropout_backward(rows, mask, rate=0.5),
    }

    def flat(result):
        if isinstance(result, tuple): return b"".join(map(flat, result))
        return np.asarray(result).tobytes()

    def digest(result):
        import zlib
        return zlib.crc32(flat(result))

    def size():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmSize"))

    def give_back_idle_memory():
        try:
            k.matmul(np.ones((1 << 22, 1), N), np.ones((1, 1 << 22), N))
        except MemoryError: pass

    whole = resource.getrlimit(resource.RLIMIT_AS)
    def limited(call, room):
        give_back_idle_memory()
        resource.setrlimit(resource.RLIMIT_AS, (size() + room, whole[1]))
        try:
            return call()
        finally:
            resource.setrlimit(resource.RLIMIT_AS, whole)
"""


@needs_linux
@needs_kernels
@pytest.mark.parametrize("threads", [1, 2])
def test_every_family_fails_with_a_memory_error_or_gives_the_right_bits(threads):
    code = f"""
    diglot.set_num_threads({threads})
    failures = {{}}
    for name, call in CALLS.items():
        expected = digest(call())
        failures[name] = 0
        for room in (0, 1 << 18, 1 << 20, 3 << 20, 10 << 20, 40 << 20, 1 << 30):
            before = k._block_counts()["in_use"]
            try:
                result = limited(call, room)
            except MemoryError as error:
                failures[name] += 1
                text = str(error)
                assert "bytes" in text or "allocate" in text, (name, text)
                del error
            else:
                assert digest(result) == expected, (name, room)
                del result
            assert k._block_counts()["in_use"] == before, name
        assert digest(call()) == expected, name  # and the process goes on
    print([name for name, count in failures.items() if count == 0])
    """
    assert run(LIMITED, code, **FROM_THE_SYSTEM) == "[]"


@needs_linux
@needs_kernels
def test_the_message_says_how_much_was_asked_for():
    code = """
    try: limited(lambda: k.matmul(column, row), 1 << 20)
    except MemoryError as error: print(error)
    """
    assert run(LIMITED, code, **FROM_THE_SYSTEM) == (
        "36000000 bytes (34.3 MiB) for results or scratch memory of a kernel could not be had; "
        "smaller batches or arrays need less"
    )


@needs_linux
@needs_kernels
def test_a_training_that_runs_out_of_memory_can_go_on_with_smaller_batches():
    code = """
    x, y = some(4000, 1, 28, 28), np.arange(4000) % 10
    layers = [diglot.Conv2D(32, kernel_size=5, padding="same", activation=diglot.Tanh),
              diglot.Flatten(), diglot.Dense(10)]
    network = diglot.NeuralNetwork(layers, loss=diglot.SoftmaxCrossEntropy(), seed=1)
    network.setup((1, 28, 28))
    before = {name: p.copy() for name, p in network.parameters().items()}
    trainer = diglot.Trainer(network, diglot.Adam(lr=0.01))
    def fit(batch, n):
        trainer.fit(x[:n], y[:n], epochs=1, batch_size=batch, shuffle=False, progress=False)
    try:
        limited(lambda: fit(4000, 4000), 1 << 24)
    except MemoryError:
        same = all(np.array_equal(before[n], p) for n, p in network.parameters().items())
        print("memory error", same, trainer.steps)
    fit(50, 200)
    print(trainer.steps, np.isfinite(trainer.history.loss).all())
    """
    assert run(LIMITED, code, **FROM_THE_SYSTEM) == "memory error True 0\n4 True"


@pytest.mark.parametrize(
    "make", [diglot.SGDMomentum, diglot.AdaGrad, diglot.RMSProp, diglot.Adam, diglot.AdamW]
)
def test_a_step_for_which_there_is_no_memory_changes_nothing(make, monkeypatch, rng):
    # Two large parameters: the memory of the first is to be had, that of the second is not.
    shape = (200, 100)
    params = {name: rng.standard_normal(shape).astype(np.float32) for name in ("a", "b")}
    grads = {name: rng.standard_normal(shape).astype(np.float32) for name in params}
    before = {name: p.copy() for name, p in params.items()}
    optimizer, other = make(lr=0.1), make(lr=0.1)
    zeros, left = np.zeros, [1]

    def few_zeros(*arguments, **settings):
        if left[0] == 0:
            raise MemoryError("no more zeros")
        left[0] -= 1
        return zeros(*arguments, **settings)

    monkeypatch.setattr(np, "zeros", few_zeros)
    with pytest.raises(MemoryError):
        optimizer.step(params, grads)
    monkeypatch.undo()
    assert all(np.array_equal(before[name], param) for name, param in params.items())
    assert optimizer.state()["steps"] == 0
    optimizer.step(params, grads)  # and it is the first step
    other.step(before, grads)
    assert all(np.array_equal(before[name], param) for name, param in params.items())


def test_another_networks_memory_is_refused_before_anything_is_changed(rng):
    def arrays(width):
        made = {"a": rng.standard_normal((50, 4)), "b": rng.standard_normal((4, width))}
        return {name: array.astype(np.float32) for name, array in made.items()}

    optimizer = diglot.Adam(lr=0.1)
    optimizer.step(arrays(3), arrays(3))
    params = arrays(5)
    before = {name: p.copy() for name, p in params.items()}
    with pytest.raises(diglot.ShapeError, match="another network"):
        optimizer.step(params, arrays(5))
    assert all(np.array_equal(before[name], param) for name, param in params.items())


NO_THREADS = """
    import resource
    diglot.set_num_threads(1)
    expected = kernels.matmul(big, big)
    diglot.set_num_threads(3)
    whole = resource.getrlimit(resource.RLIMIT_AS)
    def lower():
        resource.setrlimit(resource.RLIMIT_AS, (size() + (4 << 20), whole[1]))  # no room for stacks
    def size():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmSize"))
"""


@needs_linux
@needs_kernels
def test_where_there_is_no_room_for_threads_one_computes():
    code = """
    lower()
    same = [np.array_equal(kernels.matmul(big, big), expected) for _ in range(3)]
    lone = build._lone_runs()
    resource.setrlimit(resource.RLIMIT_AS, whole)
    same.append(np.array_equal(kernels.matmul(big, big), expected))
    print(same, lone, build._lone_runs())
    """
    assert run(NO_THREADS, code, **FROM_THE_SYSTEM) == "[True, True, True, True] 3 3"


@needs_linux
@needs_kernels
@needs_proc
def test_where_a_user_may_start_no_more_threads_one_computes():
    nobody = 65534
    drop = f"os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})" if os.getuid() == 0 else ""
    code = f"""
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    {drop}
    same = np.array_equal(kernels.matmul(big, big), expected)
    print(same, build._lone_runs())
    """
    assert run(NO_THREADS, code, **FROM_THE_SYSTEM) == "True 1"
