import numpy as np
import pytest

from diglot import gradcheck
from diglot.errors import ShapeError
from diglot.operations import BiasAdd, DenseOp, WeightMultiply

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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("leading", LEADING, ids=str)
def test_a_dense_operation_is_the_two_steps_at_once(rng, leading, dtype):
    x, weight, bias, grad = (
        rng.normal(size=size).astype(dtype) for size in [(*leading, 3), (3, 4), 4, (*leading, 4)]
    )
    multiply, add = WeightMultiply(weight), BiasAdd(bias)
    dense = DenseOp(weight, bias)
    close = {"rtol": 8 * np.finfo(dtype).eps, "atol": 32 * np.finfo(dtype).eps}
    np.testing.assert_allclose(dense.forward(x), add.forward(multiply.forward(x)), **close)
    assert dense.flops == multiply.flops + add.flops
    np.testing.assert_allclose(dense.backward(grad), multiply.backward(add.backward(grad)), **close)
    for name, step in (("weight", multiply), ("bias", add)):
        np.testing.assert_allclose(dense.param_grads[name], step.param_grad, **close)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("leading", LEADING, ids=str)
def test_a_dense_operation_has_the_right_gradients(rng, leading, bias):
    x, weight = rng.normal(size=(*leading, 3)), rng.normal(size=(3, 4))
    operation = DenseOp(weight, rng.normal(size=4) if bias else None)
    assert list(operation.params) == (["weight", "bias"] if bias else ["weight"])
    gradcheck(operation, x)


@pytest.mark.parametrize("leading", [(0,), (2, 0)], ids=str)
def test_no_rows(leading):
    x = np.zeros((*leading, 3))
    for operation, features in (
        (WeightMultiply(np.ones((3, 4))), 4),
        (BiasAdd(np.ones(3)), 3),
        (DenseOp(np.ones((3, 4)), np.ones(4)), 4),
    ):
        assert operation.forward(x).shape == (*leading, features)
        assert operation.backward(np.zeros((*leading, features))).shape == x.shape
        assert not operation.param_grad.any()


@pytest.mark.parametrize("shape", [(5, 4), (3,), (3, 4), (2, 3, 1), ()], ids=str)
def test_features_must_fit(shape):
    x = np.ones(shape)
    expected = r"input_ has shape .*, expected \(N, 3\) for a "
    with pytest.raises(ShapeError, match=expected + r"weight of shape \(3, 4\)"):
        WeightMultiply(np.ones((3, 4))).forward(x)
    with pytest.raises(ShapeError, match=expected + r"weight of shape \(3, 4\)"):
        DenseOp(np.ones((3, 4)), np.ones(4)).forward(x)
    with pytest.raises(ShapeError, match=expected + r"bias of shape \(3,\)"):
        BiasAdd(np.ones(3)).forward(x)


def test_parameters_must_have_their_rank():
    with pytest.raises(ShapeError, match=r"weight has shape \(3,\), expected \(in, out\)"):
        WeightMultiply(np.ones(3))
    with pytest.raises(ShapeError, match=r"weight has shape \(3,\), expected \(in, out\)"):
        DenseOp(np.ones(3))
    with pytest.raises(ShapeError, match=r"bias has shape \(3,\), expected \(4,\)"):
        DenseOp(np.ones((3, 4)), np.ones(3))
    with pytest.raises(ShapeError, match=r"bias has shape \(1, 3\), expected \(features,\)"):
        BiasAdd(np.ones((1, 3)))


@pytest.mark.parametrize(
    "operation",
    [WeightMultiply(np.ones((3, 3))), BiasAdd(np.ones(3)), DenseOp(np.ones((3, 3)))],
)
def test_float32_and_float64_do_not_mix(operation):
    with pytest.raises(ValueError, match="input_ has dtype float32, but the parameters are float6"):
        operation.forward(np.ones((2, 3), np.float32))
