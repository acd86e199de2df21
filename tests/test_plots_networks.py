"""Pictures of what a network has learned show its numbers."""

import numpy as np
import pytest

import diglot
from diglot.errors import DataError, ShapeError

pytest.importorskip("matplotlib")

from diglot import plots


@pytest.fixture
def net():
    made = diglot.NeuralNetwork(
        [
            diglot.Conv2D(5, kernel_size=3, activation="relu"),
            diglot.MaxPool2D(2),
            diglot.Flatten(),
            diglot.Dense(4),
        ],
        "softmax_cross_entropy",
        seed=1,
    )
    made.setup((2, 8, 8))
    return made


@pytest.fixture
def images(rng):
    return rng.normal(size=(30, 2, 8, 8)).astype(np.float32), rng.integers(4, size=30)


def shown(figure):
    return [panel.images[0].get_array() for panel in figure.axes if panel.images]


def test_filters_are_the_weights(net, tmp_path):
    weight = net.parameters()["0.weight"]
    figure = plots.filters(net, channel=1, path=tmp_path / "filters.png")
    np.testing.assert_array_equal(np.stack(shown(figure)), weight[:, 1])
    assert (tmp_path / "filters.png").read_bytes().startswith(b"\x89PNG")
    means = plots.filters(net)
    np.testing.assert_allclose(np.stack(shown(means)), weight.mean(axis=1))
    scales = {panel.images[0].get_clim() for panel in means.axes if panel.images}
    ((low, high),) = scales
    assert -low == high == np.abs(weight.mean(axis=1)).max()


def test_feature_maps_are_the_outputs(net, images):
    image = images[0][0]
    operations = net.layers[0].operations
    maps = image[None]
    for operation in operations:
        maps = operation.forward(maps, True)
    np.testing.assert_allclose(np.stack(shown(plots.feature_maps(net, image))), maps[0])
    assert len(shown(plots.feature_maps(net, image, layer=1))) == 5


def test_distributions_count_every_number(net, images):
    figure = plots.distributions(net, *images)
    assert len(figure.axes) == 8
    counts = [sum(bar.get_height() for bar in panel.patches) for panel in figure.axes]
    sizes = [30 * 5 * 36] * 2 + [30 * 5 * 9] * 4 + [30 * 4] * 2
    assert counts == sizes
    titles = [panel.get_title(loc="left") for panel in figure.axes[::2]]
    assert titles[1:] == ["1: MaxPool2D(2)", "2: Flatten()", "3: Dense(4)"]
    zeros = np.mean(net.layers[0].forward(images[0], True) == 0)
    assert f"{zeros:.0%} zero" in figure.axes[0].texts[0].get_text()


def test_distributions_of_broken_numbers(net, images):
    net.parameters()["3.bias"][0] = np.nan
    figure = plots.distributions(net, *images)
    assert "25% not finite" in figure.axes[6].texts[0].get_text()


@pytest.fixture
def classifier():
    """Take four numbers for logits."""
    made = diglot.NeuralNetwork([diglot.Dense(4)], "softmax_cross_entropy", seed=0)
    made.setup((4,))
    made.parameters()["0.weight"][...] = np.eye(4)
    return made


def test_the_worst_mistake_comes_first(classifier):
    x = np.array([[9, 0, 0, 0], [0, 2, 0, 0], [5, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 8.0]])
    labels = np.array([0, 0, 1, 1, 2])
    figure = plots.worst_mistakes(classifier, x, labels, count=3, class_names="abcd")
    matrix, *panels = (panel for panel in figure.axes if panel.images)
    assert [text.get_text() for text in matrix.texts] == ["1", "1", "1", "1", "1"]
    titles = [panel.get_title().replace("\n", " ") for panel in panels]
    p = [np.exp([0, s]) / (3 + np.exp(s)) for s in (8, 5, 3)]
    assert titles == [
        f"{found} ({high:.0%}), not {right} ({low:.0%})"
        for (low, high), found, right in zip(p, "dac", "cbb", strict=True)
    ]
    np.testing.assert_array_equal(panels[0].images[0].get_array(), x[4].reshape(2, 2))


def test_a_single_mistake_has_a_picture(classifier):
    figure = plots.worst_mistakes(classifier, np.eye(4), np.array([0, 1, 2, 2]))
    assert len(shown(figure)) == 2


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda n, x, y: plots.filters(n, 1), ValueError, r"layer 1 is no Conv2D; .* \[0\]"),
        (lambda n, x, y: plots.filters(n, channel=2), ValueError, "channel is 2, expected 0 to 1"),
        (lambda n, x, y: plots.feature_maps(n, x), ShapeError, r"expected \(C, H, W\): one"),
        (lambda n, x, y: plots.feature_maps(n, x[0], 9), ValueError, "layer is 9, expected 0 to 3"),
        (lambda n, x, y: plots.feature_maps(n, x[0], 3), ShapeError, r"layer 3, Dense\(4\), has"),
        (lambda n, x, y: plots.feature_maps(n, x[0, :, 1:]), ShapeError, "was set up for"),
        (lambda n, x, y: plots.worst_mistakes(n, x, y[:3]), ShapeError, r"labels \(3,\)"),
        (lambda n, x, y: plots.worst_mistakes(n, x, y, count=0), ValueError, "count is 0"),
        (lambda n, x, y: plots.worst_mistakes(n, x, y), ShapeError, r"images have shape"),
        (
            lambda n, x, y: plots.worst_mistakes(n, x, n.predict(x).argmax(1)),
            DataError,
            "all 30 images are classified rightly",
        ),
    ],
)
def test_what_cannot_be_drawn(net, images, draw, error, message):
    with pytest.raises(error, match=message):
        draw(net, *images)


def test_a_network_without_filters():
    dense = diglot.NeuralNetwork([diglot.Dense(2)], "mean_squared_error")
    with pytest.raises(ValueError, match="the network has no Conv2D layer"):
        plots.filters(dense)
    conv = diglot.NeuralNetwork([diglot.Conv2D(300, kernel_size=1)], "mean_squared_error")
    with pytest.raises(ValueError, match="no parameters yet"):
        plots.filters(conv)
    conv.setup((1, 2, 2))
    with pytest.raises(ValueError, match="300 filters are too many for one picture, 256 fit"):
        plots.filters(conv)
