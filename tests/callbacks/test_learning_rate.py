"""The range of learning rates is tried, and nothing is different afterwards."""

import numpy as np
import pytest

import diglot
from diglot.learning_rate import LearningRateCurve, find_learning_rate
from diglot.optimizers import Adam, SGDMomentum
from diglot.trainer import Trainer


@pytest.fixture
def data(rng):
    x = rng.normal(size=(200, 5)).astype(np.float32)
    return x, (x @ rng.normal(size=5) > 0).astype(int)


def trainer(optimizer=None):
    layers = [diglot.Dense(8, activation="tanh", dropout=0.1), diglot.Dense(2)]
    network = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=0)
    return Trainer(network, optimizer or SGDMomentum(0.1))


def test_the_rates_rise_evenly_on_a_logarithmic_scale(data):
    curve = find_learning_rate(trainer(), *data, lowest=1e-4, highest=1e-1, steps=7, seed=0)
    assert curve.rates == pytest.approx([1e-4 * 10 ** (k / 2) for k in range(7)])
    assert len(curve.losses) == 7


@pytest.mark.parametrize("make", [lambda: SGDMomentum(0.1), lambda: Adam(0.01)])
def test_the_suggestion_trains_well(data, make):
    subject = trainer(make())
    rate = find_learning_rate(subject, *data, steps=120, seed=0).suggestion
    assert 1e-4 < rate < 10
    optimizer = type(make())(rate)
    history = trainer(optimizer).fit(*data, epochs=20, batch_size=32, seed=0, progress=False)
    assert history.loss[-1] < 0.35


def test_afterwards_everything_is_as_before(data):
    subject, twin = trainer(), trainer()
    settings = {"epochs": 2, "batch_size": 32, "seed": 1, "progress": False}
    for one in (subject, twin):
        one.fit(*data, **settings)
    find_learning_rate(subject, *data, seed=0)
    assert subject.history.to_dict().keys() == twin.history.to_dict().keys()
    assert len(subject.history) == 2
    assert subject.steps == twin.steps
    for one in (subject, twin):
        one.fit(*data, **settings)
    for name, param in subject.network.parameters().items():
        np.testing.assert_array_equal(param, twin.network.parameters()[name])
    assert subject.history.loss == twin.history.loss


def test_what_was_given_out_or_taken_in_stays_as_it_is(data):
    subject, generator = trainer(), np.random.default_rng(3)
    history = subject.fit(*data, epochs=1, progress=False)
    drawn = repr(generator.bit_generator.state)
    find_learning_rate(subject, data[0].tolist(), data[1], seed=generator, progress=False)
    assert subject.history is history
    assert len(history) == 1
    assert repr(generator.bit_generator.state) == drawn


def test_a_loss_that_explodes_ends_the_curve(data):
    subject = trainer()
    before = subject.network.parameters if subject.network.input_shape else None
    curve = find_learning_rate(subject, *data, lowest=1e-3, highest=1e38, steps=30, seed=0)
    assert before is None
    assert 3 <= len(curve.rates) < 30
    assert all(np.isfinite(param).all() for param in subject.network.parameters().values())
    assert subject.history.notes == []


def test_where_nothing_falls_nothing_is_suggested():
    with pytest.raises(ValueError, match="the loss did not fall at any rate"):
        _ = LearningRateCurve((1e-3, 1e-2, 1e-1, 1.0), (1.0, 1.1, 2.0, 3.0)).suggestion


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 2}, "steps is 2"),
        ({"lowest": 0}, "lowest is 0"),
        ({"lowest": 1, "highest": 0.1}, "expected lowest < highest"),
        ({"epochs": 3}, "epochs has no meaning here"),
        ({"callbacks": []}, "callbacks has no meaning here"),
    ],
)
def test_wrong_settings(data, settings, message):
    with pytest.raises(ValueError, match=message):
        find_learning_rate(trainer(), *data, **settings)
