"""Is the reference itself right? It is judged by naive loops, finite differences and known values.

PyTorch's opinion is in test_against_torch.py.
"""

import math

import naive
import numpy as np
import pytest

from diglot.kernels import reference
from diglot.kernels.cases import CASES
from diglot.kernels.gradients import GRADIENTS
from diglot.kernels.reference.dropout import philox4x32
from diglot.kernels.reference.windows import pair
from diglot.kernels.tolerance import call, largest_difference, truth
from diglot.verify import gradient_checks


def every(*kernels, accept=lambda arguments: True):
    return [
        pytest.param(kernel, case, id=f"{kernel}-{case.name}")
        for kernel in kernels
        for case in CASES[kernel]
        if accept(case.arguments(np.float64))
    ]


def is_small(arguments):
    """Loops over scalars take their time."""
    return sum(a.size for a in arguments.values() if isinstance(a, np.ndarray)) <= 1500


def is_finite(arguments):
    arrays = [a for a in arguments.values() if isinstance(a, np.ndarray)]
    return is_small(arguments) and all(np.isfinite(array).all() for array in arrays)


def assert_close(actual, expected, scale=0.0):
    assert actual.shape == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13 * scale)


# ---- the book's loops ----------------------------------------------------------------------------


@pytest.mark.parametrize(("kernel", "case"), every("matmul", accept=is_finite))
def test_matmul_is_three_loops(kernel, case):
    a = case.arguments(np.float64)
    y = reference.matmul(**a)
    left = a["a"].swapaxes(-1, -2) if a["transpose_a"] else a["a"]
    right = a["b"].swapaxes(-1, -2) if a["transpose_b"] else a["b"]
    scale = abs(a["a"]).max(initial=0) * abs(a["b"]).max(initial=0)
    for stack in np.ndindex(*y.shape[:-2]):
        assert_close(y[stack], naive.matmul(left[stack], right[stack]), scale)


@pytest.mark.parametrize(("kernel", "case"), every("conv2d_forward", accept=is_finite))
def test_conv2d_is_seven_loops(kernel, case, rng):
    a = case.arguments(np.float64)
    y = reference.conv2d_forward(**a)
    dy = rng.standard_normal(y.shape)
    x, w, b = (a.pop(name) for name in "xwb")
    b = np.zeros(len(w)) if b is None else b
    dx = reference.conv2d_backward_input(dy, w, input_size=x.shape[2:], **a)
    dw, db = reference.conv2d_backward_weight(dy, x, kernel_size=w.shape[2:], **a)
    stride, padding, dilation = a.get("stride", 1), a.get("padding", 0), a.get("dilation", 1)
    expected = naive.conv2d(
        x, w, b, dy, pair(stride), pair(padding), pair(dilation), a.get("groups", 1)
    )
    for actual, wanted in zip((y, dx, dw, db), expected, strict=True):
        assert_close(actual, wanted, abs(wanted).max(initial=0))


@pytest.mark.parametrize(("kernel", "case"), every("max_pool2d_forward", accept=is_small))
def test_max_pool2d_takes_the_first_largest_pixel(kernel, case, rng):
    a = case.arguments(np.float64)  # with NaN and infinities: Python's floats know them
    y, indices = reference.max_pool2d_forward(**a)
    dy = rng.standard_normal(y.shape)
    size, stride = pair(a["kernel_size"]), pair(a["stride"] or a["kernel_size"])
    expected = naive.max_pool2d(a["x"], dy, size, stride, pair(a["padding"]))
    dx = reference.max_pool2d_backward(dy, indices, input_size=a["x"].shape[2:])
    np.testing.assert_array_equal(y, expected[0])
    np.testing.assert_array_equal(indices, expected[1])
    assert_close(dx, expected[2], 1)


@pytest.mark.parametrize(("kernel", "case"), every("avg_pool2d_forward", accept=is_finite))
def test_avg_pool2d_takes_the_mean(kernel, case, rng):
    a = case.arguments(np.float64)
    x = a.pop("x")
    y = reference.avg_pool2d_forward(x, **a)
    dy = rng.standard_normal(y.shape)
    dx = reference.avg_pool2d_backward(dy, input_size=x.shape[2:], **a)
    size, stride = pair(a["kernel_size"]), pair(a["stride"] or a["kernel_size"])
    expected_y, expected_dx = naive.avg_pool2d(x, dy, size, stride, pair(a["padding"]))
    assert_close(y, expected_y, abs(x).max(initial=0))
    assert_close(dx, expected_dx, 1)


