import numpy as np
import pytest

from diglot import gradcheck
from diglot.errors import ShapeError
from diglot.operations import Conv2DOp

SETTINGS = [
    {},
    {"padding": 1},
    {"padding": (0, 2)},
    {"stride": 2},  # leaves a remainder
    {"stride": (1, 2), "padding": (1, 0)},
    {"dilation": 2, "padding": 2},
    {"dilation": (1, 2)},
    {"groups": 2},
    {"groups": 2, "stride": 2, "padding": 1},
]


def make(rng, bias=True, groups=1, **settings):
    weight = rng.normal(size=(6, 4 // groups, 3, 2))
    return Conv2DOp(weight, rng.normal(size=6) if bias else None, groups=groups, **settings)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_gradients(rng, settings, bias):
    gradcheck(make(rng, bias, **settings), rng.normal(size=(2, 4, 6, 5)))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_against_torch(rng, settings):
    torch = pytest.importorskip("torch")
    operation, x = make(rng, **settings), rng.normal(size=(3, 4, 7, 6))
    x_torch, *params = (
        torch.tensor(array, requires_grad=True) for array in (x, *operation.params.values())
    )
    y_torch = torch.nn.functional.conv2d(x_torch, *params, **settings)
    y = operation.forward(x)
    np.testing.assert_allclose(y, y_torch.detach().numpy(), rtol=1e-10, atol=1e-12)
    grad = rng.normal(size=y.shape)
    y_torch.backward(torch.tensor(grad))
    found = [operation.backward(grad), *operation.param_grads.values()]
    for ours, theirs in zip(found, (x_torch, *params), strict=True):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-10, atol=1e-11)


def test_no_images(rng):
    operation = make(rng)
    assert operation.forward(np.zeros((0, 4, 6, 5))).shape == (0, 6, 4, 4)
    assert operation.backward(np.zeros((0, 6, 4, 4))).shape == (0, 4, 6, 5)
    assert not any(grad.any() for grad in operation.param_grads.values())


def test_flops(rng):
    operation = make(rng, groups=2)
    operation.forward(rng.normal(size=(2, 4, 6, 5)))
    assert operation.flops == 2 * 6 * 4 * 4 * (2 * 2 * 3 * 2 + 1)


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((2, 3, 6, 5), {}, r"input_ has shape \(2, 3, 6, 5\), expected \(N, 4, H, W\)"),
        ((2, 4, 6), {}, r"input_ has shape \(2, 4, 6\), expected \(N, 4, H, W\)"),
        ((2, 4, 2, 5), {}, "images of 2x5 pixels are too small: a window is 3 pixels high"),
        ((2, 4, 6, 1), {}, "a window is 2 pixels wide, but the image, with its padding, only 1"),
        ((2, 4, 4, 5), {"dilation": 2}, "a window is 5 pixels high"),
        ((2, 4, 1, 5), {"dilation": 2, "padding": 1}, "with its padding, only 3"),
        ((2, 4, 0, 5), {"padding": 1}, "only 2"),
    ],
)
def test_images_must_fit(rng, shape, settings, message):
    with pytest.raises(ShapeError, match=message):
        make(rng, **settings).forward(np.ones(shape))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stride": 0}, "stride is 0, expected at least 1"),
        ({"stride": (1, 0)}, "stride is 0, expected at least 1"),
        ({"padding": -1}, "padding is -1, expected at least 0"),
        ({"dilation": 0}, "dilation is 0, expected at least 1"),
        ({"groups": 4}, "groups is 4, which does not divide the 6 filters"),
        ({"groups": 0}, "groups is 0, expected at least 1"),
        ({"stride": 1.5}, "stride is 1.5, expected an integer"),
        ({"padding": (1, 2, 3)}, r"padding is \(1, 2, 3\), expected one number or"),
    ],
)
def test_settings_must_make_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        Conv2DOp(np.ones((6, 4, 3, 2)), **settings)


def test_parameters_must_fit():
    with pytest.raises(ShapeError, match=r"weight has shape \(3, 3\), expected \(OC, C/groups"):
        Conv2DOp(np.ones((3, 3)))
    with pytest.raises(ShapeError, match="weight has shape"):
        Conv2DOp(np.ones((3, 3, 0, 1)))
    with pytest.raises(ShapeError, match=r"bias has shape \(5,\), expected \(6,\)"):
        Conv2DOp(np.ones((6, 4, 3, 2)), np.ones(5))


def test_float32_and_float64_do_not_mix(rng):
    with pytest.raises(ValueError, match="input_ has dtype float32, but the parameters are float6"):
        make(rng).forward(np.ones((2, 4, 6, 5), np.float32))
