"""Training on sequences: batches, pieces of long rows, and the state in between."""

import math
import signal
from functools import partial

import numpy as np
import pytest

import diglot
from diglot.errors import DataError, ShapeError, TrainingDiverged
from diglot.feeding import Data, Feed, checked, predict_in_order
from diglot.optimizers import SGD, Adam
from diglot.schedules import Cosine
from diglot.trainer import Trainer

N, T, D, K, BPTT = 6, 7, 2, 3, 3

fit = partial(Trainer.fit, epochs=1, batch_size=2, shuffle=False, progress=False)


def network(layer=None, **settings):
    layers = [layer or diglot.LSTM(4, **settings), diglot.Dense(K)]
    return diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, dtype=np.float64)


def trainer(lr=0.5, **settings):
    return Trainer(network(**settings), SGD(lr))


@pytest.fixture
def x(rng):
    return rng.normal(size=(N, T, D))


@pytest.fixture
def y(rng):
    return rng.integers(K, size=(N, T))


def assert_same_parameters(one, other, atol=0.0):
    for name, param in one.parameters().items():
        np.testing.assert_allclose(param, other.parameters()[name], rtol=0, atol=atol, err_msg=name)


def by_hand(net, optimizer, batch):
    """Make one update."""
    loss = net.train_batch(*batch)
    optimizer.step(net.parameters(), net.gradients(), 0.5)
    return loss * batch[1].size


# ---- pieces of long rows -------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"stateful": True}, {"initial_state": "learned"}])
def test_bptt_is_a_loop_that_hands_the_state_on(x, y, settings):
    subject = trainer(**settings)
    history = fit(subject, x, y, epochs=2, bptt=BPTT)
    net, optimizer = network(**(settings | {"stateful": False})), SGD(0.5)
    losses = []
    for _ in range(2):
        total = 0.0
        for rows in (slice(0, 2), slice(2, 4), slice(4, 6)):
            state = None
            for start in (0, 3, 6):
                steps = slice(start, start + BPTT)
                if state is None:
                    net.reset_state()
                else:
                    net.set_state(state)
                total += by_hand(net, optimizer, (x[rows, steps], y[rows, steps]))
                state = [net.layers[0].operations[0].final_state]
        losses.append(total / y.size)
    assert_same_parameters(subject.network, net)
    assert history.loss == pytest.approx(losses)
    assert subject.steps == 2 * 3 * 3
    assert subject.network.get_state() == [None]


@pytest.mark.parametrize("bptt", [T, T + 5])
def test_a_piece_as_long_as_the_rows_is_a_plain_fit(x, y, bptt):
    one, other = trainer(), trainer()
    cut = fit(one, x, y, epochs=2, bptt=bptt, shuffle=True, seed=3)
    plain = fit(other, x, y, epochs=2, shuffle=True, seed=3)
    assert_same_parameters(one.network, other.network)
    assert cut.loss == plain.loss
    assert one.steps == other.steps


def test_a_schedule_per_batch_counts_pieces(x, y):
    subject = Trainer(network(), SGD(Cosine(0.5, per="batch")))
    history = fit(subject, x, y, epochs=2, bptt=BPTT)
    assert subject.steps == 18
    wave = [0.5 * (1 + math.cos(math.pi * step / 17)) / 2 for step in (8, 17)]  # of 0 to 17
    assert history.learning_rate == pytest.approx(wave)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"bptt": 0}, ValueError, "bptt is 0"),
        ({"bptt": 2.0}, ValueError, r"bptt is 2\.0"),
        ({"bptt": 2, "lengths": [7] * N}, ValueError, "give lengths or bptt"),
        ({"bptt": 2, "y": np.zeros(N, int)}, ShapeError, "bptt needs a target for each step"),
        ({"bptt": 2, "y": np.zeros((N, T - 1), int)}, ShapeError, r"expected \(6, 7\) to begin"),
    ],
)
def test_wrong_settings_are_named(x, y, settings, error, message):
    subject = trainer()
    with pytest.raises(error, match=message):
        fit(subject, x, **{"y": y, **settings})
    assert subject.network.input_shape is None


def test_what_cannot_carry_is_not_cut(x, y):
    subject = trainer(bidirectional=True)
    with pytest.raises(ValueError, match="cannot carry a state"):
        fit(subject, x, y, bptt=2)
    assert subject.network.input_shape is None
    dense = Trainer(network(diglot.Dense(2)), SGD(0.1))
    with pytest.raises(ValueError, match="bptt is for recurrent layers"):
        fit(dense, x, y, bptt=2)


# ---- stateful networks ---------------------------------------------------------------------------


