import copy
from collections import Counter

import numpy as np
import pytest

import diglot
from diglot import gradcheck, kernels
from diglot.errors import ShapeError
from diglot.losses import MeanSquaredError, SoftmaxCrossEntropy
from diglot.network import NeuralNetwork


def mlp(**settings):
    layers = [diglot.Dense(5, "tanh"), diglot.Dense(3)]
    return NeuralNetwork(layers, SoftmaxCrossEntropy(), **{"seed": 1, **settings})


def cnn(**settings):
    layers = [
        diglot.Conv2D(4, 3, "tanh", padding="same"),
        diglot.MaxPool2D(2),
        diglot.Conv2D(3, 2, "leaky_relu", dropout=0.2),
        diglot.Flatten(),
        diglot.Dense(3),
    ]
    return NeuralNetwork(layers, "softmax_cross_entropy", **{"seed": 1, **settings})


@pytest.fixture
def calls(monkeypatch):
    """Count the kernels that are called."""
    count = Counter()
    real = kernels.__getattr__

    def counting(name):
        count[name] += 1
        return real(name)

    monkeypatch.setattr(kernels, "__getattr__", counting)
    with kernels.use_backend(kernels.get_backend()):  # from now on, __getattr__ is asked
        yield count


class TestComputing:
    def test_gradients(self, rng):
        gradcheck(mlp(), rng.normal(size=(4, 6)), rng.integers(3, size=4))
        gradcheck(mlp(), rng.normal(size=(4, 6)))
        gradcheck(cnn(), rng.normal(size=(3, 2, 6, 5)), rng.integers(3, size=3))

    def test_forward_is_layer_after_layer(self, rng):
        network = mlp(dtype=np.float64)
        x = rng.normal(size=(4, 6))
        output = network.forward(x)
        w0, b0, w1, b1 = network.parameters().values()
        np.testing.assert_allclose(output, np.tanh(x @ w0 + b0) @ w1 + b1)

    def test_train_batch_updates_nothing(self, rng):
        network = cnn()
        x, y = rng.normal(size=(4, 2, 6, 5)), np.array([0, 1, 2, 0])
        network.setup(x.shape[1:])
        before = network.copy_parameters()
        loss = network.train_batch(x, y)
        assert type(loss) is float
        assert list(network.gradients()) == list(before) == list(network.parameters())
        for name, parameter in network.parameters().items():
            np.testing.assert_array_equal(parameter, before[name])
            assert network.gradients()[name].shape == parameter.shape
            assert network.gradients()[name].dtype == parameter.dtype == np.float32

    def test_the_first_layer_computes_no_input_gradient(self, rng, calls):
        mlp().train_batch(rng.normal(size=(4, 6)), np.array([0, 1, 2, 0]))
        assert calls["dense_forward"] == calls["dense_backward_weight"] == 2
        assert calls["matmul"] == 1  # the second layer's input gradient
        calls.clear()
        network = cnn()
        x = rng.normal(size=(4, 2, 6, 5))
        network.train_batch(x, np.array([0, 1, 2, 0]))
        assert calls["conv2d_backward_weight"] == 2
        assert calls["conv2d_backward_input"] == 1
        calls.clear()
        grad = np.ones(network.forward(x).shape)
        assert network.backward(grad, needs_input_grad=True).shape == x.shape
        assert calls["conv2d_backward_input"] == 2

    def test_nothing_runs_back_beyond_the_first_parameters(self, rng, calls):
        layers = [diglot.Activation("sigmoid"), diglot.MaxPool2D(2), diglot.Flatten()]
        network = NeuralNetwork([*layers, diglot.Dense(2)], MeanSquaredError())
        network.train_batch(rng.normal(size=(4, 1, 4, 4)), np.zeros((4, 2)))
        assert calls["sigmoid_backward"] == calls["max_pool2d_backward"] == 0
        assert calls["sigmoid_forward"] == calls["max_pool2d_forward"] == 1

    def test_a_network_without_parameters(self, rng):
        network = NeuralNetwork([diglot.Flatten()], MeanSquaredError(), dtype=np.float64)
        x = rng.normal(size=(4, 2, 3))
        assert network.train_batch(x, np.zeros((4, 6))) == pytest.approx((x**2).sum() / 4)
        assert network.parameters() == network.gradients() == {}
        gradcheck(network, x)

    def test_predict_in_batches(self, rng):
        network = cnn()
        x = rng.normal(size=(11, 2, 6, 5))
        whole = network.predict(x)
        assert whole.shape == (11, 3)
        for batch_size in (1, 4, 11, 100):
            np.testing.assert_allclose(network.predict(x, batch_size), whole, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(network.predict(x.tolist()), whole)
        assert network.predict(x[:0]).shape == (0, 3)
        assert NeuralNetwork([diglot.Flatten()], "huber").predict(x).base is not x
        with pytest.raises(ValueError, match="batch_size is 0"):
            network.predict(x, batch_size=0)

    def test_predict_drops_nothing_and_draws_nothing(self, rng):
        x = rng.normal(size=(4, 2, 6, 5))
        network, other = cnn(), cnn()
        for _ in range(3):
            np.testing.assert_array_equal(network.predict(x), other.predict(x))
            network.predict(x)
        np.testing.assert_array_equal(network.forward(x), other.forward(x))
        assert not np.array_equal(network.forward(x), network.predict(x))

    def test_a_dense_layer_reads_sequences(self, rng):
        layers = [diglot.Dense(5, "tanh"), diglot.Dense(3)]
        network = NeuralNetwork(layers, SoftmaxCrossEntropy(), dtype=np.float64)
        x, labels = rng.normal(size=(4, 7, 6)), rng.integers(3, size=(4, 7))
        loss = network.train_batch(x, labels)
        gradients = {name: g.copy() for name, g in network.gradients().items()}
        flat = NeuralNetwork([diglot.Dense(5, "tanh"), diglot.Dense(3)], SoftmaxCrossEntropy())
        flat.dtype = np.dtype(np.float64)
        flat.setup((6,))
        flat.load_parameters(network.parameters())
        assert flat.train_batch(x.reshape(28, 6), labels.ravel()) == pytest.approx(loss)
        for name, gradient in flat.gradients().items():
            np.testing.assert_allclose(gradient, gradients[name], atol=1e-6)


class TestSeeds:
    def test_one_seed_one_network(self):
        for make, shape in ((mlp, (6,)), (cnn, (2, 6, 5))):
            one, two, three, chance = make(), make(), make(seed=2), make(seed=None)
            for network in (one, two, three, chance):
                network.setup(shape)
            for name, parameter in one.parameters().items():
                np.testing.assert_array_equal(parameter, two.parameters()[name])
                if name.endswith("weight"):
                    assert not np.array_equal(parameter, three.parameters()[name])
                    assert not np.array_equal(parameter, chance.parameters()[name])

    def test_layers_of_one_shape_differ(self):  # book, erratum E11
        network = NeuralNetwork([diglot.Dense(4), diglot.Dense(4)], MeanSquaredError(), seed=1)
        network.setup((4,))
        first, second = network.layers[0].parameters(), network.layers[1].parameters()
        assert not np.array_equal(first["weight"], second["weight"])

    def test_a_generator_is_drawn_from(self):
        generator = np.random.default_rng(1)
        one, two = mlp(seed=generator), mlp()
        one.setup((6,))
        two.setup((6,))
        np.testing.assert_array_equal(one.parameters()["0.weight"], two.parameters()["0.weight"])
        assert generator.bit_generator.state != np.random.default_rng(1).bit_generator.state

    def test_the_global_generator_is_left_alone(self, rng):
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        cnn().train_batch(rng.normal(size=(4, 2, 6, 5)), np.zeros(4, int))
        np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002

    def test_float32_and_float64_start_alike(self):
        single, double = mlp(), mlp(dtype=np.float64)
        single.setup((6,))
        double.setup((6,))
        for name, parameter in double.parameters().items():
            np.testing.assert_array_equal(single.parameters()[name], parameter.astype(np.float32))

    @pytest.mark.parametrize("seed", [-1, 1.5, "1", True, [1]])
    def test_seeds_are_integers(self, seed):
        with pytest.raises(ValueError, match="seed is"):
            mlp(seed=seed)


class TestSetup:
    def test_what_is_not_set_up_has_no_parameters(self):
        for ask in (
            NeuralNetwork.parameters,
            NeuralNetwork.gradients,
            NeuralNetwork.copy_parameters,
            NeuralNetwork.summary,
            lambda network: network.load_parameters({}),
            lambda network: network.save("nothing.safetensors"),
        ):
            with pytest.raises(ValueError, match=r"no parameters yet: run forward, or setup\("):
                ask(mlp())

    def test_backward_needs_a_forward_that_has_worked(self, rng):
        network = mlp()
        with pytest.raises(ValueError, match="run forward before backward"):
            network.backward(np.zeros((4, 3)))
        x = rng.normal(size=(4, 6))
        network.forward(x)
        network.backward(np.zeros((4, 3)))
        with pytest.raises(ShapeError):
            network.forward(rng.normal(size=(4, 7)))
        with pytest.raises(ValueError, match="run forward before backward"):
            network.backward(np.zeros((4, 3)))

    def test_predict_is_no_forward(self, rng):
        network, x = mlp(), rng.normal(size=(4, 6))
        network.forward(x)
        network.predict(x + 1)
        with pytest.raises(ValueError, match="run forward before backward; predict does not count"):
            network.backward(np.zeros((4, 3)))

    def test_gradients_need_a_backward(self):
        network = mlp()
        network.setup((6,))
        with pytest.raises(ValueError, match="run backward before asking for gradients"):
            network.gradients()

    def test_setup_again_does_nothing(self):
        network = mlp()
        network.setup((6,))
        before = network.parameters()
        network.setup((np.int64(6),))
        assert all(before[name] is array for name, array in network.parameters().items())
        with pytest.raises(ShapeError, match=r"has shape \(7,\), but the network was set up for "):
            network.setup((7,))

    @pytest.mark.parametrize("shape", [(6.0,), ("6",), (-1,), (None,), 6, None])
    def test_shapes_are_integers(self, shape):
        with pytest.raises(ValueError, match="input_shape is"):
            mlp().setup(shape)

    def test_an_error_leaves_everything_as_it_was(self, rng):
        network, other = cnn(), cnn()
        with pytest.raises(ShapeError, match=r"layer 2, Conv2D\(3, .*too small"):
            network.setup((2, 2, 5))
        assert network.input_shape is None
        assert not any(layer.operations for layer in network.layers)
        x = rng.normal(size=(2, 2, 6, 5))
        np.testing.assert_array_equal(network.forward(x), other.forward(x))

    def test_layers_that_have_learnt_keep_what_they_know(self, rng):
        encoder, decoder = diglot.Dense(2, "tanh"), diglot.Dense(6)
        whole = NeuralNetwork([encoder, decoder], MeanSquaredError(), seed=1)
        x = rng.normal(size=(5, 6))
        reconstruction = whole.predict(x)
        half = NeuralNetwork([encoder], MeanSquaredError())
        code = half.predict(x)
        assert half.parameters()["0.weight"] is whole.parameters()["0.weight"]
        other = NeuralNetwork([decoder], MeanSquaredError())
        np.testing.assert_allclose(other.predict(code), reconstruction, rtol=1e-6)
        with pytest.raises(
            ShapeError, match=r"layer 0, Dense.*has shape \(7,\), but the layer was"
        ):
            NeuralNetwork([encoder], MeanSquaredError()).setup((7,))
        with pytest.raises(
            ValueError, match="was set up in float32, but the network computes in f"
        ):
            NeuralNetwork([encoder], MeanSquaredError(), dtype=np.float64).setup((6,))

    def test_networks_can_be_copied(self, rng):
        x, y = rng.normal(size=(4, 2, 6, 5)), np.array([0, 1, 2, 0])
        network = cnn()
        network.train_batch(x, y)
        twin = copy.deepcopy(network)
        assert network.train_batch(x, y) == twin.train_batch(x, y)  # the same dropout, too
        twin.parameters()["0.weight"][...] = 0
        assert network.parameters()["0.weight"].any()
        fresh = copy.deepcopy(cnn())
        np.testing.assert_array_equal(fresh.predict(x), cnn().predict(x))


class TestParameters:
    def test_they_are_live(self, rng):
        network, x = mlp(), rng.normal(size=(4, 6))
        network.forward(x)
        for parameter in network.parameters().values():
            parameter[...] = 0
        assert not network.forward(x).any()

    def test_copies_are_not(self, rng):
        network, x = mlp(), rng.normal(size=(4, 6))
        before = network.forward(x)
        saved = network.copy_parameters()
        for parameter in network.parameters().values():
            parameter += 1
        assert not np.array_equal(network.forward(x), before)
        network.load_parameters(saved)
        np.testing.assert_array_equal(network.forward(x), before)
        assert network.parameters()["0.weight"] is not saved["0.weight"]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda p: p.pop("0.weight"), r"missing are \['0.weight'\], unknown are \[\]"),
            (lambda p: p.update({"9.weight": p["0.bias"]}), r"unknown are \['9.weight'\]"),
            (
                lambda p: p.update({"1.bias": np.zeros(4)}),
                r"1.bias has shape \(4,\), expected \(3,\)",
            ),
            (lambda p: p.update({"1.bias": np.zeros(())}), r"has shape \(\), expected \(3,\)"),
            (lambda p: p.update({"1.bias": np.zeros(3, complex)}), "dtype complex128"),
            (lambda p: p.update({"1.bias": ["a", "b", "c"]}), "expected real numbers"),
        ],
    )
    def test_what_does_not_fit_changes_nothing(self, change, message):
        network = mlp()
        network.setup((6,))
        before = network.copy_parameters()
        given = {name: parameter + 1 for name, parameter in before.items()}
        change(given)
        with pytest.raises(ValueError, match=message):
            network.load_parameters(given)
        for name, parameter in network.parameters().items():
            np.testing.assert_array_equal(parameter, before[name])


