"""A training that goes on from a checkpoint is the training that was never interrupted."""

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

import diglot
from diglot.atomic import write_atomically
from diglot.callbacks import Checkpoint, latest_checkpoint
from diglot.errors import ModelFileError
from diglot.optimizers import SGD, AdaGrad, Adam, RMSProp, SGDMomentum
from diglot.schedules import Cosine
from diglot.trainer import Trainer

N, T, D, K = 10, 7, 3, 4
RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(N, D)).astype(np.float32), RNG.integers(K, size=N)
ROWS, TARGETS = RNG.normal(size=(N, T, D)), RNG.integers(K, size=(N, T))


def classifier(optimizer=None, **settings):
    layers = [diglot.Dense(6, dropout=0.3), diglot.Dense(K)]
    network = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, **settings)
    return Trainer(network, optimizer or Adam(Cosine(0.1, per="batch")))


def recurrent(dtype=np.float64, **settings):
    layers = [diglot.LSTM(4, dropout=0.2, **settings), diglot.GRU(3, **settings), diglot.Dense(K)]
    network = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, dtype=dtype)
    return Trainer(network, SGDMomentum(0.1))


PLAIN = {"x": X, "y": LABELS, "epochs": 4, "batch_size": 4, "seed": 5, "progress": False}
LONG = {**PLAIN, "x": ROWS, "y": TARGETS}

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


def assert_same(one, other):
    for name, param in one.network.parameters().items():
        np.testing.assert_array_equal(param, other.network.parameters()[name], err_msg=name)
    mine, theirs = one.optimizer.state(), other.optimizer.state()
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    history, expected = one.history.to_dict(), other.history.to_dict()
    for seconds in (history.pop("seconds"), expected.pop("seconds")):
        assert all(second > 0 for second in seconds)
    assert history == expected
    assert one.steps == other.steps
    for generator, twin in zip(one.network.generators(), other.network.generators(), strict=True):
        assert repr(generator.bit_generator.state) == repr(twin.bit_generator.state)


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


# ---- files ---------------------------------------------------------------------------------------


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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


# ---- what does not fit ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    subject = classifier()
    subject.fit(**PLAIN, callbacks=Checkpoint(folder, every_batches=5, keep=99))
    return folder / "step-00000005.safetensors"


def assert_unchanged_by(subject, message, **settings):
    before = {n: a.copy() for n, a in subject.network.parameters().items()}
    chance = repr([g.bit_generator.state for g in subject.network.generators()])
    with pytest.raises(ModelFileError, match=message):
        subject.fit(**{**PLAIN, **settings})
    for name, param in subject.network.parameters().items():
        np.testing.assert_array_equal(param, before[name])
    assert chance == repr([g.bit_generator.state for g in subject.network.generators()])
    assert subject.steps == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 5}, "its batch_size is 4, here it is 5"),
        ({"shuffle": False}, "its shuffle is True, here it is False"),
        ({"x": X + 1}, "its data is"),
        ({"y": LABELS[::-1]}, "its data is"),
        ({"validation": (X, LABELS)}, "its validation is None"),
        ({"eval_every": 2}, "its eval_every is 1"),
    ],
)
def test_another_training_is_refused(written, change, message):
    subject = classifier()
    subject.network.setup((D,))
    assert_unchanged_by(subject, message, resume_from=written, **change)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: classifier(SGD(0.1)), "its optimizer is .*Adam"),
        (lambda: classifier(Adam(0.1)), "its optimizer is"),
        (lambda: classifier(dtype=np.float64), "its dtype is 'float32', here it is 'float64'"),
        (
            lambda: Trainer(
                diglot.NeuralNetwork([diglot.Dense(K)], "softmax_cross_entropy", seed=1), SGD()
            ),
            "of another network: its layers",
        ),
    ],
)
def test_another_network_or_optimizer_is_refused(written, make, message):
    subject = make()
    subject.network.setup((D,))
    assert_unchanged_by(subject, message, resume_from=written)


