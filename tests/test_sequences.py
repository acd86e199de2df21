"""What a network does with rows of their own lengths, and with long rows in pieces."""

import numpy as np
import pytest

import diglot
from diglot.errors import DataError, ShapeError
from diglot.sequences import (
    all_or_nothing,
    carrying,
    check_fits,
    checked_lengths,
    counted,
    fresh_state,
    pieces,
    spread,
    without_padding,
)

N, T, D, K = 4, 6, 2, 3
LENGTHS = np.array([2, 6, 1, 4])
VALID = np.arange(T) < LENGTHS[:, None]


def network(*first, dtype=np.float64, **settings):
    layers = [*first, diglot.LSTM(5, **settings), diglot.Dense(K)]
    return diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, dtype=dtype)


@pytest.fixture
def x(rng):
    return rng.normal(size=(N, T, D))


@pytest.fixture
def y(rng):
    return rng.integers(K, size=(N, T))


# ---- lengths -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64, ">i2", object])
def test_lengths_are_lists_or_integers_of_any_kind(x, dtype):
    if dtype is object:
        assert checked_lengths(LENGTHS.tolist(), x).dtype == np.int64
        return
    lengths = checked_lengths(LENGTHS.astype(dtype), x)
    assert lengths.dtype == np.int64
    np.testing.assert_array_equal(lengths, LENGTHS)
    both = network(bidirectional=True)
    np.testing.assert_array_equal(
        both.predict(x, lengths=LENGTHS.astype(dtype)), both.predict(x, lengths=LENGTHS)
    )


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([1, 2, 3], ShapeError, r"shape \(3,\), expected \(4,\): one for each row"),
        (3, ShapeError, r"shape \(\)"),
        ([1, 2, 3, 7], ValueError, r"lie in 1\.\.7, expected 1\.\.6"),
        ([1, 2, 3, 0], ValueError, r"lie in 0\.\.3"),
        ([1, 2, 3, 4.0], ValueError, "dtype float64, expected integers"),
        ([True] * 4, ValueError, "dtype bool, expected integers"),
        (["1"] * 4, ValueError, "expected integers"),
        (np.ma.masked_array([1, 2, 3, 4], mask=[1, 0, 0, 0]), DataError, "masked array"),
    ],
    ids=str,
)
def test_wrong_lengths_are_named_everywhere(x, y, lengths, error, message):
    net = network()
    trainer = diglot.Trainer(net, diglot.SGD(0.1))
    for use in (
        lambda: net.forward(x, lengths=lengths),
        lambda: net.predict(x, 3, lengths=lengths),
        lambda: net.train_batch(x, y, lengths=lengths),
        lambda: trainer.evaluate(x, y, lengths=lengths),
        lambda: trainer.fit(x, y, lengths=lengths, epochs=1, batch_size=2, progress=False),
    ):
        with pytest.raises(error, match=message):
            use()
    assert trainer.steps == 0


def test_too_many_lengths_are_not_cut_off(x):
    with pytest.raises(ShapeError, match=r"shape \(6,\), expected \(4,\)"):
        network().predict(x, 2, lengths=[1] * 6)


def test_lengths_without_a_recurrent_layer(rng):
    net = diglot.NeuralNetwork([diglot.Dense(1)], "mean_squared_error")
    x, y = rng.normal(size=(4, 3)), np.zeros((4, 1))
    trainer = diglot.Trainer(net, diglot.SGD(0.1))
    for use in (
        lambda: net.forward(x, lengths=[1] * 4),
        lambda: net.predict(x, lengths=[1] * 4),
        lambda: trainer.fit(x, y, lengths=[1] * 4, epochs=1, batch_size=2, progress=False),
        lambda: trainer.fit(x, y, validation=(x, y, [1] * 4), epochs=1, batch_size=2),
    ):
        with pytest.raises(ValueError, match="lengths is for recurrent layers"):
            use()
    assert trainer.steps == 0


