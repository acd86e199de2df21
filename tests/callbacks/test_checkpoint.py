"""A training that goes on from a checkpoint is the training that was never interrupted."""

import shutil
import warnings

import numpy as np
import pytest
from trainings import LABELS, LONG, PLAIN, K, N, T, X, assert_same, classifier, names, recurrent

import diglot
from diglot.atomic import write_atomically
from diglot.callbacks import Checkpoint, latest_checkpoint
from diglot.optimizers import SGD, AdaGrad, Adam, RMSProp
from diglot.resuming import checkpoints, step_of
from diglot.trainer import Trainer

TRAININGS = {
    "adam": (classifier, PLAIN),
    "sgd": (lambda: classifier(SGD(0.1)), PLAIN),
    "rmsprop": (lambda: classifier(RMSProp(0.01), dtype=np.float64), PLAIN),
    "adagrad": (lambda: classifier(AdaGrad(0.1)), {**PLAIN, "shuffle": False}),
    "early stopping": (
        lambda: classifier(Adam(0.5)),
        {**PLAIN, "epochs": 9, "validation": (X[::-1] + 1, LABELS), "early_stopping": 2},
    ),
    "every second": (classifier, {**PLAIN, "validation": (X, LABELS), "eval_every": 2}),
    "bptt": (recurrent, {**LONG, "bptt": 3}),
    "stateful": (
        lambda: recurrent(stateful=True),
        {**LONG, "batch_size": 5, "shuffle": False},
    ),
    "lengths": (recurrent, {**LONG, "lengths": 1 + np.arange(N) % T}),
    "one generator": (
        lambda: Trainer(
            diglot.NeuralNetwork(
                [diglot.Dense(6, dropout=0.3), diglot.Dense(K)],
                "softmax_cross_entropy",
                seed=np.random.Generator(np.random.MT19937(3)),
            ),
            SGD(0.1),
        ),
        {**PLAIN, "seed": 8},
    ),
}
each_training = pytest.mark.parametrize(("make", "settings"), TRAININGS.values(), ids=TRAININGS)


class Kill:
    """End a training as a kill would: nothing is put in order."""

    def __init__(self, step):
        self.step = step

    def on_batch_end(self, fit):
        if fit.trainer.steps == self.step:
            raise SystemError("killed")


@each_training
def test_it_goes_on_with_the_same_bits_wherever_it_was_killed(make, settings, tmp_path):
    whole = make()
    whole.fit(**settings)
    for step in range(1, whole.steps + 1):
        folder = tmp_path / str(step)
        every = 1 + step % 3
        with pytest.raises(SystemError, match="killed"):
            make().fit(**settings, callbacks=[Checkpoint(folder, every_batches=every), Kill(step)])
        resumed = make()
        resumed.fit(**settings, resume_from=latest_checkpoint(folder))
        assert_same(resumed, whole)


@each_training
def test_it_goes_on_after_any_epoch(make, settings, tmp_path):
    whole = make()
    whole.fit(**settings, callbacks=Checkpoint(tmp_path, keep=99))
    for path in tmp_path.glob("step-*"):
        resumed = make()
        resumed.fit(**settings, resume_from=path)
        assert_same(resumed, whole)


def test_more_epochs_than_were_asked_for_at_first(tmp_path):
    first, longer, plain = (classifier(SGD(0.1)) for _ in range(3))
    first.fit(**PLAIN, callbacks=Checkpoint(tmp_path))
    longer.fit(**{**PLAIN, "epochs": 6}, resume_from=tmp_path)
    plain.fit(**{**PLAIN, "epochs": 6})
    assert_same(longer, plain)


def test_a_second_fit_is_resumed_as_a_second_one(tmp_path):
    one, other = classifier(), classifier()
    for subject in (one, other):
        subject.fit(**PLAIN)
    one.fit(**PLAIN, callbacks=Checkpoint(tmp_path))
    halfway = sorted(tmp_path.glob("step-*"))[0]
    assert latest_checkpoint(tmp_path) != halfway
    other.fit(**PLAIN, resume_from=halfway)
    assert_same(one, other)


