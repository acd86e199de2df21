"""The history: equal columns, None where nothing was evaluated, plain data on the way out."""

import json

import pytest

from diglot.history import History


@pytest.fixture
def history() -> History:
    history = History(metrics={"accuracy": []})
    history.append(loss=2.0, learning_rate=0.1, seconds=1.5)
    history.append(
        loss=1.0, learning_rate=0.05, seconds=1.25, evaluation={"loss": 1.5, "accuracy": 0.75}
    )
    return history


def test_columns(history: History) -> None:
    assert len(history) == 2
    assert history.epoch == [1, 2]
    assert history.loss == [2.0, 1.0]
    assert history.learning_rate == [0.1, 0.05]
    assert history.seconds == [1.5, 1.25]
    assert history.validation_loss == [None, 1.5]
    assert history.metrics == {"accuracy": [None, 0.75]}


def test_a_metric_that_comes_later(history: History) -> None:
    history.append(loss=0.5, learning_rate=0.1, seconds=1, evaluation={"loss": 1, "mae": 0.5})
    assert history.metrics == {"accuracy": [None, 0.75, None], "mae": [None, None, 0.5]}


def test_to_dict_is_a_copy_for_json(history: History) -> None:
    copy = history.to_dict()
    assert json.loads(json.dumps(copy)) == copy
    copy["loss"].append(0)
    copy["metrics"]["accuracy"].append(0)
    copy["notes"].append("")
    assert len(history.loss) == 2
    assert len(history.metrics["accuracy"]) == 2
    assert not history.notes
    assert copy["interrupted"] is False


def test_repr(history: History) -> None:
    history.notes.append("interrupted")
    assert repr(history) == (
        "History(2 epochs, loss 1, validation_loss 1.5, accuracy 0.75, interrupted)"
    )
    assert repr(History()) == "History(0 epochs)"
