import math
import sys

import numpy as np
import pytest

from diglot import kernels
from diglot.datasets import Dataset
from diglot.errors import DataError, TrainingDiverged
from diglot.layers import Dense
from diglot.losses import MeanSquaredError
from diglot.network import NeuralNetwork
from diglot.optimizers import SGD
from diglot.reproduce import ROWS, Outcome, Row, Settings, chapter1, chapter4, chapter5, select
from diglot.reproduce.chapter2 import linear_regression, normal_equations, two_layers
from diglot.reproduce.regression import judge, least_squares, load_table, read_housing
from diglot.reproduce.training import fit
from diglot.trainer import Trainer

try:
    BUILDS = kernels.available_builds()
except ImportError:  # nothing is compiled: DIGLOT_BACKEND=reference
    BUILDS = []

QUICK = Settings(quick=True)
BOSTON_MEAN = 22.5328


@pytest.fixture
def table(rng):
    """506 rows of 13 features and a target that depends on them."""
    x = rng.normal(size=(506, 13)) * rng.uniform(0.1, 100, 13)
    y = 300 + x[:, :5].sum(axis=1) + rng.normal(size=506)
    return np.column_stack([x, y])


def write(path, table, *, first=""):
    lines = [",".join(map(repr, row)) for row in table.tolist()]
    path.write_text(first + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def housing(tmp_path, table):
    return write(tmp_path / "housing.csv", table)


# ---- which rows ----------------------------------------------------------------------------------


def test_no_row_is_listed_twice_and_chapters_are_in_order():
    ids = [tuple(map(int, row.id.split("."))) for row in ROWS]
    assert ids == sorted(set(ids))


def test_select_takes_chapters_and_rows_in_the_books_order():
    assert [row.id for row in select(["4.10", "1", "4.1"])] == ["1.1", "1.2", "1.3", "4.1", "4.10"]
    assert select([]) == list(ROWS)


@pytest.mark.parametrize("unknown", ["9", "4.2", "4.", "", "four"])
def test_select_refuses_what_does_not_exist(unknown):
    with pytest.raises(ValueError, match="is unknown; choose"):
        select(["1", unknown])


# ---- chapter 1 -----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", chapter1.ROWS, ids=lambda row: row.id)
@pytest.mark.parametrize("backend", ["reference", *BUILDS])
def test_chapter_1_is_met_to_the_last_printed_digit(row, backend):
    with kernels.use_backend(backend):
        outcome = row.run(Settings()).outcome
    assert outcome.met
    assert outcome.figures["largest difference"] < 0.5001e-4


def test_chapter_1_notices_a_wrong_gradient(monkeypatch):
    right = chapter1.sigmoid_of_a_product

    def wrong(x, w):
        y, dx = right(x, w)
        return y, dx + 1e-4

    monkeypatch.setattr(chapter1, "sigmoid_of_a_product", wrong)
    assert [row.run(Settings()).outcome.met for row in chapter1.ROWS] == [False, False, True]


# ---- tables --------------------------------------------------------------------------------------


def test_the_split_is_scikit_learns(table, housing):
    split = pytest.importorskip("sklearn.model_selection").train_test_split
    train, test = split(table, test_size=0.3, random_state=80718)
    ours = read_housing(housing)
    assert np.array_equal(ours.y_train[:, 0], train[:, 13])
    assert np.array_equal(ours.y_test[:, 0], test[:, 13])
    assert (len(train), len(test)) == (354, 152)


def test_features_are_scaled_by_the_training_part(housing):
    ours = read_housing(housing)
    assert np.allclose(ours.x_train.mean(axis=0), 0)
    assert np.allclose(ours.x_train.std(axis=0), 1)
    assert not np.allclose(ours.x_test.mean(axis=0), 0)


@pytest.mark.parametrize(
    "first", ["", ",".join(["name"] * 14) + "\n", "506,13" + "," * 12 + "\na,b\n\n", "\ufeff"]
)
def test_a_table_may_begin_with_names(tmp_path, table, first):
    ours = read_housing(write(tmp_path / "named.csv", table, first=first))
    assert len(ours.y_train) + len(ours.y_test) == 506


def test_boston_is_known_by_its_mean_price(tmp_path, table):
    table[:, 13] += BOSTON_MEAN - table[:, 13].mean()
    assert read_housing(write(tmp_path / "boston.csv", table)).is_boston
    table[:, 13] += 0.02
    assert not read_housing(write(tmp_path / "other.csv", table)).is_boston


def broken(table, name):
    """Make text that is not such a table."""
    lines = [",".join(map(repr, row)) for row in table.tolist()]
    if name == "empty":
        return ""
    if name == "too short":
        lines = lines[:-1]
    if name == "too long":
        lines += lines[:1]
    if name == "a column less":
        lines = [line.partition(",")[2] for line in lines]
    if name == "a column more":
        lines = [f"1,{line}" for line in lines]
    if name == "semicolons":
        lines = [line.replace(",", ";") for line in lines]
    if name == "text within":
        lines[300] = lines[300].replace(",", ",dear", 1)
    if name == "nan within":
        lines[7] = "nan" + lines[7][lines[7].index(",") :]
    if name == "infinite":
        lines[505] = "1e999" + lines[505][lines[505].index(",") :]
    if name == "too large":
        lines[3] = "1e300" + lines[3][lines[3].index(",") :]
    if name == "constant target":
        lines = [line.rpartition(",")[0] + ",5" for line in lines]
    if name == "quotes":
        lines[2] = '"' + "x" * 200_000 + '",' + lines[2]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "name",
    [
        "empty", "too short", "too long", "a column less", "a column more", "semicolons",
        "text within", "nan within", "infinite", "too large", "constant target", "quotes",
    ],
)  # fmt: skip
def test_a_broken_table_is_refused(tmp_path, table, name):
    path = tmp_path / "broken.csv"
    path.write_text(broken(table, name))
    with pytest.raises(DataError, match=r"broken\.csv"):
        read_housing(path)


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_housing(tmp_path / "missing.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_housing(tmp_path)
    (tmp_path / "image.png").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(DataError, match="is not a CSV file"):
        read_housing(tmp_path / "image.png")


def test_a_message_names_the_line(tmp_path, table):
    path = tmp_path / "t.csv"
    path.write_text(broken(table, "text within"))
    with pytest.raises(DataError, match="line 301: not all numbers; expected 506 rows of 13"):
        read_housing(path)


def test_without_scikit_learn_the_rows_are_skipped(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    for row in select(["2", "3"]):
        outcome = row.run(Settings()).outcome
        assert (outcome.ours, outcome.met) == ("skipped", None)
        assert "pip install 'diglot[reproduce]'" in outcome.note


def test_diabetes_is_the_table_without_a_file():
    pytest.importorskip("sklearn")
    ours = load_table(Settings())
    assert (ours.x_train.shape, ours.x_test.shape) == ((309, 10), (133, 10))


# ---- judgement -----------------------------------------------------------------------------------


def test_boston_is_judged_by_the_published_figure(tmp_path, table):
    table[:, 13] += BOSTON_MEAN - table[:, 13].mean()
    boston = read_housing(write(tmp_path / "boston.csv", table))
    errors = [(1.0, 5.0), (1.0, 5.2), (1.0, 9.0)]
    assert judge(boston, errors, 5.0, judged=True).met
    assert not judge(boston, errors, 4.9, judged=True).met
    assert judge(boston, errors, 4.9, judged=False).met is None


def test_another_table_is_judged_by_least_squares(housing):
    ours = read_housing(housing)
    _, line = ours.errors(least_squares(ours.x_train, ours.y_train, ours.x_test))
    limit = line + max(0.05 * line, 0.027 * ours.y_test.std())
    assert judge(ours, [(0.0, limit * 0.999)], 0.0, judged=True).met
    assert not judge(ours, [(0.0, limit * 1.001)], 1e9, judged=True).met


def test_a_training_that_diverges_is_not_met():
    def explode(settings):
        raise TrainingDiverged("the loss is nan")

    outcome = Row("0.0", "explodes", "-", explode).run(Settings()).outcome
    assert outcome.met is False
    assert outcome.note == "the loss is nan"


def test_an_interrupted_training_is_no_result(rng):
    def interrupt(prediction, target):
        raise KeyboardInterrupt

    network = NeuralNetwork([Dense(1)], MeanSquaredError(), seed=1)
    x, y = rng.normal(size=(8, 3)), np.zeros((8, 1))
    trainer = Trainer(network, SGD(), metrics=[interrupt])
    with pytest.raises(KeyboardInterrupt):
        fit(trainer, x, y, validation=(x, y), epochs=2, batch_size=4, progress=False)


# ---- chapters 2 and 3 ----------------------------------------------------------------------------


def test_the_normal_equations_fit_as_numpy_does(rng):
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 1))
    x[:, 2] = 0  # a constant feature, scaled
    x[:, 3] = x[:, 0]
    assert np.allclose(normal_equations(x, y)(x), least_squares(x, y, x))


