"""The state of a network: kept for each row, put back, and never half moved on."""

import copy
import pickle

import numpy as np
import pytest

import diglot
from diglot.errors import ShapeError

N, T, D, K = 4, 3, 2, 3


def network(stateful=True, **settings):
    layers = [
        diglot.LSTM(5, stateful=stateful, **settings),
        diglot.Dense(4, "tanh"),
        diglot.GRU(3, stateful=stateful),
        diglot.Dense(K),
    ]
    return diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, dtype=np.float64)


@pytest.fixture
def x(rng):
    return rng.normal(size=(N, T, D))


@pytest.fixture
def y(rng):
    return rng.integers(K, size=(N, T))


def assert_same_state(one, other):
    assert len(one) == len(other)
    for mine, theirs in zip(one, other, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_array_equal(mine, theirs)


def test_what_a_network_says_about_itself():
    assert network().recurrent
    assert network().stateful
    assert not network(stateful=False).stateful
    plain = diglot.NeuralNetwork([diglot.Dense(2)], "huber")
    assert not plain.recurrent
    assert plain.get_state() == []
    plain.reset_state()
    plain.set_state([])


def test_shapes_and_beginnings(x):
    net = network()
    assert net.get_state() == [None, None]
    net.set_state(net.get_state())  # fits before there are parameters, too
    net.forward(x)
    (h, c), (other,) = net.get_state()
    assert h.shape == c.shape == (N, 5)
    assert other.shape == (N, 3)
    net.reset_state()
    assert net.get_state() == [None, None]


def test_going_on_is_the_same_as_one_long_forward(x):
    expected = network(stateful=False).forward(x)
    net = network()
    parts = [net.forward(x[:, t : t + 1]) for t in range(T)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, atol=1e-12)


def test_a_network_can_carry_for_a_while(x):
    net = network(stateful=False)
    expected = net.forward(x)
    with net.carrying_state():
        parts = [net.forward(x[:, :1]), net.forward(x[:, 1:])]
        state = net.get_state()
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, atol=1e-12)
    net.reset_state()
    np.testing.assert_array_equal(net.forward(x), expected)
    assert net.get_state() == [None, None]
    assert state[0][0].shape == (N, 5)
    with pytest.raises(ValueError, match="no parameters yet"), network().carrying_state():
        pass


def test_a_fresh_state_for_a_while(x):
    net = network()
    first = net.forward(x)
    state = net.get_state()
    with net.fresh_state():
        np.testing.assert_array_equal(net.forward(x), first)
        net.reset_state()
        net.forward(x[:2])  # other rows
    assert_same_state(net.get_state(), state)


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s[:1], "state is 1 entries, expected a list of 2"),
        (lambda s: [*s, None], "state is 3 entries"),
        (lambda s: None, "state is None, expected a list of 2"),
        (lambda s: 3, "state is 3"),
        (lambda s: [s[0], s[0]], "expected a tuple of 1: hidden"),
        (lambda s: [s[0], (s[1][0][:, :2],)], r"shape \(4, 2\), expected \(N, 3\)"),
        (lambda s: [s[0], (s[1][0][:2],)], r"states are of \[2, 4\] rows, expected the same"),
    ],
)
def test_a_wrong_state_is_named_and_nothing_changes(x, change, message):
    net = network()
    net.forward(x)
    before = net.get_state()
    with pytest.raises(ValueError, match=message):
        net.set_state(change([tuple(2 * part for part in one) for one in before]))
    assert_same_state(net.get_state(), before)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_a_diverged_network_remembers_can_be_put_back(x, number):
    net = network()
    net.forward(x)
    before = [tuple(np.full_like(part, number) for part in one) for one in net.get_state()]
    net.set_state(before)
    assert_same_state(net.get_state(), before)
    if np.isnan(number):
        assert np.isnan(net.predict(x)).all()
    net.reset_state()
    assert np.isfinite(net.predict(x)).all()


def test_a_state_needs_parameters_first():
    with pytest.raises(ValueError, match=r"no parameters yet: run forward, or setup\(input_shape"):
        network().set_state([(np.zeros((N, 5)),) * 2, (np.zeros((N, 3)),)])


def test_a_state_left_over_from_another_batch_size(x, y):
    net = network()
    net.forward(x)
    before = net.get_state()
    for use in (net.forward, net.predict, lambda x: net.train_batch(x, y[:2])):
        with pytest.raises(ShapeError, match=r"layer 0, LSTM.* is of 4 rows, but the input has 2"):
            use(x[:2])
    assert_same_state(net.get_state(), before)
    net.reset_state()
    net.forward(x[:2])


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_a_forward_that_fails_half_way_moves_no_state(x, error, monkeypatch):
    net = network()
    net.forward(x)
    before = net.get_state()

    def fail(*arguments):
        raise error

    monkeypatch.setattr(net.layers[3].operations[0], "_output", fail)
    for use in (net.forward, net.predict, lambda x: net.predict(x, piece=1)):
        with pytest.raises(error):
            use(x)
        assert_same_state(net.get_state(), before)
    monkeypatch.undo()
    net.forward(x)


