"""Cells that go along sequences: gradients, states, and rows with an end of their own."""

from functools import partial

import numpy as np
import pytest

from diglot import gradcheck, kernels
from diglot.errors import DataError, ShapeError
from diglot.operations import (
    Bidirectional,
    EmbeddingOp,
    FinalStep,
    GRUOp,
    LSTMOp,
    RNNOp,
    require_tokens,
    valid_steps,
)
from diglot.operations.sequence import turned_around

N, T, D, H = 3, 5, 2, 4
CELLS = [
    pytest.param(RNNOp, id="rnn"),
    pytest.param(partial(RNNOp, activation="relu"), id="rnn-relu"),
    pytest.param(GRUOp, id="gru"),
    pytest.param(partial(GRUOp, reset_after=False), id="gru-reset-before"),
    pytest.param(LSTMOp, id="lstm"),
]
each_cell = pytest.mark.parametrize("cell", CELLS)


def make(cell, seed=1, *, leave_out=(), dtype=np.float64):
    kind = getattr(cell, "func", cell)
    rng = np.random.default_rng(seed)
    shapes = kind.shapes(D, kind.gates * H)
    return cell(
        {
            name: (0.6 * rng.normal(size=shape)).astype(dtype)
            for name, shape in shapes.items()
            if not name.startswith(leave_out or "-")
        }
    )


def with_lengths(operation, lengths):
    operation.lengths = None if lengths is None else np.array(lengths)
    return operation


@pytest.fixture
def x(rng):
    return rng.normal(size=(N, T, D))


@each_cell
@pytest.mark.parametrize("lengths", [None, [5, 1, 3], [2, 1, 3]])
@pytest.mark.parametrize("leave_out", ["", ("initial", "bias", "recurrent_bias")])
def test_gradients(x, cell, lengths, leave_out):
    report = gradcheck(make(cell, leave_out=leave_out), x, lengths=lengths)
    names = [check.name for check in report.arrays]
    assert names[:3] == ["input", "input_weight", "recurrent_weight"]
    assert ("bias" in names) == (not leave_out)


@each_cell
def test_gradients_with_a_carried_state(x, cell, rng):
    operation = make(cell, leave_out=("initial",))
    operation.state = tuple(rng.normal(size=(N, H)) for _ in operation.initial)
    assert gradcheck(operation, x).passed
    narrow = make(cell, leave_out=("initial",), dtype=np.float32)
    narrow.state = tuple(part.astype(np.float32) for part in operation.state)
    assert gradcheck(narrow, x).passed  # which computes in float64
    assert narrow.state[0].dtype == np.float32


@each_cell
def test_a_given_state_is_not_the_learned_one(x, cell, rng):
    operation = make(cell)
    operation.state = tuple(rng.normal(size=(N, H)) for _ in operation.initial)
    operation.backward(np.ones_like(operation.forward(x)))
    for name in operation.initial:
        assert not operation.param_grads[name].any()
    operation.state = None
    operation.backward(np.ones_like(operation.forward(x)))
    if "relu" not in repr(operation):  # whose units may all be off
        assert all(operation.param_grads[name].all() for name in operation.initial)


