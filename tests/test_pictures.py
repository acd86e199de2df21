"""Pictures of networks: they show what is there, and leave the network as it was."""

import copy
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import diglot
from diglot import plots
from diglot.datasets import Vocabulary
from diglot.errors import DataError, ShapeError
from diglot.history import History

RNG = np.random.default_rng(7)
IMAGES = RNG.normal(size=(12, 1, 8, 8)).astype(np.float32)
LABELS = np.arange(12) % 4
TEXT = 'a cat, "the\ncat"'
VOCABULARY = Vocabulary.from_text(TEXT)


def convolutional() -> diglot.NeuralNetwork:
    network = diglot.NeuralNetwork(
        [
            diglot.Conv2D(5, 3, diglot.Tanh, padding="same"),
            diglot.MaxPool2D(2),
            diglot.Conv2D(6, 3, diglot.ReLU, dropout=0.5, flatten=True),
            diglot.Dense(4),
        ],
        "softmax_cross_entropy",
        seed=3,
    )
    network.setup((1, 8, 8))
    return network


def writer(layer: diglot.Layer | None = None) -> diglot.NeuralNetwork:
    size = len(VOCABULARY)
    layers = [diglot.Embedding(size, 5), layer or diglot.LSTM(7), diglot.Dense(size)]
    network = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=3)
    network.setup((len(TEXT),))
    return network


def tokens() -> np.ndarray:
    return VOCABULARY.encode(TEXT)[None]


def everything(network: diglot.NeuralNetwork) -> list[bytes]:
    """All that a network remembers: parameters, gradients, outputs, state, generator, flags."""
    found = [a.tobytes() for a in network.parameters().values()]
    found += [a.tobytes() for a in network.gradients().values()]
    for layer in network.layers:
        for operation in layer.operations:
            found += [operation.input_.tobytes(), operation.output.tobytes()]
            found.append(str(operation.inference).encode())
    for state in network.get_state():
        found += [part.tobytes() for part in state or ()]
    return [*found, str(network._rng.bit_generator.state).encode()]


