import copy
from typing import final

import numpy as np
import pytest

from diglot import layers, losses, operations
from diglot.errors import GradientError
from diglot.gradcheck import ArrayCheck, GradCheckReport, gradcheck, numerical_gradient
from diglot.network import NeuralNetwork
from diglot.operations import Operation, ParamOperation


@pytest.fixture
def images(rng):
    return rng.standard_normal((3, 4, 5, 6))


@pytest.fixture
def rows(rng):
    return rng.standard_normal((5, 4))


# ---- finite differences --------------------------------------------------------------------------


def test_the_numerical_gradient_of_a_sum_of_cubes(rows):
    before = rows.copy()
    gradient = numerical_gradient(lambda x: float((x**3).sum()), rows)
    np.testing.assert_allclose(gradient, 3 * rows**2, rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(rows, before)


def test_the_numerical_gradient_takes_any_shape_and_whole_numbers():
    assert numerical_gradient(lambda x: float(x.prod()), np.array(3)) == pytest.approx(1)
    assert numerical_gradient(lambda x: 0.0, np.empty((0, 3))).shape == (0, 3)
    np.testing.assert_allclose(
        numerical_gradient(lambda x: float(x @ x), np.array([1, 2, 3])), [2, 4, 6], rtol=1e-8
    )


def test_a_longer_step_sees_more_of_the_curve():
    errors = [
        abs(numerical_gradient(lambda x: float(x[0] ** 3), np.ones(1), eps)[0] - 3)
        for eps in (0.1, 0.01)
    ]
    assert errors == pytest.approx([0.01, 0.0001], rel=1e-6)  # eps² * f'''/6


# ---- what is right passes ------------------------------------------------------------------------

ACTIVATIONS = [cls() for cls in operations.ACTIVATIONS.values()]


@pytest.mark.parametrize("operation", ACTIVATIONS, ids=repr)
def test_activations_pass(operation, rows):
    assert gradcheck(operation, rows).passed


@pytest.mark.parametrize(
    "operation",
    [
        operations.FlattenOp(),
        operations.Pad2DOp((0, 1), (2, 1)),
        operations.MaxPool2DOp(3, 2, 1),
        operations.AvgPool2DOp((2, 3), 1, (1, 0)),
        operations.GlobalAvgPool2DOp(),
        operations.DropoutOp(0.4, np.random.default_rng(1)),
    ],
    ids=repr,
)
def test_operations_on_images_pass(operation, images):
    report = gradcheck(operation, images)
    assert [check.name for check in report.arrays] == ["input"]
    assert report.arrays[0].shape == images.shape


def test_operations_with_parameters_pass(rows, images, rng):
    def parameter(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    for operation, x, names in [
        (operations.WeightMultiply(parameter(4, 3)), rows, ["input", "weight"]),
        (operations.BiasAdd(parameter(4)), rows, ["input", "bias"]),
        (operations.DenseOp(parameter(4, 3), parameter(3)), rows, ["input", "weight", "bias"]),
        (
            operations.Conv2DOp(
                parameter(6, 2, 3, 2), parameter(6), stride=(2, 1), padding=(0, 1), groups=2
            ),
            images,
            ["input", "weight", "bias"],
        ),
    ]:
        assert [check.name for check in gradcheck(operation, x).arrays] == names


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(3, activation="tanh"),
        layers.Dense(3, bias=False, dropout=0.5),
        layers.Dropout(0.3),
        layers.Activation("gelu"),
    ],
    ids=repr,
)
def test_layers_of_rows_pass(layer, rows):
    assert gradcheck(layer, rows).passed


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(3, 3, padding="same", stride=2, activation="sigmoid"),
        layers.Conv2D(4, (2, 3), dilation=2, groups=2, flatten=True, dropout=0.2),
        layers.MaxPool2D(2),
        layers.AvgPool2D(3, stride=2, padding=1),
        layers.GlobalAvgPool2D(),
        layers.Flatten(),
    ],
    ids=repr,
)
def test_layers_of_images_pass(layer, images):
    assert gradcheck(layer, images).passed


