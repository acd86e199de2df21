"""Where a training stands, as something that can be written down, and gone on with."""

from __future__ import annotations

import copy
import json
import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import numpy as np

from diglot import serialization
from diglot._typing import Array
from diglot.chance import BitState, Chance, bits_to_json, set_bits
from diglot.difference import difference
from diglot.errors import ModelFileError
from diglot.feeding import Data
from diglot.fitting import Fit
from diglot.history import History
from diglot.serialization import Training
from diglot.standing import COLUMNS, MOST_EPOCHS, Standing, read_standing

SUFFIX = ".safetensors"
"""How the names of checkpoints end; they begin with "step-", and between them is the step."""


def snapshot(fit: Fit) -> Training:
    """Take down where a training stands, between two updates.

    What is not in it are the parameters, and the architecture.

    Raises:
        ValueError: the history has become longer than a checkpoint may be.
    """
    trainer, plan = fit.trainer, fit.plan
    if len(trainer.history) > MOST_EPOCHS:
        raise ValueError(
            f"the history has {len(trainer.history)} epochs, and a checkpoint holds at most "
            f"{MOST_EPOCHS}; train with fewer epochs of more batches"
        )
    optimizer = trainer.optimizer.state()
    steps = optimizer.pop("steps")
    arrays = {f"optimizer.{name}": array for name, array in optimizer.items()}
    arrays |= {f"history.{name}": column for name, column in _columns(trainer.history).items()}
    best = None
    if plan.best is not None:
        best, parameters = plan.best.state()
        arrays |= {f"best.{name}": array for name, array in parameters.items()}
    chance = Chance.of(trainer.network)
    state = chance.state if fit.batch else [None] * len(chance.state)  # an epoch begins afresh
    for layer, parts in enumerate(state):
        arrays |= {f"state.{layer}.{number}": part for number, part in enumerate(parts or ())}
    order: BitState | None = fit.order
    if plan.rng is not None and fit.batch == 0:
        order = plan.rng.bit_generator.state
    history = trainer.history
    facts = {
        "settings": settings(fit),
        "position": {
            "epochs_done": fit.epochs_done,
            "batch": fit.batch,
            "total": fit.total,
            "seen": fit.seen,
            "seconds": fit.seconds,
            "loss": _number(fit.loss),
            "learning_rate": _number(fit.learning_rate),
            "forced_lr": fit.forced_lr,
            "stopped_early": fit.stopped_early,
        },
        "steps": trainer.steps,
        "optimizer_steps": steps,
        "schedule_length": trainer.schedule_length,
        "history": {
            "metrics": list(history.metrics),
            "best_epoch": history.best_epoch,
            "notes": history.notes,
        },
        "best": best,
        "order": None if order is None else bits_to_json(order),
        "generators": [bits_to_json(state) for state in chance.generators],
        "state": [None if parts is None else len(parts) for parts in state],
    }
    return Training(facts, arrays)  # type: ignore[arg-type]


def latest_checkpoint(folder: str | os.PathLike[str]) -> Path | None:
    """Find the checkpoint with the most steps in a folder.

    Args:
        folder: that of a `Checkpoint`; it need not exist.

    Returns:
        Its path, or None if there is none: `fit(resume_from=latest_checkpoint(folder))` begins
        a training or goes on with it.
    """
    return next(reversed(checkpoints(folder)), None)


def checkpoints(folder: str | os.PathLike[str]) -> list[Path]:
    """List the checkpoints in a folder by their steps."""
    files = [path for path in Path(folder).glob(f"step-*{SUFFIX}") if _digits(path).isdecimal()]
    return sorted(files, key=step_of)


def step_of(path: Path) -> int:
    """Tell after how many steps a checkpoint was made."""
    return int(_digits(path))


def _digits(path: Path) -> str:
    return path.name[len("step-") : -len(SUFFIX)]


def resume(fit: Fit, path: str | os.PathLike[str]) -> None:
    """Go on where a checkpoint was made; if it does not fit, nothing has changed.

    Args:
        fit: that has not begun.
        path: of the checkpoint, or of the folder that holds it.

    Raises:
        ModelFileError: it cannot be read, or is of another training.
    """
    if os.path.isdir(path):
        latest = latest_checkpoint(path)
        if latest is None:
            raise ModelFileError(f"{os.fspath(path)}: there is no checkpoint in this folder")
        path = latest
    try:
        _resume(fit, Path(path))
    except ModelFileError as error:
        before = _before(Path(path))
        if before is None or isinstance(error.__cause__, _AnotherTrainingError):
            raise
        raise ModelFileError(f"{error}; the checkpoint before is {before}") from error


