"""The training loop: batches through a network, gradients to an optimizer, and notes of it all."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, final
from weakref import ReferenceType, WeakKeyDictionary, ref

import numpy as np

from diglot import metrics as metric_functions
from diglot._typing import Array
from diglot.callbacks import Callback
from diglot.config import boolean, brief, checked_seed, integer
from diglot.early_stopping import BestEpoch, EarlyStopping
from diglot.feeding import Data, Feed, checked, checked_validation, predict_in_order
from diglot.fitting import Fit, Plan
from diglot.history import History
from diglot.losses import (
    BinaryCrossEntropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from diglot.moments import checked_callbacks
from diglot.network import NeuralNetwork
from diglot.optimizers import Optimizer
from diglot.resuming import resume
from diglot.schedules import Schedule
from diglot.sequences import counted

Metric: TypeAlias = Callable[[Array, Array], float]
"""A function of (prediction, target), as in `diglot.metrics`."""


@final
class Trainer:
    """Join a network and an optimizer.

    Args:
        network: what learns; it is changed in place.
        optimizer: how; it belongs to this network from now on.
        metrics: what an evaluation computes beside the loss: functions, or a dict that names them.
            One function needs no list. By default accuracy for classes, "mae" and "rmse" for
            numbers.

    Attributes:
        history: all epochs of all fits so far.
        steps: how many times the optimizer has updated the parameters.
        schedule_length: how many epochs and batches the first fit was to have, which is the length
            of a schedule that has none of its own.

    Book: chapters 3 and 4.
    """

    def __init__(
        self,
        network: NeuralNetwork,
        optimizer: Optimizer,
        *,
        metrics: Mapping[str, Metric] | Iterable[Metric] | Metric | None = None,
    ) -> None:
        if not isinstance(network, NeuralNetwork):
            raise ValueError(f"network is {brief(network)}, expected a NeuralNetwork")
        if not isinstance(optimizer, Optimizer):
            raise ValueError(
                f"optimizer is {brief(optimizer)}, expected an optimizer, such as SGD(lr=0.1)"
            )
        named = _named(metrics, network.loss)
        _claim(optimizer, network)
        self.network = network
        self.optimizer = optimizer
        self.metrics = named
        self.history = History(metrics={name: [] for name in self.metrics})
        self.steps = 0
        self.schedule_length: dict[str, int] = {}

    def fit(
        self,
        x: Array,
        y: Array,
        *,
        validation: tuple[Array, ...] | None = None,
        epochs: int,
        batch_size: int = 32,
        eval_every: int = 1,
        early_stopping: int | EarlyStopping | None = None,
        shuffle: bool = True,
        seed: int | np.random.Generator | None = None,
        progress: bool = True,
        lengths: Array | None = None,
        bptt: int | None = None,
        callbacks: Iterable[Callback] | Callback = (),
        resume_from: str | os.PathLike[str] | None = None,
    ) -> History:
        """Train for some epochs; a second call goes on where the first one ended.

        What continues is everything: parameters, the optimizer's memory, the learning rate's
        schedule (whose length is that of the first fit) and the history.

        Recurrent layers begin every epoch with a fresh state, and have one at the end. If they are
        stateful, row i of a batch goes on where row i of the batch before has ended, also in the
        validation data, which are then cut by batch_size as well.

        Ctrl-C ends the training after the step that is under way and returns the history; a second
        one is not held back.

        Args:
            x: inputs, (N, ...).
            y: targets, (N, ...).
            validation: a pair (x, y) to evaluate on, or (x, y, lengths). Cut it off the training
                data (see `datasets.train_test_split`) and keep the test set for the end.
            epochs: how often every row is seen.
            batch_size: rows per step, 1 to N; the last batch of an epoch may be shorter.
            eval_every: evaluate after every so many epochs, and after the last one.
            early_stopping: stop after so many evaluations without a lower validation loss, see
                `EarlyStopping`. However the training ends, unless by an error, the network then
                has the parameters of its best epoch of this call.
            shuffle: draw a new order of the rows for each epoch.
            seed: fixes these orders; None draws fresh ones.
            progress: show a progress bar, if stderr is a terminal.
            lengths: how many steps of each row count, (N,), for recurrent layers.
            bptt: walk the rows (N, T, ...) in pieces of so many steps, with an update after each:
                truncated back-propagation through time. The state is carried from piece to piece,
                not differentiated, and fresh for every batch of rows.
            callbacks: told of batches and epochs, in order; see `diglot.callbacks`. A
                KeyboardInterrupt that one of them raises ends the training as Ctrl-C does; any
                other error is handed on.
            resume_from: a file that `Checkpoint` has written, or its folder, whose latest is taken.
                The training goes on at that step, with the same bits as if it had never ended;
                what this trainer has learned before is given up. Data and settings must be those
                of that training; `epochs` counts those before the checkpoint, too.

        Returns:
            The history of all epochs so far; it is `self.history`.

        Raises:
            TrainingDiverged: the loss became NaN or infinite. The message names epoch, batch and
                likely causes. The update of that batch was not made; should an earlier one have
                spoilt the parameters already, network and optimizer are set back to the beginning
                of the epoch.
            ValueError: the data or a setting does not fit; the message says what was expected.
            ModelFileError: the checkpoint cannot be read, or is of another training.

        Book: chapters 3 and 4.
        """
        told = checked_callbacks(callbacks)
        data = checked("", self.network, x, y, lengths)
        judge = None if validation is None else checked_validation(validation, data, self.network)
        feed = Feed(self.network, data, integer("batch_size", batch_size), bptt)
        epochs = integer("epochs", epochs)
        eval_every = integer("eval_every", eval_every)
        best = self._best_epoch(early_stopping, judge)
        seed = checked_seed(seed)
        rng = np.random.default_rng(seed) if boolean("shuffle", shuffle) else None
        feed.check_order(shuffle, judge)
        progress = boolean("progress", progress)
        self.network.setup(data.x.shape[1:])
        if judge:
            self.network.setup(judge.x.shape[1:])  # refuses steps that a later layer cannot take
            self._try_out(judge)
        fit = Fit(self, Plan(feed, judge, epochs, eval_every, best, rng, told, progress))
        if resume_from is not None:
            resume(fit, resume_from)
        elif self.steps == 0:
            self.schedule_length = {"epoch": epochs, "batch": epochs * feed.steps}
        self.history.interrupted = False
        fit.run()
        return self.history

    def evaluate(
        self,
        x: Array,
        y: Array,
        *,
        batch_size: int = 256,
        lengths: Array | None = None,
        piece: int | None = None,
    ) -> dict[str, float]:
        """Compute the loss and the metrics on some data, in inference mode.

        Recurrent layers begin with a fresh state, and afterwards have the one they had before.

        Args:
            x: inputs, (N, ...).
            y: targets, (N, ...).
            batch_size: rows per forward pass. In a stateful network row i of a batch goes on where
                row i of the batch before has ended, as in `fit`, so it should be that of `fit`.
            lengths: how many steps of each row count, (N,), for recurrent layers.
            piece: steps per forward pass; the result is the same, in less memory.

        Returns:
            {"loss": ..., and each metric by its name}.
        """
        data = checked("", self.network, x, y, lengths)
        network = self.network
        with network.fresh_state():
            if network.stateful and piece is None:
                prediction = predict_in_order(network, data, integer("batch_size", batch_size))
            else:
                prediction = network.predict(data.x, batch_size, lengths=data.lengths, piece=piece)
        prediction, y = counted(prediction, data.y, data.lengths)
        loss = network.loss.forward(prediction, y)
        if not math.isfinite(loss):
            return {"loss": loss, **dict.fromkeys(self.metrics, math.nan)}
        return {"loss": loss, **{name: f(prediction, y) for name, f in self.metrics.items()}}

    def learning_rate(self) -> float:
        """Return the learning rate of the next update."""
        schedule = self.optimizer.lr
        if not isinstance(schedule, Schedule):
            return schedule
        step = self.steps if schedule.per == "batch" else len(self.history)
        return schedule.value(step, self.schedule_length[schedule.per])

    def _try_out(self, validation: Data) -> None:
        """Refuse validation data that do not fit before an epoch is spent on the training data."""
        network, lengths = self.network, validation.lengths
        lengths = None if lengths is None else lengths[:1]
        try:
            with network.fresh_state():
                prediction = network.predict(validation.x[:1], 1, lengths=lengths)
            network.loss.forward(*counted(prediction, validation.y[:1], lengths))
        except ValueError as error:
            raise type(error)(f"in the first row of the validation data: {error}") from error

    def _best_epoch(
        self, rule: int | EarlyStopping | None, validation: Data | None
    ) -> BestEpoch | None:
        if rule is None:
            return None
        if validation is None:
            raise ValueError("early_stopping needs validation=(x, y): data to judge the epochs by")
        if not isinstance(rule, EarlyStopping):
            rule = EarlyStopping(rule)
        return BestEpoch(self.network, rule)


_networks: WeakKeyDictionary[Optimizer, ReferenceType[NeuralNetwork]] = WeakKeyDictionary()


def _claim(optimizer: Optimizer, network: NeuralNetwork) -> None:
    """Keep one network's velocities and means from being applied to another."""
    if _networks.setdefault(optimizer, ref(network))() is not network:
        raise ValueError(
            f"this {type(optimizer).__name__} already trains another network and remembers its "
            "gradients: make one optimizer for each network"
        )


