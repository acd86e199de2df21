import numpy as np
import pytest

from diglot import gradcheck
from diglot.errors import DataError, ShapeError
from diglot.losses import (
    LOSSES,
    BinaryCrossEntropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)

NUMBERS = [MeanSquaredError(), MeanAbsoluteError(), Huber(), Huber(0.3), BinaryCrossEntropy()]
ALL = [*NUMBERS, SoftmaxCrossEntropy()]
EVERY = pytest.mark.parametrize("loss", ALL, ids=repr)
EVERY_OF_NUMBERS = pytest.mark.parametrize("loss", NUMBERS, ids=repr)


def data(rng, loss, shape):
    prediction = 2 * rng.normal(size=shape)
    if isinstance(loss, SoftmaxCrossEntropy):
        return prediction, rng.integers(shape[-1], size=shape[:-1])
    return prediction, rng.random(size=shape)


@EVERY
@pytest.mark.parametrize("shape", [(5, 3), (1, 4), (2, 3, 4), (2, 3, 4, 5)], ids=str)
def test_gradients(rng, loss, shape):
    gradcheck(loss, *data(rng, loss, shape))


@EVERY
def test_the_sum_over_a_row_the_mean_over_the_rows(rng, loss):
    prediction, target = data(rng, loss, (4, 3, 5))
    value = loss.forward(prediction, target)
    single = [
        loss.forward(prediction[n, t][None], target[n, t][None]) for n in range(4) for t in range(3)
    ]
    assert value == pytest.approx(np.mean(single), rel=1e-12)
    if loss in NUMBERS:
        outputs = [loss.forward(prediction[:, :, k, None], target[:, :, k, None]) for k in range(5)]
        assert value == pytest.approx(np.sum(outputs), rel=1e-12)


@EVERY
def test_against_torch(rng, loss):
    torch = pytest.importorskip("torch")
    theirs = {
        MeanSquaredError: torch.nn.MSELoss,
        MeanAbsoluteError: torch.nn.L1Loss,
        Huber: torch.nn.HuberLoss,
        SoftmaxCrossEntropy: torch.nn.CrossEntropyLoss,
        BinaryCrossEntropy: torch.nn.BCEWithLogitsLoss,
    }[type(loss)](reduction="sum", **({"delta": loss.delta} if isinstance(loss, Huber) else {}))
    prediction, target = data(rng, loss, (6, 4))
    prediction_torch = torch.tensor(prediction, requires_grad=True)
    value = theirs(prediction_torch, torch.tensor(target)) / 6
    value.backward()
    assert loss.forward(prediction, target) == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(
        loss.backward(), prediction_torch.grad.numpy(), rtol=1e-10, atol=1e-14
    )


def test_values():
    prediction, target = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 0.0], [4.0, 2.0]])
    assert MeanSquaredError().forward(prediction, target) == (4 + 1 + 9) / 2
    assert MeanAbsoluteError().forward(prediction, target) == (2 + 1 + 3) / 2
    assert Huber().forward(prediction, target) == (1.5 + 0.5 + 2.5) / 2
    half = SoftmaxCrossEntropy().forward(np.zeros((3, 2)), np.array([0, 1, 1]))
    assert half == pytest.approx(np.log(2))
    assert BinaryCrossEntropy().forward(np.zeros((3, 1)), np.ones(3)) == pytest.approx(np.log(2))


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes(rng, loss, dtype):
    prediction, target = data(rng, loss, (5, 3))
    value = loss.forward(prediction.astype(dtype), target)
    assert type(value) is float
    grad = loss.backward()
    assert grad.dtype == dtype
    assert grad.shape == (5, 3)


@EVERY_OF_NUMBERS
def test_targets_are_not_broadcast(rng, loss):
    prediction = rng.normal(size=(5, 3))
    for shape in [(3,), (5,), (5, 1), (1, 3), (), (5, 3, 1), (3, 5), (15,)]:
        with pytest.raises(ShapeError, match=r"target has shape .*, expected \(5, 3\)"):
            loss.forward(prediction, np.zeros(shape))
    column = prediction[:, :1]
    expected = loss.forward(column, np.ones((5, 1)))
    assert loss.forward(column, np.ones(5)) == expected
    assert loss.backward().shape == (5, 1)
    assert loss.forward(column, [1, 1, 1, 1, 1]) == expected
    with pytest.raises(ShapeError, match=r"target has shape \(1, 5\), expected \(5, 1\)"):
        loss.forward(column, np.ones((1, 5)))


@EVERY
@pytest.mark.parametrize("value", ["3", 1j, None, np.datetime64("2020")])
def test_targets_are_real_numbers(loss, value):
    target = np.full(4 if isinstance(loss, SoftmaxCrossEntropy) else (4, 3), value)
    with pytest.raises(DataError, match="dtype"):
        loss.forward(np.zeros((4, 3)), target)


@EVERY
def test_a_mask_is_not_ignored(loss):
    with pytest.raises(DataError, match="masked array"):
        loss.forward(np.zeros((4, 3)), np.ma.masked_array(np.zeros((4, 3)), np.eye(4, 3)))


@EVERY
def test_no_rows(loss):
    for shape in [(0, 3), (3, 0), (2, 0, 3)]:
        with pytest.raises(DataError, match="the mean of no rows is undefined"):
            loss.forward(np.zeros(shape), np.zeros(shape))


@EVERY
@pytest.mark.parametrize("prediction", [np.zeros(3), np.float64(3), 3.0, [[1.0, 2.0]]])
def test_a_prediction_is_an_array_of_rows(loss, prediction):
    with pytest.raises(ShapeError, match=r"prediction has shape .*, expected \(N, K\)"):
        loss.forward(prediction, np.zeros(3))


