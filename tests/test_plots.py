"""Plots: what is drawn is what was given, a file if asked, a clear error without matplotlib."""

import builtins
from pathlib import Path

import numpy as np
import pytest

from diglot.errors import DataError, ShapeError
from diglot.history import History

pytest.importorskip("matplotlib")

from matplotlib.text import Text

from diglot import plots


def history(epochs: int, eval_every: int = 1) -> History:
    history = History(metrics={"accuracy": []})
    for epoch in range(1, epochs + 1):
        values = {"loss": 2 / epoch, "accuracy": 1 - 1 / epoch} if epoch % eval_every == 0 else {}
        history.append(loss=1 / epoch, learning_rate=0.1, seconds=1, evaluation=values)
    return history


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG")


class TestCompareCurves:
    def test_each_seed_is_thin_and_the_mean_is_thick(self, tmp_path: Path) -> None:
        curves = {"right": [[3, 1], [1, 1]], "wrong": [[3, float("nan")], [3, 5]]}
        figure = plots.compare_curves(curves, title="a", figure="loss", path=tmp_path / "c.png")
        (panel,) = figure.axes
        assert [len(line.get_ydata()) for line in panel.lines] == [2] * 6
        means = [line for line in panel.lines if line.get_linewidth() == 2]
        assert [line.get_label() for line in means] == ["right", "wrong"]
        np.testing.assert_array_equal(means[0].get_ydata(), [2, 1])
        np.testing.assert_array_equal(means[1].get_ydata(), [3, np.nan])
        assert (panel.get_title(loc="left"), panel.get_ylabel()) == ("a", "loss")
        assert is_png(tmp_path / "c.png")

    def test_nothing_to_draw(self) -> None:
        with pytest.raises(DataError, match="no curve has a point"):
            plots.compare_curves({"right": [[]]})

    @pytest.mark.parametrize("group", [[[1, 2], [1]], []])
    def test_curves_of_a_group_are_equally_long(self, group) -> None:
        with pytest.raises(
            DataError, match=r"the curves of 'wrong' have .* points, expected equal"
        ):
            plots.compare_curves({"right": [[1, 2]], "wrong": group})


class TestTrainingCurves:
    def test_one_history(self, tmp_path: Path) -> None:
        figure = plots.training_curves(history(6, 2), path=tmp_path / "curves.png")
        loss, accuracy = figure.axes
        assert [line.get_label() for line in loss.lines] == ["training", "validation"]
        np.testing.assert_allclose(loss.lines[0].get_ydata(), [1 / e for e in range(1, 7)])
        np.testing.assert_array_equal(loss.lines[1].get_xdata(), [2, 4, 6])
        np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [1 / 2, 3 / 4, 5 / 6])
        assert accuracy.get_title(loc="left") == "accuracy"
        assert is_png(tmp_path / "curves.png")

    def test_several_histories(self) -> None:
        figure = plots.training_curves({"reference": history(3), "native": history(3)})
        labels = [line.get_label() for line in figure.axes[0].lines]
        assert labels == [
            f"{run}, {part}"
            for run in ("reference", "native")
            for part in ("training", "validation")
        ]
        colours = {line.get_color() for line in figure.axes[0].lines}
        assert len(colours) == 2

    def test_without_validation(self) -> None:
        unjudged = History(metrics={"accuracy": []})
        unjudged.append(loss=1, learning_rate=0.1, seconds=1)
        assert len(plots.training_curves(unjudged).axes) == 1

    def test_a_wide_range_is_logarithmic(self) -> None:
        assert plots.training_curves(history(50)).axes[0].get_yscale() == "log"
        assert plots.training_curves(history(5)).axes[0].get_yscale() == "linear"

    @pytest.mark.parametrize("nothing", [History(), {}, {"a": History()}])
    def test_nothing_to_draw(self, nothing) -> None:
        with pytest.raises(DataError, match="nothing to draw"):
            plots.training_curves(nothing)


class TestPredictions:
    IMAGES = np.arange(5 * 16, dtype=np.uint8).reshape(5, 1, 4, 4)

    def test_mistakes_are_marked(self, tmp_path: Path) -> None:
        figure = plots.predictions(
            self.IMAGES,
            np.array([1, 2, 3, 4, 5]),
            np.array([1, 7, 3, 4, 5]),
            columns=3,
            path=tmp_path / "grid.png",
        )
        assert [panel.get_title() for panel in figure.axes[:5]] == ["1", "2, not 7", "3", "4", "5"]
        assert [panel.spines["top"].get_visible() for panel in figure.axes[:3]] == [
            False,
            True,
            False,
        ]
        assert is_png(tmp_path / "grid.png")

    def test_names(self) -> None:
        figure = plots.predictions(
            self.IMAGES[:, 0], np.arange(5), np.array([0, 0, 2, 3, 4]), class_names="abcde"
        )
        assert [panel.get_title() for panel in figure.axes[:2]] == ["a", "b\nnot a"]

    @pytest.mark.parametrize("shape", [(5, 3, 4, 4), (0, 1, 4, 4), (401, 1, 4, 4), (4, 4)])
    def test_bad_images(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ShapeError, match="images have shape"):
            plots.predictions(np.zeros(shape), np.zeros(shape[0], int))

    def test_bad_labels(self) -> None:
        with pytest.raises(ShapeError, match=r"predicted has shape \(4,\), expected \(5,\)"):
            plots.predictions(self.IMAGES, np.zeros(4, int))


