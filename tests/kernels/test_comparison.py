"""Can the comparison fail? Every mistake here has to be found by the case table."""

import numpy as np
import pytest

from diglot.kernels import reference
from diglot.kernels.cases import CASES
from diglot.kernels.tolerance import SCALES, call, largest_difference, truth

DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]


def without(kernel, **changes):
    """The kernel, deaf to some of its settings."""

    def wrong(**arguments):
        return kernel(**arguments | {k: v for k, v in changes.items() if k in arguments})

    return wrong


def conv_of_the_first_group_only(x, w, b=None, *, groups=1, **settings):
    C = w.shape[1]
    return reference.conv2d_forward(x[:, :C], w, b, **settings)


def book_weight_gradient(dy, x, **settings):
    """Erratum E1: the rows of one factor in another order, right for a single image only."""
    return reference.conv2d_backward_weight(dy[::-1], x, **settings)


def book_input_gradient(dy, w, **settings):
    """Erratum E2: the filter as it is, not turned round."""
    return reference.conv2d_backward_input(dy, w[:, :, ::-1, ::-1], **settings)


def last_maximum(x, **settings):
    """Of equal pixels the last one wins."""
    y, indices = reference.max_pool2d_forward(x[:, :, ::-1, ::-1], **settings)
    last_pixel = np.int32(x.shape[2] * x.shape[3] - 1)
    return y[:, :, ::-1, ::-1], last_pixel - indices[:, :, ::-1, ::-1]


def mean_of_the_pixels_inside(x, **settings):
    ones = reference.avg_pool2d_forward(np.ones_like(x), **settings)
    return reference.avg_pool2d_forward(x, **settings) / ones


def flushed(kernel):
    """A kernel in a process where subnormal numbers became zero."""

    def wrong(**arguments):
        y = kernel(**arguments)
        return np.where(np.abs(y) < np.finfo(y.dtype).smallest_normal, y.dtype.type(0), y)

    return wrong


def in_lower_precision(kernel):
    def wrong(**arguments):
        y = kernel(**arguments)
        with np.errstate(all="ignore"):
            lower = np.float16 if y.dtype == np.float32 else np.float32
            return y.astype(lower).astype(y.dtype)

    return wrong


def overlapping_writes_win(dy, indices, *, input_size):
    N, C = dy.shape[:2]
    dx = np.zeros((N, C, input_size[0] * input_size[1]), dy.dtype)
    np.put_along_axis(dx, indices.reshape(N, C, -1), dy.reshape(N, C, -1), axis=2)
    return dx.reshape(N, C, *input_size)


def unshifted_softmax(x):
    with np.errstate(all="ignore"):
        z = np.exp(x)
        return z / z.sum(axis=-1, keepdims=True)


def unshifted_cross_entropy(logits, labels):
    p = unshifted_softmax(logits)
    with np.errstate(all="ignore"):
        return float(-np.log(p[np.arange(len(labels)), labels]).mean(dtype=np.float64)), p


def momentum_of_the_old_velocity(param, grad, velocity, *, lr, momentum, **settings):
    param -= momentum * velocity
    reference.sgd_momentum_inplace(
        param.copy(), grad, velocity, lr=lr, momentum=momentum, **settings
    )


def book_adagrad(param, grad, sum_squares, *, lr, eps=1e-10, weight_decay=0.0):
    """Erratum E14: eps is added to the running sum."""
    g = grad + weight_decay * param
    sum_squares += g * g + 1e-7
    param -= lr * g / np.sqrt(sum_squares)


def forgetful(kernel):
    """A network whose steps do not know of each other."""

    def wrong(**arguments):
        return kernel(**arguments | {"w_h": np.zeros_like(arguments["w_h"])})

    return wrong


def of_other_gates(kernel, count):
    """The gates in reverse order."""

    def wrong(**arguments):
        w_x = np.concatenate(np.split(arguments["w_x"], count, axis=1)[::-1], axis=1)
        return kernel(**arguments | {"w_x": w_x})

    return wrong


