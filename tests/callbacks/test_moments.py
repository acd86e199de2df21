"""When callbacks are told, what they may see and do, and which objects are none."""

import math

import numpy as np
import pytest

import diglot
from diglot.errors import TrainingDiverged
from diglot.optimizers import SGD
from diglot.trainer import Trainer

X = np.arange(24, dtype=np.float32).reshape(8, 3) / 24
LABELS = np.arange(8) % 3


def trainer(lr=0.1):
    network = diglot.NeuralNetwork(
        [diglot.Dense(4, dropout=0.5), diglot.Dense(3)], "softmax_cross_entropy", seed=0
    )
    return Trainer(network, SGD(lr))


def fit(subject, callbacks, **settings):
    settings = {"epochs": 2, "batch_size": 4, "seed": 1, "progress": False} | settings
    return subject.fit(X, LABELS, callbacks=callbacks, **settings)


class Diary:
    """Write down each moment."""

    def __init__(self):
        self.lines = []

    def on_fit_begin(self, fit):
        self.lines.append(("begin", fit.epochs_done, fit.batch, fit.trainer.steps))

    def on_batch_end(self, fit):
        self.lines.append(("batch", fit.epochs_done, fit.batch, fit.trainer.steps))
        assert math.isfinite(fit.loss)
        assert fit.batches == 2
        assert fit.learning_rate == 0.1

    def on_epoch_end(self, fit):
        self.lines.append(("epoch", fit.epochs_done, fit.batch, fit.trainer.steps))
        assert len(fit.trainer.history) == fit.epochs_done

    def on_fit_end(self, fit):
        self.lines.append(("end", fit.epochs_done, fit.batch, fit.trainer.steps))


def test_the_moments_of_a_training_in_order():
    diary = Diary()
    fit(trainer(), diary)
    assert diary.lines == [
        ("begin", 0, 0, 0),
        ("batch", 0, 1, 1),
        ("batch", 0, 2, 2),
        ("epoch", 1, 0, 2),
        ("batch", 1, 1, 3),
        ("batch", 1, 2, 4),
        ("epoch", 2, 0, 4),
        ("end", 2, 0, 4),
    ]


def test_the_mean_loss_becomes_the_epochs():
    class Means:
        def __init__(self):
            self.losses, self.means = [], []

        def on_batch_end(self, fit):
            self.losses.append(fit.loss)
            self.means.append(fit.mean_loss)

    means = Means()
    history = fit(trainer(), means)
    assert means.means[1::2] == history.loss
    assert history.loss[0] == pytest.approx(np.mean(means.losses[:2]))


def test_callbacks_change_nothing_in_the_training():
    one, other = trainer(), trainer()
    fit(one, [Diary(), Diary()])
    fit(other, [])
    for name, param in one.network.parameters().items():
        np.testing.assert_array_equal(param, other.network.parameters()[name])


class Stop:
    def __init__(self, moment):
        self.moment = moment

    def on_batch_end(self, fit):
        if self.moment == "batch" and fit.trainer.steps == 3:
            fit.stop("enough")

    def on_epoch_end(self, fit):
        if self.moment == "epoch":
            fit.stop("enough")


@pytest.mark.parametrize(("moment", "steps", "epochs"), [("batch", 3, 1), ("epoch", 2, 1)])
def test_a_callback_may_stop(moment, steps, epochs):
    subject = trainer()
    history = fit(subject, Stop(moment), epochs=9)
    assert (subject.steps, len(history)) == (steps, epochs)
    assert history.notes == [f"enough after epoch {epochs}, step {steps}"]
    assert not history.interrupted


def test_a_callback_may_set_the_learning_rate():
    class Halve:
        def on_batch_end(self, fit):
            fit.set_learning_rate(fit.learning_rate / 2)

    subject = trainer()
    assert fit(subject, Halve()).learning_rate == [0.05, 0.0125]
    assert fit(subject, []).learning_rate[2:] == [0.1, 0.1]
    with pytest.raises(ValueError, match=r"lr is -1"):
        fit(subject, Sets(-1))


class Sets:
    def __init__(self, lr):
        self.lr = lr

    def on_fit_begin(self, fit):
        fit.set_learning_rate(self.lr)


class Raises:
    """Fail at a moment, and remember how the training is said to have ended."""

    def __init__(self, moment, error):
        self.moment, self.error, self.seen = moment, error, "not told"

    def on_epoch_end(self, fit):
        if self.moment == "epoch":
            raise self.error

    def on_fit_end(self, fit):
        self.seen = fit.error


def test_an_error_of_a_callback_is_handed_on_and_nothing_is_lost():
    subject, twin = trainer(), trainer()
    failing = Raises("epoch", OSError("the disk is full"))
    with pytest.raises(OSError, match="the disk is full"):
        fit(subject, failing)
    fit(twin, [], epochs=1)
    assert failing.seen is failing.error
    assert len(subject.history) == 1
    for name, param in subject.network.parameters().items():
        np.testing.assert_array_equal(param, twin.network.parameters()[name])


def test_an_interrupt_ends_the_training_and_the_last_epoch_counts():
    subject = trainer()
    enough = Raises("epoch", KeyboardInterrupt())
    history = fit(subject, enough, epochs=9, validation=(X, LABELS), early_stopping=9)
    assert history.interrupted
    assert history.best_epoch == len(history) == 1
    assert isinstance(enough.seen, KeyboardInterrupt)


def test_the_end_is_told_where_the_loss_diverges():
    subject, failing = trainer(lr=1e30), Raises("never", None)
    with pytest.raises(TrainingDiverged) as caught:
        fit(subject, failing, epochs=9)
    assert failing.seen is caught.value


def test_only_who_was_told_the_beginning_is_told_the_end():
    diary, last = Diary(), Diary()
    with pytest.raises(ValueError, match="lr is"):
        fit(trainer(), [diary, Sets(-1), last])
    assert [line[0] for line in diary.lines] == ["begin", "end"]
    assert last.lines == []


def test_an_end_that_fails_does_not_keep_the_others_from_it():
    class Fails:
        def on_fit_end(self, fit):
            raise OSError("no")

    diary = Diary()
    with pytest.raises(OSError, match="no"):
        fit(trainer(), [diary, Fails(), last := Diary()])
    assert diary.lines[-1][0] == last.lines[-1][0] == "end"


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (print, "the callback <built-in function print> must be an object with one or more"),
        (Diary, "the callback the class Diary must be an object"),
        ([Diary(), None], "the callback None must be an object"),
        (type("Typo", (), {"on_epoch_ended": print})(), "on_fit_end; it has on_epoch_ended"),
    ],
)
def test_what_is_no_callback(callbacks, message):
    subject = trainer()
    with pytest.raises(ValueError, match=message):
        fit(subject, callbacks)
    assert subject.steps == 0
