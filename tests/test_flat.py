"""Parameters in one buffer: the same results as array by array, and never out of step with it."""

import copy
import pickle

import numpy as np
import pytest

import diglot
from diglot import kernels
from diglot.errors import ShapeError
from diglot.flat import SMALL, FlatArrays
from diglot.optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSProp, SGDMomentum

SHAPES = {"b": (5,), "w": (3, 7), "large": (130, 131), "none": (0, 4), "v": (1,)}
ALL = {
    "sgd": lambda: SGD(0.1, weight_decay=0.1),
    "momentum": lambda: SGDMomentum(0.1, weight_decay=0.1),
    "nesterov": lambda: SGDMomentum(0.1, nesterov=True),
    "adagrad": lambda: AdaGrad(0.1),
    "rmsprop": lambda: RMSProp(0.1),
    "adam": lambda: Adam(0.1, weight_decay=0.1),
    "adamw": lambda: AdamW(0.1),
    "clip-value": lambda: SGDMomentum(0.1, clip_value=0.3),
}


def draw(seed, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in SHAPES.items()}


def flat_draw(seed, dtype=np.float32):
    flat = FlatArrays(SHAPES, np.dtype(dtype))
    for name, array in draw(seed, dtype).items():
        flat[name][...] = array
    return flat


def assert_same_bits(arrays, others):
    assert list(arrays) == list(others)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, others[name], strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
class TestLayout:
    def test_arrays_are_views_on_cache_lines(self, dtype):
        flat = FlatArrays(SHAPES, np.dtype(dtype))
        assert {name: array.shape for name, array in flat.items()} == SHAPES
        for array in flat.values():
            assert array.dtype == dtype
            assert array.flags.c_contiguous
            assert not array.any()
            assert array.ctypes.data % 64 == 0 or array.size == 0
            assert np.shares_memory(array, flat.buffer) or array.size == 0

    def test_none_overlaps_another(self, dtype):
        flat = FlatArrays(SHAPES, np.dtype(dtype))
        for number, array in enumerate(flat.values(), 1):
            array[...] = number
        for number, array in enumerate(flat.values(), 1):
            assert (array == number).all()

    def test_small_ones_are_packed(self, dtype):
        flat = FlatArrays(SHAPES, np.dtype(dtype))
        assert list(flat.large) == ["large"]
        assert flat.packed.nbytes < SMALL < flat["large"].nbytes
        flat.packed[...] = 1
        assert all(array.all() for array in flat.small.values())
        assert not flat["large"].any()

    def test_copies_and_pickles_are_buffers_of_their_own(self, dtype):
        flat = flat_draw(0, dtype)
        for twin in (copy.copy(flat), copy.deepcopy(flat), pickle.loads(pickle.dumps(flat))):
            assert_same_bits(twin, flat)
            twin.buffer[...] = 1
            assert all(array.all() for array in twin.values())
        assert_same_bits(flat, draw(0, dtype))


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
class TestOptimizers:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_same_bits_as_array_by_array(self, make, dtype):
        flat, arrays = flat_draw(0, dtype), draw(0, dtype)
        packed, single = make(), make()
        for seed in range(1, 6):
            packed.step(flat, draw(seed, dtype))
            single.step(arrays, draw(seed, dtype))
        assert_same_bits(flat, arrays)
        assert packed.state().keys() == single.state().keys()
        for key, value in single.state().items():
            np.testing.assert_array_equal(packed.state()[key], value)

    def test_memory_is_kept_from_one_way_to_the_other(self, make):
        flat, arrays = flat_draw(0), draw(0)
        mixed, single = make(), make()
        for seed in range(1, 9):
            if seed == 7:
                state, mixed = mixed.state(), make()
                mixed.load_state(state)
            mixed.step(dict(flat) if seed in (1, 2, 5) else flat, draw(seed))
            single.step(arrays, draw(seed))
        assert_same_bits(flat, arrays)

    def test_wrong_gradients_move_nothing(self, make):
        flat, optimizer = flat_draw(0), make()
        for wrong in ({"v": np.ones(2, np.float32)}, {"w": np.ones((3, 7))}):
            with pytest.raises(ValueError, match=r"the gradient of [vw] has"):
                optimizer.step(flat, draw(1) | wrong)
        with pytest.raises(ValueError, match="different names"):
            optimizer.step(flat, {"b": np.ones(5, np.float32)})
        assert_same_bits(flat, draw(0))


def test_the_norm_of_all_gradients_bounds_small_and_large_ones():
    flat, arrays = flat_draw(0, np.float64), draw(0, np.float64)
    SGD(1.0, clip_norm=2.0).step(flat, draw(1, np.float64))
    SGD(1.0, clip_norm=2.0).step(arrays, draw(1, np.float64))
    for name, array in arrays.items():
        np.testing.assert_allclose(flat[name], array, rtol=1e-14)


def test_an_optimizer_of_ones_own_sees_each_parameter():
    class Named(Optimizer):
        def _update(self, name, param, grad, lr):
            seen[name] = param.shape

    seen = {}
    Named(0.1).step(flat_draw(0), draw(1))
    assert seen == SHAPES


