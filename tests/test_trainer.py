"""The training loop: what it sees, writes down, refuses, and how it ends."""

import math
import signal
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

import diglot
from diglot.early_stopping import EarlyStopping
from diglot.errors import DataError, ShapeError, TrainingDiverged
from diglot.history import History
from diglot.metrics import accuracy, top_k_accuracy
from diglot.optimizers import SGD, Adam, SGDMomentum
from diglot.schedules import Linear
from diglot.trainer import Trainer

Data = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def numbers() -> Data:
    """Make 50 rows of a noisy linear function of three inputs."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3)).astype(np.float32)
    noise = 0.1 * rng.normal(size=(50, 1))
    return x, (x @ [[1.0], [-2.0], [0.5]] + 3 + noise).astype(np.float32)


@pytest.fixture
def classes() -> Data:
    """Make 60 rows in three clouds."""
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 3
    centres = np.array([[2, 0], [-2, 1], [0, -2]])
    return (centres[labels] + 0.3 * rng.normal(size=(60, 2))).astype(np.float32), labels


def regressor(seed: int = 0) -> diglot.NeuralNetwork:
    layers = [diglot.Dense(4, activation=diglot.Tanh), diglot.Dense(1)]
    return diglot.NeuralNetwork(layers, diglot.MeanSquaredError(), seed=seed)


def classifier() -> diglot.NeuralNetwork:
    return diglot.NeuralNetwork([diglot.Dense(3)], diglot.SoftmaxCrossEntropy(), seed=0)


def momentum_trainer() -> Trainer:
    return Trainer(regressor(), SGDMomentum(0.01))


fit_quietly = partial(Trainer.fit, batch_size=16, seed=3, progress=False)


def assert_same_parameters(one: diglot.NeuralNetwork, other: diglot.NeuralNetwork) -> None:
    theirs = other.parameters()
    for name, param in one.parameters().items():
        np.testing.assert_array_equal(param, theirs[name], err_msg=name)


def spy(network: diglot.NeuralNetwork, act: Callable[[int, np.ndarray], None]) -> None:
    """Call `act(step, x_batch)`, with steps counted from 1, within every train_batch."""
    train_batch, count = network.train_batch, 0

    def watched(x: np.ndarray, y: np.ndarray, **settings) -> float:
        nonlocal count
        count += 1
        act(count, x)
        return train_batch(x, y, **settings)

    network.train_batch = watched


class TestHistory:
    def test_one_row_per_epoch(self, numbers: Data) -> None:
        trainer = momentum_trainer()
        history = fit_quietly(trainer, *numbers, epochs=5)
        assert isinstance(history, History)
        assert history is trainer.history
        assert history.epoch == [1, 2, 3, 4, 5]
        assert history.loss[-1] < history.loss[0]
        assert history.learning_rate == [0.01] * 5
        assert all(seconds > 0 for seconds in history.seconds)
        assert history.validation_loss == [None] * 5
        assert history.metrics == {"mae": [None] * 5, "rmse": [None] * 5}
        assert trainer.steps == 5 * 4

    def test_loss_is_the_mean_over_rows_of_unequal_batches(self, numbers: Data) -> None:
        trainer = Trainer(regressor(), SGD(0.0))
        history = fit_quietly(trainer, *numbers, epochs=1)
        assert history.loss[0] == pytest.approx(trainer.evaluate(*numbers)["loss"], rel=1e-5)

    def test_evaluations(self, classes: Data) -> None:
        trainer = Trainer(classifier(), SGD(0.5))
        history = fit_quietly(trainer, *classes, epochs=5, validation=classes, eval_every=2)
        evaluated = [value is not None for value in history.validation_loss]
        assert evaluated == [False, True, False, True, True]
        assert [value is not None for value in history.metrics["accuracy"]] == evaluated
        assert history.metrics["accuracy"][-1] == 1.0
        assert trainer.evaluate(*classes) == {
            "loss": history.validation_loss[-1],
            "accuracy": history.metrics["accuracy"][-1],
        }

    def test_evaluation_does_not_change_the_training(self, numbers: Data) -> None:
        def train(**settings) -> diglot.NeuralNetwork:
            layers = [diglot.Dense(4, dropout=0.5), diglot.Dense(1)]
            network = diglot.NeuralNetwork(layers, diglot.MeanSquaredError(), seed=0)
            fit_quietly(Trainer(network, SGD(0.01)), *numbers, epochs=3, **settings)
            return network

        assert_same_parameters(train(), train(validation=numbers))


class TestBatches:
    def test_every_row_once_with_the_short_last_batch(self, numbers: Data) -> None:
        trainer, seen = momentum_trainer(), []
        spy(trainer.network, lambda step, x: seen.append(x.copy()))
        fit_quietly(trainer, *numbers, epochs=1)
        assert [len(x) for x in seen] == [16, 16, 16, 2]
        rows = np.concatenate(seen)
        assert not np.array_equal(rows, numbers[0])
        np.testing.assert_array_equal(
            rows[rows[:, 0].argsort()], numbers[0][numbers[0][:, 0].argsort()]
        )

    def test_in_order_without_shuffling(self, numbers: Data) -> None:
        trainer, seen = momentum_trainer(), []
        spy(trainer.network, lambda step, x: seen.append(x.copy()))
        fit_quietly(trainer, *numbers, epochs=2, shuffle=False)
        np.testing.assert_array_equal(np.concatenate(seen), np.concatenate([numbers[0]] * 2))

    def test_the_seed_decides(self, numbers: Data) -> None:
        trainers = [momentum_trainer() for _ in range(3)]
        for trainer, seed in zip(trainers, (7, 7, 8), strict=True):
            fit_quietly(trainer, *numbers, epochs=3, seed=seed)
        first, again, other = (trainer.network for trainer in trainers)
        assert_same_parameters(first, again)
        assert not np.array_equal(first.predict(numbers[0]), other.predict(numbers[0]))

    def test_callers_data_and_numpys_global_state_stay(self, numbers: Data) -> None:
        copies = [array.copy() for array in numbers]
        before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is what must not change
        fit_quietly(momentum_trainer(), *numbers, epochs=2)
        np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
        for array, copy in zip(numbers, copies, strict=True):
            np.testing.assert_array_equal(array, copy)

    def test_lists_and_integers(self) -> None:
        trainer = Trainer(classifier(), SGD(0.1))
        history = fit_quietly(trainer, [[1, 2], [3, 4]], [0, 2], epochs=1, batch_size=2)
        assert math.isfinite(history.loss[0])


class TestASecondFit:
    def test_goes_on_as_if_there_had_been_one(self, numbers: Data) -> None:
        together, apart = momentum_trainer(), momentum_trainer()
        fit_quietly(together, *numbers, epochs=5, shuffle=False)
        fit_quietly(apart, *numbers, epochs=2, shuffle=False)
        history = fit_quietly(apart, *numbers, epochs=3, shuffle=False)
        assert_same_parameters(together.network, apart.network)
        assert history.epoch == [1, 2, 3, 4, 5]
        assert history.loss == together.history.loss
        assert apart.steps == together.steps

    def test_schedule_goes_on(self, numbers: Data) -> None:
        trainer = Trainer(regressor(), SGD(Linear(0.04, 0.01)))
        fit_quietly(trainer, *numbers, epochs=4)
        history = fit_quietly(trainer, *numbers, epochs=2)
        assert history.learning_rate == pytest.approx([0.04, 0.03, 0.02, 0.01, 0.01, 0.01])

    def test_schedule_per_batch(self, numbers: Data) -> None:
        trainer = Trainer(regressor(), SGD(Linear(0.07, 0.0, per="batch")))
        history = fit_quietly(trainer, *numbers, epochs=2)  # 4 batches each
        assert history.learning_rate == pytest.approx([0.04, 0.0])


class TestEarlyStopping:
    def test_the_callers_network_gets_the_best_epoch(self, numbers: Data) -> None:
        x, y = numbers
        trainer, twin = momentum_trainer(), momentum_trainer()
        opposite = (x, y - 2 * (y - twin.network.predict(x)))  # gets worse from the start
        history = fit_quietly(trainer, x, y, validation=opposite, epochs=20, early_stopping=3)
        assert len(history) == 4
        assert history.best_epoch == 1
        assert history.notes == ["stopped early after epoch 4, step 16"]
        assert not history.interrupted
        fit_quietly(twin, x, y, epochs=1)
        assert_same_parameters(trainer.network, twin.network)

    def test_the_best_is_kept_when_patience_never_ends(self, numbers: Data) -> None:
        trainer = Trainer(regressor(), SGD(0.05))
        history = fit_quietly(
            trainer, *numbers, validation=numbers, epochs=6, early_stopping=EarlyStopping(50)
        )
        assert len(history) == 6
        best = min(history.validation_loss)
        assert history.best_epoch == 1 + history.validation_loss.index(best)
        assert trainer.evaluate(*numbers)["loss"] == best

    def test_needs_validation_data(self, numbers: Data) -> None:
        with pytest.raises(ValueError, match="early_stopping needs validation"):
            fit_quietly(momentum_trainer(), *numbers, epochs=1, early_stopping=2)


def interrupt_at(step: int) -> Callable[[int, np.ndarray], None]:
    def act(number: int, x: np.ndarray) -> None:
        if number == step:
            signal.raise_signal(signal.SIGINT)

    return act


class TestInterrupt:
    def test_returns_the_history_after_a_whole_step(self, numbers: Data) -> None:
        trainer, twin = momentum_trainer(), momentum_trainer()
        spy(trainer.network, interrupt_at(6))
        history = fit_quietly(trainer, *numbers, epochs=9, shuffle=False)
        assert history.epoch == [1]
        assert trainer.steps == 6
        assert history.notes == ["interrupted after epoch 1, step 6"]
        assert history.interrupted
        fit_quietly(twin, *numbers, epochs=1, shuffle=False)
        fit_quietly(twin, numbers[0][:32], numbers[1][:32], epochs=1, shuffle=False)
        assert_same_parameters(trainer.network, twin.network)

    def test_training_can_go_on(self, numbers: Data) -> None:
        trainer = momentum_trainer()
        spy(trainer.network, interrupt_at(2))
        assert len(fit_quietly(trainer, *numbers, epochs=2)) == 0
        assert fit_quietly(trainer, *numbers, epochs=2).epoch == [1, 2]

    def test_with_early_stopping_the_best_is_restored(self, numbers: Data) -> None:
        x, y = numbers
        trainer, twin = momentum_trainer(), momentum_trainer()
        opposite = (x, y - 2 * (y - twin.network.predict(x)))
        spy(trainer.network, interrupt_at(11))
        fit_quietly(trainer, x, y, validation=opposite, epochs=20, early_stopping=9)
        fit_quietly(twin, x, y, epochs=1)
        assert_same_parameters(trainer.network, twin.network)

    def test_from_within_a_metric(self, numbers: Data) -> None:
        def impatient(prediction: np.ndarray, target: np.ndarray) -> float:
            raise KeyboardInterrupt

        trainer = Trainer(regressor(), SGD(0.01), metrics=[impatient])
        history = fit_quietly(trainer, *numbers, epochs=3, validation=numbers)
        assert history.notes == ["interrupted after epoch 0, step 4"]


class TestDivergence:
    def test_names_place_rate_and_causes(self, numbers: Data) -> None:
        trainer = Trainer(regressor(), SGD(1e6))
        with pytest.raises(TrainingDiverged) as caught:
            fit_quietly(trainer, numbers[0] * 100, numbers[1], epochs=9)
        message = str(caught.value)
        assert "epoch" in message
        assert "batch" in message
        assert "learning rate 1e+06" in message
        assert "try 100000" in message
        assert "standardise" in message
        assert "clip_norm" in message

    @pytest.mark.parametrize(("which", "name"), [(0, "inputs"), (1, "targets")])
    def test_bad_data_is_named_as_the_cause(self, numbers: Data, which: int, name: str) -> None:
        trainer, twin = momentum_trainer(), momentum_trainer()
        numbers[which][37, 0] = np.nan
        with pytest.raises(TrainingDiverged) as caught:
            fit_quietly(trainer, *numbers, epochs=1, shuffle=False)
        message = str(caught.value)
        assert "epoch 1, batch 3" in message
        assert f"the {name} hold NaN or infinity in 1 rows, the first is row 37" in message
        assert "too large" not in message
        good = (numbers[0][:32], numbers[1][:32])
        fit_quietly(twin, *good, epochs=1, shuffle=False)
        assert_same_parameters(trainer.network, twin.network)  # the bad update was not made

    def test_spoilt_parameters_are_set_back(self, numbers: Data) -> None:
        """With tanh an infinite input gives a finite loss, and a gradient that is NaN."""
        trainer, twin = momentum_trainer(), momentum_trainer()
        for each in (trainer, twin):
            fit_quietly(each, *numbers, epochs=1)
        bad = numbers[0].copy()
        bad[37, 0] = np.inf
        with pytest.raises(TrainingDiverged) as caught:
            fit_quietly(trainer, bad, numbers[1], epochs=1, shuffle=False)
        message = str(caught.value)
        assert "epoch 2, batch 4" in message
        assert "reached the parameters 0.weight" in message
        assert "set back to the beginning of the epoch" in message
        assert "the first is row 37" in message
        for each in (trainer, twin):
            fit_quietly(each, *numbers, epochs=1)
        assert_same_parameters(trainer.network, twin.network)
        assert trainer.steps == twin.steps

    def test_validation_data(self, numbers: Data) -> None:
        bad = (np.full_like(numbers[0], np.nan), numbers[1])
        with pytest.raises(TrainingDiverged, match="validation loss is nan after epoch 1"):
            fit_quietly(momentum_trainer(), *numbers, epochs=1, validation=bad)

    def test_the_very_last_update(self, numbers: Data) -> None:
        trainer = Trainer(regressor(), SGD(1e38, clip_value=1e6))
        with pytest.raises(TrainingDiverged, match="update of epoch 1, batch 1 failed"):
            fit_quietly(trainer, *numbers, epochs=1, batch_size=50)

    def test_earlier_epochs_stay_in_the_history(self, numbers: Data) -> None:
        trainer = momentum_trainer()
        fit_quietly(trainer, *numbers, epochs=2)
        numbers[0][0, 0] = np.nan
        with pytest.raises(TrainingDiverged, match="epoch 3"):
            fit_quietly(trainer, *numbers, epochs=1)
        assert len(trainer.history) == 2


class TestMetrics:
    @pytest.mark.parametrize(
        ("loss", "names"),
        [
            (diglot.SoftmaxCrossEntropy, ["accuracy"]),
            (diglot.BinaryCrossEntropy, ["accuracy"]),
            (diglot.MeanSquaredError, ["mae", "rmse"]),
            (diglot.MeanAbsoluteError, ["mae", "rmse"]),
            (diglot.Huber, ["mae", "rmse"]),
        ],
    )
    def test_defaults(self, loss, names: list[str]) -> None:
        network = diglot.NeuralNetwork([diglot.Dense(3)], loss())
        assert list(Trainer(network, SGD()).metrics) == names

    def test_given_ones(self, classes: Data) -> None:
        named = {"top 2": partial(top_k_accuracy, k=2)}
        for given, names in (([accuracy], ["accuracy"]), (named, ["top 2"]), ([], [])):
            trainer = Trainer(classifier(), SGD(), metrics=given)
            assert list(trainer.evaluate(*classes)) == ["loss", *names]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"y": np.zeros((49, 1))}, DataError, "lengths of x and y differ: 50 and 49"),
        ({"x": np.zeros((0, 3)), "y": np.zeros((0, 1))}, DataError, "empty: 0 rows"),
        ({"x": np.array(1.0)}, DataError, "a single number has none"),
        ({"x": np.full((50, 3), "a")}, ValueError, "<U1"),
        ({"x": np.full((50, 3), 1j)}, ValueError, "complex"),
        ({"batch_size": 51}, ValueError, "batch_size is 51, expected at most 50"),
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"batch_size": 2.5}, ValueError, "batch_size is 2.5"),
        ({"epochs": 0}, ValueError, "epochs is 0"),
        ({"epochs": True}, ValueError, "epochs is True"),
        ({"eval_every": 0}, ValueError, "eval_every is 0"),
        ({"validation": np.zeros((2, 3))}, ValueError, "validation is a ndarray"),
        ({"validation": (np.zeros((2, 3)),)}, ValueError, "expected a pair"),
        ({"validation": (np.zeros((2, 3)), np.zeros((3, 1)))}, DataError, "2 and 3 rows"),
        ({"validation": (np.zeros((0, 3)), np.zeros((0, 1)))}, DataError, "empty"),
        (
            {"validation": (np.zeros((2, 4)), np.zeros((2, 1)))},
            ShapeError,
            r"validation x has shape \(4,\), expected \(3,\)",
        ),
        ({"y": np.zeros((50, 2))}, ShapeError, r"\(16, 2\), expected \(16, 1\)"),
    ],
)
def test_bad_arguments(numbers: Data, settings, error: type, message: str) -> None:
    x, y = settings.pop("x", numbers[0]), settings.pop("y", numbers[1])
    trainer = momentum_trainer()
    with pytest.raises(error, match=message):
        fit_quietly(trainer, x, y, **{"epochs": 1, **settings})
    assert len(trainer.history) == 0


class TestOneOptimizerPerNetwork:
    def test_a_shared_one_is_refused(self) -> None:
        optimizer = Adam()
        Trainer(regressor(), optimizer)
        with pytest.raises(ValueError, match="already trains another network"):
            Trainer(regressor(), optimizer)

    def test_a_second_trainer_for_the_same_network(self, numbers: Data) -> None:
        first = momentum_trainer()
        fit_quietly(first, *numbers, epochs=1)
        second = Trainer(first.network, first.optimizer)
        assert fit_quietly(second, *numbers, epochs=1).epoch == [1]
