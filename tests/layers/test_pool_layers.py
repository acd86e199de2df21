import pytest

from diglot.errors import ShapeError
from diglot.layers import AvgPool2D, GlobalAvgPool2D, MaxPool2D


@pytest.mark.parametrize("cls", [MaxPool2D, AvgPool2D])
def test_output_shapes(cls):
    assert cls(2).measure((3, 7, 6))[0] == (3, 3, 3)
    assert cls(3, 2, 1).measure((3, 7, 6))[0] == (3, 4, 3)
    assert cls((7, 6)).measure((3, 7, 6))[0] == (3, 1, 1)
    assert GlobalAvgPool2D().measure((3, 7, 6))[0] == (3,)


@pytest.mark.parametrize("cls", [MaxPool2D, AvgPool2D])
def test_settings_must_make_sense(cls):
    for settings, message in [
        ((2, None, 2), "padding is 2, expected at most half of kernel_size 2"),
        ((0,), "kernel_size is 0"),
        ((2, 0), "stride is 0"),
        ((None,), "kernel_size is None"),
    ]:
        with pytest.raises(ValueError, match=message):
            cls(*settings)


@pytest.mark.parametrize("layer", [MaxPool2D(2), AvgPool2D(2), GlobalAvgPool2D()], ids=repr)
def test_images_must_fit(layer):
    for shape in [(784,), (28, 28), (3, 0, 4)]:
        with pytest.raises(ShapeError, match=r"a sample has shape .*, expected \(channels, H, W\)"):
            layer.setup(shape)
    with pytest.raises(ShapeError, match="images of 1x5 pixels are too small"):
        MaxPool2D(2).setup((3, 1, 5))