def test_an_optimizer_of_another_network_is_refused():
    optimizer, other = SGDMomentum(0.1), FlatArrays({"b": (6,)}, np.dtype(np.float32))
    optimizer.step(flat_draw(0), draw(1))
    with pytest.raises(ValueError, match=r"b has shape \(6,\).*velocity of shape \(5,\)"):
        optimizer.step(other, {"b": np.ones(6, np.float32)})


# ---- in a network --------------------------------------------------------------------------------


def network(layers=None, **settings):
    layers = layers or [diglot.Dense(4, diglot.Tanh), diglot.Dense(200), diglot.Dense(3)]
    return diglot.NeuralNetwork(layers, loss=diglot.SoftmaxCrossEntropy(), seed=1, **settings)


@pytest.fixture
def data(rng):
    return rng.standard_normal((40, 500)).astype(np.float32), rng.integers(0, 3, 40)


def fit(net, data, optimizer=None):
    trainer = diglot.Trainer(net, optimizer or SGDMomentum(0.1))
    trainer.fit(*data, epochs=2, batch_size=16, seed=0, progress=False)
    return net


def trained_array_by_array(net, data):
    """What `fit` does, in the plainest way."""
    optimizer, rng = SGDMomentum(0.1), np.random.default_rng(0)
    for _ in range(2):
        for x, y in diglot.datasets.batches(*data, 16, rng=rng):
            net.train_batch(x, y)
            optimizer.step(net.parameters(), net.gradients())
    return net


def test_a_network_keeps_its_parameters_in_one_buffer(data):
    net = network()
    net.setup((500,))
    flat = net.flat_parameters()
    assert isinstance(flat, FlatArrays)
    assert flat.holds(net.parameters())
    assert_same_bits(net.parameters(), flat)


def test_one_call_updates_all_small_parameters(data, monkeypatch):
    net, calls = network([diglot.Dense(4, diglot.Tanh) for _ in range(6)]), []
    step = kernels.sgd_momentum_inplace
    monkeypatch.setattr(
        kernels, "sgd_momentum_inplace", lambda *a, **k: calls.append(a[0].size) or step(*a, **k)
    )
    fit(net, (data[0][:, :6], data[1]))
    assert len(calls) == 2 * 3  # epochs and batches


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_is_the_plain_loop_bit_for_bit(data, dtype):
    expected = trained_array_by_array(network(dtype=dtype), data)
    assert_same_bits(fit(network(dtype=dtype), data).parameters(), expected.parameters())


def test_saved_and_loaded_networks_go_on_alike(data, tmp_path):
    net = network()
    net.setup((500,))
    net.save(tmp_path / "net.safetensors")
    loaded = diglot.NeuralNetwork.load(tmp_path / "net.safetensors")
    assert isinstance(loaded.flat_parameters(), FlatArrays)
    assert_same_bits(fit(loaded, data).parameters(), fit(net, data).parameters())


@pytest.mark.parametrize(
    "change",
    [
        copy.deepcopy,
        lambda net: pickle.loads(pickle.dumps(net)),
        lambda net: network(net.layers),  # which shares the layers
    ],
)
def test_a_network_whose_arrays_lie_elsewhere_learns_the_same(data, change):
    net = network()
    net.setup((500,))
    changed = change(net)
    changed.setup((500,))
    assert not isinstance(changed.flat_parameters(), FlatArrays)
    expected = trained_array_by_array(network(), data)
    assert_same_bits(fit(changed, data).parameters(), expected.parameters())


def test_arrays_that_are_replaced_are_followed(data):
    net = network()
    net.setup((500,))
    operation = net.layers[0].operations[0]
    operation.params = {name: param.copy() for name, param in operation.params.items()}
    assert not isinstance(net.flat_parameters(), FlatArrays)
    expected = trained_array_by_array(network(), data)
    assert_same_bits(fit(net, data).parameters(), expected.parameters())


def test_a_layer_that_is_set_up_again_is_followed(data):
    net = network()
    net.setup((500,))
    net.layers[1].setup((4,))
    before = net.copy_parameters()
    fit(net, data)
    for name, param in net.parameters().items():
        assert (param != before[name]).any()


def test_values_may_be_written_into_parameters_at_any_time(data):
    net = network()
    fit(net, data)
    net.parameters()["2.bias"][...] = 7
    net.load_parameters(net.copy_parameters() | {"0.bias": np.full(4, 8.0)})
    flat = net.flat_parameters()
    assert (flat["2.bias"] == 7).all()
    assert (flat["0.bias"] == 8).all()


def test_gradients_stay_the_callers(data):
    net = network()
    net.train_batch(data[0][:5], data[1][:5])
    first = net.gradients()
    kept = {name: grad.copy() for name, grad in first.items()}
    net.train_batch(data[0][5:], data[1][5:])
    SGDMomentum(0.1).step(net.flat_parameters(), net.gradients())
    assert_same_bits(first, kept)


def test_an_optimizer_of_another_network_is_refused_at_every_step():
    optimizer = SGDMomentum(0.1)
    for size, fits in [(4, True), (5, False)]:
        layout = FlatArrays({"b": (size,)}, np.dtype(np.float32))
        grads = {"b": np.ones(size, np.float32)}
        for _ in range(2):
            if fits:
                optimizer.step(layout.arrays, grads)
            else:
                with pytest.raises(ShapeError, match="belongs to another network"):
                    optimizer.step(layout.arrays, grads)