def _named(
    given: Mapping[str, Metric] | Iterable[Metric] | Metric | None, loss: Loss
) -> dict[str, Metric]:
    if given is None:
        return _default_metrics(loss)
    if callable(given):
        given = [given]
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ValueError(
            f"metrics is {brief(given)}, expected functions of (prediction, target), as in "
            "diglot.metrics, or a dict that names them"
        )
    pairs = given.items() if isinstance(given, Mapping) else [(_name_of(f), f) for f in given]
    named: dict[str, Metric] = {}
    for name, metric in pairs:
        if not callable(metric):
            raise ValueError(f"the metric {brief(metric)} is no function of (prediction, target)")
        if not isinstance(name, str):
            raise ValueError(f"a metric is named {brief(name)}, expected a text")
        if name == "loss":
            raise ValueError("'loss' is the loss itself: give the metric another name")
        if name in named:
            raise ValueError(f"two metrics are named {name!r}: give a dict, {{name: metric}}")
        named[name] = metric
    return named


def _default_metrics(loss: Loss) -> dict[str, Metric]:
    if isinstance(loss, SoftmaxCrossEntropy):
        return {"accuracy": metric_functions.accuracy}
    if isinstance(loss, BinaryCrossEntropy):
        return {"accuracy": metric_functions.binary_accuracy}
    if isinstance(loss, MeanSquaredError | MeanAbsoluteError | Huber):
        return {
            "mae": metric_functions.mean_absolute_error,
            "rmse": metric_functions.root_mean_squared_error,
        }
    return {}


def _name_of(metric: Metric) -> str:
    name = getattr(metric, "__name__", None)
    if callable(metric) and not isinstance(name, str):
        raise ValueError(f"the metric {metric!r} has no name: give a dict, {{name: metric}}")
    return str(name)
