"""The training loop: batches through a network, gradients to an optimizer, and notes of it all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias, final
from weakref import ReferenceType, WeakKeyDictionary, ref

import numpy as np

from diglot import metrics as metric_functions
from diglot._typing import Array
from diglot.config import boolean, brief, checked_seed, integer
from diglot.divergence import training_diverged
from diglot.early_stopping import BestEpoch, EarlyStopping
from diglot.errors import TrainingDiverged
from diglot.feeding import Data, Feed, checked, checked_validation, predict_in_order
from diglot.history import History
from diglot.interrupt import InterruptGuard
from diglot.losses import (
    BinaryCrossEntropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from diglot.network import NeuralNetwork
from diglot.optimizers import Optimizer
from diglot.progress import TrainingProgress
from diglot.schedules import Schedule
from diglot.sequences import counted, without_padding

Metric: TypeAlias = Callable[[Array, Array], float]
"""A function of (prediction, target), as in `diglot.metrics`."""


class _Checkpoint(NamedTuple):
    """Where to go back to."""

    parameters: dict[str, Array]
    optimizer: dict[str, Array | int]
    steps: int


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
        self._schedule_length: dict[str, int] = {}  # of the first fit, by what is counted

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
        after_epoch: Callable[[History], None] | None = None,
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
            after_epoch: called with the history after each epoch, and its evaluation if there is
                one. A KeyboardInterrupt that it raises ends the training as Ctrl-C does; any other
                error is handed on.

        Returns:
            The history of all epochs so far; it is `self.history`.

        Raises:
            TrainingDiverged: the loss became NaN or infinite. The message names epoch, batch and
                likely causes. The update of that batch was not made; should an earlier one have
                spoilt the parameters already, network and optimizer are set back to the beginning
                of the epoch.
            ValueError: the data or a setting does not fit; the message says what was expected.

        Book: chapters 3 and 4.
        """
        if after_epoch is not None and not callable(after_epoch):
            raise ValueError(
                f"after_epoch is {brief(after_epoch)}, expected a function of the history"
            )
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
        if self.steps == 0:
            self._schedule_length = {"epoch": epochs, "batch": epochs * feed.steps}
        self.history.interrupted = False

        with (
            InterruptGuard() as guard,
            TrainingProgress(epochs, feed.steps, show=progress) as bar,
            np.errstate(over="ignore", invalid="ignore"),  # every loss is looked at instead
        ):
            try:
                for epoch in range(1, epochs + 1):
                    bar.begin(epoch)
                    started = time.perf_counter()
                    loss, lr = self._train_epoch(feed, rng, bar, guard)
                    seconds = time.perf_counter() - started
                    due = epoch % eval_every == 0 or epoch == epochs
                    values = self._evaluate_epoch(judge, feed, lr) if judge and due else {}
                    self.history.append(
                        loss=loss, learning_rate=lr, seconds=seconds, evaluation=values
                    )
                    bar.evaluated(loss, values)
                    over = best and values and best.judge(len(self.history), values["loss"])
                    if after_epoch is not None:
                        after_epoch(self.history)
                    if over:
                        self._note("stopped early", bar)
                        break
                    guard.check()
            except KeyboardInterrupt:
                self.history.interrupted = True
                self._note("interrupted", bar)
            if best:
                best.restore()
                self.history.best_epoch = best.epoch
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

    def _train_epoch(
        self,
        feed: Feed,
        rng: np.random.Generator | None,
        bar: TrainingProgress,
        guard: InterruptGuard,
    ) -> tuple[float, float]:
        """See every row once; return the mean loss and the last learning rate."""
        network, optimizer = self.network, self.optimizer
        parameters = network.flat_parameters()
        start = _Checkpoint(network.copy_parameters(), optimizer.state(), self.steps)
        lr = self._learning_rate()
        every_batch = isinstance(optimizer.lr, Schedule) and optimizer.lr.per == "batch"
        total, seen = 0.0, 0
        with feed.epoch(rng) as steps:
            for number, (x, y, lengths) in enumerate(steps, 1):
                if every_batch:
                    lr = self._learning_rate()
                loss = network.train_batch(x, y, lengths=lengths)
                if not math.isfinite(loss):
                    what = f"the loss is {loss} in {self._place(number)}{self._set_back(start)}"
                    raise self._diverged(what, lr, feed.data)
                optimizer.step(parameters, network.gradients(), lr)
                self.steps += 1
                total += loss * network.loss.rows
                seen += network.loss.rows
                bar.step(number, total / seen)
                guard.check()
        if set_back := self._set_back(start):
            what = f"the update of {self._place(number)} failed{set_back}"
            raise self._diverged(what, lr, feed.data)
        return total / seen, lr

    def _set_back(self, start: _Checkpoint) -> str:
        """Go back to the epoch's beginning if parameters are no longer finite, and say so."""
        parameters = self.network.parameters()
        broken = [name for name, param in parameters.items() if not np.isfinite(param).all()]
        if not broken:
            return ""
        self.network.load_parameters(start.parameters)
        self.optimizer.load_state(start.optimizer)
        self.steps = start.steps
        return (
            f"; NaN or infinity had reached the parameters {', '.join(broken)}, and the network "
            "was set back to the beginning of the epoch"
        )

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

    def _evaluate_epoch(self, data: Data, feed: Feed, lr: float) -> dict[str, float]:
        rows = feed.batch_size if self.network.stateful else 256
        piece = feed.bptt if data.lengths is None else None
        values = self.evaluate(data.x, data.y, batch_size=rows, lengths=data.lengths, piece=piece)
        if not math.isfinite(values["loss"]):
            what = f"the validation loss is {values['loss']} after epoch {len(self.history) + 1}"
            raise self._diverged(what, lr, data)
        return values

    def _learning_rate(self) -> float:
        schedule = self.optimizer.lr
        if not isinstance(schedule, Schedule):
            return schedule
        step = self.steps if schedule.per == "batch" else len(self.history)
        return schedule.value(step, self._schedule_length[schedule.per])

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

    def _place(self, batch: int) -> str:
        return f"epoch {len(self.history) + 1}, batch {batch}"

    def _note(self, what: str, bar: TrainingProgress) -> None:
        note = f"{what} after epoch {len(self.history)}, step {self.steps}"
        self.history.notes.append(note)
        bar.say(note)

    def _diverged(self, what: str, lr: float, data: Data) -> TrainingDiverged:
        x, y, lengths = data
        if lengths is not None and y.shape[:2] == x.shape[:2]:
            y = without_padding(y, lengths)
        x = without_padding(x, lengths)
        tokens = self.network.layers[0].takes_integers
        return training_diverged(
            what, lr, optimizer=self.optimizer, inputs=x, targets=y, tokens=tokens
        )


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