def test_a_model_or_nothing_at_all_is_no_checkpoint(tmp_path):
    subject = classifier()
    subject.network.setup((D,))
    subject.network.save(tmp_path / "model.safetensors")
    message = "a model without a training: load it with NeuralNetwork.load"
    assert_unchanged_by(subject, message, resume_from=tmp_path / "model.safetensors")
    assert_unchanged_by(subject, "no checkpoint in this folder", resume_from=tmp_path)
    assert_unchanged_by(subject, "No such file", resume_from=tmp_path / "nothing")


def edited(source: Path, path: Path, edit) -> Path:
    """Copy a checkpoint with another training in its header."""
    content = source.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    training = json.loads(header["__metadata__"]["training"])
    edit(training, header)
    header["__metadata__"]["training"] = json.dumps(training)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    return path


def rename(header, old, new):
    header[new] = header.pop(old)


EVIL = {
    "no position": lambda t, h: t.pop("position"),
    "a batch that is none": lambda t, h: t["position"].update(batch=99),
    "a batch that is a text": lambda t, h: t["position"].update(batch="1"),
    "negative epochs": lambda t, h: t["position"].update(epochs_done=-1),
    "a position that is a list": lambda t, h: t.update(position=[]),
    "no generators": lambda t, h: t.update(generators=[]),
    "another kind of generator": lambda t, h: t["generators"][0].update(bit_generator="MT19937"),
    "a generator of texts": lambda t, h: t["generators"][0]["state"].update(state="x"),
    "a huge generator": lambda t, h: t["generators"][0]["state"].update(state=1 << 4000),
    "states of layers that are not there": lambda t, h: t.update(state=[1]),
    "a state that is missing": lambda t, h: t.update(state=[2]),
    "no steps of the optimizer": lambda t, h: t.update(optimizer_steps=None),
    "a memory of another name": lambda t, h: rename(
        h, "training.optimizer.mean.0.weight", "training.optimizer.mean.9.weight"
    ),
    "a memory of another kind": lambda t, h: rename(
        h, "training.optimizer.mean.0.weight", "training.optimizer.velocity.0.weight"
    ),
    "a history without a column": lambda t, h: rename(
        h, "training.history.loss", "training.history.los"
    ),
    "a metric without a column": lambda t, h: t["history"].update(metrics=["x"]),
    "a history of texts": lambda t, h: t["history"].update(metrics=5),
    "no schedule": lambda t, h: t.update(schedule_length=3),
    "a total that is none": lambda t, h: t["position"].update(total="much"),
    "an order of another kind": lambda t, h: t["order"].update(bit_generator="Philox"),
    "no order": lambda t, h: t.update(order=None),
}


@pytest.mark.parametrize("edit", EVIL.values(), ids=EVIL)
def test_a_damaged_checkpoint_is_refused_and_nothing_changes(written, edit, tmp_path):
    subject = classifier()
    subject.network.setup((D,))
    path = edited(written, tmp_path / "step-00000005.safetensors", edit)
    assert_unchanged_by(subject, "step-00000005.safetensors: ", resume_from=path)


def test_a_truncated_checkpoint_is_refused(written, tmp_path):
    subject = classifier()
    subject.network.setup((D,))
    content = written.read_bytes()
    for length in range(0, len(content), 97):
        path = tmp_path / "cut.safetensors"
        path.write_bytes(content[:length])
        assert_unchanged_by(subject, "cut.safetensors: ", resume_from=path)


def test_an_untouched_copy_is_taken(written, tmp_path):
    """The tests above fail for their reason, not for the copying."""
    subject, whole = classifier(), classifier()
    path = edited(written, tmp_path / "copy.safetensors", lambda t, h: None)
    subject.fit(**PLAIN, resume_from=path)
    whole.fit(**PLAIN)
    assert_same(subject, whole)


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