class TestConfusionMatrix:
    def test_counts(self, tmp_path: Path) -> None:
        counts = np.array([[5, 1], [0, 3]])
        figure = plots.confusion_matrix(counts, class_names=["no", "yes"], path=tmp_path / "c.png")
        panel = figure.axes[0]
        assert [text.get_text() for text in panel.texts] == ["5", "1", "3"]
        assert panel.get_ylabel() == "true"
        assert [label.get_text() for label in panel.get_xticklabels()] == ["no", "yes"]
        assert is_png(tmp_path / "c.png")

    @pytest.mark.parametrize("shape", [(2, 3), (3,), (0, 0)])
    def test_bad_counts(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ShapeError, match="counts have shape"):
            plots.confusion_matrix(np.zeros(shape, int))

    @pytest.mark.parametrize("count", [-1, float("nan"), "2"])
    def test_counts_that_count_nothing(self, count: object) -> None:
        with pytest.raises(DataError, match="a count is negative or no number"):
            plots.confusion_matrix(np.array([[1, count], [2, 3]]))


class TestRoofline:
    POINTS = (
        plots.Point("matmul 512", "matmul", 85.0, 2e11),
        plots.Point("tanh", "activations", 2.5, 4e10),
        plots.Point("", "matmul", 85.0, 1e11),
    )

    def test_points_and_ceilings(self, tmp_path: Path) -> None:
        figure = plots.roofline(
            self.POINTS,
            fma=2.5e11,
            bandwidths={"L2": 2e11, "memory": 4e10},
            title="here",
            path=tmp_path / "roof.png",
        )
        (panel,) = figure.axes
        texts = [text.get_text() for text in panel.texts]
        assert {"matmul 512", "tanh"} < set(texts)
        assert "multiply-adds: 250 GFLOP/s" in texts
        assert "memory: 40 GB/s" in texts
        assert "" not in texts
        assert [group.get_label() for group in panel.collections] == ["matmul", "activations"]
        np.testing.assert_allclose(panel.collections[1].get_offsets(), [[2.5, 40]])
        roof, *slopes = panel.lines
        np.testing.assert_allclose(roof.get_ydata(), [250, 250])
        for line in slopes:  # both axes are logarithmic: a slope of one
            (x0, x1), (y0, y1) = line.get_data()
            assert y1 / y0 == pytest.approx(x1 / x0)
        assert is_png(tmp_path / "roof.png")

    def test_labels_do_not_hide_each_other(self) -> None:
        same = [plots.Point(f"kernel {i}", "pool", 1.0, 1e10) for i in range(12)]
        figure = plots.roofline(same, fma=1e11, bandwidths={"memory": 2e10})
        figure.draw_without_rendering()
        boxes = [
            Text.get_window_extent(text)  # without the line to its point
            for text in figure.axes[0].texts
            if text.get_text().startswith("kernel")
        ]
        assert len(boxes) == 12
        for i, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:i])

    def test_nothing_to_draw(self) -> None:
        with pytest.raises(DataError, match="nothing to draw"):
            plots.roofline([], fma=1, bandwidths={"memory": 1})

    def test_no_bandwidth(self) -> None:
        point = plots.Point("a", "dense", 1.0, 1e9)
        with pytest.raises(DataError, match="no bandwidth is given"):
            plots.roofline([point], fma=1e11, bandwidths={})


def test_other_formats_and_unknown_ones(tmp_path: Path) -> None:
    plots.training_curves(history(3), path=tmp_path / "curves.svg")
    assert "<svg" in (tmp_path / "curves.svg").read_text()
    with pytest.raises(ValueError, match="xyz"):
        plots.training_curves(history(3), path=tmp_path / "curves.xyz")
    assert not (tmp_path / "curves.xyz").exists()


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def missing(name: str, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install 'diglot\[plots\]'"):
        plots.training_curves(history(3))


@pytest.mark.parametrize(
    ("labels", "settings", "error", "message"),
    [
        ([0, 1], {"columns": 0}, ValueError, "columns is 0"),
        ([0, -1], {"class_names": "ab"}, DataError, "label is -1, expected 0 to 1"),
        ([0, 2], {"class_names": "ab"}, DataError, "label is 2, expected 0 to 1"),
        ([0.5, 1.0], {}, DataError, "predicted has dtype float64, expected integers"),
    ],
)
def test_labels_that_are_none(labels, settings, error, message: str) -> None:
    with pytest.raises(error, match=message):
        plots.predictions(np.zeros((2, 3, 3)), labels, **settings)
