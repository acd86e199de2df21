"""Metrics, compared with scikit-learn's and with counts made by hand."""

import math

import numpy as np
import pytest

from diglot import metrics
from diglot.errors import DataError, ShapeError

SCORES = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]], np.float32)
LABELS = np.array([1, 0, 1, 2])
ONE_HOT = np.eye(3)[LABELS]


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 4, 300)
    return rng.normal(size=(300, 4)) + 1.5 * np.eye(4)[labels], labels


class TestAccuracy:
    @pytest.mark.parametrize("target", [LABELS, LABELS.astype(np.uint8), ONE_HOT, ONE_HOT > 0])
    def test_scores(self, target: np.ndarray) -> None:
        assert metrics.accuracy(SCORES, target) == 0.5

    @pytest.mark.parametrize("target", [LABELS, ONE_HOT])
    def test_labels(self, target: np.ndarray) -> None:
        assert metrics.accuracy(np.array([1, 0, 2, 2]), target) == 0.75

    def test_sequences(self) -> None:
        scores = np.stack([SCORES, SCORES])  # (2, 4, 3)
        assert metrics.accuracy(scores, np.stack([LABELS, LABELS])) == 0.5

    def test_the_first_of_equals(self) -> None:
        assert metrics.accuracy(np.ones((2, 3)), np.array([0, 1])) == 0.5

    @pytest.mark.parametrize(
        ("prediction", "target", "error", "message"),
        [
            (np.zeros((0, 3)), np.zeros(0, int), DataError, "nothing to judge"),
            (SCORES, LABELS[:3], ShapeError, r"shape \(3,\), expected labels \(4,\)"),
            (SCORES, np.eye(4), ShapeError, r"one-hot rows \(4, 3\)"),
            (SCORES, LABELS[:, None], ShapeError, r"\(4, 1\)"),
            (SCORES, LABELS.astype(float), DataError, "expected integers"),
            (SCORES, np.array([0, 1, 2, 3]), DataError, r"0\.\.3, expected 0\.\.2"),
            (SCORES, np.array([0, 1, 2, -1]), DataError, "-1"),
            (SCORES, ONE_HOT * 0.5, DataError, "not one-hot"),
            (SCORES, np.ones((4, 3)), DataError, "not one-hot"),
            (SCORES * np.nan, LABELS, DataError, "NaN"),
            (SCORES[:, :1], LABELS, ShapeError, "binary_accuracy"),
            (SCORES[:, 0], LABELS, ShapeError, "integer labels"),
        ],
    )
    def test_bad_input(self, prediction, target, error: type, message: str) -> None:
        with pytest.raises(error, match=message):
            metrics.accuracy(prediction, target)


class TestBinaryAccuracy:
    def test_sign_of_the_logit(self) -> None:
        logits = np.array([[2.0], [-1.0], [0.0], [3.0]])
        assert metrics.binary_accuracy(logits, np.array([1, 0, 1, 0])) == 0.5
        assert metrics.binary_accuracy(logits, np.array([[1.0], [0], [0], [1]])) == 1.0

    def test_bad_targets(self) -> None:
        with pytest.raises(DataError, match="0 or 1"):
            metrics.binary_accuracy(np.zeros(3), np.array([0, 1, 2]))


class TestTopK:
    def test_grows_with_k(self) -> None:
        values = [metrics.top_k_accuracy(SCORES, LABELS, k) for k in (1, 2, 3)]
        assert values == [0.5, 0.75, 1.0]

    def test_against_scikit_learn(self, scored) -> None:
        sklearn = pytest.importorskip("sklearn.metrics")
        scores, labels = scored
        ours = metrics.top_k_accuracy(scores, labels, 2)
        assert ours == pytest.approx(sklearn.top_k_accuracy_score(labels, scores, k=2))

    def test_ties_agree_with_accuracy(self) -> None:
        scores = np.random.default_rng(0).integers(0, 3, (200, 4)).astype(float)
        labels = np.arange(200) % 4
        assert metrics.top_k_accuracy(scores, labels, 1) == metrics.accuracy(scores, labels)

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match="k is 4, expected 1 to 3"):
            metrics.top_k_accuracy(SCORES, LABELS, 4)
        with pytest.raises(ShapeError, match="expected scores"):
            metrics.top_k_accuracy(LABELS, LABELS, 1)