def test_predictions_go_batch_by_batch_with_their_lengths(x):
    net = network(bidirectional=True)
    expected = net.predict(x, lengths=LENGTHS)
    for batch_size in (1, 3):
        parts = net.predict(x, batch_size, lengths=LENGTHS.tolist())
        np.testing.assert_allclose(parts[VALID], expected[VALID], atol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"bidirectional": True}, {"return_sequences": False}])
@pytest.mark.parametrize("before", [[], [diglot.Dense(4, "tanh")]], ids=["", "dense"])
@pytest.mark.parametrize("filler", [1e30, np.nan])
def test_padding_changes_no_bit(x, y, settings, before, filler):
    results = []
    for wild in (False, True):
        net = network(*[diglot.Dense(4, "tanh") for _ in before], **settings)
        data, target = x, y
        if wild:
            data, target = np.where(VALID[..., None], x, filler), np.where(VALID, y, -100)
        if settings.get("return_sequences") is False:
            target = y[:, 0]
        loss = net.train_batch(data, target, lengths=LENGTHS)
        results.append((loss, net.gradients(), net.predict(data, lengths=LENGTHS)))
    (loss, gradients, prediction), (wild_loss, wild_gradients, wild_prediction) = results
    assert np.isfinite(loss)
    assert loss == wild_loss
    np.testing.assert_array_equal(prediction, wild_prediction)
    for name, grad in gradients.items():
        np.testing.assert_array_equal(grad, wild_gradients[name])


def test_the_loss_is_the_mean_over_the_steps_that_count(x, y):
    net = network()
    loss = net.train_batch(x, y, lengths=LENGTHS)
    gradients = net.gradients()
    total, sums = 0.0, dict.fromkeys(gradients, 0.0)
    for row, length in enumerate(LENGTHS):
        own = slice(row, row + 1)
        total += length * net.train_batch(x[own, :length], y[own, :length])
        for name, grad in net.gradients().items():
            sums[name] = sums[name] + length * grad
    assert loss == pytest.approx(total / LENGTHS.sum())
    for name, grad in gradients.items():
        np.testing.assert_allclose(grad, sums[name] / LENGTHS.sum(), atol=1e-12)


def test_lengths_do_not_stay_behind(x, y):
    net = network()
    plain = net.predict(x)
    net.train_batch(x, y, lengths=LENGTHS)
    np.testing.assert_array_equal(net.layers[1].forward(net.layers[0].forward(x)), plain)
    np.testing.assert_array_equal(net.predict(x), plain)


def test_what_counts_is_taken_out_and_put_back(rng):
    prediction, target = rng.normal(size=(N, T, K)), rng.normal(size=(N, T, K))
    kept, wanted = counted(prediction, target, LENGTHS)
    assert kept.shape == wanted.shape == (LENGTHS.sum(), K)
    back = spread(kept, prediction.shape, LENGTHS)
    np.testing.assert_array_equal(back, np.where(VALID[..., None], prediction, 0))
    for same in (counted(prediction, target, None), counted(prediction[:, 0], target, LENGTHS)):
        assert same[1] is target
    with pytest.raises(ShapeError, match=r"target has shape \(4, 5\), expected \(4, 6\)"):
        counted(prediction, np.zeros((N, T - 1)), LENGTHS)


def test_without_padding_has_zeros(x):
    assert without_padding(x, None) is x
    x[0, -1] = np.nan
    clean = without_padding(x, LENGTHS)
    np.testing.assert_array_equal(clean[VALID], x[VALID])
    assert not clean[~VALID].any()


def test_check_fits_looks_at_tokens_that_count():
    layers = [diglot.Embedding(3, 2), diglot.RNN(2)]
    check_fits(layers, np.array([[0, 9], [1, 2]]), np.array([1, 2]))
    with pytest.raises(DataError, match=r"tokens lie in 0\.\.9"):
        check_fits(layers, np.array([[0, 9], [1, 2]]), None)