SCALAR_FUNCTIONS = {
    "sigmoid_forward": lambda x: 1 / (1 + math.exp(-x)) if x > -700 else 0.0,
    "tanh_forward": math.tanh,
    "relu_forward": lambda x: x if x > 0 else 0.0,
    "leaky_relu_forward": lambda x, negative_slope=0.01: x if x > 0 else negative_slope * x,
    "gelu_forward": lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
}


@pytest.mark.parametrize(("kernel", "case"), every(*SCALAR_FUNCTIONS, accept=is_finite))
def test_an_activation_is_its_formula(kernel, case):
    a = case.arguments(np.float64)
    y = getattr(reference, kernel)(**a)
    x = a.pop("x")
    expected = [SCALAR_FUNCTIONS[kernel](value, **a) for value in x.ravel().tolist()]
    np.testing.assert_allclose(y, np.reshape(expected, x.shape), rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (2, 3, 4)])
def test_softmax_is_a_share_of_exponentials(shape, rng):
    x = rng.standard_normal(shape)
    y = reference.softmax_forward(x)
    for row in np.ndindex(*shape[:-1]):
        assert_close(y[row], naive.softmax(x[row]))


@pytest.mark.parametrize("labels_dtype", ["int64", "int32", "uint8", "int8", "uint64"])
def test_cross_entropy_is_the_mean_of_minus_log_p(labels_dtype, rng):
    logits, labels = rng.standard_normal((7, 4)), rng.integers(0, 4, 7).astype(labels_dtype)
    loss, probabilities = reference.softmax_cross_entropy_forward(logits, labels)
    assert isinstance(loss, float)
    assert loss == pytest.approx(naive.cross_entropy(logits, labels), rel=1e-13)
    assert_close(probabilities, [naive.softmax(row) for row in logits])


@pytest.mark.parametrize(("seed", "rate"), [(0, 0.5), (7, 0.2), (2**32 + 5, 0.9), (2**64 - 1, 0.3)])
def test_dropout_draws_word_i_for_element_i(seed, rate, rng):
    x = rng.standard_normal((3, 11))
    y, mask = reference.dropout_forward(x, rate=rate, seed=seed)
    words = [naive.philox_word(seed, i) for i in range(x.size)]
    expected = np.reshape([word >= math.floor(rate * 2**32) for word in words], x.shape)
    np.testing.assert_array_equal(mask, expected)
    assert mask.dtype == bool
    assert_close(y, np.where(expected, x / (1 - rate), 0))


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000",
         "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
         "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
         "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)  # fmt: skip
def test_philox_gives_the_published_words(counter, key, words):
    # The known-answer vectors of Random123, the authors' own library.
    counter, key, words = (
        [int(word, 16) for word in text.split()] for text in (counter, key, words)
    )
    assert philox4x32(np.array([counter], np.uint64), tuple(key)).tolist() == [words]


def test_dropout_keeps_the_stated_share_and_the_mean():
    y, mask = reference.dropout_forward(np.ones(200_000), rate=0.3, seed=11)
    assert mask.mean() == pytest.approx(0.7, abs=0.005)
    assert y.mean() == pytest.approx(1.0, abs=0.01)


def test_dropout_of_nothing_is_the_identity(rng):
    x = rng.standard_normal(100)
    y, mask = reference.dropout_forward(x, rate=0.0, seed=3)
    np.testing.assert_array_equal(y, x)
    assert mask.all()


@pytest.mark.parametrize(("kernel", "case"), every(*naive.OPTIMIZERS, accept=is_finite))
def test_an_optimizer_is_its_formula(kernel, case):
    a = case.arguments(np.float64)
    arrays = {name: value for name, value in a.items() if isinstance(value, np.ndarray)}
    settings = {name: value for name, value in a.items() if name not in arrays}
    actual = call(getattr(reference, kernel), a, case.calls)
    for i in np.ndindex(a["param"].shape):
        scalars = {name: float(value[i]) for name, value in arrays.items()}
        for steps_before in range(case.calls):
            if "step" in a:
                settings["step"] = a["step"] + steps_before
            scalars |= naive.OPTIMIZERS[kernel](**scalars, **settings)
        for name, value in actual.items():
            assert value[i] == pytest.approx(scalars[name], rel=1e-11, abs=1e-14), name


# ---- finite differences --------------------------------------------------------------------------