@final
class _AnotherTrainingError(ValueError):
    """The checkpoint is sound, but not this training's."""


def _resume(fit: Fit, path: Path) -> None:
    with serialization.open_model(path) as file:
        if file.training is None:
            raise _AnotherTrainingError(
                "this is a model without a training: load it with NeuralNetwork.load"
            )
        _require_same("network", file.architecture, _plain(fit.trainer.network.describe()))
        try:
            _require_same("training", file.training["settings"], settings(fit))
            standing = read_standing(fit, file)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the training in it is damaged: {error!r}") from error
        epochs_done, batch, _ = standing.counted
        under_way = epochs_done + bool(batch)
        if under_way > fit.plan.epochs:
            raise _AnotherTrainingError(
                f"the checkpoint was made in epoch {under_way}, and epochs is {fit.plan.epochs}, "
                f"which counts those before it, too: expected at least {under_way}"
            )
        _put_back(fit, standing)


def _before(path: Path) -> Path | None:
    """Find the checkpoint before one, in its folder."""
    try:
        siblings = checkpoints(path.parent)
    except OSError:
        return None
    return siblings[siblings.index(path) - 1] if path in siblings[1:] else None


def settings(fit: Fit) -> dict[str, Any]:
    """Describe what must be the same where a training goes on, in JSON's types."""
    trainer, plan = fit.trainer, fit.plan
    rule = None if plan.best is None else repr(plan.best.rule)
    if fit.fingerprints is None:
        fit.fingerprints = _fingerprint(plan.feed.data), _fingerprint(plan.validation)
    data, validation = fit.fingerprints
    described = {
        "optimizer": trainer.optimizer.config(),
        "batch_size": plan.feed.batch_size,
        "bptt": plan.feed.bptt,
        "shuffle": plan.rng is not None,
        "eval_every": plan.eval_every,
        "early_stopping": rule,
        "metrics": list(trainer.metrics),
        "data": data,
        "validation": validation,
    }
    return _plain(described)


def _plain(described: Mapping[str, Any]) -> dict[str, Any]:
    """Describe in JSON's types."""
    plain: dict[str, Any] = json.loads(json.dumps(described, default=repr))
    return plain


def _put_back(fit: Fit, standing: Standing) -> None:
    trainer, plan = fit.trainer, fit.plan
    if plan.rng is not None and standing.order is not None:
        set_bits(copy.deepcopy(plan.rng), standing.order)  # refused before anything is changed
    before = Chance.of(trainer.network)
    try:
        standing.chance.restore(trainer.network)
        trainer.optimizer.load_state(standing.memory)
        trainer.network.load_parameters(standing.parameters)
    except BaseException:
        before.restore(trainer.network)
        raise
    if plan.rng is not None and standing.order is not None:
        set_bits(plan.rng, standing.order)
    if plan.best is not None and standing.best is not None:
        plan.best.load_state(standing.best, standing.best_parameters)
    trainer.steps, trainer.history = standing.steps, standing.history
    trainer.schedule_length = standing.schedule_length
    fit.epochs_done, fit.batch, fit.seen = standing.counted
    fit.total, fit.seconds, fit.loss, fit.learning_rate = standing.numbers
    fit.over = fit.stopped_early = standing.stopped_early
    fit.forced_lr, fit.resumed, fit.chance = standing.forced_lr, True, standing.chance
    fit.order = standing.order if fit.batch else None


def _require_same(what: str, found: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    for name, value in own.items():
        if name == "seed":  # what it has drawn is in the checkpoint
            continue
        different = difference(name, found.get(name), value)
        if different is not None:
            raise _AnotherTrainingError(
                f"the checkpoint is of another {what}: {different}; NeuralNetwork.load reads its "
                "parameters, for a new training to begin with"
            )


def _fingerprint(data: Data | None) -> dict[str, Any] | None:
    """Describe arrays so that others are recognised."""
    if data is None:
        return None
    return {
        name: None
        if array is None
        else {
            "shape": list(array.shape),
            "dtype": array.dtype.str,
            "checksum": zlib.crc32(np.ascontiguousarray(array).data),
        }
        for name, array in data._asdict().items()
    }


def _columns(history: History) -> dict[str, Array]:
    """Write a history's numbers as arrays, which have room for any number of epochs."""
    columns: dict[str, list[float | None]] = {
        name: list(getattr(history, name)) for name in COLUMNS
    }
    columns |= {f"metrics.{name}": column for name, column in history.metrics.items()}
    arrays = {}
    for name, column in columns.items():
        arrays[name] = np.array([math.nan if v is None else v for v in column], np.float64)
        arrays[f"{name}:known"] = np.array([v is not None for v in column], np.float64)
    return arrays


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