def test_losses_pass(rows, rng):
    target = rng.standard_normal(rows.shape)
    for loss, wanted in [
        (losses.MeanSquaredError(), target),
        (losses.MeanAbsoluteError(), target),
        (losses.Huber(0.7), target),
        (losses.SoftmaxCrossEntropy(), np.array([0, 3, 1, 1, 2])),
        (losses.SoftmaxCrossEntropy(), np.eye(4)[[0, 3, 1, 1, 2]]),
        (losses.BinaryCrossEntropy(), rng.random(rows.shape)),
    ]:
        assert [check.name for check in gradcheck(loss, rows, wanted).arrays] == ["input"]


def network(**settings):
    return NeuralNetwork(
        [
            layers.Conv2D(3, 3, padding="same", activation="tanh", dropout=0.3),
            layers.MaxPool2D(2),
            layers.Flatten(),
            layers.Dense(4, activation="leaky_relu", dropout=0.2),
            layers.Dense(3),
        ],
        losses.SoftmaxCrossEntropy(),
        seed=1,
        **settings,
    )


@pytest.mark.parametrize("target", [None, np.array([2, 0, 1])], ids=["output", "loss"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_networks_pass_before_and_after_training(target, dtype, images):
    net = network(dtype=dtype)
    fresh = gradcheck(net, images, target)
    assert [check.name for check in fresh.arrays] == [
        "input", "0.weight", "0.bias", "3.weight", "3.bias", "4.weight", "4.bias"
    ]  # fmt: skip
    net.train_batch(images, np.array([0, 1, 2]))
    assert gradcheck(net, images, target).passed


# ---- the subject stays as it is ------------------------------------------------------------------


def test_a_fresh_network_stays_fresh(images):
    net = network()
    gradcheck(net, images)
    assert net.input_shape is None
    assert net.dtype == np.float32
    twin = network()
    np.testing.assert_array_equal(net.forward(images), twin.forward(images))


def test_a_trained_network_keeps_its_parameters_gradients_and_generator(images):
    net, twin = network(), network()
    for one in (net, twin):
        one.train_batch(images, np.array([0, 1, 2]))
    x = images.copy()
    gradcheck(net, images, np.array([0, 1, 2]))
    np.testing.assert_array_equal(images, x)
    for part in (NeuralNetwork.parameters, NeuralNetwork.gradients):
        for name, array in part(twin).items():
            assert part(net)[name].dtype == np.float32
            np.testing.assert_array_equal(part(net)[name], array)
    np.testing.assert_array_equal(net.forward(images), twin.forward(images))  # the same dropout


def test_an_operation_keeps_what_it_has_stored(rows):
    operation = operations.Tanh()
    operation.forward(rows)
    before = copy.copy(vars(operation))
    gradcheck(operation, rows + 1)
    assert vars(operation) == before


# ---- what is wrong fails -------------------------------------------------------------------------


@final
class BookReLU(Operation):
    """Erratum E4: the mask is always true."""

    def _output(self):
        return np.maximum(self.input_, 0)

    def _input_grad(self, output_grad):
        return output_grad * (self.output >= 0)


@final
class OneWrongElement(Operation):
    """The square, with a slip in one element's gradient."""

    def _output(self):
        return self.input_**2

    def _input_grad(self, output_grad):
        grad = 2 * self.input_ * output_grad
        grad[2, 3] *= 1.001
        return grad


@final
class BookBias(ParamOperation):
    """The gradient of one row only: right as long as a batch has one."""

    def __init__(self, bias):
        self.params = {"bias": bias}

    def _output(self):
        return self.input_ + self.param

    def _input_grad(self, output_grad):
        return output_grad

    def _param_grad(self, output_grad):
        return output_grad[0]


@final
class NaNGradient(Operation):
    """Right but for a division by zero."""

    def _output(self):
        return self.input_ * 1.0

    def _input_grad(self, output_grad):
        grad = output_grad.copy()
        grad[1, 0] = np.nan
        return grad


def test_the_books_relu_fails(rows):
    with pytest.raises(GradientError, match=r"BookReLU: the gradient differs at input\[\d, \d\]: "):
        gradcheck(BookReLU(), rows)


def test_the_message_names_the_element_and_both_values(rows):
    report = gradcheck(OneWrongElement(), rows, raise_on_failure=False)
    assert not report.passed
    worst = report.worst
    assert (worst.name, worst.shape, worst.index) == ("input", (5, 4), (2, 3))
    assert worst.analytic == pytest.approx(1.001 * worst.numeric, rel=1e-6)
    assert worst.difference == pytest.approx(0.001 * abs(worst.numeric), rel=1e-3)
    assert worst.units > 1
    with pytest.raises(GradientError) as raised:
        gradcheck(OneWrongElement(), rows)
    for part in ("input[2, 3]", f"{worst.analytic:.9g}", f"{worst.numeric:.9g}", "differ by"):
        assert part in str(raised.value)


def test_a_parameters_gradient_that_is_right_for_one_row_only_fails(rows):
    assert gradcheck(BookBias(np.ones(4)), rows[:1]).passed
    report = gradcheck(BookBias(np.ones(4)), rows, raise_on_failure=False)
    assert [check.passed for check in report.arrays] == [True, False]
    assert report.worst.name == "bias"
    assert "DIFFERS bias[" in str(report)
    assert "ok      input[" in str(report)


def test_nan_fails(rows):
    with pytest.raises(GradientError, match=r"input\[1, 0\]: backward gives nan"):
        gradcheck(NaNGradient(), rows)


def test_a_wrong_operation_inside_a_network_fails(rows, monkeypatch):
    net = NeuralNetwork(
        [layers.Dense(4, activation="tanh"), layers.Dense(2)], losses.MeanSquaredError(), seed=0
    )
    monkeypatch.setattr(
        operations.Tanh, "_input_grad", lambda self, dy: dy * (1 - abs(self.output))
    )
    report = gradcheck(net, rows, np.zeros((5, 2)), raise_on_failure=False)
    assert {check.name: check.passed for check in report.arrays} == {
        "input": False, "0.weight": False, "0.bias": False, "1.weight": True, "1.bias": True
    }  # fmt: skip


def test_a_wrong_loss_fails(rows, monkeypatch):
    monkeypatch.setattr(losses.MeanSquaredError, "_input_grad", lambda self: self._error)
    with pytest.raises(GradientError, match="MeanSquaredError"):
        gradcheck(losses.MeanSquaredError(), rows, np.zeros((5, 4)))


def test_the_tolerance_can_be_chosen(rows):
    assert gradcheck(OneWrongElement(), rows, tolerance=0.01).passed
    assert gradcheck(OneWrongElement(), rows, eps=1e-4, raise_on_failure=False).worst.units > 1


def test_another_seed_draws_other_output_gradients(rows):
    values = {gradcheck(operations.Tanh(), rows, seed=s).worst.analytic for s in (0, 0, 1)}
    assert len(values) == 2


# ---- bad input -----------------------------------------------------------------------------------


def test_what_cannot_be_checked_is_refused(rows):
    with pytest.raises(ValueError, match="MeanSquaredError needs a target"):
        gradcheck(losses.MeanSquaredError(), rows)
    with pytest.raises(ValueError, match="not for Tanh"):
        gradcheck(operations.Tanh(), rows, rows)
    with pytest.raises(ValueError, match="is a function, expected an operation"):
        gradcheck(numerical_gradient, rows)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eps": 0}, "eps is 0.0, expected a number above 0"),
        ({"eps": -1e-6}, "eps is -1e-06"),
        ({"tolerance": -1.0}, "tolerance is -1.0"),
        ({"x": np.empty((0, 3))}, r"x has shape \(0, 3\): there is nothing to check"),
    ],
)
def test_settings_under_which_all_would_pass_are_refused(settings, message, rows):
    with pytest.raises(ValueError, match=message):
        gradcheck(operations.Tanh(), **{"x": rows, **settings})


def test_a_numerical_gradient_needs_a_step(rows):
    with pytest.raises(ValueError, match=r"eps is 0\.0, expected a number above 0"):
        numerical_gradient(np.sum, rows, eps=0)


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(GradientError, match=r"has shape \(3,\), expected that of .* \(4,\)"):
        ArrayCheck.compare("w", np.zeros(3), np.zeros(4), 1.0)


def test_an_empty_array_passes():
    check = ArrayCheck.compare("w", np.zeros((0, 3)), np.zeros((0, 3)), 1.0)
    assert check.passed
    assert check.index == ()
    assert GradCheckReport("nothing", (check,)).passed