@each_cell
def test_the_state_goes_on_where_it_was(x, cell):
    whole, carrying = make(cell), make(cell)
    expected = whole.forward(x)
    assert whole.state is None
    carrying.carries = True
    parts = [carrying.forward(part) for part in (x[:, :2], x[:, 2:3], x[:, 3:])]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, atol=1e-12)
    for mine, theirs in zip(carrying.state, whole.final_state, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


@each_cell
def test_each_row_has_a_state_of_its_own(x, cell):
    operation = make(cell)
    operation.carries = True
    operation.forward(x)
    state = operation.state
    for row in range(N):
        alone = make(cell)
        alone.forward(x[row : row + 1])
        for mine, theirs in zip(state, alone.final_state, strict=True):
            np.testing.assert_allclose(mine[row : row + 1], theirs, atol=1e-12)


@each_cell
def test_a_row_with_an_end_is_as_if_it_were_alone(x, cell, rng):
    lengths, output_grad = [2, 5, 1], rng.normal(size=(N, T, H))
    operation = with_lengths(make(cell), lengths)
    output = operation.forward(x)
    input_grad = operation.backward(output_grad)
    sums = {name: np.zeros_like(param) for name, param in operation.params.items()}
    for row, length in enumerate(lengths):
        alone, own = make(cell), slice(row, row + 1)
        expected = alone.forward(x[own, :length])
        np.testing.assert_allclose(output[own, :length], expected, atol=1e-12)
        np.testing.assert_allclose(
            input_grad[own, :length], alone.backward(output_grad[own, :length]), atol=1e-12
        )
        assert not output[row, length:].any()
        assert not input_grad[row, length:].any()
        for mine, theirs in zip(operation.final_state, alone.final_state, strict=True):
            np.testing.assert_allclose(mine[own], theirs, atol=1e-12)
        for name, grad in alone.param_grads.items():
            sums[name] += grad
    for name, grad in operation.param_grads.items():
        np.testing.assert_allclose(grad, sums[name], atol=1e-12)


@each_cell
@pytest.mark.parametrize("filler", [0.0, 1e30, np.inf, np.nan])
def test_what_lies_behind_the_end_changes_no_bit(x, cell, filler, rng):
    lengths, output_grad = np.array([2, 4, 1]), rng.normal(size=(N, T + 6, H))
    tight, padded = (with_lengths(make(cell), lengths) for _ in range(2))
    longer = np.full((N, T + 6, D), filler)
    longer[:, :T] = np.where(valid_steps(lengths, N, T)[..., None], x, filler)
    expected = tight.forward(x[:, :4])
    expected_grad = tight.backward(output_grad[:, :4])
    wild = np.where(valid_steps(lengths, N, T + 6)[..., None], output_grad, filler)
    np.testing.assert_array_equal(padded.forward(longer)[:, :4], expected)
    np.testing.assert_array_equal(padded.backward(wild)[:, :4], expected_grad)
    for name, grad in tight.param_grads.items():
        np.testing.assert_array_equal(padded.param_grads[name], grad)


def test_a_state_that_explodes_behind_the_end_reaches_no_gradient():
    weights = {"input_weight": np.ones((1, 1)), "recurrent_weight": np.full((1, 1), 1e30)}
    operation = with_lengths(RNNOp(weights, "relu"), [1, 40])
    x = np.ones((2, 40, 1))
    x[1] = -1  # stays at zero
    operation.backward(np.ones_like(operation.forward(x)))
    assert all(np.isfinite(grad).all() for grad in operation.param_grads.values())


@each_cell
@pytest.mark.parametrize("lengths", [None, [5, 1, 3]])
def test_gradients_in_both_directions(x, cell, lengths):
    report = gradcheck(Bidirectional(make(cell, 1), make(cell, 2)), x, lengths=lengths)
    assert "reverse_recurrent_weight" in [check.name for check in report.arrays]


@each_cell
def test_the_reverse_direction_begins_at_each_rows_own_end(x, cell):
    lengths = [2, 5, 1]
    both = with_lengths(Bidirectional(make(cell, 1), make(cell, 2)), lengths)
    output = both.forward(x)
    for row, length in enumerate(lengths):
        own = x[row : row + 1, :length]
        ahead, back = make(cell, 1).forward(own), make(cell, 2).forward(own[:, ::-1])[:, ::-1]
        np.testing.assert_allclose(
            output[row : row + 1, :length], np.concatenate([ahead, back], axis=2), atol=1e-12
        )
        assert not output[row, length:].any()


@each_cell
def test_backward_goes_by_the_lengths_of_its_forward(x, cell, rng):
    output_grad = rng.normal(size=(N, T, 2 * H))
    grads = []
    for change in (False, True):
        both = with_lengths(Bidirectional(make(cell, 1), make(cell, 2)), [2, 5, 1])
        both.forward(x)
        if change:
            both.lengths = None
        grads.append(both.backward(output_grad))
    np.testing.assert_array_equal(*grads)


@pytest.mark.parametrize("lengths", [None, [5, 1, 3]])
def test_the_final_step(x, lengths, rng):
    x = rng.normal(size=(N, T, 3))
    assert gradcheck(FinalStep(2), x, lengths=lengths).passed
    output = with_lengths(FinalStep(2), lengths).forward(x)
    last = [T - 1] * N if lengths is None else [n - 1 for n in lengths]
    np.testing.assert_array_equal(output[:, :2], x[np.arange(N), last, :2])
    np.testing.assert_array_equal(output[:, 2:], x[:, 0, 2:])


def test_turning_around_twice_is_nothing(x):
    for lengths in (None, np.array([2, 5, 1]), np.array([2, 5, 1], np.uint8)):
        turned = turned_around(x, lengths)
        np.testing.assert_array_equal(turned_around(turned, lengths), x)
    np.testing.assert_array_equal(turned[0], x[0, [1, 0, 2, 3, 4]])


# ---- bad input -----------------------------------------------------------------------------------

BAD_LENGTHS = [
    ([5, 1], ShapeError, r"lengths has shape \(2,\), expected \(3,\): one for each row"),
    ([[5, 1, 1]], ShapeError, r"lengths has shape \(1, 3\)"),
    ([5, 6, 1], ValueError, r"lengths lie in 1\.\.6, expected 1\.\.5"),
    (
        [5, 0, 1],
        ValueError,
        r"lengths lie in 0\.\.5, expected 1\.\.5: the steps; leave out the rows",
    ),
    ([5, -1, 1], ValueError, r"lengths lie in -1\.\.5"),
    ([5.0, 1.0, 1.0], ValueError, "lengths has dtype float64, expected integers"),
    ([True, True, True], ValueError, "lengths has dtype bool, expected integers"),
]


@pytest.mark.parametrize(("lengths", "error", "message"), BAD_LENGTHS)
def test_bad_lengths_are_named(x, lengths, error, message):
    one, two = make(GRUOp), Bidirectional(make(GRUOp), make(GRUOp))
    for operation in (one, two, FinalStep(2)):
        with pytest.raises(error, match=message):
            with_lengths(operation, lengths).forward(x)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((N, T, D + 1), r"has shape \(3, 5, 3\), expected \(N, T, 2\), T of at least 1"),
        ((N, 0, D), r"has shape \(3, 0, 2\)"),
        ((N, D), r"has shape \(3, 2\)"),
    ],
)
def test_bad_shapes_are_named(shape, message):
    for operation in (make(LSTMOp), Bidirectional(make(RNNOp), make(RNNOp))):
        with pytest.raises(ShapeError, match=message):
            operation.forward(np.zeros(shape))