class SlowDown:
    """Set another learning rate half-way."""

    def on_batch_end(self, fit):
        if fit.trainer.steps == 5:
            fit.set_learning_rate(0.01)


def test_a_learning_rate_that_was_set_goes_on(tmp_path):
    one, other = classifier(SGD(0.1)), classifier(SGD(0.1))
    one.fit(**PLAIN, callbacks=[SlowDown(), Checkpoint(tmp_path, every_batches=1, keep=99)])
    other.fit(**PLAIN, resume_from=tmp_path / "step-00000007.safetensors")
    assert_same(one, other)


def test_a_training_that_a_callback_has_stopped_goes_on(tmp_path):
    class Stop:
        def on_batch_end(self, fit):
            if fit.trainer.steps == 5:
                fit.stop("enough")

    stopped, whole, resumed = classifier(), classifier(), classifier()
    stopped.fit(**PLAIN, callbacks=[Stop(), Checkpoint(tmp_path)])
    whole.fit(**PLAIN)
    resumed.fit(**PLAIN, resume_from=tmp_path)
    assert resumed.history.notes == stopped.history.notes
    resumed.history.notes.clear()
    assert_same(resumed, whole)


# ---- files ---------------------------------------------------------------------------------------


def test_the_last_ones_stay_and_the_best(tmp_path):
    subject = classifier(SGD(0.1))
    history = subject.fit(
        **{**PLAIN, "epochs": 6},
        validation=(X, LABELS),
        callbacks=Checkpoint(tmp_path / "new" / "folder", keep=2),
    )
    folder = tmp_path / "new" / "folder"
    assert names(folder) == [
        "best.safetensors",
        "step-00000015.safetensors",
        "step-00000018.safetensors",
    ]
    best = diglot.NeuralNetwork.load(folder / "best.safetensors")
    loss = Trainer(best, SGD()).evaluate(X, LABELS)["loss"]
    assert loss == pytest.approx(min(history.validation_loss), rel=1e-6)


def test_every_so_many_seconds(tmp_path, monkeypatch):
    now = iter(range(0, 10_000, 7))
    monkeypatch.setattr("diglot.callbacks.checkpoint.time.monotonic", lambda: next(now))
    classifier().fit(**PLAIN, callbacks=Checkpoint(tmp_path, every_seconds=14, keep=99))
    assert 3 < len(names(tmp_path)) < 12


def test_what_was_learned_since_the_last_is_written_at_the_end(tmp_path):
    class Interrupt:
        def on_batch_end(self, fit):
            if fit.trainer.steps == 5:
                raise KeyboardInterrupt

    interrupted, whole, resumed = classifier(), classifier(), classifier()
    interrupted.fit(**PLAIN, callbacks=[Checkpoint(tmp_path), Interrupt()])
    assert interrupted.history.interrupted
    assert latest_checkpoint(tmp_path).name == "step-00000005.safetensors"
    whole.fit(**PLAIN)
    resumed.fit(**PLAIN, resume_from=tmp_path)
    assert_same(resumed, whole)


def test_a_half_written_file_of_a_killed_training_is_removed(tmp_path):
    half = tmp_path / "step-00000003.safetensors.tmp.123.abcd"
    half.write_bytes(b"half")
    classifier().fit(**PLAIN, callbacks=Checkpoint(tmp_path))
    assert not half.exists()


def test_a_history_that_is_too_long_is_told_and_the_training_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("diglot.resuming.MOST_EPOCHS", 3)
    subject, whole = classifier(), classifier()
    with pytest.warns(RuntimeWarning, match=r"no checkpoint .*4 epochs.* at most 3;.* goes on"):
        subject.fit(**PLAIN, callbacks=Checkpoint(tmp_path))
    whole.fit(**PLAIN)
    assert_same(subject, whole)
    assert names(tmp_path) == [f"step-{step:08}.safetensors" for step in (3, 6, 9)]