class TestCounts:
    def test_confusion_matrix(self) -> None:
        counts = metrics.confusion_matrix(SCORES, LABELS)
        np.testing.assert_array_equal(counts, [[1, 0, 0], [0, 1, 1], [0, 1, 0]])
        assert metrics.confusion_matrix(LABELS, LABELS, classes=5).shape == (5, 5)
        assert metrics.confusion_matrix(LABELS, LABELS).shape == (3, 3)

    def test_against_scikit_learn(self, scored) -> None:
        sklearn = pytest.importorskip("sklearn.metrics")
        scores, labels = scored
        predicted = scores.argmax(axis=1)
        np.testing.assert_array_equal(
            metrics.confusion_matrix(scores, labels), sklearn.confusion_matrix(labels, predicted)
        )
        for average in (None, "macro", "micro"):
            ours = metrics.precision_recall_f1(scores, labels, average=average)
            theirs = sklearn.precision_recall_fscore_support(labels, predicted, average=average)
            for mine, other in zip(ours, theirs, strict=False):
                np.testing.assert_allclose(mine, other, rtol=1e-12)

    def test_a_class_that_is_never_seen(self) -> None:
        scores = metrics.precision_recall_f1(np.array([0, 1]), np.array([0, 0]), classes=3)
        np.testing.assert_allclose(scores.precision, [1, 0, 0])
        np.testing.assert_allclose(scores.recall, [0.5, 0, 0])
        np.testing.assert_allclose(scores.f1, [2 / 3, 0, 0])

    def test_unknown_average(self) -> None:
        with pytest.raises(ValueError, match="'weighted', expected"):
            metrics.precision_recall_f1(SCORES, LABELS, average="weighted")


class TestRegression:
    @pytest.mark.parametrize("shape", [(50,), (50, 1)])
    def test_against_scikit_learn(self, shape: tuple[int, ...]) -> None:
        sklearn = pytest.importorskip("sklearn.metrics")
        rng = np.random.default_rng(2)
        target = rng.normal(size=50)
        noisy = target + rng.normal(size=50)
        prediction = noisy.reshape(shape).astype(np.float32)
        for ours, theirs in (
            (metrics.mean_absolute_error, sklearn.mean_absolute_error),
            (metrics.root_mean_squared_error, sklearn.root_mean_squared_error),
            (metrics.r2_score, sklearn.r2_score),
        ):
            assert ours(prediction, target) == pytest.approx(theirs(target, noisy), rel=1e-6)

    def test_several_outputs(self) -> None:
        sklearn = pytest.importorskip("sklearn.metrics")
        rng = np.random.default_rng(3)
        target, prediction = rng.normal(size=(2, 40, 3))
        assert metrics.r2_score(prediction, target) == pytest.approx(
            sklearn.r2_score(target, prediction)
        )

    def test_large_integers_do_not_wrap(self) -> None:
        prediction, target = np.array([0], np.uint8), np.array([200], np.uint8)
        assert metrics.mean_absolute_error(prediction, target) == 200

    @pytest.mark.parametrize("shape", [(3,), (4, 2), (1, 4), ()])
    def test_nothing_broadcasts(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ShapeError, match="target has shape"):
            metrics.mean_absolute_error(np.zeros((4, 1)), np.zeros(shape))

    def test_nan_shows(self) -> None:
        assert math.isnan(metrics.root_mean_squared_error(np.array([np.nan]), np.zeros(1)))

    def test_undefined(self) -> None:
        with pytest.raises(DataError, match="constant"):
            metrics.r2_score(np.arange(3.0), np.ones(3))
        with pytest.raises(DataError, match="nothing to judge"):
            metrics.mean_absolute_error(np.zeros(0), np.zeros(0))


