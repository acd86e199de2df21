import numpy as np
import pytest

from diglot import gradcheck
from diglot.operations import (
    ACTIVATIONS,
    GELU,
    LeakyReLU,
    Linear,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)

ALL = [Linear(), Sigmoid(), Tanh(), ReLU(), LeakyReLU(), LeakyReLU(0.3), GELU(), Softmax()]


@pytest.mark.parametrize("activation", ALL, ids=repr)
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 4, 5), (7,)], ids=str)
def test_gradients(rng, activation, shape):
    gradcheck(activation, 2 * rng.normal(size=shape))


@pytest.mark.parametrize("activation", ALL, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_and_shapes_are_kept(rng, activation, dtype):
    for shape in [(4, 3), (0, 3)]:
        x = rng.normal(size=shape).astype(dtype)
        output = activation.forward(x)
        input_grad = activation.backward(np.ones(shape, dtype))
        assert output.shape == input_grad.shape == shape
        assert output.dtype == input_grad.dtype == dtype


def test_values():
    x = np.array([[-2.0, -0.5, 0.0, 1.5]])
    with np.errstate(all="raise"):
        np.testing.assert_allclose(Sigmoid().forward(x), 1 / (1 + np.exp(-x)))
        np.testing.assert_allclose(Tanh().forward(x), np.tanh(x), rtol=1e-12)
        np.testing.assert_array_equal(ReLU().forward(x), [[0, 0, 0, 1.5]])
        np.testing.assert_allclose(LeakyReLU(0.1).forward(x), [[-0.2, -0.05, 0, 1.5]])
        np.testing.assert_allclose(Softmax().forward(x).sum(), 1)
        assert Linear().forward(x) is x


@pytest.mark.parametrize("activation", ALL, ids=repr)
def test_against_torch(rng, activation):
    torch = pytest.importorskip("torch")
    theirs = {
        "Linear": torch.nn.Identity(),
        "Softmax": torch.nn.Softmax(dim=-1),
        "LeakyReLU": torch.nn.LeakyReLU(getattr(activation, "negative_slope", 0)),
    }.get(type(activation).__name__) or getattr(torch.nn, type(activation).__name__)()
    x, grad = rng.normal(size=(2, 5, 7)), rng.normal(size=(2, 5, 7))
    x_torch = torch.tensor(x, requires_grad=True)
    y_torch = theirs(x_torch)
    y_torch.backward(torch.tensor(grad))
    np.testing.assert_allclose(activation.forward(x), y_torch.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(
        activation.backward(grad), x_torch.grad.numpy(), rtol=1e-10, atol=1e-14
    )


@pytest.mark.parametrize("slope", [-0.1, np.nan, "steep"])
def test_the_slope_is_at_least_0(slope):
    with pytest.raises(ValueError, match="negative_slope"):
        LeakyReLU(slope)


def test_flops():
    for name, cls in ACTIVATIONS.items():
        activation = cls()
        activation.forward(np.ones((3, 5)))
        assert activation.flops == (0 if name == "Linear" else 15)