def test_a_batch_whose_targets_do_not_fit_moves_no_state(x, y):
    net = network()
    net.forward(x)
    before = net.get_state()
    for wrong in (y[:, 1:], y + K):
        with pytest.raises(ValueError, match=r"target|labels"):
            net.train_batch(x, wrong)
        assert_same_state(net.get_state(), before)


def test_a_row_with_nan_spoils_no_other_row(x):
    net, twin = network(), network()
    x[1] = np.nan
    net.forward(x)
    (h, _), _ = net.get_state()
    twin.forward(np.delete(x, 1, axis=0))
    np.testing.assert_allclose(np.delete(h, 1, axis=0), twin.get_state()[0][0], atol=1e-12)
    net.reset_state()
    assert np.isfinite(net.forward(np.zeros_like(x))).all()


def test_more_rows_than_a_batch_have_no_one_state(x):
    net = network()
    for prepare in (lambda: None, lambda: net.forward(x)):
        prepare()
        with pytest.raises(ValueError, match="4 rows are more than batch_size, 3, but the network"):
            net.predict(x, 3)
    given = network(stateful=False)
    given.forward(x)
    given.predict(x, 3)
    given.set_state([(np.zeros((N, 5)),) * 2, (np.zeros((N, 3)),)])
    with pytest.raises(ValueError, match="raise batch_size"):
        given.predict(x, 3)


# ---- copies, files, other networks ---------------------------------------------------------------


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_deep_copy_goes_on_by_itself(x, clone):
    net = network()
    net.forward(x)
    twin = clone(net)
    expected = net.forward(x)
    net.forward(x)
    np.testing.assert_array_equal(twin.forward(x), expected)


def test_a_file_keeps_the_settings_and_no_state(x, tmp_path):
    net = network(initial_state="learned")
    first = net.forward(x)
    net.forward(x)
    net.save(tmp_path / "net.safetensors")
    again = diglot.NeuralNetwork.load(tmp_path / "net.safetensors")
    assert again.stateful
    assert repr(again) == repr(net)
    assert again.get_state() == [None, None]
    np.testing.assert_array_equal(again.forward(x), first)
    np.testing.assert_array_equal(again.forward(x), again_from(net, x))
    assert again.predict(np.concatenate([x, x], axis=1)).shape == (N, 2 * T, K)


def again_from(net, x):
    net.reset_state()
    net.forward(x)
    return net.forward(x)


def test_networks_that_share_a_layer_share_its_state(x):
    net = network()
    net.forward(x)
    half = diglot.NeuralNetwork(net.layers[:1], "huber", dtype=np.float64)
    assert_same_state(half.get_state(), net.get_state()[:1])
    with pytest.raises(ShapeError, match=r"reset_state\(\) begins new sequences"):
        half.forward(x[:1])
    with half.fresh_state():
        half.forward(x[:1])
    assert half.get_state()[0][0].shape == (N, 5)


def test_a_summary_moves_no_state(x):
    net = network()
    net.forward(x)
    before = net.get_state()
    assert "LSTM(5, stateful=True)" in str(net.summary())
    assert net.summary((7, D)).rows[-1].output_shape == (7, K)
    assert_same_state(net.get_state(), before)


def test_gradients_of_a_whole_network_with_a_state(x, y):
    net = network()
    net.forward(x)
    before = net.get_state()
    assert diglot.gradcheck(net, x, y).passed
    assert diglot.gradcheck(net, x, y, lengths=[1, 3, 2, 3]).passed
    assert_same_state(net.get_state(), before)


def test_a_later_layer_says_which_steps_it_cannot_take(x):
    net = diglot.NeuralNetwork([diglot.GRU(3), diglot.Flatten(), diglot.Dense(2)], "huber")
    net.forward(x)
    with pytest.raises(ShapeError, match=r"layer 1, Flatten\(\): input_ has shape \(4, 2, 3\)"):
        net.forward(x[:, :2])
    trainer = diglot.Trainer(net, diglot.SGD(0.1))
    short = (x[:, :2], np.zeros((N, 2)))
    with pytest.raises(ShapeError, match=r"layer 1, Flatten\(\): a sample has shape \(2, 3\)"):
        trainer.fit(x, np.zeros((N, 2)), validation=short, epochs=1, batch_size=2, progress=False)
    assert trainer.steps == 0