def test_every_backward_kernel_is_judged_by_finite_differences():
    assert set(GRADIENTS) == {name for name in reference.__all__ if "_backward" in name}
    for rule in GRADIENTS.values():
        assert any(case.smooth for case in CASES[rule.forward]), rule.forward


@pytest.mark.parametrize(
    ("kernel", "case"),
    [
        pytest.param(kernel, case, id=f"{kernel}-{case.name}")
        for kernel, rule in GRADIENTS.items()
        for case in CASES[rule.forward]
        if case.smooth
    ],
)
def test_a_gradient_agrees_with_finite_differences(kernel, case):
    for check in gradient_checks(kernel, case):
        assert check.passed, str(check)


def test_the_gradient_of_matmul_is_two_transposed_products(rng):
    # The operation's backward pass has no kernel of its own.
    a, b, dy = (rng.standard_normal(shape) for shape in [(4, 3), (3, 5), (4, 5)])
    eps = 1e-6
    da = reference.matmul(dy, b, transpose_b=True)
    db = reference.matmul(a, dy, transpose_a=True)
    for array, gradient in ((a, da), (b, db)):
        for i in np.ndindex(array.shape):
            step = np.zeros_like(array)
            step[i] = eps
            sides = [
                (
                    dy * (reference.matmul(a + s, b) if array is a else reference.matmul(a, b + s))
                ).sum()
                for s in (step, -step)
            ]
            assert gradient[i] == pytest.approx((sides[0] - sides[1]) / (2 * eps), rel=1e-6)


# ---- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", CASES)
def test_float32_stays_float32_and_agrees_with_float64(kernel):
    for case in CASES[kernel]:
        arguments = case.arguments(np.float32)
        actual = call(getattr(reference, kernel), arguments, case.calls)
        worst = largest_difference(actual, truth(kernel, case, arguments, np.dtype(np.float32)))
        assert worst.units <= 1, f"{case.name}: {worst}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_on_the_way_to_a_finite_result(dtype):
    x = np.array([-1e30, -1e4, -100, 0, 100, 1e4, 1e30], dtype)
    np.testing.assert_allclose(reference.sigmoid_forward(x)[[0, 1, 3, 5, 6]], [0, 0, 0.5, 1, 1])
    np.testing.assert_array_equal(reference.tanh_forward(x)[[0, 6]], [-1, 1])
    np.testing.assert_array_equal(reference.gelu_forward(x)[[0, 3, 6]], [0, 0, x[6]])
    np.testing.assert_array_equal(reference.softmax_forward(x), [0, 0, 0, 0, 0, 0, 1])
    loss, _ = reference.softmax_cross_entropy_forward(x[None, 1:6], np.array([0]))
    assert loss == 2e4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_and_nan_follow_the_formulas(dtype):
    inf, nan = np.inf, np.nan
    x = np.array([nan, inf, -inf, 1.0], dtype)
    expected = {
        "sigmoid_forward": [nan, 1, 0],
        "tanh_forward": [nan, 1, -1],
        "relu_forward": [nan, inf, 0],
        "leaky_relu_forward": [nan, inf, -inf],
        "gelu_forward": [nan, inf, nan],  # -inf times 0
    }
    for kernel, values in expected.items():
        np.testing.assert_array_equal(getattr(reference, kernel)(x)[:3], values, err_msg=kernel)
    assert np.isnan(reference.softmax_forward(x)).all()
    np.testing.assert_array_equal(
        reference.softmax_forward(np.array([-inf, 0, 0], dtype)), np.array([0, 0.5, 0.5], dtype)
    )
    # Where the output is NaN the gradient passes, as in PyTorch.
    dy = np.array([2.0, 2.0, 2.0, 2.0], dtype)
    y = np.array([nan, inf, 0.0, -1.0], dtype)
    np.testing.assert_array_equal(reference.relu_backward(dy, y), [2, 2, 0, 0])
    # A dropped infinity is inf * 0.
    y, mask = reference.dropout_forward(np.full(64, inf, dtype), rate=0.5, seed=1)
    assert np.isnan(y[~mask]).all()
    assert (y[mask] == inf).all()


def test_a_window_of_minus_infinity_names_its_first_pixel_inside_the_image():
    y, indices = reference.max_pool2d_forward(
        np.full((1, 1, 3, 3), -np.inf), kernel_size=2, stride=2, padding=1
    )
    assert (y == -np.inf).all()
    np.testing.assert_array_equal(indices[0, 0], [[0, 1], [3, 4]])
