import numpy as np
import pytest

from diglot.errors import ShapeError
from diglot.layers import Conv2D
from diglot.operations import Conv2DOp, DropoutOp, FlattenOp, Pad2DOp, Tanh


def same(x, weight, bias, stride):
    """Convolve by loops, at the places that Keras' "same" means."""
    N, C, H, W = x.shape
    OC, _, KH, KW = weight.shape
    OH, OW = -(-H // stride), -(-W // stride)
    above = max((OH - 1) * stride + KH - H, 0) // 2
    left = max((OW - 1) * stride + KW - W, 0) // 2
    y = np.zeros((N, OC, OH, OW))
    for n, o, i, j in np.ndindex(y.shape):
        total = bias[o]
        for c, u, v in np.ndindex(C, KH, KW):
            h, w = i * stride + u - above, j * stride + v - left
            if 0 <= h < H and 0 <= w < W:
                total += weight[o, c, u, v] * x[n, c, h, w]
        y[n, o, i, j] = total
    return y


@pytest.mark.parametrize("kernel_size", [1, 2, 3, (2, 3), (4, 1), 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding(rng, kernel_size, stride):
    x = rng.normal(size=(2, 2, 5, 4))
    layer = Conv2D(3, kernel_size, padding="same", stride=stride, bias_init="standard")
    np.testing.assert_allclose(layer.forward(x), same(x, *layer.parameters().values(), stride))


def test_an_image_is_padded_in_passing_if_both_sides_are_alike():
    for kernel_size, first in [(3, Conv2DOp), ((5, 1), Conv2DOp), (2, Pad2DOp), ((3, 2), Pad2DOp)]:
        layer = Conv2D(3, kernel_size, padding="same")
        layer.setup((1, 6, 7))
        assert isinstance(layer.operations[0], first)


def test_valid_padding_is_none():
    valid, zero = Conv2D(3, 3, padding="valid"), Conv2D(3, 3, padding=0)
    assert valid.measure((1, 6, 7)) == zero.measure((1, 6, 7))
    assert valid.measure((1, 6, 7))[0] == (3, 4, 5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, (2, 0)])
def test_against_torch(rng, stride, padding):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Conv2d(4, 6, (3, 2), stride, padding, groups=2, dtype=torch.float64)
    ours = Conv2D(6, (3, 2), stride=stride, padding=padding, groups=2)
    x = rng.normal(size=(2, 4, 7, 6))
    ours.forward(x)
    for name, array in ours.parameters().items():
        array[...] = getattr(theirs, name).detach().numpy()
    np.testing.assert_allclose(
        ours.forward(x), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-10, atol=1e-12
    )


def test_operations_come_in_the_books_order():
    layer = Conv2D(3, 3, "tanh", dropout=0.2, flatten=True)
    assert layer.setup((2, 5, 6)) == (3 * 3 * 4,)
    assert [type(op) for op in layer.operations] == [Conv2DOp, Tanh, DropoutOp, FlattenOp]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": 0}, "channels is 0, expected at least 1"),
        ({"kernel_size": 0}, "kernel_size is 0, expected at least 1"),
        ({"kernel_size": "3"}, "kernel_size is '3', expected an integer"),
        ({"stride": 0}, "stride is 0"),
        ({"padding": "full"}, "padding is 'full', expected 'same', 'valid' or a number"),
        ({"padding": -1}, "padding is -1, expected at least 0"),
        ({"dilation": 0}, "dilation is 0"),
        ({"groups": 3}, "groups is 3, which does not divide the 4 filters"),
        ({"flatten": 1}, "flatten is 1, expected True or False"),
        ({"activation": "relo"}, "did you mean 'ReLU'"),
    ],
)
def test_settings_must_make_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        Conv2D(**({"channels": 4, "kernel_size": 3} | settings))


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Conv2D(4, 3), (28, 28), r"a sample has shape \(28, 28\), expected \(channels, H, W\)"),
        (Conv2D(4, 3), (784,), r"a sample has shape \(784,\), expected \(channels, H, W\)"),
        (Conv2D(4, 3), (0, 8, 8), r"a sample has shape \(0, 8, 8\)"),
        (Conv2D(4, 9), (1, 8, 8), "images of 8x8 pixels are too small: a window is 9 pixels high"),
        (Conv2D(4, 2, dilation=9), (1, 12, 8), "a window is 10 pixels wide"),
        (Conv2D(4, 3, groups=2), (3, 8, 8), "groups is 2, which does not divide the 3 channels"),
    ],
)
def test_images_must_fit(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        layer.setup(shape)