@EVERY
@pytest.mark.parametrize("dtype", [int, bool, complex, object])
def test_a_prediction_is_floating(loss, dtype):  # or a target of 0.5 would be rounded to 0
    with pytest.raises(DataError, match=r"prediction has dtype .*, expected floating numbers"):
        loss.forward(np.zeros((4, 3), dtype), np.zeros(4, int))


@EVERY
def test_backward_needs_a_forward_that_has_worked(rng, loss):
    fresh = type(loss)()
    with pytest.raises(ValueError, match="run forward before backward"):
        fresh.backward()
    fresh.forward(*data(rng, loss, (5, 3)))
    fresh.backward()
    with pytest.raises(ShapeError):
        fresh.forward(np.zeros((4, 3)), np.zeros(7))
    with pytest.raises(ValueError, match="run forward before backward"):
        fresh.backward()


class TestSoftmaxCrossEntropy:
    @pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64, np.uint64])
    def test_labels_of_any_width(self, rng, dtype):
        logits, labels = rng.normal(size=(6, 4)), np.array([0, 1, 2, 3, 3, 0])
        loss = SoftmaxCrossEntropy()
        expected = loss.forward(logits, labels)
        gradient = loss.backward()
        assert loss.forward(logits, labels.astype(dtype)) == expected
        np.testing.assert_array_equal(loss.backward(), gradient)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, bool])
    def test_one_hot_rows_are_labels(self, rng, dtype):
        logits, labels = rng.normal(size=(2, 3, 4)), np.array([[0, 1, 2], [3, 3, 0]])
        loss = SoftmaxCrossEntropy()
        expected = loss.forward(logits, labels)
        gradient = loss.backward()
        assert loss.forward(logits, np.eye(4, dtype=dtype)[labels]) == expected
        np.testing.assert_array_equal(loss.backward(), gradient)

    @pytest.mark.parametrize("label", [-1, 4, 255, -(2**63), 2**63 - 1])
    def test_labels_out_of_range(self, label):
        with pytest.raises(DataError, match=r"labels lie in .*, expected 0\.\.3"):
            SoftmaxCrossEntropy().forward(np.zeros((3, 4)), np.array([0, label, 1]))

    @pytest.mark.parametrize("dtype", ["int8", ">i2", ">i8", "<i8"])
    def test_many_classes_and_any_byte_order(self, rng, dtype):
        logits, labels = rng.normal(size=(3, 300)), np.array([0, 127, 5])
        loss = SoftmaxCrossEntropy()
        assert loss.forward(logits, labels.astype(dtype)) == loss.forward(logits, labels)
        labels[1] = -1
        with pytest.raises(DataError, match=r"labels lie in -1\.\.5, expected 0\.\.299"):
            loss.forward(logits, labels.astype(dtype))

    @pytest.mark.parametrize(
        "row", [[0, 0, 0], [1, 1, 0], [0.5, 0.5, 0], [2, 0, 0], [1, np.nan, 0]]
    )
    def test_rows_that_are_not_one_hot(self, row):
        target = np.array([[1, 0, 0], row])
        with pytest.raises(DataError, match="not one-hot"):
            SoftmaxCrossEntropy().forward(np.zeros((2, 3)), target)

    @pytest.mark.parametrize("shape", [(4, 1), (3,), (4, 2), (1, 4), (), (4, 3, 1)])
    def test_shapes(self, shape):
        message = r"target has shape .*, expected labels \(4,\) or one-hot rows \(4, 3\)"
        with pytest.raises(ShapeError, match=message):
            SoftmaxCrossEntropy().forward(np.zeros((4, 3)), np.zeros(shape, int))

    def test_labels_are_integers(self):
        with pytest.raises(DataError, match="labels have dtype float64, expected integers"):
            SoftmaxCrossEntropy().forward(np.zeros((2, 3)), np.array([0.0, 1.0]))

    def test_one_logit_is_not_enough(self):
        with pytest.raises(ShapeError, match="use BinaryCrossEntropy"):
            SoftmaxCrossEntropy().forward(np.zeros((2, 1)), np.array([0, 0]))

    def test_large_logits(self):
        loss = SoftmaxCrossEntropy()
        logits = np.array([[1000.0, 0.0], [0.0, -1000.0]])
        assert loss.forward(logits, np.array([0, 0])) == 0
        assert loss.forward(logits, np.array([1, 1])) == 1000


class TestBinaryCrossEntropy:
    def test_large_logits(self):
        loss = BinaryCrossEntropy()
        logits = np.array([[1000.0], [-1000.0]])
        assert loss.forward(logits, np.array([1, 0])) == 0
        assert loss.forward(logits, np.array([0, 1])) == 1000
        np.testing.assert_array_equal(loss.backward(), [[0.5], [-0.5]])

    @pytest.mark.parametrize("target", [-0.1, 1.1, np.nan, 2])
    def test_targets_are_shares(self, target):
        with pytest.raises(DataError, match=r"targets lie in .*, expected 0\.\.1"):
            BinaryCrossEntropy().forward(np.zeros((2, 1)), np.array([0.5, target]))


@pytest.mark.parametrize("delta", [0, -1, np.nan, np.inf, "1"])
def test_delta_is_positive(delta):
    with pytest.raises(ValueError, match="delta is"):
        Huber(delta)


def test_a_loss_of_ones_own(rng):
    class Cubic(Loss):
        def _target(self, target):
            return target

        def _output(self):
            return float((np.abs(self.prediction - self.target) ** 3).sum() / self.rows)

        def _input_grad(self):
            error = self.prediction - self.target
            return 3 * error * np.abs(error) / self.rows

    gradcheck(Cubic(), rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))


def test_losses_are_known_by_name():
    assert set(LOSSES.values()) == {type(loss) for loss in ALL}
