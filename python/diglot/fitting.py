"""One training under way: batches through a network, gradients to an optimizer, notes of it all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, Protocol, final

import numpy as np

from diglot._typing import Array
from diglot.chance import BitState, Chance
from diglot.config import real
from diglot.divergence import training_diverged
from diglot.early_stopping import BestEpoch
from diglot.errors import TrainingDiverged
from diglot.feeding import Data, Feed
from diglot.history import History
from diglot.interrupt import InterruptGuard
from diglot.moments import call
from diglot.network import NeuralNetwork
from diglot.optimizers import Optimizer
from diglot.progress import TrainingProgress
from diglot.schedules import Schedule
from diglot.sequences import without_padding


class Trained(Protocol):
    """What a fit needs of its `Trainer`; see there."""

    network: NeuralNetwork
    optimizer: Optimizer
    history: History
    steps: int
    schedule_length: dict[str, int]

    @property
    def metrics(self) -> Mapping[str, Callable[[Array, Array], float]]:
        """What an evaluation computes beside the loss, by name."""

    def learning_rate(self) -> float:
        """Return the learning rate of the next update."""

    def evaluate(
        self,
        x: Array,
        y: Array,
        *,
        batch_size: int,
        lengths: Array | None,
        piece: int | None,
    ) -> dict[str, float]:
        """Compute the loss and the metrics."""


class Plan(NamedTuple):
    """What a training was asked for, checked.

    Attributes:
        feed: the data, cut into steps.
        validation: what the epochs are judged by.
        epochs: how often every row is seen.
        eval_every: epochs between two evaluations.
        best: the best epoch so far, if early stopping was asked for.
        rng: draws the orders of the rows; None keeps theirs.
        callbacks: who is told.
        progress: whether a bar is shown.
    """

    feed: Feed
    validation: Data | None
    epochs: int
    eval_every: int
    best: BestEpoch | None
    rng: np.random.Generator | None
    callbacks: Sequence[object]
    progress: bool


class _Start(NamedTuple):
    """Where an epoch began."""

    parameters: dict[str, Array]
    optimizer: dict[str, Array | int]
    steps: int


@final
class Fit:
    """One `Trainer.fit` while it runs: what a callback gets to see.

    Attributes:
        trainer: with its network, optimizer, history and number of steps.
        plan: what was asked for.
        epochs_done: how many epochs of this fit have ended.
        batch: how many batches of the epoch under way have ended.
        loss: of that batch, the mean over its rows.
        learning_rate: of that batch's update.
        resumed: whether this fit goes on where a checkpoint was made.
        over: whether early stopping, or `stop`, has ended it.
        stopped_early: whether it was early stopping.
        error: what has ended it against its will: Ctrl-C or an error.

    Book: chapters 3 and 4.
    """

    def __init__(self, trainer: Trained, plan: Plan) -> None:
        self.trainer = trainer
        self.plan = plan
        self.epochs_done = 0
        self.batch = 0
        self.loss = math.nan
        self.learning_rate = math.nan
        self.resumed = False
        self.over = self.stopped_early = False
        self.forced_lr: float | None = None  # what `set_learning_rate` has set
        self.error: BaseException | None = None
        self.order: BitState | None = None  # the generator of orders, as the epoch began
        self.total, self.seen = 0.0, 0  # loss times rows, and rows, of the epoch so far
        self.seconds = 0.0  # of the epoch so far, without callbacks
        self.chance: Chance | None = None  # to go on with after the batches that are skipped
        self.fingerprints: tuple[object, object] | None = None  # of the data, for checkpoints

    @property
    def batches(self) -> int:
        """How many updates an epoch has."""
        return self.plan.feed.steps

    @property
    def mean_loss(self) -> float:
        """The mean loss over the rows of the epoch so far."""
        return self.total / self.seen if self.seen else math.nan

    def stop(self, why: str) -> None:
        """End the training after the batch or epoch that is under way.

        Args:
            why: a note for the history.
        """
        self.over = True
        self._note(why)

    def set_learning_rate(self, lr: float) -> None:
        """Take another learning rate for the rest of this fit, instead of the optimizer's.

        Args:
            lr: at least 0.

        Raises:
            ValueError: it is no such number.
        """
        self.forced_lr = real("lr", lr, least=0)

    def run(self) -> None:
        """Train to the end, or to Ctrl-C."""
        trainer, plan = self.trainer, self.plan
        with (
            InterruptGuard() as guard,
            TrainingProgress(plan.epochs, self.batches, show=plan.progress) as bar,
            np.errstate(over="ignore", invalid="ignore"),  # every loss is looked at instead
        ):
            self._bar, self._guard = bar, guard
            try:
                with self._told():
                    while self.epochs_done < plan.epochs and not self.over:
                        self._run_epoch()
                        guard.check()
            except KeyboardInterrupt:
                trainer.history.interrupted = True
                self._note("interrupted")
            if plan.best:
                plan.best.restore()
                trainer.history.best_epoch = plan.best.epoch

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell the callbacks of the beginning and, however it comes, of the end."""
        begun = []
        try:
            for callback in self.plan.callbacks:
                begun.append(callback)
                call([callback], "on_fit_begin", self)
            yield
        except BaseException as error:
            self.error = error
            raise
        finally:
            with ExitStack() as all_of_them:  # one that fails does not keep the others from it
                for callback in reversed(begun):
                    all_of_them.callback(call, [callback], "on_fit_end", self)

    def _run_epoch(self) -> None:
        trainer, plan = self.trainer, self.plan
        epoch = self.epochs_done + 1
        self._bar.begin(epoch)
        self._train_epoch()
        if self.batch < self.batches:  # a callback has ended it
            return
        due = epoch % plan.eval_every == 0 or epoch == plan.epochs
        values = self._evaluate(plan.validation) if plan.validation and due else {}
        loss = self.mean_loss
        trainer.history.append(
            loss=loss, learning_rate=self.learning_rate, seconds=self.seconds, evaluation=values
        )
        self._bar.evaluated(loss, values)
        if plan.best and values and plan.best.judge(len(trainer.history), values["loss"]):
            self.stopped_early = True
            self.stop("stopped early")
        self.epochs_done, self.batch, self.order = epoch, 0, None
        self.total, self.seen, self.seconds = 0.0, 0, 0.0
        call(plan.callbacks, "on_epoch_end", self)

    def _train_epoch(self) -> None:
        """See every row once, or those that are left."""
        trainer, plan = self.trainer, self.plan
        network, optimizer = trainer.network, trainer.optimizer
        parameters = network.flat_parameters()
        start = _Start(network.copy_parameters(), optimizer.state(), trainer.steps)
        lr = self._lr()
        every_batch = isinstance(optimizer.lr, Schedule) and optimizer.lr.per == "batch"
        if plan.rng is not None and self.order is None:
            self.order = plan.rng.bit_generator.state
        with plan.feed.epoch(plan.rng, skip=self.batch) as steps:
            if self.chance is not None:
                self.chance.restore(network)
                self.chance = None
            started = time.perf_counter()
            for x, y, lengths in steps:
                if every_batch or self.forced_lr is not None:
                    lr = self._lr()
                number = self.batch + 1
                loss = network.train_batch(x, y, lengths=lengths)
                if not math.isfinite(loss):
                    what = f"the loss is {loss} in {self._place(number)}{self._set_back(start)}"
                    raise self._diverged(what, lr, plan.feed.data)
                optimizer.step(parameters, network.gradients(), lr)
                trainer.steps += 1
                self.batch, self.loss, self.learning_rate = number, loss, lr
                self.total += loss * network.loss.rows
                self.seen += network.loss.rows
                self._bar.step(number, self.mean_loss)
                self.seconds += time.perf_counter() - started
                call(plan.callbacks, "on_batch_end", self)
                self._guard.check()
                if self.over:
                    return
                started = time.perf_counter()
        if set_back := self._set_back(start):
            what = f"the update of {self._place(self.batch)} failed{set_back}"
            raise self._diverged(what, lr, plan.feed.data)

    def _set_back(self, start: _Start) -> str:
        """Go back to the epoch's beginning if parameters are no longer finite, and say so."""
        trainer = self.trainer
        parameters = trainer.network.parameters()
        broken = [name for name, param in parameters.items() if not np.isfinite(param).all()]
        if not broken:
            return ""
        trainer.network.load_parameters(start.parameters)
        trainer.optimizer.load_state(start.optimizer)
        trainer.steps = start.steps
        return (
            f"; NaN or infinity had reached the parameters {', '.join(broken)}, and the network "
            "was set back to the beginning of the epoch"
        )

    def _evaluate(self, data: Data) -> dict[str, float]:
        trainer, feed = self.trainer, self.plan.feed
        rows = feed.batch_size if trainer.network.stateful else 256
        piece = feed.bptt if data.lengths is None else None
        values = trainer.evaluate(
            data.x, data.y, batch_size=rows, lengths=data.lengths, piece=piece
        )
        if not math.isfinite(values["loss"]):
            epoch = len(trainer.history) + 1
            what = f"the validation loss is {values['loss']} after epoch {epoch}"
            raise self._diverged(what, self.learning_rate, data)
        return values

    def _lr(self) -> float:
        return self.trainer.learning_rate() if self.forced_lr is None else self.forced_lr

    def _place(self, batch: int) -> str:
        return f"epoch {len(self.trainer.history) + 1}, batch {batch}"

    def _note(self, what: str) -> None:
        trainer = self.trainer
        note = f"{what} after epoch {len(trainer.history)}, step {trainer.steps}"
        trainer.history.notes.append(note)
        self._bar.say(note)

    def _diverged(self, what: str, lr: float, data: Data) -> TrainingDiverged:
        x, y, lengths = data
        if lengths is not None and y.shape[:2] == x.shape[:2]:
            y = without_padding(y, lengths)
        x = without_padding(x, lengths)
        trainer = self.trainer
        tokens = trainer.network.layers[0].takes_integers
        return training_diverged(
            what, lr, optimizer=trainer.optimizer, inputs=x, targets=y, tokens=tokens
        )
