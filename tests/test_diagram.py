"""The drawing of a network and what a notebook shows: valid XML, everything in it and inside."""

import itertools
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import diglot
from diglot.errors import ShapeError
from diglot.history import History
from diglot.svg import escaped

SVG = "{http://www.w3.org/2000/svg}"


def deep() -> list[diglot.Layer]:
    blocks = [
        (diglot.Conv2D(8, 3, diglot.LeakyReLU(0.2), padding="same"), diglot.Dropout(0.1))
        for _ in range(15)
    ]
    return [*itertools.chain(*blocks), diglot.GlobalAvgPool2D(), diglot.Dense(10)]


NETWORKS = {
    "conv": ((1, 28, 28), lambda: [diglot.Conv2D(4, 5, "tanh", dropout=0.2), diglot.MaxPool2D(2)]),
    "dense": ((13,), lambda: [diglot.Dense(3, "sigmoid"), diglot.Activation("softmax")]),
    "recurrent": (
        (50,),
        lambda: [
            diglot.Embedding(65, 16),
            diglot.LSTM(32, bidirectional=True, dropout=0.25, initial_state="learned"),
            diglot.RNN(8, activation="relu", return_sequences=False),
            diglot.Dense(3, diglot.GELU),
        ],
    ),
    "deep": ((1, 16, 16), deep),
}


def build(name: str) -> diglot.NeuralNetwork:
    return diglot.NeuralNetwork(NETWORKS[name][1](), "mean_squared_error", seed=1)


def texts(root: ElementTree.Element) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text")]


def shown(shape: tuple[int, ...]) -> str:
    return f"(N, {', '.join(map(str, shape))})"


@pytest.mark.parametrize("name", NETWORKS)
class TestDraw:
    def test_each_layer_its_shape_and_its_parameters(self, name: str) -> None:
        network, shape = build(name), NETWORKS[name][0]
        found = texts(ElementTree.fromstring(network.draw(shape).svg))
        assert network.input_shape is None  # drawing sets nothing up
        at = found.index(shown(shape))
        for position, row in enumerate(network.summary(shape).rows):
            at = found.index(str(position), at)
            assert found[at + 1] == type(network.layers[position]).__name__
            end = found.index(shown(row.output_shape), at)
            assert (f"{row.parameters:,}" in found[at:end]) == (row.parameters > 0)
            at = end
        assert "loss: MeanSquaredError()" in found[at:]

    def test_boxes_are_apart_and_everything_is_inside(self, name: str) -> None:
        root = ElementTree.fromstring(build(name).draw(NETWORKS[name][0]).svg)
        width, height = float(root.get("width")), float(root.get("height"))
        boxes = []
        for group in root.iter(f"{SVG}g"):
            box = group.find(f"{SVG}rect")
            x, y, w, h = (float(box.get(key)) for key in ("x", "y", "width", "height"))
            boxes.append((y, y + h))
            for text in group.iter(f"{SVG}text"):
                left, below = float(text.get("x")), float(text.get("y"))
                assert y < below < y + h
                if x <= left < x + w:  # 7.6 pixels a character
                    assert left + 7.6 * len(text.text) <= x + w
        assert len(boxes) == len(NETWORKS[name][1]())
        assert all(above[1] < below[0] for above, below in itertools.pairwise(boxes))
        for text in root.iter(f"{SVG}text"):
            assert 0 < float(text.get("y")) < height
            assert float(text.get("x")) < width

    def test_it_is_the_same_each_time(self, name: str) -> None:
        shape = NETWORKS[name][0]
        assert build(name).draw(shape).svg == build(name).draw(shape).svg


def test_activations_and_loops() -> None:
    root = ElementTree.fromstring(build("recurrent").draw((50,)).svg)
    found = texts(root)
    assert found.count("→") == 2  # one of each recurrent layer
    assert found.count("←") == 1  # the bidirectional one's
    assert "GELU" in found
    assert any("hidden_size=32" in text for text in found)
    (curve,) = root.iter(f"{SVG}polyline")
    assert len(curve.get("points").split()) == 31