def test_gradient_descent_finds_the_line(rng):
    x = rng.normal(size=(200, 3))
    y = x @ np.array([[1.0], [-2.0], [0.5]]) + 3
    assert np.allclose(linear_regression(x, y, rng, 1000)(x), y, atol=1e-6)


def test_two_layers_fit_what_no_line_does(rng):
    x = rng.normal(size=(300, 2))
    y = np.sin(2 * x[:, :1])
    network = np.abs(two_layers(x, y, rng, 6000)(x) - y).mean()
    line = np.abs(normal_equations(x, y)(x) - y).mean()
    assert network < line / 2


def test_the_gradient_of_two_layers_by_hand_is_the_frameworks(rng):
    x, y = rng.normal(size=(23, 5)), rng.normal(size=(23, 1))
    layers = [Dense(13, "sigmoid", weight_init="standard", bias_init="standard"), Dense(1)]
    network = NeuralNetwork(layers, MeanSquaredError(), seed=1, dtype=np.float64)
    network.setup((5,))
    parameters = network.parameters()
    model = two_layers(x, y, _Replay(parameters, 23), 1)  # one step, on all rows
    network.train_batch(x, y)
    # Half the sum over 23 rows has 23/2 times the gradient of their mean.
    SGD(0.001 * 23 / 2).step(parameters, network.gradients())
    assert np.allclose(model(x), network.predict(x), rtol=0, atol=1e-12)