def test_no_rows_are_none():
    for operation in (make(LSTMOp), Bidirectional(make(RNNOp), make(RNNOp))):
        for lengths in (None, np.zeros(0, int)):
            operation.lengths = lengths
            output = operation.forward(np.zeros((0, T, D)))
            assert output.shape[:2] == (0, T)
            assert operation.backward(output).shape == (0, T, D)
            assert not any(grad.any() for grad in operation.param_grads.values())


def test_a_parameter_of_another_shape_is_named():
    shapes = GRUOp.shapes(D, 3 * H) | {"bias": (H,)}
    with pytest.raises(ShapeError, match=r"bias has shape \(4,\), expected \(12,\)"):
        GRUOp({name: np.zeros(shape) for name, shape in shapes.items()})


def test_a_state_that_does_not_fit_is_named(x):
    operation = make(LSTMOp)
    operation.state = (np.zeros((N + 1, H)),) * 2
    with pytest.raises(ShapeError, match=r"is of 4 rows, but the input has 3; reset_state\(\)"):
        operation.forward(x)
    operation.state = (np.zeros((N, H), np.float32),) * 2
    with pytest.raises(ShapeError, match="dtype float32"):
        operation.forward(x)


def test_mixed_dtypes_are_refused(x):
    with pytest.raises(ValueError, match="input_ has dtype float32, but the parameters are"):
        make(RNNOp).forward(x.astype(np.float32))


# ---- the embedding -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, ">i4"])
def test_an_embedding_is_a_product_with_one_hot_rows(rng, dtype):
    weight, tokens = rng.normal(size=(6, 3)), rng.integers(6, size=(4, 5)).astype(dtype)
    operation, one_hot = EmbeddingOp(weight), np.eye(6)[tokens.astype(int)]
    np.testing.assert_array_equal(operation.forward(tokens), weight[tokens.astype(int)])
    output_grad = rng.normal(size=(4, 5, 3))
    operation.backward_params(output_grad)
    expected = one_hot.reshape(-1, 6).T @ output_grad.reshape(-1, 3)
    np.testing.assert_allclose(operation.param_grad, expected, atol=1e-12)


def test_an_embeddings_gradients(rng):
    report = gradcheck(EmbeddingOp(rng.normal(size=(6, 3))), rng.integers(6, size=(4, 5)))
    assert [check.name for check in report.arrays] == ["weight"]


def test_tokens_outside_the_vocabulary_are_named():
    for tokens in (np.array([0, 6]), np.array([-1, 2]), np.array([2**63], np.uint64)):
        with pytest.raises(DataError, match=r"expected 0\.\.5: those of the vocabulary"):
            EmbeddingOp(np.zeros((6, 3))).forward(tokens)
    require_tokens(np.zeros((0, 3), int), 1)


def test_an_embedding_takes_integers_and_has_no_gradient_for_them():
    operation = EmbeddingOp(np.zeros((6, 3)))
    with pytest.raises(ValueError, match="dtype float64, expected integers"):
        operation.forward(np.zeros((2, 2)))
    operation.forward(np.zeros((2, 2), int))
    with pytest.raises(ValueError, match="tokens are integers and have no gradient"):
        operation.backward(np.zeros((2, 2, 3)))
    with pytest.raises(ShapeError, match=r"weight has shape \(6,\)"):
        EmbeddingOp(np.zeros(6))


def test_one_kernel_call_runs_a_whole_sequence(x, monkeypatch):
    calls, real = [], kernels.lstm_forward
    monkeypatch.setattr(
        kernels, "lstm_forward", lambda *a: calls.append(a[0].shape) or real(*a), raising=False
    )
    make(LSTMOp).forward(x)
    assert calls == [(N, T, D)]