def last_token_wins(dy, tokens, *, vocabulary_size):
    dw = np.zeros((vocabulary_size, dy.shape[-1]), dy.dtype)
    dw[tokens] = dy
    return dw


MUTANTS = {
    "matmul": [
        without(reference.matmul, transpose_b=False),
        in_lower_precision(reference.matmul),
        flushed(reference.matmul),
    ],
    "dense_forward": [
        without(reference.dense_forward, b=None),
        in_lower_precision(reference.dense_forward),
        flushed(reference.dense_forward),
    ],
    "dense_backward_weight": [
        lambda dy, x: (x.T @ dy[::-1], dy.sum(axis=0)),
        lambda dy, x: (x.T @ dy, dy.mean(axis=0)),
    ],
    "conv2d_forward": [
        without(reference.conv2d_forward, b=None),
        without(reference.conv2d_forward, padding=0),
        without(reference.conv2d_forward, stride=1),
        without(reference.conv2d_forward, dilation=1),
        conv_of_the_first_group_only,
        flushed(reference.conv2d_forward),
    ],
    "conv2d_backward_input": [book_input_gradient],
    "conv2d_backward_weight": [book_weight_gradient],
    "max_pool2d_forward": [without(reference.max_pool2d_forward, padding=0), last_maximum],
    "max_pool2d_backward": [overlapping_writes_win],
    "avg_pool2d_forward": [mean_of_the_pixels_inside],
    "avg_pool2d_backward": [without(reference.avg_pool2d_backward, stride=None)],
    "rnn_forward": [
        forgetful(reference.rnn_forward),
        without(reference.rnn_forward, activation="tanh"),
    ],
    "rnn_backward": [
        forgetful(reference.rnn_backward),
        without(reference.rnn_backward, activation="tanh"),
    ],
    "gru_forward": [
        forgetful(reference.gru_forward),
        without(reference.gru_forward, reset_after=True),
        of_other_gates(reference.gru_forward, 3),
    ],
    "gru_backward": [
        forgetful(reference.gru_backward),
        without(reference.gru_backward, reset_after=True),
        of_other_gates(reference.gru_backward, 3),
    ],
    "lstm_forward": [
        forgetful(reference.lstm_forward),
        of_other_gates(reference.lstm_forward, 4),
    ],
    "lstm_backward": [
        forgetful(reference.lstm_backward),
        of_other_gates(reference.lstm_backward, 4),
        lambda dc_n, **a: reference.lstm_backward(dc_n=0 * dc_n, **a),
    ],
    "embedding_forward": [lambda tokens, w: w[tokens[::-1]], flushed(reference.embedding_forward)],
    "embedding_backward": [last_token_wins],
    "sigmoid_forward": [
        lambda x: 1 / (1 + np.exp(-np.maximum(x, -20))),
        in_lower_precision(reference.sigmoid_forward),
    ],
    "sigmoid_backward": [lambda dy, y: dy * y],
    "tanh_forward": [in_lower_precision(reference.tanh_forward)],
    "tanh_backward": [lambda dy, y: dy * (1 - y)],
    "relu_forward": [lambda x: np.where(x > 0, x, x.dtype.type(0)), lambda x: abs(x)],
    "relu_backward": [lambda dy, y: np.where(y >= 0, dy, dy.dtype.type(0))],  # erratum E4
    "leaky_relu_forward": [without(reference.leaky_relu_forward, negative_slope=0.01)],
    "leaky_relu_backward": [without(reference.leaky_relu_backward, negative_slope=0.01)],
    "gelu_forward": [
        lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x))),
        in_lower_precision(reference.gelu_forward),
    ],
    "gelu_backward": [lambda dy, x: reference.gelu_backward(dy, abs(x))],
    "softmax_forward": [unshifted_softmax],
    "softmax_backward": [lambda dy, y: y * dy],
    "dropout_forward": [
        without(reference.dropout_forward, seed=6),
        without(reference.dropout_forward, rate=0.5),
    ],
    "dropout_backward": [lambda dy, mask, *, rate: dy * mask],
    "softmax_cross_entropy_forward": [unshifted_cross_entropy],
    "softmax_cross_entropy_backward": [
        lambda probabilities, labels: (
            len(labels) * reference.softmax_cross_entropy_backward(probabilities, labels)
        )
    ],
    "sgd_inplace": [without(reference.sgd_inplace, weight_decay=0.0)],
    "sgd_momentum_inplace": [
        without(reference.sgd_momentum_inplace, nesterov=False),
        momentum_of_the_old_velocity,
    ],
    "adagrad_inplace": [book_adagrad],
    "rmsprop_inplace": [without(reference.rmsprop_inplace, decay=0.99)],
    "adam_inplace": [
        without(reference.adam_inplace, decoupled=False),
        without(reference.adam_inplace, step=1),
        without(reference.adam_inplace, eps=1e-8),
    ],
}