def test_a_full_disk_is_told_and_the_training_goes_on(tmp_path, monkeypatch):
    calls = []

    def full(path, content):
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        write_atomically(path, content)

    monkeypatch.setattr("diglot.serialization.write_atomically", full)
    subject, whole = classifier(), classifier()
    with pytest.warns(RuntimeWarning, match=r"no checkpoint .* step 6 .*No space left.* goes on"):
        subject.fit(**PLAIN, callbacks=Checkpoint(tmp_path))
    whole.fit(**PLAIN)
    assert_same(subject, whole)
    assert names(tmp_path) == [f"step-{step:08}.safetensors" for step in (3, 9, 12)]


def test_nothing_is_written_after_a_divergence(tmp_path):
    subject = classifier(SGD(1e35))
    with pytest.raises(diglot.errors.TrainingDiverged):
        subject.fit(**PLAIN, callbacks=Checkpoint(tmp_path, every_epochs=99))
    assert names(tmp_path) == []


def test_another_trainings_checkpoints_are_left_alone(tmp_path):
    classifier().fit(**PLAIN, callbacks=Checkpoint(tmp_path))
    before, subject = names(tmp_path), classifier()
    with pytest.raises(FileExistsError, match=r"step-00000012.* is of another training.*resume"):
        subject.fit(**PLAIN, callbacks=Checkpoint(tmp_path))
    assert subject.steps == 0
    assert names(tmp_path) == before


def test_from_an_earlier_one_the_later_ones_are_written_again(tmp_path):
    settings = {"every_batches": 1, "keep": 99}
    classifier().fit(**PLAIN, callbacks=Checkpoint(tmp_path, **settings))
    before = names(tmp_path)
    resumed = classifier()
    checkpoint = Checkpoint(tmp_path, every_batches=1, keep=2)
    first = tmp_path / "step-00000003.safetensors"
    resumed.fit(**{**PLAIN, "epochs": 2}, resume_from=first, callbacks=checkpoint)
    assert names(tmp_path) == before[4:]  # of steps 1 to 6 the last two, and all later ones


def test_the_last_ones_are_those_of_the_most_steps(tmp_path):
    for step in (99_999_999, 100_000_000):
        (tmp_path / f"step-{step}.safetensors").touch()
    assert [step_of(path) for path in checkpoints(tmp_path)] == [99_999_999, 100_000_000]


def test_there_is_a_latest_one_or_none(tmp_path):
    assert latest_checkpoint(tmp_path / "nowhere") is None
    assert latest_checkpoint(tmp_path) is None
    for name in ("step-00000009", "step-100000000", "step-x", "best", "step-00000010"):
        (tmp_path / f"{name}.safetensors").touch()
    assert latest_checkpoint(tmp_path).name == "step-100000000.safetensors"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"every_batches": 0}, "every_batches is 0"),
        ({"every_epochs": 1.5}, "every_epochs is 1.5"),
        ({"every_seconds": -1}, "every_seconds is -1"),
        ({"keep": 0}, "keep is 0"),
        ({"best": 1}, "best is 1"),
    ],
)
def test_wrong_settings(settings, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        Checkpoint(tmp_path, **settings)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    subject = classifier()
    with pytest.raises(OSError, match="file"):
        subject.fit(**PLAIN, callbacks=Checkpoint(tmp_path / "file" / "folder"))
    assert subject.steps == 0


def test_no_warning_where_all_is_well(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier().fit(**PLAIN, callbacks=Checkpoint(tmp_path))
    shutil.rmtree(tmp_path)


def test_parameters_that_are_no_numbers_are_not_written(tmp_path):
    """Only the loss after an update tells; a checkpoint in between would be the end."""

    class Spoil:
        def on_batch_end(self, fit):
            if fit.trainer.steps == 5:
                fit.trainer.network.parameters()["0.weight"][0, 0] = np.nan

    with pytest.raises(diglot.TrainingDiverged):
        classifier().fit(**PLAIN, callbacks=[Spoil(), Checkpoint(tmp_path, every_batches=1)])
    assert names(tmp_path)[-1] == "step-00000004.safetensors"
    resumed = classifier()
    resumed.fit(**PLAIN, resume_from=tmp_path)
    assert resumed.steps == 12
