"""A training's rows in files."""

import csv
import json

import numpy as np
import pytest

import diglot
from diglot.callbacks import Checkpoint, CSVLog, JSONLinesLog, TensorBoardLog, latest_checkpoint
from diglot.optimizers import SGD
from diglot.trainer import Trainer

X = np.arange(24, dtype=np.float32).reshape(8, 3) / 24
LABELS = np.arange(8) % 3


def trainer():
    network = diglot.NeuralNetwork([diglot.Dense(3)], "softmax_cross_entropy", seed=0)
    return Trainer(network, SGD(0.1))


def fit(subject, callbacks, **settings):
    settings = {"epochs": 3, "batch_size": 4, "seed": 1, "progress": False} | settings
    return subject.fit(X, LABELS, callbacks=callbacks, **settings)


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read_json(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


each_format = pytest.mark.parametrize(
    ("log", "read"), [(CSVLog, read_csv), (JSONLinesLog, read_json)]
)


@each_format
def test_a_row_for_each_epoch_holds_the_history(log, read, tmp_path):
    path = tmp_path / "log"
    history = fit(trainer(), log(path), validation=(X, LABELS), eval_every=2)
    rows = read(path)
    assert list(rows[0]) == [
        "epoch", "step", "loss", "learning_rate", "seconds", "validation_loss", "accuracy",
    ]  # fmt: skip
    assert [float(row["loss"]) for row in rows] == history.loss
    assert [int(row["step"]) for row in rows] == [2, 4, 6]
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    validation = [float(r["validation_loss"]) if r["validation_loss"] else None for r in rows]
    assert validation == history.validation_loss


@each_format
def test_a_row_for_each_batch(log, read, tmp_path):
    path = tmp_path / "log"
    fit(trainer(), log(path, per="batch"))
    rows = read(path)
    assert [(int(r["epoch"]), int(r["step"])) for r in rows] == [
        (1, 1), (1, 2), (2, 3), (2, 4), (3, 5), (3, 6),
    ]  # fmt: skip
    assert {float(row["learning_rate"]) for row in rows} == {0.1}


class Kill:
    def on_batch_end(self, fit):
        if fit.trainer.steps == 5:
            raise SystemError("killed")


@each_format
@pytest.mark.parametrize("per", ["batch", "epoch"])
def test_a_resumed_training_has_each_row_once(log, read, per, tmp_path):
    whole, path = tmp_path / "whole", tmp_path / "log"
    fit(trainer(), log(whole, per=per))
    checkpoint = Checkpoint(tmp_path / "checkpoints", every_batches=2)
    with pytest.raises(SystemError):
        fit(trainer(), [log(path, per=per), checkpoint, Kill()])
    latest = latest_checkpoint(tmp_path / "checkpoints")
    fit(trainer(), log(path, per=per), resume_from=latest)
    rows, expected = read(path), read(whole)
    for row in [*rows, *expected]:
        row.pop("seconds", None)
    assert rows == expected


@each_format
def test_a_second_fit_appends(log, read, tmp_path):
    subject, path = trainer(), tmp_path / "log"
    for _ in range(2):
        fit(subject, log(path))
    assert [int(row["epoch"]) for row in read(path)] == [1, 2, 3, 4, 5, 6]


@each_format
def test_another_trainings_rows_are_kept_under_another_name(log, read, tmp_path):
    path = tmp_path / "log"
    fit(trainer(), log(path))
    before = path.read_bytes()
    for number in (1, 2):
        fit(trainer(), log(path), epochs=2)
        assert len(read(path)) == 2
        assert (tmp_path / f"log.{number}").exists()
    assert (tmp_path / "log.1").read_bytes() == before


@each_format
def test_half_a_row_that_a_kill_has_left_is_dropped(log, read, tmp_path):
    subject, path = trainer(), tmp_path / "log"
    fit(subject, log(path))
    with open(path, "a", encoding="utf-8") as stream:
        stream.write('{"epoch": 4, "st')
    fit(subject, log(path))
    assert [int(row["epoch"]) for row in read(path)] == [1, 2, 3, 4, 5, 6]


def test_what_another_program_has_left_empty_is_not_known(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"epoch": 1, "step": 2, "loss": 0.5, "seconds": ""}\n')
    subject = trainer()
    fit(subject, (), epochs=1)
    fit(subject, JSONLinesLog(path))
    first = {"epoch": 1, "step": 2, "loss": 0.5}
    assert {name: value for name, value in read_json(path)[0].items() if value is not None} == first


@each_format
def test_a_full_disk_while_rows_are_copied_is_no_fault_of_theirs(log, read, tmp_path, monkeypatch):
    path, subject = tmp_path / "log", trainer()
    fit(subject, log(path))

    def full(*_):
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(log, "_format", full)
    with pytest.raises(OSError, match="No space left"):
        fit(subject, log(path))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["log"]


@each_format
def test_a_full_disk_does_not_end_the_training(log, read, tmp_path, monkeypatch):
    path, subject = tmp_path / "log", trainer()
    real_open, calls = open, []

    def full(file, mode="r", **settings):
        if file == path and mode == "a":
            calls.append(file)
            if len(calls) == 2:
                raise OSError(28, "No space left on device")
        return real_open(file, mode, **settings)

    monkeypatch.setattr("diglot.callbacks.logs.open", full, raising=False)
    with pytest.warns(RuntimeWarning, match=r"a row of .*log was not written .*No space"):
        fit(subject, log(path))
    assert [int(row["epoch"]) for row in read(path)] == [1, 3]


@each_format
def test_a_metric_of_numpys_own_type(log, read, tmp_path):
    metrics = {"half": lambda p, t: np.float32(0.5)}
    subject = Trainer(trainer().network, SGD(0.1), metrics=metrics)
    fit(subject, log(tmp_path / "log"), validation=(X, LABELS))
    assert [float(row["half"]) for row in read(tmp_path / "log")] == [0.5] * 3


def test_a_metric_that_is_named_as_a_column(tmp_path):
    subject = Trainer(trainer().network, SGD(0.1), metrics={"step": lambda p, t: 0.0})
    with pytest.raises(ValueError, match="a metric is named 'step', as another column"):
        fit(subject, CSVLog(tmp_path / "log"))


@each_format
def test_what_is_no_log_is_left_alone(log, read, tmp_path):
    subject, path = trainer(), tmp_path / "log"
    fit(subject, [])
    path.write_text("a shopping list\nmilk\n", encoding="utf-8")
    with pytest.raises(ValueError, match="is no log of a training"):
        fit(subject, log(path))
    assert path.read_text(encoding="utf-8") == "a shopping list\nmilk\n"


@each_format
def test_what_is_not_finite(log, read, tmp_path):
    subject = Trainer(trainer().network, SGD(0.1), metrics={"ratio": lambda p, t: float("inf")})
    fit(subject, log(tmp_path / "log"), validation=(X, LABELS))
    assert [row["ratio"] for row in read(tmp_path / "log")] in (["inf"] * 3, [None] * 3)


@each_format
def test_a_missing_folder_is_made(log, read, tmp_path):
    path = tmp_path / "runs" / "first" / "log"
    fit(trainer(), log(path))
    assert len(read(path)) == 3


@each_format
@pytest.mark.parametrize("inside", ["log", "deeper/log"])
def test_a_folder_that_is_a_file(log, read, inside, tmp_path):
    (tmp_path / "runs").write_text("none")
    path = tmp_path / "runs" / inside
    with pytest.raises(NotADirectoryError, match="a part of this path is a file") as caught:
        fit(trainer(), log(path))
    assert caught.value.filename == str(path)
    assert [file.name for file in tmp_path.iterdir()] == ["runs"]


@each_format
def test_an_error_names_the_path_that_was_given(log, read, tmp_path, monkeypatch):
    def no_place(source, target):
        raise PermissionError(13, "Permission denied", str(source), None, str(target))

    monkeypatch.setattr("diglot.callbacks.logs.os.replace", no_place)
    with pytest.raises(PermissionError) as caught:
        fit(trainer(), log(tmp_path / "log"))
    assert str(caught.value) == f"[Errno 13] Permission denied: {str(tmp_path / 'log')!r}"
    assert not list(tmp_path.iterdir())


@each_format
def test_a_name_that_is_too_long_is_the_one_that_was_given(log, read, tmp_path):
    path = tmp_path / ("x" * 254)  # the temporary one is longer
    with pytest.raises(OSError, match="too long") as caught:
        fit(trainer(), log(path))
    assert caught.value.filename == str(path)


def test_wrong_settings(tmp_path):
    with pytest.raises(ValueError, match="per is 'step', expected 'epoch' or 'batch'"):
        CSVLog(tmp_path / "log", per="step")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = fit(trainer(), TensorBoardLog(tmp_path), validation=(X, LABELS))
    events = EventAccumulator(str(tmp_path)).Reload()
    tags = events.Tags()
    assert {"batch/loss", "epoch/validation_loss", "epoch/accuracy"} <= set(tags["tensors"])
    steps = [event.step for event in events.Tensors("epoch/loss")]
    values = [event.tensor_proto.float_val[0] for event in events.Tensors("epoch/loss")]
    assert steps == [2, 4, 6]
    assert values == pytest.approx(history.loss)


def test_without_tensorboard_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.summary", None)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        TensorBoardLog(tmp_path)
