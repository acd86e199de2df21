"""docs/recurrent-state.md, claim by claim: test_NN is claim NN."""

import copy
import re
import signal
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import diglot
from diglot.errors import ShapeError, TrainingDiverged

DOCS = Path(__file__).parents[1] / "docs"
N, T, D, H, K = 4, 6, 2, 5, 3
KINDS = [diglot.RNN, diglot.GRU, partial(diglot.GRU, reset_after=False), diglot.LSTM]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=["rnn", "gru", "original-gru", "lstm"])
fit = partial(
    diglot.Trainer.fit, epochs=1, batch_size=2, shuffle=False, progress=False, validation=None
)


def network(kind=diglot.LSTM, **settings):
    layers = [kind(H, **settings), diglot.Dense(K)]
    net = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, dtype=np.float64)
    net.setup((T, D))
    return net


def trainer(**settings):
    return diglot.Trainer(network(**settings), diglot.SGD(0.5))


@pytest.fixture
def x(rng):
    return rng.normal(size=(N, T, D))


@pytest.fixture
def y(rng):
    return rng.integers(K, size=(N, T))


near = partial(np.testing.assert_allclose, rtol=0, atol=1e-12)
same = np.testing.assert_array_equal


def same_parameters(one, other, compare=same):
    for name, param in one.network.parameters().items():
        compare(param, other.network.parameters()[name])


def input_grad(net, x, steps):
    """Give the input's gradient of the sum of the outputs at some steps."""
    grad = np.zeros_like(net.forward(x))
    grad[:, steps] = 1
    return net.backward(grad, needs_input_grad=True)