class TestBinaryForm:
    def test_by_hand(self) -> None:
        logits = np.log(np.array([[0.2, 0.3, 0.5]]))
        expected = -math.log(0.5) - math.log(0.8) - math.log(0.7)
        assert metrics.binary_form_cross_entropy(logits, np.array([2])) == pytest.approx(expected)

    def test_the_clip_bounds_it(self) -> None:
        logits = np.array([[1e4, -1e4, 0]], np.float32)
        value = metrics.binary_form_cross_entropy(logits, np.array([1]))
        assert value == pytest.approx(2 * -math.log(1e-9), rel=1e-6)

    def test_the_books_first_value(self) -> None:
        """62 symbols, uniform: the book's recurrent networks start at 5.12."""
        value = metrics.binary_form_cross_entropy(np.zeros((1, 62)), np.array([0]))
        assert value == pytest.approx(5.12, abs=0.01)


class TestWrongArguments:
    @pytest.mark.parametrize("k", [1.5, "2", True])
    def test_k_is_an_integer(self, k) -> None:
        with pytest.raises(ValueError, match=r"k is .*, expected an integer"):
            metrics.top_k_accuracy(SCORES, LABELS, k)

    @pytest.mark.parametrize("value", [1j, "a"])
    def test_only_real_numbers_are_compared(self, value) -> None:
        wrong, right = np.full((4, 3), value), np.ones((4, 3))
        for arguments in ((wrong, right), (right, wrong)):
            with pytest.raises(DataError, match="expected real numbers"):
                metrics.mean_absolute_error(*arguments)
        with pytest.raises(DataError, match=r"prediction has dtype .*, expected real numbers"):
            metrics.accuracy(wrong, LABELS)

    def test_a_stray_label_does_not_fill_the_memory(self) -> None:
        stray = np.array([1, 0, 2**40])
        for count in (metrics.confusion_matrix, metrics.precision_recall_f1):
            with pytest.raises(DataError, match=r"the largest label is 1099511627776.*classes="):
                count(stray, np.array([1, 0, 2]))
        assert metrics.accuracy(stray, stray) == 1
        many = np.array([0, 1200])
        assert metrics.confusion_matrix(many, many, classes=1201).shape == (1201, 1201)

    @pytest.mark.parametrize("classes", [0, 2.5, "3"])
    def test_classes_is_an_integer(self, classes) -> None:
        with pytest.raises(ValueError, match="classes is "):
            metrics.confusion_matrix(LABELS, LABELS, classes=classes)


class TestUnitsOfALanguageModelsLoss:
    @pytest.mark.parametrize("size", [1, 2, 65])
    def test_one_that_knows_nothing(self, size: int) -> None:
        assert metrics.perplexity(math.log(size)) == pytest.approx(size)
        assert metrics.bits_per_character(math.log(size)) == pytest.approx(math.log2(size))

    def test_from_the_cross_entropy_itself(self) -> None:
        p = np.array([0.5, 0.25, 0.125])  # of the right characters
        nats = float(-np.log(p).mean())
        assert metrics.bits_per_character(nats) == pytest.approx(2)
        assert metrics.perplexity(nats) == pytest.approx(4)
        assert metrics.perplexity(np.float32(nats)) == pytest.approx(4)

    def test_a_loss_beyond_all_numbers(self) -> None:
        assert metrics.perplexity(1000) == math.inf

    @pytest.mark.parametrize("unit", [metrics.perplexity, metrics.bits_per_character])
    @pytest.mark.parametrize("nats", [-0.1, math.nan, math.inf, "1", None, [1.0]])
    def test_what_is_no_loss(self, unit, nats) -> None:
        with pytest.raises(ValueError, match="nats is"):
            unit(nats)


def test_a_confusion_matrix_that_would_fill_the_memory_is_refused():
    with pytest.raises(DataError, match="classes is 1000000000, expected at most 10000"):
        metrics.confusion_matrix(np.array([0, 1]), np.array([0, 1]), classes=10**9)
