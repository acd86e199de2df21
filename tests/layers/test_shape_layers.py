import numpy as np
import pytest

from diglot.layers import Activation, Dropout, Flatten
from diglot.operations import DropoutOp, LeakyReLU


def test_flatten():
    assert Flatten().measure((3, 4, 5))[0] == (60,)
    assert Flatten().measure((3,))[0] == (3,)


def test_dropout(rng):
    layer = Dropout(0.25)
    x = np.ones((40, 50))
    layer.setup(x.shape[1:], rng=rng, dtype=np.float64)
    assert set(np.unique(layer.forward(x))) == {0, 1 / 0.75}
    assert layer.forward(x, inference=True) is x
    nothing = Dropout(0)
    nothing.setup(x.shape[1:])
    assert not any(isinstance(operation, DropoutOp) for operation in nothing.operations)
    with pytest.raises(ValueError, match=r"rate is 1\.0, expected a finite number >= 0"):
        Dropout(1.0)


def test_activation():
    layer = Activation(LeakyReLU(0.5))
    np.testing.assert_array_equal(layer.forward(np.array([[-2.0, 3.0]])), [[-1, 3]])
    assert repr(layer) == "Activation(LeakyReLU(0.5))"
    with pytest.raises(ValueError, match="activation is 3"):
        Activation(3)