# ---- pieces --------------------------------------------------------------------------------------


def test_pieces_cover_the_steps_once():
    for steps in range(8):
        for length in range(1, 10):
            cut = list(pieces(steps, length))
            assert [t for one in cut for t in range(steps)[one]] == list(range(steps))
            assert all(one.stop - one.start <= length for one in cut)


@pytest.mark.parametrize("piece", [1, 4, 6, 50])
def test_predicting_in_pieces_is_the_same(x, piece):
    for settings in ({}, {"return_sequences": False}, {"stateful": True}):
        net, twin = network(**settings), network(**settings)
        for _ in range(2):  # a stateful one goes on
            expected = twin.predict(x)
            np.testing.assert_allclose(net.predict(x, piece=piece), expected, atol=1e-12)
        for mine, theirs in zip(net.get_state(), twin.get_state(), strict=True):
            assert (mine is None) == (theirs is None)
            np.testing.assert_allclose(mine or 0, theirs or 0, atol=1e-12)


def test_pieces_begin_with_the_state_that_was_set(x, rng):
    net = network()
    net.predict(x)
    net.set_state([(rng.normal(size=(N, 5)), rng.normal(size=(N, 5)))])
    np.testing.assert_allclose(net.predict(x, piece=2), net.predict(x), atol=1e-12)
    np.testing.assert_allclose(net.predict(x, piece=2), net.predict(x), atol=1e-12)


def test_pieces_and_batches_go_together(x):
    net = network()
    np.testing.assert_allclose(net.predict(x, 3, piece=4), net.predict(x), atol=1e-12)


def test_what_cannot_be_cut_is_refused(x):
    with pytest.raises(ValueError, match="give lengths or piece"):
        network().predict(x, lengths=LENGTHS, piece=2)
    with pytest.raises(ValueError, match="its reverse direction begins at the end"):
        network(bidirectional=True).predict(x, piece=2)
    with pytest.raises(ValueError, match="piece is 0"):
        network().predict(x, piece=0)
    with pytest.raises(ValueError, match="piece is for recurrent layers"):
        diglot.NeuralNetwork([diglot.Dense(1)], "huber").predict(x, piece=2)


# ---- blocks --------------------------------------------------------------------------------------


@pytest.fixture
def layers(x):
    rows = [diglot.RNN(3), diglot.GRU(3, stateful=True), diglot.LSTM(3)]
    for layer in rows:
        layer.forward(x)
    return rows


def test_carrying_ends_as_it_began(layers):
    with carrying(layers):
        assert [layer.carries for layer in layers] == [True] * 3
        with carrying(layers[:1]):
            pass
        assert layers[0].carries  # a block within it does not end it
    assert [layer.carries for layer in layers] == [False, True, False]
    with pytest.raises(ValueError, match="cannot carry"), carrying([*layers, both_ways()]):
        pass
    assert [layer.carries for layer in layers] == [False, True, False]


def both_ways():
    layer = diglot.RNN(3, bidirectional=True)
    layer.setup((T, D))
    return layer


def test_fresh_state_is_fresh_inside_and_the_old_one_afterwards(layers, x):
    before = layers[1].get_state()

    def fail():
        with fresh_state(layers):
            assert layers[1].get_state() is None
            layers[1].forward(x[:2])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    np.testing.assert_array_equal(layers[1].get_state(), before)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_all_or_nothing(layers, x, error):
    before = layers[1].get_state()

    def fail():
        with all_or_nothing(layers, LENGTHS):
            layers[1].forward(x)
            raise error

    with pytest.raises(error):
        fail()
    np.testing.assert_array_equal(layers[1].get_state(), before)
    assert layers[1].operations[0].lengths is None
    with all_or_nothing(layers):
        layers[1].forward(x)
    assert not np.array_equal(layers[1].get_state(), before)