def test_a_layer_of_ones_own_with_signs_that_mean_something() -> None:
    class Odd(diglot.Layer):
        def _setup(self, input_shape, create, rng):
            return [], input_shape

        def __repr__(self) -> str:
            return "Odd('<&\"\x00>')"

    network = diglot.NeuralNetwork([Odd(), diglot.Dense(2)], "mean_squared_error")
    root = ElementTree.fromstring(network.draw((3,)).svg)
    assert any("<&" in text for text in texts(root))
    assert escaped("a\x00<\n") == "a\N{REPLACEMENT CHARACTER}&lt;\N{REPLACEMENT CHARACTER}"


def test_the_picture_on_the_page_is_what_the_page_draws() -> None:
    docs = Path(__file__).parents[1] / "docs"
    first, *_ = (docs / "pictures.md").read_text(encoding="utf-8").split("## The network itself")
    names: dict[str, object] = {}
    exec(first.split("```python")[1].split("```")[0], names)
    committed = (docs / "pictures" / "network.svg").read_text(encoding="utf-8")
    assert names["network"].draw(input_shape=(1, 8, 8)).svg == committed


def test_save_and_errors(tmp_path: Path) -> None:
    network = build("dense")
    with pytest.raises(ValueError, match="no parameters yet"):
        network.draw()
    with pytest.raises(ShapeError, match="layer 0, Conv2D"):
        build("conv").draw((28, 28))
    network.setup((13,))
    network.draw().save(tmp_path / "network.svg")
    assert (tmp_path / "network.svg").read_text(encoding="utf-8") == network.draw()._repr_svg_()


class TestNotebook:
    def test_a_network_is_its_drawing_and_its_table(self) -> None:
        network = build("conv")
        assert "not set up" in network._repr_html_()
        ElementTree.fromstring(f"<div>{network._repr_html_()}</div>")
        network.setup((1, 28, 28))
        root = ElementTree.fromstring(network._repr_html_())
        assert root.find(f".//{SVG}svg") is not None
        cells = [[cell.text for cell in row] for row in root.findall(".//tbody/tr")]
        assert cells[1][:3] == ["0 Conv2D", "(N, 4, 24, 24)", "104"]
        assert cells[-1][2] == f"{network.summary().parameters:,}"

    def test_a_history_is_a_table_and_a_curve(self) -> None:
        history = History(metrics={"a<b": []})
        assert "0 epochs" in history._repr_html_()
        for epoch in range(1, 31):
            known = {"loss": 2 / epoch, "a<b": 0.5} if epoch % 2 else {}
            history.append(loss=1 / epoch, learning_rate=0.1, seconds=2, evaluation=known)
        history.best_epoch = 15
        root = ElementTree.fromstring(f"<div>{history._repr_html_()}</div>")
        heads = [cell.text for cell in root.findall(".//th")]
        assert heads == ["epoch", "loss", "validation loss", "a<b", "learning rate", "seconds"]
        epochs = [row[0].text for row in root.findall(".//tbody/tr")]
        assert epochs == ["1", "2", "3", "⋮", "15", "⋮", "28", "29", "30"]
        lines = {line.get("class"): line for line in root.iter(f"{SVG}polyline")}
        points = [tuple(map(float, p.split(","))) for p in lines["loss"].get("points").split()]
        assert len(points) == 30
        assert [y for _, y in points] == sorted(y for _, y in points)  # the loss falls
        assert len(lines["validation_loss"].get("points").split()) == 15

    def test_a_loss_that_is_not_finite_leaves_a_gap(self) -> None:
        history = History()
        for loss in (1.0, np.inf, np.nan, 1.0):
            history.append(loss=loss, learning_rate=0.1, seconds=1)
        root = ElementTree.fromstring(f"<div>{history._repr_html_()}</div>")
        (line,) = root.iter(f"{SVG}polyline")
        assert len(line.get("points").split()) == 2