def test_a_stateful_network_goes_on_from_batch_to_batch(x, y):
    subject, net, optimizer = trainer(stateful=True), network(stateful=True), SGD(0.5)
    fit(subject, x, y, epochs=2)
    for _ in range(2):
        net.reset_state()
        for start in (0, 2, 4):
            by_hand(net, optimizer, (x[start : start + 2], y[start : start + 2]))
    assert_same_parameters(subject.network, net)
    assert subject.network.get_state() == [None]


def test_windows_in_order_are_long_rows_in_pieces(x, y):
    """Stateful batches of windows are bptt on the rows that the windows are cut from."""
    x, y = x[:2, :6], y[:2, :6]
    windows = np.concatenate([x[:, :3], x[:, 3:]]), np.concatenate([y[:, :3], y[:, 3:]])
    one, other = trainer(stateful=True), trainer()
    fit(one, *windows)
    fit(other, x, y, bptt=3)
    assert_same_parameters(one.network, other.network)
    assert one.evaluate(*windows, batch_size=2)["loss"] == pytest.approx(
        other.evaluate(x, y)["loss"]
    )


def test_its_validation_goes_on_in_the_same_way(x, y):
    subject = trainer(stateful=True)
    history = fit(subject, x, y, validation=(x, y))
    net = subject.network
    prediction = np.concatenate([net.forward(x[i : i + 2]) for i in (0, 2, 4)])
    net.reset_state()
    assert history.validation_loss == [pytest.approx(net.loss.forward(prediction, y))]


def test_an_order_that_mixes_up_states_is_refused(x, y):
    subject = trainer(stateful=True)
    for settings, message in [
        ({"shuffle": True}, "pass shuffle=False"),
        ({"batch_size": 4}, "6 rows in batches of 4 leave 2 over"),
        ({"validation": (x[:5], y[:5])}, "5 validation rows in batches of 2 leave 1 over"),
    ]:
        with pytest.raises(ValueError, match=message):
            fit(subject, x, y, **settings)
    assert subject.steps == 0
    with pytest.raises(ValueError, match="6 rows in batches of 4 leave 2 over"):
        subject.evaluate(x, y, batch_size=4)


def test_evaluating_in_the_middle_leaves_the_state_alone(x, y):
    subject = trainer(stateful=True)
    subject.network.train_batch(x, y)
    (before,) = subject.network.get_state()
    result = subject.evaluate(x[:3], y[:3])
    np.testing.assert_array_equal(subject.network.get_state()[0], before)
    subject.network.reset_state()
    assert subject.evaluate(x[:3], y[:3]) == result


def test_predictions_in_order(x):
    net = network(stateful=True)
    parts = [net.predict(x[i : i + 3]) for i in (0, 3)]
    net.reset_state()
    whole = predict_in_order(net, Data(x, x, None), 3)
    np.testing.assert_array_equal(whole, np.concatenate(parts))


# ---- lengths -------------------------------------------------------------------------------------

LENGTHS = np.array([7, 1, 3, 2, 5, 6])


def test_an_epochs_loss_is_the_mean_over_the_steps_that_count(x, y):
    subject = trainer(lr=1e-12)
    history = fit(subject, x, y, lengths=LENGTHS, validation=(x, y, LENGTHS), batch_size=4)
    assert history.loss == pytest.approx(history.validation_loss)
    assert history.loss[0] == pytest.approx(subject.evaluate(x, y, lengths=LENGTHS)["loss"])


def test_with_one_target_for_each_row_it_is_the_mean_over_rows(x, y):
    subject, labels = trainer(lr=1e-12, return_sequences=False), y[:, 0]
    history = fit(
        subject, x, labels, lengths=LENGTHS, validation=(x, labels, LENGTHS), batch_size=4
    )
    assert history.loss == pytest.approx(history.validation_loss)


def test_shuffled_rows_keep_their_lengths(x, y):
    valid = np.arange(T) < LENGTHS[:, None]
    wild = np.where(valid[..., None], x, np.nan), np.where(valid, y, -1)
    one, other = trainer(), trainer()
    fit(one, x, y, lengths=LENGTHS, shuffle=True, seed=4)
    fit(other, *wild, lengths=LENGTHS.tolist(), shuffle=True, seed=4)
    assert_same_parameters(one.network, other.network)


def test_validation_may_have_lengths_where_training_has_pieces(x, y):
    history = fit(trainer(), x, y, bptt=2, validation=(x, y, LENGTHS), early_stopping=5)
    assert len(history.validation_loss) == 1


def test_wrong_lengths_say_whether_they_are_of_the_validation(x, y):
    wrong = np.full(N, T + 1)
    with pytest.raises(ValueError, match=r"^lengths lie in 8\.\.8, expected 1\.\.7"):
        fit(trainer(), x, y, lengths=wrong)
    with pytest.raises(ValueError, match=r"^in the validation data: lengths lie in"):
        fit(trainer(), x, y, lengths=LENGTHS, validation=(x, y, wrong))


