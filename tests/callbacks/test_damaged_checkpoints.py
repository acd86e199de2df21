"""A checkpoint of another training, or a damaged one, is refused, and then nothing has changed."""

import json
from pathlib import Path

import numpy as np
import pytest
from trainings import LABELS, PLAIN, D, K, X, assert_same, classifier

import diglot
from diglot.callbacks import Checkpoint
from diglot.errors import ModelFileError
from diglot.optimizers import SGD, Adam
from diglot.schedules import Cosine
from diglot.trainer import Trainer
from model_files import craft, without_checksum


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
        ({"batch_size": 5}, "batch_size is 4 there, and 5 here"),
        ({"shuffle": False}, "shuffle is True there, and False here"),
        ({"x": X + 1}, r"data.x.checksum is \d+ there, and \d+ here"),
        ({"x": X[:8], "y": LABELS[:8]}, r"data.x.shape\[0\] is 10 there, and 8 here"),
        ({"epochs": 1}, "made in epoch 2, and epochs is 1, which .*: expected at least 2"),
        ({"y": LABELS[::-1]}, "data.y.checksum is"),
        ({"validation": (X, LABELS)}, "validation is None there"),
        ({"eval_every": 2}, "eval_every is 1 there"),
    ],
)
def test_another_training_is_refused(written, change, message):
    subject = classifier()
    subject.network.setup((D,))
    assert_unchanged_by(subject, message, resume_from=written, **change)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: classifier(SGD(0.1)), "optimizer.type is 'Adam' there, and 'SGD' here"),
        (
            lambda: Trainer(
                diglot.NeuralNetwork(
                    [diglot.Dense(6, dropout=0.1), diglot.Dense(K)], "softmax_cross_entropy", seed=1
                ),
                SGD(),
            ),
            r"network: layers\[0\].dropout is 0.3 there, and 0.1 here;",
        ),
        (lambda: classifier(Adam(0.1)), "optimizer.lr is .* there, and 0.1 here"),
        (
            lambda: classifier(Adam(Cosine(0.1, per="batch"), beta2=0.9)),
            "optimizer.beta2 is 0.999 there, and 0.9 here;",
        ),
        (lambda: classifier(dtype=np.float64), "dtype is 'float32' there, and 'float64' here"),
        (
            lambda: Trainer(
                diglot.NeuralNetwork([diglot.Dense(K)], "softmax_cross_entropy", seed=1), SGD()
            ),
            "of another network: layers: 2 there, and 1 here; NeuralNetwork.load reads its",
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
    header, numbers = without_checksum(source.read_bytes())
    training = json.loads(header["__metadata__"]["training"])
    edit(training, header)
    header["__metadata__"]["training"] = json.dumps(training)
    craft(path, header, numbers)
    return path


def rename(header, old, new):
    header[new] = header.pop(old)


def flipped(source: Path, path: Path, bit: int) -> Path:
    """Copy a checkpoint with one bit changed, as a failing disk does."""
    content = bytearray(source.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    return path


def test_any_changed_bit_is_told_and_nothing_changes(written, tmp_path, rng):
    subject = classifier()
    subject.network.setup((D,))
    before = tmp_path / "step-00000004.safetensors"
    before.write_bytes(written.read_bytes())
    path = tmp_path / "step-00000005.safetensors"
    content = written.read_bytes()
    size = len(content)
    digits = [content.index(word) + len(word) for word in (b'batch_size\\": ', b'neurons\\": ')]
    told = f"; the checkpoint before is {before}$"
    bits = [*rng.integers(8 * size, size=200).tolist(), *(8 * place for place in digits)]
    for bit in [*bits, *range(8 * size - 8, 8 * size)]:
        flipped(written, path, bit)
        assert_unchanged_by(subject, told, resume_from=path)
    before.unlink()
    assert_unchanged_by(
        subject, "damaged: the checksum .*; take another copy of it$", resume_from=path
    )


def test_the_checkpoint_before_is_that_of_the_step_before(written, tmp_path):
    subject = classifier()
    subject.network.setup((D,))
    last = 8 * written.stat().st_size - 1
    for step in (5, 10, 99_999_999, 100_000_000, 100_000_001):
        (tmp_path / f"step-{step:08}.safetensors").write_bytes(written.read_bytes())
    latest = tmp_path / "step-100000000.safetensors"
    flipped(written, latest, last)
    told = "; the checkpoint before is .*step-99999999.safetensors$"
    assert_unchanged_by(subject, told, resume_from=latest)
    latest.write_bytes(written.read_bytes()[:1000])
    assert_unchanged_by(subject, f"cut off .*{told}", resume_from=latest)
    first = flipped(written, tmp_path / "step-00000005.safetensors", last)
    assert_unchanged_by(subject, "take another copy of it$", resume_from=first)
    other = flipped(written, tmp_path / "zz.safetensors", last)
    assert_unchanged_by(subject, "take another copy of it$", resume_from=other)
    assert_unchanged_by(
        subject, "File name too long$", resume_from=f"{'y' * 300}/step-1.safetensors"
    )
    with pytest.raises(ModelFileError, match=r"batch_size is 4 there, and 2 here; .*begin with$"):
        subject.fit(
            **{**PLAIN, "batch_size": 2}, resume_from=tmp_path / "step-00000010.safetensors"
        )


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
    "no steps": lambda t, h: t.pop("steps"),
    "steps that are a text": lambda t, h: t.update(steps="abc"),
    "negative steps": lambda t, h: t.update(steps=-5),
    "a total that is no number": lambda t, h: t["position"].update(total="nan"),
    "a learning rate that is none": lambda t, h: t["position"].update(forced_lr="x"),
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
