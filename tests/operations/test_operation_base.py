import numpy as np
import pytest

from diglot import gradcheck
from diglot.errors import ShapeError
from diglot.operations import BiasAdd, Linear, Operation, ParamOperation, Tanh, WeightMultiply


class Square(Operation):
    def _output(self):
        return self.input_**2

    def _input_grad(self, output_grad):
        return 2 * self.input_ * output_grad


class Scale(ParamOperation):
    def __init__(self, factor):
        self.params = {"factor": np.array([factor])}

    def _output(self):
        return self.param * self.input_

    def _input_grad(self, output_grad):
        return self.param * output_grad

    def _param_grad(self, output_grad):
        return np.sum(self.input_ * output_grad).reshape(1)


class Wrong(Operation):
    def _output(self):
        return self.input_[:, :2]

    def _input_grad(self, output_grad):
        return output_grad


class WrongParam(ParamOperation):
    def __init__(self):
        self.params = {"weight": np.ones(3)}

    def _output(self):
        return self.input_ * self.param

    def _input_grad(self, output_grad):
        return output_grad * self.param

    def _param_grad(self, output_grad):
        return output_grad * self.input_


def test_an_operation_of_ones_own_needs_two_methods(rng):
    x = rng.normal(size=(4, 3))
    square = Square()
    np.testing.assert_array_equal(square.forward(x), x**2)
    assert square.input_ is x
    assert square.flops == x.size
    assert repr(square) == "Square()"
    gradcheck(square, x)
    gradcheck(Scale(1.5), x)


def test_the_books_words(rng):
    weight = rng.normal(size=(3, 2))
    operation = WeightMultiply(weight)
    assert operation.param is weight
    x, output_grad = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    operation.forward(x)
    input_grad = operation.backward(output_grad)
    np.testing.assert_allclose(input_grad, output_grad @ weight.T)
    assert operation.param_grad is operation.param_grads["weight"]
    np.testing.assert_allclose(operation.param_grad, x.T @ output_grad)


def test_shapes_are_compared_in_words():
    tanh = Tanh()
    tanh.forward(np.ones((32, 13)))
    with pytest.raises(ShapeError) as caught:
        tanh.backward(np.ones((32, 10)))
    assert str(caught.value) == "output_grad has shape (32, 10), expected (32, 13)"


def test_wrong_gradients_of_ones_own_are_noticed():
    wrong = Wrong()
    wrong.forward(np.ones((4, 3)))
    with pytest.raises(ShapeError, match=r"input_grad has shape \(4, 2\), expected \(4, 3\)"):
        wrong.backward(np.ones((4, 2)))
    wrong = WrongParam()
    wrong.forward(np.ones((4, 3)))
    with pytest.raises(ShapeError, match=r"gradient of weight has shape \(4, 3\), expected \(3,\)"):
        wrong.backward(np.ones((4, 3)))


@pytest.mark.parametrize("operation", [Tanh(), BiasAdd(np.zeros(3))], ids=repr)
def test_backward_needs_a_forward(operation):
    with pytest.raises(ValueError, match="run forward before backward"):
        operation.backward(np.ones((2, 3)))


@pytest.mark.parametrize("value", [[[1.0, 2.0]], 3.0, None])
def test_an_input_is_an_array(value):
    with pytest.raises(ValueError, match=r"input_ is a .*, expected a NumPy array"):
        Tanh().forward(value)
    tanh = Tanh()
    tanh.forward(np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"output_grad is a .*, expected a NumPy array"):
        tanh.backward(value)


@pytest.mark.parametrize("dtype", [int, bool, np.float16, complex, ">f4"])
@pytest.mark.parametrize("operation", [Tanh(), Linear(), BiasAdd(np.zeros(2))], ids=repr)
def test_every_backend_computes_in_float32_and_float64_alone(operation, dtype):
    with pytest.raises(ValueError, match=r"input_ has dtype .*, expected float32 or float64"):
        operation.forward(np.ones((1, 2), dtype))
    operation.forward(np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"output_grad has dtype .*, expected float64"):
        operation.backward(np.ones((1, 2), dtype))


def test_a_gradient_has_the_inputs_dtype():
    tanh = Tanh()
    tanh.forward(np.ones((1, 2), np.float32))
    with pytest.raises(ValueError, match="output_grad has dtype float64, expected float32"):
        tanh.backward(np.ones((1, 2)))


def test_masks_are_not_lost():
    masked = np.ma.masked_array(np.ones((1, 2)), True)
    tanh = Tanh()
    with pytest.raises(ValueError, match="input_ is a masked array"):
        tanh.forward(masked)
    tanh.forward(np.ones((1, 2)))
    with pytest.raises(ValueError, match="output_grad is a masked array"):
        tanh.backward(masked)


def test_inputs_and_gradients_are_left_as_they_are(rng):
    x, grad = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    for operation in (Tanh(), WeightMultiply(rng.normal(size=(3, 3))), BiasAdd(np.ones(3))):
        x.flags.writeable = grad.flags.writeable = False
        before = x.copy(), grad.copy()
        operation.forward(x)
        operation.backward(grad)
        np.testing.assert_array_equal((x, grad), before)
