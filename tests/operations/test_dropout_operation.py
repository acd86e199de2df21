import numpy as np
import pytest

from diglot import gradcheck, use_backend
from diglot.operations import DropoutOp


def test_a_share_is_dropped_and_the_rest_scaled_up(rng):
    x = np.ones((400, 500))
    operation = DropoutOp(0.2, rng)
    output = operation.forward(x)
    assert set(np.unique(output)) == {0, 1.25}
    assert np.mean(output == 0) == pytest.approx(0.2, abs=0.005)
    np.testing.assert_array_equal(operation.backward(x), output)
    assert not np.array_equal(operation.forward(x), output)


def test_inference_does_nothing_and_draws_nothing(rng):
    x = rng.normal(size=(4, 5))
    operation = DropoutOp(0.5, rng)
    state = rng.bit_generator.state
    assert operation.forward(x, inference=True) is x
    np.testing.assert_array_equal(operation.backward(x), x)
    assert rng.bit_generator.state == state


def test_gradient(rng):
    gradcheck(DropoutOp(0.4, rng), rng.normal(size=(5, 6)))


def test_the_generator_decides_and_the_backend_does_not():
    x = np.ones((30, 7), np.float32)

    def draw():
        return DropoutOp(0.3, np.random.default_rng(5)).forward(x)

    with use_backend("reference"):
        definition = draw()
    np.testing.assert_array_equal(draw(), definition)


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, np.nan, "half"])
def test_the_rate_is_a_share(rng, rate):
    with pytest.raises(ValueError, match="rate is"):
        DropoutOp(rate, rng)


def test_nothing_is_dropped_from_nothing(rng):
    assert DropoutOp(0.5, rng).forward(np.zeros((0, 3))).shape == (0, 3)