def test_the_page_has_these_claims_and_this_picture():
    page = (DOCS / "recurrent-state.md").read_text(encoding="utf-8")
    claims = [int(number) for number in re.findall(r"^(\d+)\. \*\*", page, flags=re.M)]
    tests = sorted(int(name[5:7]) for name in globals() if re.match(r"test_\d\d_", name))
    assert claims == list(range(1, len(claims) + 1)) == tests
    picture = (DOCS / "pictures" / "recurrent-state.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(picture)
    assert "prefers-color-scheme: dark" in picture


# ---- along a row ---------------------------------------------------------------------------------


@each_kind
def test_01_a_forward_begins_with_zeros(x, kind):
    net = network(kind)
    first = net.forward(x)
    same(net.forward(x), first)
    net.set_state([tuple(np.zeros((N, H)) for _ in net.layers[0].operations[0].initial)])
    same(net.forward(x), first)


@each_kind
def test_02_the_gradient_reaches_the_first_input(x, kind):
    assert input_grad(network(kind), x, [T - 1])[:, 0].all()


@each_kind
def test_03_a_state_belongs_to_one_row(x, kind):
    wild = x.copy()
    wild[1] = np.nan
    states = []
    for rows in (x, wild):
        net = network(kind, stateful=True)
        net.forward(rows)
        states.append(net.get_state()[0][0])
    same(np.delete(states[0], 1, axis=0), np.delete(states[1], 1, axis=0))
    net = network(kind, stateful=True)
    net.forward(x[:1])
    near(states[0][:1], net.get_state()[0][0])  # nor does the company matter


# ---- pieces --------------------------------------------------------------------------------------


@each_kind
def test_04_the_state_is_carried_from_piece_to_piece(x, kind):
    net = network(kind)
    whole = net.forward(x)
    with net.carrying_state():
        parts = [net.forward(x[:, start : start + 2]) for start in (0, 2, 4)]
    near(np.concatenate(parts, axis=1), whole)


@each_kind
def test_05_the_gradient_stops_where_a_piece_begins(x, kind):
    net = network(kind)
    whole = input_grad(net, x, [T - 1])
    with net.carrying_state():
        net.forward(x[:, :3])
        state = net.get_state()
        piece = input_grad(net, x[:, 3:], [2])
    near(piece, whole[:, 3:])  # the input's gradient is the same, as far as it goes
    assert whole[:, :3].any()
    weight = net.gradients()["0.recurrent_weight"]
    input_grad(net, x, [T - 1])
    assert not np.allclose(weight, net.gradients()["0.recurrent_weight"])
    net.set_state(state)  # a constant
    input_grad(net, x[:, 3:], [2])
    same(net.gradients()["0.recurrent_weight"], weight)


@each_kind
def test_06_bptt_is_a_loop_by_hand(x, y, kind):
    subject, hand = trainer(kind=kind), trainer(kind=kind)
    fit(subject, x, y, batch_size=N, bptt=2)
    net = hand.network
    with net.carrying_state():
        for start in (0, 2, 4):
            net.train_batch(x[:, start : start + 2], y[:, start : start + 2])
            hand.optimizer.step(net.parameters(), net.gradients(), 0.5)
    same_parameters(subject, hand)
    assert subject.steps == 3


@each_kind
def test_07_one_piece_is_a_plain_fit(x, y, kind):
    one, other = trainer(kind=kind), trainer(kind=kind)
    fit(one, x, y, epochs=2, bptt=T)
    fit(other, x, y, epochs=2)
    same_parameters(one, other)


@pytest.mark.parametrize("shuffle", [False, True])
def test_08_the_next_batch_begins_anew(x, y, shuffle, monkeypatch):
    subject, begins = trainer(), []
    train_batch = subject.network.train_batch

    def watched(*batch, **settings):
        begins.append(subject.network.get_state() == [None])
        return train_batch(*batch, **settings)

    monkeypatch.setattr(subject.network, "train_batch", watched)
    fit(subject, x, y, bptt=2, shuffle=shuffle)
    assert begins == [True, False, False] * 2


# ---- stateful ------------------------------------------------------------------------------------


def test_09_row_i_goes_on_where_row_i_has_ended(x, y):
    net = network(stateful=True)
    parts = [net.forward(x[:, :2]), net.forward(x[:, 2:])]
    near(np.concatenate(parts, axis=1), network().forward(x))
    net.reset_state()
    same(net.forward(x[:, :2]), parts[0])
    with pytest.raises(ValueError, match="pass shuffle=False"):
        fit(trainer(stateful=True), x, y, shuffle=True)
    with pytest.raises(ValueError, match="leave 1 over"):
        fit(trainer(stateful=True), x, y, batch_size=3)


def test_10_an_epoch_begins_and_ends_fresh(x, y):
    together, apart = trainer(stateful=True), trainer(stateful=True)
    fit(together, x, y, epochs=2)
    for _ in range(2):
        apart.network.forward(x)  # leaves a state behind
        fit(apart, x, y)
        assert apart.network.get_state() == [None]
    same_parameters(together, apart)


def test_11_stateful_windows_are_pieces(x, y):
    windows = [np.concatenate([each[:2, :3], each[:2, 3:]]) for each in (x, y)]
    stateful, pieces = trainer(stateful=True), trainer()
    fit(stateful, *windows)
    fit(pieces, x[:2], y[:2], bptt=3)
    same_parameters(stateful, pieces)


def test_12_another_number_of_rows_is_an_error(x):
    net = network(stateful=True)
    net.forward(x)
    with pytest.raises(ShapeError, match=r"4 rows, but the input has 3; reset_state\(\) begins"):
        net.forward(x[:3])
    net.reset_state()
    net.forward(x[:3])


# ---- fresh, and moved ----------------------------------------------------------------------------


def test_13_evaluation_is_fresh_and_puts_back(x, y):
    subject = trainer(stateful=True)
    fresh = subject.evaluate(x, y)
    subject.network.forward(x)
    before = subject.network.get_state()
    assert subject.evaluate(x, y) == fresh
    same(subject.network.get_state()[0], before[0])
    history = fit(subject, x, y, validation=(x, y))
    assert history.validation_loss[0] == subject.evaluate(x, y, batch_size=2)["loss"]
    parts = [subject.network.predict(x[rows]) for rows in (slice(0, 2), slice(2, 4))]
    loss = subject.network.loss.forward(np.concatenate(parts), y)
    assert loss == pytest.approx(history.validation_loss[0])


def test_14_predict_is_a_forward(x):
    for stateful in (False, True):
        net, twin = network(stateful=stateful), network(stateful=stateful)
        for _ in range(2):
            same(net.predict(x), twin.forward(x))
        near(net.predict(x, piece=2), twin.forward(x))
        state = [None] if not stateful else [twin.get_state()[0]]
        assert (net.get_state() == [None]) == (state == [None])


def test_15_states_are_copies_and_stay(x):
    net = network(stateful=True)
    net.forward(x)
    state = net.get_state()
    second = net.forward(x)
    net.set_state(state)
    state[0][0][:] = 9
    same(net.forward(x), second)
    plain = network()
    plain.set_state([(np.ones((N, H)),) * 2])
    first = plain.forward(x)
    same(plain.forward(x), first)  # it begins there each time
    with plain.carrying_state():
        same(plain.forward(x), first)
        assert not np.array_equal(plain.forward(x), first)  # and here it goes on


@pytest.mark.parametrize("stateful", [False, True])
def test_16_a_step_that_fails_moves_nothing(x, y, stateful, monkeypatch):
    subject = trainer(stateful=stateful)
    net = subject.network
    if stateful:
        net.forward(x)
        before = net.get_state()
        with pytest.raises(ValueError, match="labels lie in"):
            net.train_batch(x, y + K)
        with monkeypatch.context() as patch:
            patch.setattr(net.layers[1], "operations", [Interrupted()])
            with pytest.raises(KeyboardInterrupt):
                net.forward(x)
        same(net.get_state()[0], before[0])
    bad = x.copy()
    bad[-1] = np.nan
    with pytest.raises(TrainingDiverged):
        fit(subject, bad, y, bptt=None if stateful else 2)
    assert net.get_state() == [None]
    history = fit(subject, x, y, epochs=3, callbacks=Impatient())
    assert history.interrupted
    assert len(history) == 1
    assert net.get_state() == [None]


class Impatient:
    """Press Ctrl-C after an epoch."""

    def on_epoch_end(self, fit):
        signal.raise_signal(signal.SIGINT)


class Interrupted:
    """An operation during which somebody presses Ctrl-C."""

    def forward(self, input_, inference):
        raise KeyboardInterrupt


def test_17_a_file_keeps_no_state_and_a_copy_does(x, tmp_path):
    net = network(stateful=True)
    first = net.forward(x)
    net.save(tmp_path / "net.safetensors")
    loaded, twin = diglot.NeuralNetwork.load(tmp_path / "net.safetensors"), copy.deepcopy(net)
    assert loaded.stateful
    same(loaded.forward(x), first)
    same(twin.forward(x), net.forward(x))


# ---- learned -------------------------------------------------------------------------------------


@each_kind
def test_18_the_learned_state_is_a_parameter(x, y, kind):
    net = network(kind, initial_state="learned")
    assert diglot.gradcheck(net, x, y).passed
    net.train_batch(x, y)
    gradient, total = net.gradients()["0.initial_hidden"], 0.0
    assert gradient.shape == (H,)
    for row in range(N):
        net.train_batch(x[row : row + 1], y[row : row + 1])
        total = total + net.gradients()["0.initial_hidden"] / N  # of a loss that is a mean
    near(gradient, total)


@each_kind
def test_19_a_row_that_goes_on_has_not_begun(x, y, kind):
    net = network(kind, initial_state="learned")
    with net.carrying_state():
        net.train_batch(x[:, :3], y[:, :3])
        assert net.gradients()["0.initial_hidden"].any()
        net.train_batch(x[:, 3:], y[:, 3:])
        assert not net.gradients()["0.initial_hidden"].any()
        state = net.get_state()
    net.set_state(state)
    net.train_batch(x, y)
    assert not net.gradients()["0.initial_hidden"].any()


# ---- lengths -------------------------------------------------------------------------------------

LENGTHS = np.array([2, 6, 1, 4])
VALID = np.arange(T) < LENGTHS[:, None]


@pytest.mark.parametrize("bidirectional", [False, True])
@each_kind
def test_20_what_lies_behind_the_end_changes_nothing(x, y, kind, bidirectional):
    nets = network(kind, bidirectional=bidirectional), network(kind, bidirectional=bidirectional)
    wild = np.where(VALID[..., None], x, np.nan)
    losses = [nets[0].train_batch(x, y, lengths=LENGTHS)]
    losses += [nets[1].train_batch(wild, np.where(VALID, y, -1), lengths=LENGTHS)]
    assert losses[0] == losses[1]
    for name, grad in nets[0].gradients().items():
        same(grad, nets[1].gradients()[name])
    same(nets[0].predict(x, lengths=LENGTHS)[VALID], nets[1].predict(wild, lengths=LENGTHS)[VALID])
    if not bidirectional:
        near(nets[0].predict(x, lengths=LENGTHS)[VALID], nets[0].predict(x)[VALID])


@each_kind
def test_21_the_last_state_and_the_one_output_are_of_the_own_last_step(x, kind):
    net, last = network(kind, stateful=True), network(kind, return_sequences=False)
    net.forward(x, lengths=LENGTHS)
    output = last.forward(x, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone = network(kind, stateful=True)
        expected = alone.forward(x[row : row + 1, :length])
        near(output[row], expected[0, -1])
        for mine, theirs in zip(net.get_state()[0], alone.get_state()[0], strict=True):
            near(mine[row], theirs[0])


def test_22_the_loss_is_the_mean_over_the_steps_that_count(x, y):
    net = network()
    loss = net.train_batch(x, y, lengths=LENGTHS)
    losses = [net.train_batch(x[i : i + 1, :n], y[i : i + 1, :n]) for i, n in enumerate(LENGTHS)]
    assert loss == pytest.approx(np.average(losses, weights=LENGTHS))


# ---- in both directions --------------------------------------------------------------------------


@each_kind
def test_23_the_reverse_direction_begins_at_each_rows_own_end(x, kind):
    both = network(kind, bidirectional=True).layers[0]
    both.take_lengths(LENGTHS)
    output = both.forward(x)[..., H:]
    back = network(kind).layers[0]
    for name, param in back.parameters().items():
        param[...] = both.parameters()[f"reverse_{name}"]
    for row, length in enumerate(LENGTHS):
        expected = back.forward(x[row : row + 1, :length][:, ::-1])[:, ::-1]
        near(output[row, :length], expected[0])


def test_24_so_it_cannot_carry_a_state(x, y):
    with pytest.raises(ValueError, match="bidirectional layer cannot be stateful"):
        diglot.GRU(H, bidirectional=True, stateful=True)
    subject = trainer(bidirectional=True)
    with pytest.raises(ValueError, match="cannot carry a state"):
        fit(subject, x, y, bptt=2)
    with pytest.raises(ValueError, match="cannot carry a state"):
        subject.network.predict(x, piece=2)
    with pytest.raises(ValueError, match="has no state that could be set"):
        subject.network.set_state([(np.zeros((N, H)),) * 2])