def test_repr():
    assert repr(cnn()) == (
        "NeuralNetwork(\n"
        "    [\n"
        "        Conv2D(4, kernel_size=3, activation=Tanh, padding='same'),\n"
        "        MaxPool2D(2),\n"
        "        Conv2D(3, kernel_size=2, activation=LeakyReLU, dropout=0.2),\n"
        "        Flatten(),\n"
        "        Dense(3),\n"
        "    ],\n"
        "    loss=SoftmaxCrossEntropy(),\n"
        "    seed=1,\n"
        ")"
    )
    assert "    dtype=np.float64,\n" in repr(mlp(dtype=np.float64))
    names = {name: getattr(diglot, name) for name in diglot.__all__}
    for network in (cnn(), mlp(dtype=np.float64)):
        again = eval(repr(network), {**names, "np": np})  # a repr can be pasted
        assert repr(again) == repr(network)


def test_bits_do_not_depend_on_threads(rng):
    x, y = rng.normal(size=(64, 2, 14, 13)), rng.integers(3, size=64)
    found = []
    for count in (1, 2):
        with diglot.num_threads(count):
            network = cnn()
            loss = network.train_batch(x, y)
            found.append((loss, *(g.tobytes() for g in network.gradients().values())))
    assert found[0] == found[1]


def test_backends_agree(rng):
    x, y = rng.normal(size=(8, 2, 6, 5)), rng.integers(3, size=8)
    found = []
    for backend in ("reference", diglot.get_backend()):
        with diglot.use_backend(backend):
            network = cnn(dtype=np.float64)
            found.append((network.train_batch(x, y), network.gradients()))
    (loss, gradients), (other_loss, other_gradients) = found
    assert loss == pytest.approx(other_loss, rel=1e-12)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(other_gradients[name], gradient, rtol=1e-9, atol=1e-12)