PICTURES: dict[str, tuple[Callable, Callable]] = {
    "filters": (convolutional, lambda n: plots.filters(n)),
    "feature_maps": (convolutional, lambda n: plots.feature_maps(n, IMAGES[0])),
    "distributions": (convolutional, lambda n: plots.distributions(n, IMAGES, LABELS)),
    "loss_surface": (convolutional, lambda n: plots.loss_surface(n, IMAGES, LABELS, points=3)),
    "gates": (
        lambda: writer(diglot.LSTM(7, stateful=True)),
        lambda n: plots.gates(n, "cat", VOCABULARY),
    ),
    "draw": (convolutional, lambda n: n.draw()),
    "html": (convolutional, lambda n: n._repr_html_()),
    "observe": (convolutional, lambda n: n.observe(IMAGES, LABELS)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_leaves_the_network_as_it_was(name: str) -> None:
    make, picture = PICTURES[name]
    network = make()
    if network.recurrent:
        network.train_batch(tokens(), tokens())
        assert network.get_state()[0] is not None
    else:
        network.train_batch(IMAGES, LABELS)
    before = everything(network)
    picture(network)
    assert everything(network) == before
    assert network.flat_parameters() is network._flat  # the very arrays


class TestFilters:
    def test_one_input_channel(self) -> None:
        network = convolutional()
        panels = plots.filters(network).axes
        weight = network.parameters()["0.weight"]
        for i in range(5):
            np.testing.assert_array_equal(panels[i].images[0].get_array(), weight[i, 0])
            low, high = panels[i].images[0].get_clim()
            assert (low, high) == pytest.approx((-np.abs(weight).max(), np.abs(weight).max()))
            assert panels[i].get_title(loc="left") == str(i)

    def test_several_input_channels_are_a_table(self) -> None:
        network = convolutional()
        panel = plots.filters(network, 2, most=4).axes[0]
        image = panel.images[0].get_array()
        weight = network.parameters()["2.weight"]
        assert image.shape == (4 * 4 - 1, 4 * 4 - 1)
        np.testing.assert_array_equal(image[4:7, 8:11], weight[1, 2])
        assert image.mask[3].all()
        assert [t.get_text() for t in panel.get_yticklabels()] == ["0", "1", "2", "3"]

    def test_no_such_layer(self) -> None:
        with pytest.raises(
            DataError, match="no convolutional layer; its layers are 0 Embedding, 1 L"
        ):
            plots.filters(writer())
        with pytest.raises(DataError, match=r"layer is 9, expected .*: one of 0 Conv2D, 2 Conv2D"):
            plots.filters(convolutional(), 9)
        with pytest.raises(DataError, match="expected a NeuralNetwork"):
            plots.filters("network")
        fresh = diglot.NeuralNetwork([diglot.Conv2D(2, 3)], "mean_squared_error")
        with pytest.raises(ValueError, match="no parameters yet"):
            plots.filters(fresh)


class TestFeatureMaps:
    def test_rows_are_layers(self) -> None:
        network = convolutional()
        figure = plots.feature_maps(network, IMAGES[3, 0], channels=4)
        grid = np.reshape(figure.axes, (4, 4))
        np.testing.assert_array_equal(grid[0, 0].images[0].get_array(), IMAGES[3, 0])
        first = network.layers[0].forward(IMAGES[3:4], True)
        np.testing.assert_array_equal(grid[1, 2].images[0].get_array(), first[0, 2])
        assert grid[1, 2].images[0].get_clim() == (first.min(), first.max())
        assert grid[3, 3].images[0].get_array().shape == (2, 2)
        assert grid[3, 3].images[0].get_array().min() >= 0  # after the ReLU, before flattening
        assert [row[0].get_ylabel().split("\n")[0] for row in grid] == [
            "input", "0 Conv2D", "1 MaxPool2D", "2 Conv2D",
        ]  # fmt: skip

    def test_one_layer(self) -> None:
        figure = plots.feature_maps(convolutional(), IMAGES[0], layer=1)
        assert len(figure.axes) == 2 * 5

    def test_errors(self) -> None:
        with pytest.raises(
            ShapeError, match=r"image has shape \(12, 1, 8, 8\), expected \(1, 8, 8\)"
        ):
            plots.feature_maps(convolutional(), IMAGES)
        with pytest.raises(DataError, match="one of 0 Conv2D, 1 MaxPool2D, 2 Conv2D"):
            plots.feature_maps(convolutional(), IMAGES[0], layer=3)


class TestDistributions:
    def test_bars_add_up_to_one(self) -> None:
        figure = plots.distributions(convolutional(), IMAGES, LABELS)
        assert len(figure.axes) == 6  # the pooling is left out
        for panel in figure.axes:
            assert sum(bar.get_height() for bar in panel.patches) == pytest.approx(1)

    def test_saturated_and_dead_units_are_counted(self) -> None:
        network = convolutional()
        network.parameters()["0.bias"][:3] = 50  # three of five channels of the tanh
        network.parameters()["2.bias"][:2] = -100
        figure = plots.distributions(network, IMAGES)
        notes = [panel.get_title(loc="right") for panel in figure.axes]
        output = network.layers[0].forward(IMAGES, True)
        assert notes[0] == f"{np.mean(np.abs(output) > 0.95):.0%} saturated"
        assert int(notes[0].partition("%")[0]) >= 60
        assert notes[1].endswith("2 of 6 units dead")

    def test_chosen_layers(self) -> None:
        figure = plots.distributions(convolutional(), IMAGES, layers=[1, 3])
        names = [panel.get_title(loc="left") for panel in figure.axes]
        assert names == ["1 MaxPool2D", "3 Dense"]
        with pytest.raises(DataError, match=r"layer is 4, expected .* 3 Dense"):
            plots.distributions(convolutional(), IMAGES, layers=[4])

    def test_what_is_not_finite_is_counted(self) -> None:
        network = convolutional()
        network.parameters()["3.bias"][0] = np.nan
        figure = plots.distributions(network, IMAGES)
        assert [text.get_text() for text in figure.axes[-1].texts] == ["12 not finite"]


class TestWorstMistakes:
    LOGITS = np.array([[9.0, 0, 0], [0, 5, 0], [0, 0, 1], [0, 0, 8], [3, 0, 0]])
    TRUE = np.array([0, 0, 0, 1, 0])

    def test_the_surest_come_first(self) -> None:
        figure = plots.worst_mistakes(
            IMAGES[:5], self.LOGITS, self.TRUE, class_names="abc", count=2
        )
        titles = [panel.get_title() for panel in figure.axes]
        assert [title for title in titles if title] == ["c 100%\nnot b 0%", "b 99%\nnot a 1%"]
        panel = figure.axes[titles.index("b 99%\nnot a 1%")]
        np.testing.assert_array_equal(panel.images[0].get_array(), IMAGES[1, 0])
        counts = [text.get_text() for text in figure.axes[0].texts]
        assert counts == ["2", "1", "1", "1"]
        assert figure.subfigs[1].get_suptitle() == "the 2 surest of 3 mistakes, 5 images"

    def test_probabilities_stay_as_they_are(self) -> None:
        p = np.array([[0.25, 0.75]])
        figure = plots.worst_mistakes(IMAGES[:1], p, np.array([0]))
        assert "1 75%\nnot 0 25%" in [panel.get_title() for panel in figure.axes]

    def test_no_mistake(self) -> None:
        figure = plots.worst_mistakes(IMAGES[:3], np.eye(3), np.arange(3))
        assert figure.subfigs[1].get_suptitle() == "no mistake, 3 images"

    def test_errors(self) -> None:
        with pytest.raises(ShapeError, match="prediction has shape"):
            plots.worst_mistakes(IMAGES, self.LOGITS, self.TRUE)
        with pytest.raises(ShapeError, match="class_names are 2, expected 3"):
            plots.worst_mistakes(IMAGES[:5], self.LOGITS, self.TRUE, class_names="ab")
        with pytest.raises(DataError, match="not finite"):
            plots.worst_mistakes(IMAGES[:5], self.LOGITS * np.nan, self.TRUE)


class TestGates:
    def test_lstm(self) -> None:
        network = writer()
        figure = plots.gates(network, TEXT, VOCABULARY, units=[5, 0])
        panels = [panel for panel in figure.axes if panel.get_ylabel() == "unit"]
        i, f, g, o, c = (np.asarray(panel.images[0].get_array()) for panel in panels)
        assert i.shape == (2, len(TEXT))
        cell = np.zeros(2)
        for t in range(len(TEXT)):
            cell = f[:, t] * cell + i[:, t] * g[:, t]
            np.testing.assert_allclose(np.tanh(cell), c[:, t], rtol=1e-4, atol=1e-6)
        h = network.layers[1].forward(network.layers[0].forward(tokens()), True)
        np.testing.assert_allclose(o * c, h[0][:, [5, 0]].T, rtol=1e-4, atol=1e-6)
        characters = [tick.get_text() for tick in panels[0].get_xticklabels()]
        assert "".join(characters) == TEXT.replace(" ", "␣").replace("\n", "↵")
        assert [tick.get_text() for tick in panels[0].get_yticklabels()] == ["5", "0"]

    def test_gru_and_the_reverse_direction(self) -> None:
        network = writer(diglot.GRU(7, bidirectional=True))
        output = network.layers[1].forward(network.layers[0].forward(tokens()), True)
        for reverse in (False, True):
            figure = plots.gates(network, TEXT, VOCABULARY, units=7, reverse=reverse)
            panels = [panel for panel in figure.axes if panel.get_ylabel() == "unit"]
            assert [panel.get_title(loc="left")[:6] for panel in panels[:2]] == ["reset ", "update"]
            half = slice(7, 14) if reverse else slice(0, 7)
            np.testing.assert_array_equal(panels[3].images[0].get_array(), output[0][:, half].T)

    def test_the_most_varied_units(self) -> None:
        figure = plots.gates(writer(), TEXT, VOCABULARY, units=3)
        names = [int(tick.get_text()) for tick in figure.axes[0].get_yticklabels()]
        assert len(names) == 3
        assert names == sorted(names)

    def test_errors(self) -> None:
        with pytest.raises(DataError, match="no LSTM or GRU layer; its layers are 0 Conv2D"):
            plots.gates(convolutional(), TEXT, VOCABULARY)
        with pytest.raises(DataError, match="units 0 to 6"):
            plots.gates(writer(), TEXT, VOCABULARY, units=[7])
        with pytest.raises(DataError, match="'x' at position 0"):
            plots.gates(writer(), "x", VOCABULARY)
        with pytest.raises(DataError, match="0 characters"):
            plots.gates(writer(), "", VOCABULARY)
        with pytest.raises(DataError, match="not bidirectional"):
            plots.gates(writer(), TEXT, VOCABULARY, reverse=True)


class TestLossSurface:
    def test_the_middle_is_the_networks_loss(self) -> None:
        network = convolutional()
        surface = plots.measure_surface(network, IMAGES, LABELS, points=5, batch_size=5)
        loss = network.loss.forward(network.predict(IMAGES), LABELS)
        assert surface.loss.shape == (5, 5)
        assert surface.loss[2, 2] == pytest.approx(loss, rel=1e-5)
        again = plots.measure_surface(network, IMAGES, LABELS, points=5, batch_size=5)
        np.testing.assert_array_equal(surface.loss, again.loss)
        other = plots.measure_surface(network, IMAGES, LABELS, points=5, seed=1)
        assert not np.allclose(surface.loss, other.loss)

    def test_the_scale_of_a_filter_does_not_matter(self) -> None:
        # A ReLU network with one layer * 10 and the next / 10 is the same one: steps are relative.
        layers = [diglot.Dense(6, "relu"), diglot.Dense(4)]
        network = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, dtype=np.float64)
        x = IMAGES.reshape(12, -1)
        network.setup(x.shape[1:])
        surface = plots.measure_surface(network, x, LABELS, points=3)
        network.parameters()["0.weight"][...] *= 10
        network.parameters()["1.weight"][...] /= 10
        scaled = plots.measure_surface(network, x, LABELS, points=3)
        np.testing.assert_allclose(surface.loss, scaled.loss)

    def test_a_plane_through_other_parameters(self) -> None:
        network, first, second = convolutional(), convolutional(), convolutional()
        for i, other in enumerate((first, second), 1):
            for values in other.parameters().values():
                values += np.float32(0.05 * i)
        toward = first.copy_parameters(), second.copy_parameters()
        surface = plots.measure_surface(network, IMAGES, LABELS, toward=toward, points=7)
        at = {name: np.argwhere(np.isclose(surface.a, a))[0, 0] for name, a in (("0", 0), ("1", 1))}
        for other, row, column in ((network, "0", "0"), (first, "0", "1"), (second, "1", "0")):
            loss = other.loss.forward(other.predict(IMAGES), LABELS)
            assert surface.loss[at[row], at[column]] == pytest.approx(loss, rel=1e-4)
        figure = plots.loss_surface(network, IMAGES, LABELS, toward=toward, points=3)
        assert [text.get_text() for text in figure.axes[0].texts] == ["here", "first", "second"]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
    def test_whatever_ends_it_the_parameters_are_the_same_bits(self, error, monkeypatch) -> None:
        network = convolutional()
        before = {name: array.tobytes() for name, array in network.parameters().items()}
        calls = []

        def load(self, parameters):
            calls.append(parameters)
            if len(calls) == 3:
                raise error

        monkeypatch.setattr(diglot.NeuralNetwork, "load_parameters", load)
        with pytest.raises(error):
            plots.loss_surface(network, IMAGES, LABELS, points=3)
        assert {name: array.tobytes() for name, array in network.parameters().items()} == before

    def test_errors(self) -> None:
        network = convolutional()
        own = network.copy_parameters()
        for toward, message in (
            ((own, own), "leads nowhere"),
            (({}, {}), "expected parameters named"),
            ((own,), "expected two sets"),
        ):
            with pytest.raises(DataError, match=message):
                plots.measure_surface(network, IMAGES, LABELS, toward=toward)
        wrong = own | {"3.bias": np.zeros(9)}
        with pytest.raises(ShapeError, match=r"3.bias has shape \(9,\), expected \(4,\)"):
            plots.measure_surface(network, IMAGES, LABELS, toward=(wrong, wrong))
        with pytest.raises(ValueError, match="points is 1"):
            plots.measure_surface(network, IMAGES, LABELS, points=1)


def test_curves_have_the_learning_rate_if_it_changes_and_the_best_epoch() -> None:
    history = History()
    for rate in (0.1, 0.05, 0.02):
        history.append(loss=rate, learning_rate=rate, seconds=1)
    history.best_epoch = 2
    loss, rate = plots.training_curves(copy.deepcopy(history)).axes
    assert rate.get_title(loc="left") == "learning rate"
    assert list(rate.lines[0].get_ydata()) == [0.1, 0.05, 0.02]
    assert list(loss.lines[-1].get_xdata()) == [2, 2]