def test_validation_may_have_another_number_of_steps(x, y):
    history = fit(trainer(), x, y, bptt=4, validation=(x[:, :2], y[:, :2]))
    assert len(history.validation_loss) == 1
    with pytest.raises(ShapeError, match=r"validation x has shape \(7, 1\), expected \(7, 2\)"):
        fit(trainer(), x, y, validation=(x[..., :1], y))


# ---- how a training ends -------------------------------------------------------------------------


def test_ctrl_c_returns_what_was_learned(x, y, monkeypatch):
    subject, twin = trainer(), trainer()
    train_batch, count = subject.network.train_batch, 0

    def watched(*batch, **settings):
        nonlocal count
        count += 1
        if count == 5:
            signal.raise_signal(signal.SIGINT)
        return train_batch(*batch, **settings)

    monkeypatch.setattr(subject.network, "train_batch", watched)
    history = fit(subject, x, y, epochs=3, bptt=BPTT)
    assert history.interrupted
    assert subject.steps == 5
    assert subject.network.get_state() == [None]
    assert not subject.network.layers[0].carries
    twin.network.setup((T, D))
    with twin.network.carrying_state():
        for number in range(5):
            if number % 3 == 0:
                twin.network.reset_state()
            rows, steps = slice(2 * (number // 3), 2 * (number // 3) + 2), number % 3 * BPTT
            batch = x[rows, steps : steps + BPTT], y[rows, steps : steps + BPTT]
            by_hand(twin.network, twin.optimizer, batch)
    assert_same_parameters(subject.network, twin.network)


@pytest.mark.parametrize("settings", [{"bptt": BPTT}, {"stateful": True}])
def test_a_divergence_leaves_no_state(x, y, settings):
    bptt = settings.pop("bptt", None)
    subject = trainer(**settings)
    bad = x.copy()
    bad[3, 2] = np.nan
    with pytest.raises(TrainingDiverged, match="the inputs hold NaN or infinity in 1 rows"):
        fit(subject, bad, y, bptt=bptt)
    assert subject.network.get_state() == [None]
    assert not np.isnan(subject.network.predict(x)).any()


def test_padding_is_not_blamed_for_a_divergence(x, y):
    bad = np.where(np.arange(T)[:, None] < LENGTHS[:, None, None], x, np.nan)
    bad[2, 0] = np.inf
    with pytest.raises(TrainingDiverged, match="in 1 rows, the first is row 2"):
        fit(trainer(), bad, y, lengths=LENGTHS)


def test_large_tokens_are_not_blamed_for_a_divergence():
    tokens = np.full((2, 3), 99)
    net = diglot.NeuralNetwork(
        [diglot.Embedding(100, 2), diglot.GRU(2), diglot.Dense(1)], "mean_squared_error", seed=0
    )
    with pytest.raises(TrainingDiverged) as caught:
        fit(Trainer(net, SGD(1e30)), tokens, np.full((2, 3, 1), 1e10), epochs=5)
    assert "learning rate is too large" in str(caught.value)
    assert "standardise" not in str(caught.value)


def test_early_stopping_with_pieces_restores_the_best(x, y):
    subject = Trainer(network(), Adam(0.1))
    history = fit(subject, x, y, bptt=BPTT, validation=(x[::-1], y), epochs=30, early_stopping=2)
    assert history.best_epoch is not None
    best = min(history.validation_loss)
    assert subject.evaluate(x[::-1], y, piece=BPTT)["loss"] == pytest.approx(best)


# ---- steps ---------------------------------------------------------------------------------------


def test_every_number_is_fed_once(x, y):
    net = network()
    net.setup((T, D))
    feed = Feed(net, checked("", net, x, y), 4, BPTT)
    with feed.epoch(np.random.default_rng(0)) as steps:
        fed = list(steps)
    assert len(fed) == feed.steps == 2 * 3
    values = np.concatenate([step.x.ravel() for step in fed])
    np.testing.assert_array_equal(np.sort(values), np.sort(x.ravel()))
    assert [step.x.shape[:2] for step in fed] == [(n, t) for n in (4, 2) for t in (3, 3, 1)]


def test_what_does_not_fit_together_is_named(x, y):
    net = network()
    for arguments, error, message in [
        ((x, y[1:]), DataError, "differ: 6 and 5 rows"),
        ((x[:0], y[:0]), DataError, "empty: 0 rows"),
        ((x[:, 0, 0], y, [1] * N), ShapeError, r"x has shape \(6,\), expected \(N, T"),
        ((x, y, [8] * N), ValueError, r"expected 1\.\.7"),
    ]:
        with pytest.raises(error, match=message):
            checked("", net, *arguments)
