"""What a network is given and cannot use: every mistake is named."""

import numpy as np
import pytest

import diglot
from diglot.errors import DataError, ShapeError
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


class TestWrongInput:
    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (np.zeros((4, 6), complex), "the input has dtype complex128, expected real numbers"),
            (np.full((4, 6), "1"), "expected real numbers"),
            (np.full((4, 6), None), "expected real numbers"),
            (np.zeros((4, 6), "datetime64[s]"), "expected real numbers"),
            ([[1, 2], [3]], r"the input is no array: .*inhomogeneous"),
            (np.ma.masked_array(np.zeros((4, 6)), True), "masked array"),
            (np.zeros(6), r"the input has shape \(6,\), expected a batch of samples"),
            (3.0, r"the input has shape \(\)"),
            (
                np.zeros((4, 7)),
                r"layer 0, Dense\(5.*\): input_ has shape \(4, 7\), expected \(N, 6",
            ),
            (np.zeros((4, 2, 6)), r"input_ has shape \(4, 2, 6\), expected \(N, 6\)"),
            (np.zeros((4, 0)), r"input_ has shape \(4, 0\), expected \(N, 6\)"),
        ],
        ids=str,
    )
    def test_is_named(self, x, message):
        network = mlp()
        network.setup((6,))
        for use in (network.forward, network.predict, lambda x: network.train_batch(x, [0] * 4)):
            with pytest.raises(ValueError, match=message):
                use(x)

    @pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, np.float16, ">f4", ">f8", "f8"])
    def test_real_numbers_are_brought_to_the_networks_dtype(self, rng, dtype):
        x = rng.integers(2, size=(4, 6)).astype(dtype)
        network = mlp()
        output = network.forward(x)
        assert output.dtype == np.float32
        np.testing.assert_array_equal(output, network.forward(x.astype(np.float32)))

    def test_memory_of_any_layout(self, rng):
        network, x = cnn(dtype=np.float64), rng.normal(size=(4, 2, 6, 5))
        expected = network.predict(x)
        for odd in (np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, axis=3)[..., ::2]):
            np.testing.assert_array_equal(network.predict(odd), expected)
        x.flags.writeable = False
        np.testing.assert_array_equal(network.predict(x), expected)

    def test_targets_that_do_not_fit(self, rng):
        network, x = mlp(), rng.normal(size=(4, 6))
        for y, error in [
            (np.zeros(5, int), ShapeError),
            (np.array([0, 1, 2, 3]), DataError),
            (np.zeros((4, 2)), ShapeError),
            (np.zeros(4), DataError),
        ]:
            with pytest.raises(error):
                network.train_batch(x, y)
        with pytest.raises(DataError, match="no rows"):
            network.train_batch(x[:0], np.zeros(0, int))

    def test_a_gradient_that_does_not_fit(self, rng):
        network = mlp()
        network.forward(rng.normal(size=(4, 6)))
        with pytest.raises(ShapeError, match=r"output_grad has shape \(4, 2\), expected \(4, 3\)"):
            network.backward(np.zeros((4, 2)))


class TestWrongLayers:
    @pytest.mark.parametrize(
        ("layers", "message"),
        [
            ([], "layers is empty, expected at least one"),
            (diglot.Dense(3), r"layers is Dense\(3\), expected a list of layers"),
            (3, "layers is 3, expected a list of layers"),
            ([diglot.Flatten], r"layers\[0\] is the class Flatten; write Flatten\(…\)"),
            (
                [diglot.Dense(3), diglot.Tanh()],
                r"layers\[1\] is the operation Tanh; make it part of a layer, Dense\(…, "
                r"activation=Tanh\), or a layer of its own, diglot.Activation\(Tanh\)",
            ),
            ([diglot.Tanh], "the operation Tanh"),
            ([diglot.operations.FlattenOp()], "the operation FlattenOp; a layer is made of"),
            (["dense"], r"layers\[0\] is 'dense', expected a layer such as Dense\(10\)"),
            ([None], r"layers\[0\] is None"),
            ([diglot.SGD(0.1)], r"layers\[0\] is SGD\(0.1\), expected a layer"),
            ("ab", r"layers\[0\] is 'a', expected a layer"),
        ],
    )
    def test_the_message_says_what_to_write(self, layers, message):
        with pytest.raises(ValueError, match=message):
            NeuralNetwork(layers, MeanSquaredError())

    def test_one_object_cannot_be_two_layers(self):
        layer = diglot.Dense(3)
        with pytest.raises(ValueError, match=r"layers\[0\] and layers\[2\] are one object; make"):
            NeuralNetwork([layer, diglot.Dense(3), layer], MeanSquaredError())

    @pytest.mark.parametrize(
        ("loss", "message"),
        [
            ("mean_squared", "loss 'mean_squared' is unknown; did you mean 'MeanSquaredError'"),
            (None, "loss is None; expected one of MeanSquaredError"),
            (diglot.Dense(3), r"loss is Dense\(3\)"),
            (diglot.metrics.accuracy, "loss is <function"),
        ],
    )
    def test_the_loss(self, loss, message):
        with pytest.raises(ValueError, match=message):
            NeuralNetwork([diglot.Dense(3)], loss)

    def test_a_loss_is_not_shared(self):
        loss = MeanSquaredError()
        one = NeuralNetwork([diglot.Dense(3)], loss)
        two = NeuralNetwork([diglot.Dense(3)], loss)
        assert one.loss is not two.loss
        for given in ("mean_squared_error", MeanSquaredError):
            assert type(NeuralNetwork([diglot.Dense(3)], given).loss) is MeanSquaredError

    @pytest.mark.parametrize("dtype", [np.float16, int, "float", None, "nonsense", np.complex64])
    def test_the_dtype(self, dtype):
        if dtype == "float":  # NumPy's name for float64
            assert mlp(dtype=dtype).dtype == np.float64
            return
        with pytest.raises(ValueError, match=r"expected np\.float32 or np\.float64"):
            mlp(dtype=dtype)
