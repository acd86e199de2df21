import numpy as np
import pytest

from diglot import gradcheck
from diglot.errors import ShapeError
from diglot.operations import AvgPool2DOp, GlobalAvgPool2DOp, MaxPool2DOp

BOTH = [MaxPool2DOp, AvgPool2DOp]
SETTINGS = [(2,), ((2, 3),), (3, 2), (3, 2, 1), ((2, 3), (3, 1), (1, 0)), (2, 3), (1,)]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("cls", BOTH)
def test_gradients(rng, cls, settings):
    gradcheck(cls(*settings), rng.normal(size=(2, 3, 7, 6)))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("cls", BOTH)
def test_against_torch(rng, cls, settings):
    torch = pytest.importorskip("torch")
    theirs = {MaxPool2DOp: torch.nn.MaxPool2d, AvgPool2DOp: torch.nn.AvgPool2d}[cls](*settings)
    x = rng.normal(size=(2, 3, 8, 7))
    x_torch = torch.tensor(x, requires_grad=True)
    y_torch = theirs(x_torch)
    operation = cls(*settings)
    y = operation.forward(x)
    np.testing.assert_allclose(y, y_torch.detach().numpy(), rtol=1e-12)
    grad = rng.normal(size=y.shape)
    y_torch.backward(torch.tensor(grad))
    np.testing.assert_allclose(operation.backward(grad), x_torch.grad.numpy(), rtol=1e-12)


def test_the_global_mean(rng):
    x = rng.normal(size=(2, 3, 5, 4))
    operation = GlobalAvgPool2DOp()
    np.testing.assert_allclose(operation.forward(x), x.mean(axis=(2, 3)), rtol=1e-12)
    assert operation.flops == x.size
    gradcheck(operation, x)
    assert operation.forward(x[:0]).shape == (0, 3)


def test_an_operation_is_used_for_images_of_several_sizes(rng):
    for cls in BOTH:
        operation = cls(2)
        for shape in [(2, 3, 4, 4), (1, 2, 7, 5), (0, 1, 2, 2)]:
            output = operation.forward(rng.normal(size=shape))
            assert operation.backward(np.ones(output.shape)).shape == shape


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((2, None, 2), "padding is 2, expected at most half of kernel_size 2"),
        (((4, 1), 1, (2, 1)), r"padding is \(2, 1\), expected at most half of kernel_size \(4, 1"),
        ((0,), "kernel_size is 0, expected at least 1"),
        ((2, 0), "stride is 0, expected at least 1"),
        ((2, 1, -1), "padding is -1, expected at least 0"),
        (("2",), "kernel_size is '2', expected an integer"),
    ],
)
def test_settings_must_make_sense(cls, settings, message):
    with pytest.raises(ValueError, match=message):
        cls(*settings)


def test_images_must_fit():
    for cls in BOTH:
        with pytest.raises(ShapeError, match="images of 2x5 pixels are too small: a window is 3 "):
            cls(3).forward(np.ones((2, 3, 2, 5)))
    for operation in (MaxPool2DOp(2), AvgPool2DOp(2), GlobalAvgPool2DOp()):
        with pytest.raises(ShapeError, match=r"input_ has shape \(3, 5\), expected \(N, C, H, W\)"):
            operation.forward(np.ones((3, 5)))
    with pytest.raises(ShapeError, match="the mean of no pixels"):
        GlobalAvgPool2DOp().forward(np.ones((3, 2, 0, 5)))


def test_flops():
    for cls in BOTH:
        operation = cls((2, 3))
        operation.forward(np.ones((2, 1, 4, 6)))
        assert operation.flops == 2 * 2 * 2 * 6
