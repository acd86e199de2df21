"""Recurrent layers: settings, shapes, gradients, and the state they carry."""

import copy
import pickle

import numpy as np
import pytest

from diglot import gradcheck
from diglot.config import build
from diglot.errors import ShapeError
from diglot.layers import GRU, LAYERS, LSTM, RNN

N, T, D, H = 3, 4, 2, 5
KINDS = [(RNN, 1, 1), (GRU, 3, 2), (LSTM, 4, 1)]
SETTINGS = [
    {},
    {"return_sequences": False},
    {"bidirectional": True},
    {"bidirectional": True, "return_sequences": False},
    {"initial_state": "learned"},
    {"initial_state": "learned", "bidirectional": True},
    {"bias": False, "dropout": 0.4},
]
each_kind = pytest.mark.parametrize(("kind", "gates", "biases"), KINDS)


@pytest.fixture
def x(rng):
    return rng.normal(size=(N, T, D))


def ready(layer, dtype=np.float64, seed=1):
    layer.setup((T, D), rng=np.random.default_rng(seed), dtype=dtype)
    return layer


@pytest.mark.parametrize("lengths", [None, [2, 4, 1]])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(
    "make", [RNN, GRU, LSTM, lambda h, **s: GRU(h, reset_after=False, **s)], ids=range(4)
)
def test_gradients(x, make, settings, lengths):
    assert gradcheck(make(3, **settings), x, lengths=lengths).passed


def test_gradients_of_a_layer_that_is_set_up(x):
    for layer in (LSTM(3, bidirectional=True), GRU(3, initial_state="learned")):
        assert gradcheck(ready(layer, np.float32), x).passed
        assert layer.parameters()["input_weight"].dtype == np.float32


@each_kind
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_shapes(x, kind, gates, biases, settings):
    layer = kind(H, **settings)
    measured, parameters = layer.measure((T, D))
    assert not layer.operations
    output = layer.forward(x.astype(np.float32))
    width = 2 * H if settings.get("bidirectional") else H
    sequences = settings.get("return_sequences", True)
    assert output.shape == ((N, T, width) if sequences else (N, width))
    assert output.dtype == np.float32
    assert (N, *measured) == output.shape
    own = {name: param.shape for name, param in layer.parameters().items()}
    assert own == parameters
    assert own["input_weight"] == (D, gates * H)
    assert own["recurrent_weight"] == (H, gates * H)
    assert sum("bias" in name for name in own) == (
        0 if "bias" in settings else biases * (width // H)
    )
    assert sum("initial" in name for name in own) == (
        ("initial_state" in settings) * (1 + (kind is LSTM)) * (width // H)
    )


@each_kind
def test_the_number_of_steps_may_change(x, kind, gates, biases):
    layer = ready(kind(H))
    whole = layer.forward(x)
    np.testing.assert_allclose(layer.forward(x[:, :2]), whole[:, :2], atol=1e-12)
    assert layer.forward(np.concatenate([x, x], axis=1)).shape == (N, 2 * T, H)
    with pytest.raises(ShapeError, match=r"expected \(N, 4, 2\)"):
        layer.forward(x[..., :1])
    with pytest.raises(ShapeError, match="T of at least 1"):
        layer.forward(x[:, :0])


@each_kind
def test_weights_are_drawn_gate_by_gate(kind, gates, biases):
    layer = ready(kind(64))
    parameters = layer.parameters()
    for gate in np.split(parameters["recurrent_weight"], gates, axis=1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(64), atol=1e-9)  # orthogonal
    wanted = [kind is LSTM and gate == 1 for gate in range(gates)]  # the forget gate remembers
    np.testing.assert_array_equal(parameters["bias"].reshape(gates, -1).mean(axis=1), wanted)
    assert not parameters.get("recurrent_bias", np.zeros(1)).any()


def test_the_forget_bias_can_be_chosen():
    for layer, value in (
        (LSTM(H, forget_bias=0), 0),
        (LSTM(H, forget_bias=2, bias_init="zeros"), 2),
    ):
        assert (ready(layer).parameters()["bias"][H : 2 * H] == value).all()


@pytest.mark.parametrize(
    "layer",
    [
        RNN(3),
        RNN(3, activation="relu", dropout=0.5, return_sequences=False),
        GRU(4, reset_after=False, bidirectional=True, weight_init="standard"),
        LSTM(5, stateful=True, forget_bias=0.0, initial_state="learned", bias=False),
    ],
    ids=repr,
)
def test_the_settings_survive_the_way_to_json_and_back(layer):
    again = build(layer.config(), LAYERS, "layer")
    assert again.config() == layer.config()
    assert repr(again) == repr(layer)
    names = {kind.__name__: kind for kind, *_ in KINDS}
    if "weight_init" not in repr(layer):
        assert repr(eval(repr(layer), names)) == repr(layer)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LSTM(0), "hidden_size is 0"),
        (lambda: LSTM(3.0), r"hidden_size is 3\.0"),
        (lambda: LSTM(3, stateful=1), "stateful is 1, expected True or False"),
        (lambda: LSTM(3, dropout=1.0), "dropout is 1.0"),
        (lambda: LSTM(3, initial_state="ones"), "'ones', expected 'zeros' or 'learned'"),
        (lambda: LSTM(3, stateful=True, bidirectional=True), "bidirectional layer cannot be state"),
        (lambda: LSTM(3, forget_bias="1"), "forget_bias is '1'"),
        (lambda: RNN(3, activation="sigmoid"), "expected 'tanh' or 'relu'"),
        (lambda: GRU(3, reset_after=None), "reset_after is None"),
        (lambda: GRU(3, recurrent_init="ortho"), "recurrent_init 'ortho' is unknown"),
        (lambda: RNN(3).setup((4,)), r"a sample has shape \(4,\), expected \(T, D\)"),
        (lambda: RNN(3).setup((0, 4)), "both at least 1"),
        (lambda: RNN(3).setup((4, 0)), "both at least 1"),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---- state ---------------------------------------------------------------------------------------


@each_kind
def test_without_more_ado_each_forward_begins_anew(x, kind, gates, biases):
    layer = ready(kind(H))
    first = layer.forward(x)
    np.testing.assert_array_equal(layer.forward(x), first)
    assert layer.get_state() is None


@each_kind
def test_a_stateful_layer_goes_on_until_it_is_reset(x, kind, gates, biases):
    whole = ready(kind(H)).forward(x)
    layer = ready(kind(H, stateful=True))
    first, second = layer.forward(x[:, :3]), layer.forward(x[:, 3:])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-12)
    layer.reset_state()
    np.testing.assert_array_equal(layer.forward(x[:, :3]), first)


