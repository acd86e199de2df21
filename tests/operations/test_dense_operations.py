import numpy as np
import pytest

from diglot import gradcheck
from diglot.errors import ShapeError
from diglot.operations import BiasAdd, WeightMultiply

LEADING = [(5,), (2, 3), (2, 3, 4), (1,)]


@pytest.mark.parametrize("leading", LEADING, ids=str)
def test_weights_multiply_the_last_axis(rng, leading):
    x, weight = rng.normal(size=(*leading, 3)), rng.normal(size=(3, 4))
    operation = WeightMultiply(weight)
    np.testing.assert_allclose(operation.forward(x), x @ weight, rtol=1e-12, atol=1e-12)
    assert operation.flops == 2 * 3 * 4 * np.prod(leading)
    gradcheck(operation, x)


@pytest.mark.parametrize("leading", LEADING, ids=str)
def test_a_bias_is_added_to_the_last_axis(rng, leading):
    x, bias = rng.normal(size=(*leading, 3)), rng.normal(size=3)
    operation = BiasAdd(bias)
    np.testing.assert_array_equal(operation.forward(x), x + bias)
    assert operation.flops == x.size
    gradcheck(operation, x)


@pytest.mark.parametrize("leading", [(0,), (2, 0)], ids=str)
def test_no_rows(leading):
    x = np.zeros((*leading, 3))
    for operation, features in ((WeightMultiply(np.ones((3, 4))), 4), (BiasAdd(np.ones(3)), 3)):
        assert operation.forward(x).shape == (*leading, features)
        assert operation.backward(np.zeros((*leading, features))).shape == x.shape
        assert not operation.param_grad.any()


@pytest.mark.parametrize("shape", [(5, 4), (3,), (3, 4), (2, 3, 1), ()], ids=str)
def test_features_must_fit(shape):
    x = np.ones(shape)
    expected = r"input_ has shape .*, expected \(N, 3\) for a "
    with pytest.raises(ShapeError, match=expected + r"weight of shape \(3, 4\)"):
        WeightMultiply(np.ones((3, 4))).forward(x)
    with pytest.raises(ShapeError, match=expected + r"bias of shape \(3,\)"):
        BiasAdd(np.ones(3)).forward(x)


def test_parameters_must_have_their_rank():
    with pytest.raises(ShapeError, match=r"weight has shape \(3,\), expected \(in, out\)"):
        WeightMultiply(np.ones(3))
    with pytest.raises(ShapeError, match=r"bias has shape \(1, 3\), expected \(features,\)"):
        BiasAdd(np.ones((1, 3)))


@pytest.mark.parametrize("operation", [WeightMultiply(np.ones((3, 3))), BiasAdd(np.ones(3))])
def test_float32_and_float64_do_not_mix(operation):
    with pytest.raises(ValueError, match="input_ has dtype float32, but the parameters are float6"):
        operation.forward(np.ones((2, 3), np.float32))