class _Replay:
    """Stands in for a Generator: "draws" the parameters of a network, and leaves rows in order."""

    def __init__(self, parameters, rows):
        w1, b1, w2, b2 = (
            parameters[n].copy() for n in ("0.weight", "0.bias", "1.weight", "1.bias")
        )
        self._queue, self._rows = [w1, b1, w2, b2], rows

    def standard_normal(self, shape):
        assert self._queue[0].shape == shape
        return self._queue.pop(0)

    def permutation(self, rows):
        assert rows == self._rows
        return np.arange(rows)


@pytest.mark.parametrize("row", select(["2", "3"]), ids=lambda row: row.id)
def test_a_quick_run_is_not_judged(row, housing):
    outcome = row.run(Settings(quick=True, housing=housing)).outcome
    assert outcome.met is (True if row.id == "2.1" else None)  # a closed form is always whole
    assert math.isfinite(outcome.figures["rmse"])
    assert "on housing.csv, where least squares has RMSE" in outcome.note


def test_rows_2_and_3_are_met_on_a_table_of_ones_own(housing):
    for row in select(["2.1", "2.2", "3.1"]):
        assert row.run(Settings(housing=housing)).outcome.met, row.id


# ---- chapters 4 and 5 ----------------------------------------------------------------------------


@pytest.fixture
def few_images(rng, monkeypatch):
    def images(rows):
        labels = np.arange(rows) % 10
        return rng.normal(size=(rows, 1, 28, 28)).astype(np.float32), labels

    data = Dataset(*images(60), *images(20))
    for chapter in (chapter4, chapter5):
        monkeypatch.setattr(chapter, "load_images", lambda quick: data)


@pytest.mark.parametrize("row", select(["4", "5"]), ids=lambda row: row.id)
def test_every_network_trains(row, few_images):
    outcome = row.run(QUICK).outcome
    assert outcome.met is None
    assert 0 <= outcome.figures["accuracy"] <= 1


def test_the_networks_are_the_books():
    for experiment in chapter4.EXPERIMENTS:
        network = experiment.network(seed=1)
        network.setup((784,))
        parameters = network.parameters()
        count = sum(parameter.size for parameter in parameters.values())
        assert count == (148_434 if experiment.hidden == (178, 46) else 70_765), experiment.id
        assert parameters["0.bias"].any() == (experiment.init == "standard")
        std = 1 if experiment.init == "standard" else (2 / (784 + experiment.hidden[0])) ** 0.5
        assert parameters["0.weight"].std() == pytest.approx(std, rel=0.02)
        assert network.layers[0].dropout == pytest.approx(1 - experiment.keep)


# ---- the whole thing -----------------------------------------------------------------------------


@pytest.mark.reproduce
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_row_is_met(row):
    outcome: Outcome = row.run(Settings()).outcome
    assert outcome.met, outcome


@pytest.mark.reproduce
@pytest.mark.parametrize("noise", [1.5, 3])
@pytest.mark.parametrize("row", select(["2", "3"]), ids=lambda row: row.id)
def test_the_row_is_met_on_a_table_of_ones_own(row, noise, tmp_path, rng):
    x = rng.normal(size=(506, 13))
    y = x @ rng.normal(size=13) + noise * rng.normal(size=506)
    path = write(tmp_path / "line.csv", np.column_stack([x, y]))
    outcome = row.run(Settings(housing=path)).outcome
    assert outcome.met, outcome