def test_every_kernel_has_a_mutant():
    assert set(MUTANTS) == set(reference.__all__)
    assert set(SCALES) <= set(reference.__all__)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("name", "mutant"),
    [
        pytest.param(name, m, id=f"{name}-{i}")
        for name in MUTANTS
        for i, m in enumerate(MUTANTS[name])
    ],
)
@pytest.mark.filterwarnings("ignore")  # mutants need not be quiet
def test_a_wrong_kernel_is_found(name, mutant, dtype):
    found = []
    for case in CASES[name]:
        arguments = case.arguments(dtype)
        try:
            actual = call(mutant, arguments, case.calls)
            worst = largest_difference(actual, truth(name, case, arguments, dtype))
        except ValueError:  # of another shape
            found.append(case.name)
        else:
            found += [case.name] if worst.units > 1 else []
    assert found


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_one_wrong_element_is_found_and_named(name, dtype, rng):
    case = next((case for case in CASES[name] if case.smooth), CASES[name][0])
    arguments = case.arguments(dtype)
    expected = truth(name, case, arguments, dtype)
    right = call(getattr(reference, name), arguments, case.calls)
    for output, value in right.items():
        if value.dtype.kind != "f":
            continue
        index = tuple(int(rng.integers(n)) for n in value.shape)
        wrong = value.copy()
        wrong[index] += 4 * expected.tolerances[output][index] + 1e-6 * (1 + abs(value[index]))
        worst = largest_difference(right | {output: wrong}, expected)
        assert worst.units > 1
        assert (worst.output, worst.index) == (output, index)
        assert str(worst).startswith(output)


def test_special_numbers_are_told_apart():
    case = CASES["relu_forward"][2]
    assert case.arguments(np.float64)["x"].size == 1
    arguments = {"x": np.array([1.0])}
    for right in (1.0, np.nan, np.inf):
        expected = truth("relu_forward", case, {"x": np.array([right])}, np.dtype(np.float64))
        for wrong in (0.5, np.nan, np.inf, -np.inf):
            worst = largest_difference({"output": np.array([wrong])}, expected)
            assert (worst.units > 1) == (not np.array_equal(wrong, right, equal_nan=True))
    expected = truth("relu_forward", case, arguments, np.dtype(np.float64))
    with pytest.raises(ValueError, match=r"shape \(2,\) and dtype float64, expected \(1,\)"):
        largest_difference({"output": np.ones(2)}, expected)
    with pytest.raises(ValueError, match="dtype float32, expected"):
        largest_difference({"output": np.ones(1, np.float32)}, expected)
    with pytest.raises(ValueError, match="outputs are"):
        largest_difference({"output 0": np.ones(1), "output 1": np.ones(1)}, expected)
