import numpy as np
import pytest

from diglot import gradcheck
from diglot.errors import ShapeError
from diglot.operations import FlattenOp, Pad2DOp
from diglot.operations.windows import output_size, same_padding


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3), (2,), (0, 3, 4), (3, 0, 2)], ids=str)
def test_flatten(rng, shape):
    x = rng.normal(size=shape)
    operation = FlattenOp()
    output = operation.forward(x)
    assert output.shape == (shape[0], int(np.prod(shape[1:])))
    np.testing.assert_array_equal(output.ravel(), x.ravel())
    np.testing.assert_array_equal(operation.backward(output), x)
    assert operation.flops == 0
    if x.size:
        gradcheck(operation, x)


def test_pad(rng):
    x = rng.normal(size=(2, 3, 4, 5))
    operation = Pad2DOp((1, 2), (0, 3))
    output = operation.forward(x)
    np.testing.assert_array_equal(output, np.pad(x, [(0, 0), (0, 0), (1, 2), (0, 3)]))
    gradcheck(operation, x)
    with pytest.raises(ShapeError, match="expected"):
        operation.forward(x[0])


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7, 28])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_gives_a_window_for_every_stride(size, kernel, stride, dilation):
    before, after = same_padding(size, kernel, stride, dilation)
    assert 0 <= before <= after <= before + 1
    padded = (size + before + after, 1)
    windows, _ = output_size(padded, (kernel, 1), stride, 0, dilation)
    assert windows == -(-size // stride)