@each_kind
def test_a_state_can_be_kept_and_put_back(x, kind, gates, biases):
    layer = ready(kind(H, stateful=True))
    layer.forward(x)
    state = layer.get_state()
    assert [part.shape for part in state] == [(N, H)] * (1 + (kind is LSTM))
    expected = layer.forward(x)
    layer.set_state(state)
    state[0][:] = 7  # both ways are copies
    np.testing.assert_array_equal(layer.forward(x), expected)
    layer.set_state(None)
    assert layer.get_state() is None


def test_a_layer_that_does_not_carry_begins_with_the_given_state_each_time(x):
    layer = ready(GRU(H))
    fresh = layer.forward(x)
    layer.set_state((np.ones((N, H)),))
    given = layer.forward(x)
    assert not np.array_equal(given, fresh)
    np.testing.assert_array_equal(layer.forward(x), given)
    layer.reset_state()
    np.testing.assert_array_equal(layer.forward(x), fresh)


def test_with_lengths_a_row_goes_on_from_its_own_last_step(x):
    layer = ready(LSTM(H, stateful=True))
    layer.take_lengths([2, 4, 1])
    layer.forward(x)
    h, c = layer.get_state()
    for row, length in enumerate([2, 4, 1]):
        alone = ready(LSTM(H, stateful=True))
        alone.forward(x[row : row + 1, :length])
        np.testing.assert_allclose(h[row : row + 1], alone.get_state()[0], atol=1e-12)
        np.testing.assert_allclose(c[row : row + 1], alone.get_state()[1], atol=1e-12)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (np.zeros((N, H)), "expected a tuple of 2: hidden and cell"),
        ((np.zeros((N, H)),), "expected a tuple of 2"),
        (3, "state is 3, expected a tuple of 2"),
        ((np.zeros((N, H)), np.zeros((N + 1, H))), r"shape \(4, 5\), expected \(N, 5\)"),
        ((np.zeros((N, H + 1)),) * 2, r"shape \(3, 6\), expected \(N, 5\)"),
        ((np.zeros(H),) * 2, r"shape \(5,\)"),
        ((np.zeros(()),) * 2, r"shape \(\)"),
        ((np.full((N, H), "a"),) * 2, "expected real numbers"),
        ((np.zeros((N, H), complex),) * 2, "complex128, expected real numbers"),
    ],
    ids=range(9),
)
def test_a_wrong_state_is_named_and_not_taken(x, state, message):
    layer = ready(LSTM(H, stateful=True))
    layer.forward(x)
    before = layer.get_state()
    with pytest.raises(ValueError, match=message):
        layer.set_state(state)
    np.testing.assert_array_equal(layer.get_state(), before)


def test_a_state_left_over_from_another_batch_size_is_named(x):
    layer = ready(GRU(H, stateful=True))
    layer.forward(x)
    with pytest.raises(ShapeError, match=r"state is of 3 rows, but the input has 2; reset_state"):
        layer.forward(x[:2])
    layer.reset_state()
    assert layer.forward(x[:2]).shape == (2, T, H)


def test_what_a_bidirectional_layer_cannot_do(x):
    layer = ready(GRU(H, bidirectional=True))
    layer.forward(x)
    assert layer.get_state() is None
    layer.set_state(None)
    with pytest.raises(ValueError, match="has no state that could be set"):
        layer.set_state((np.zeros((N, H)),))
    with pytest.raises(ValueError, match="its reverse direction begins at the end"):
        layer.carry(True)


def test_a_layer_that_is_not_set_up_says_so():
    layer = GRU(H)
    layer.reset_state()
    layer.carry(False)
    layer.take_lengths(None)
    assert layer.get_state() is None
    for use in (lambda: layer.set_state((np.zeros((N, H)),)), lambda: layer.carry(True)):
        with pytest.raises(ValueError, match=r"GRU\(5\) is not set up: run forward"):
            use()


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_deep_copy_has_a_state_of_its_own(x, clone):
    layer = ready(LSTM(H, stateful=True))
    layer.forward(x)
    twin = clone(layer)
    expected = layer.forward(x)
    np.testing.assert_array_equal(twin.forward(x), expected)


def test_the_learned_state_is_what_rows_begin_with(x):
    layer, plain = ready(GRU(H, initial_state="learned")), ready(GRU(H))
    np.testing.assert_array_equal(layer.forward(x), plain.forward(x))  # zeros at first
    layer.parameters()["initial_hidden"][:] = 0.5
    plain.set_state((np.full((N, H), 0.5),))
    np.testing.assert_array_equal(layer.forward(x), plain.forward(x))
