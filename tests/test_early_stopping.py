"""When to stop, and what is kept."""

import numpy as np
import pytest

import diglot
from diglot.early_stopping import BestEpoch, EarlyStopping


@pytest.fixture
def network() -> diglot.NeuralNetwork:
    network = diglot.NeuralNetwork([diglot.Dense(1)], diglot.MeanSquaredError(), seed=0)
    network.setup((2,))
    return network


def judge_all(best: BestEpoch, losses: list[float]) -> int:
    """Return the number of the evaluation that ends the training, 0 if none does."""
    for epoch, loss in enumerate(losses, 1):
        if best.judge(epoch, loss):
            return epoch
    return 0


@pytest.mark.parametrize(
    ("rule", "losses", "stop", "best"),
    [
        (EarlyStopping(1), [3, 2, 1, 1, 0], 4, 3),
        (EarlyStopping(2), [3, 4, 2, 3, 2, 1], 5, 3),
        (EarlyStopping(2), [3, 2, 1], 0, 3),
        (EarlyStopping(2, min_delta=0.5), [3.0, 2.8, 2.6, 1.0], 3, 3),
        (EarlyStopping(2, min_delta=0.5), [3.0, 2.7, 2.4, 2.1, 2.0], 5, 5),
    ],
)
def test_patience(network, rule: EarlyStopping, losses, stop: int, best: int) -> None:
    watch = BestEpoch(network, rule)
    assert judge_all(watch, losses) == stop
    assert watch.epoch == best


def test_restores_into_the_same_arrays(network) -> None:
    watch = BestEpoch(network, EarlyStopping(3))
    arrays = network.parameters()
    wanted = {name: array.copy() for name, array in arrays.items()}
    watch.judge(1, 0.5)
    for array in arrays.values():
        array += 1
    watch.judge(2, 0.6)
    watch.restore()
    for name, array in network.parameters().items():
        assert array is arrays[name]
        np.testing.assert_array_equal(array, wanted[name])


def test_nothing_judged_nothing_restored(network) -> None:
    before = network.copy_parameters()
    BestEpoch(network, EarlyStopping(1)).restore()
    for name, array in network.parameters().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "patience is 0"),
        ((2.5,), "patience is 2.5"),
        ((True,), "patience is True"),
        ((2, -1.0), "min_delta is -1.0"),
        ((2, float("nan")), "min_delta is nan"),
    ],
)
def test_bad_settings(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EarlyStopping(*arguments)
