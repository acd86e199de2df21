"""Where a training stands, as something that can be written down, and gone on with."""

from __future__ import annotations

import copy
import json
import math
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from diglot import serialization
from diglot._typing import Array
from diglot.chance import BitState, Chance, bits_from_json, bits_to_json, set_bits
from diglot.config import brief, integer, real
from diglot.errors import ModelFileError
from diglot.feeding import Data
from diglot.fitting import Fit
from diglot.history import History
from diglot.serialization import Training

SUFFIX = ".safetensors"
"""How the names of checkpoints end; they begin with "step-", and between them is the step."""

_COLUMNS = ("loss", "learning_rate", "seconds", "validation_loss")


def snapshot(fit: Fit) -> Training:
    """Take down where a training stands, between two updates.

    What is not in it are the parameters, and the architecture.
    """
    trainer, plan = fit.trainer, fit.plan
    optimizer = trainer.optimizer.state()
    steps = optimizer.pop("steps")
    arrays = {f"optimizer.{name}": array for name, array in optimizer.items()}
    arrays |= {f"history.{name}": column for name, column in _columns(trainer.history).items()}
    best = None
    if plan.best is not None:
        best, parameters = plan.best.state()
        arrays |= {f"best.{name}": array for name, array in parameters.items()}
    chance = Chance.of(trainer.network)
    for layer, parts in enumerate(chance.state):
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
        "state": [None if parts is None else len(parts) for parts in chance.state],
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
    network = fit.trainer.network
    with serialization.open_model(path) as file:
        if file.training is None:
            raise ValueError("this is a model without a training: load it with NeuralNetwork.load")
        _require_same_network(file.architecture, network.describe())
        shapes = {name: array.shape for name, array in network.parameters().items()}
        file.require(shapes, network.dtype)
        parameters = {name: file.read(name) for name in shapes}
        try:
            _put_back(fit, parameters, Training(file.training, file.read_training()))
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"the training in it is damaged: {error!r}") from error


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
    plain: dict[str, Any] = json.loads(json.dumps(described, default=repr))
    return plain


def _put_back(fit: Fit, parameters: dict[str, Array], training: Training) -> None:
    facts, arrays = training
    trainer, plan, position = fit.trainer, fit.plan, facts["position"]
    _require_same_settings(facts["settings"], settings(fit))
    optimizer = _group(arrays, "optimizer")
    for key, array in optimizer.items():
        _, _, name = key.partition(".")
        if name not in parameters or array.shape != parameters[name].shape:
            raise ValueError(f"the optimizer's {brief(key)} fits no parameter of the network")
    best_parameters = _group(arrays, "best")
    if best_parameters and best_parameters.keys() != parameters.keys():
        raise ValueError("the best epoch's parameters are not those of the network")
    history = _history(facts["history"], _group(arrays, "history"))
    counted = {"epochs_done": 0, "batch": fit.batches, "seen": 0}
    for name, most in counted.items():
        if type(position[name]) is not int or not 0 <= position[name] <= (most or position[name]):
            raise ValueError(f"the training's {name} is {brief(position[name])}")
    chance = Chance(
        [bits_from_json(state) for state in facts["generators"]],
        [
            None if parts is None else tuple(arrays[f"state.{i}.{k}"] for k in range(parts))
            for i, parts in enumerate(facts["state"])
        ],
    )
    order = None if plan.rng is None else bits_from_json(facts["order"])
    if plan.rng is not None and order is not None:
        set_bits(copy.deepcopy(plan.rng), order)  # refused before anything is changed
    lengths = {name: int(facts["schedule_length"][name]) for name in ("epoch", "batch")}
    total, seconds = real("total", position["total"]), real("seconds", position["seconds"])
    loss, rate = _nan(position["loss"]), _nan(position["learning_rate"])
    forced = position["forced_lr"]
    forced = None if forced is None else real("forced_lr", forced, least=0)
    steps, over = integer("steps", facts["steps"], least=0), bool(position["stopped_early"])
    if plan.best is not None:
        plan.best.load_state(facts["best"], best_parameters)
    before = Chance.of(trainer.network)
    try:
        chance.restore(trainer.network)
        trainer.optimizer.load_state({"steps": facts["optimizer_steps"], **optimizer})
        trainer.network.load_parameters(parameters)
    except BaseException:
        before.restore(trainer.network)
        raise
    if plan.rng is not None and order is not None:
        set_bits(plan.rng, order)
    trainer.steps, trainer.history, trainer.schedule_length = steps, history, lengths
    fit.epochs_done, fit.batch, fit.seen = (position[name] for name in counted)
    fit.total, fit.seconds, fit.loss, fit.learning_rate = total, seconds, loss, rate
    fit.over = fit.stopped_early = over
    fit.forced_lr, fit.resumed, fit.chance = forced, True, chance
    fit.order = order if fit.batch else None


def _require_same_network(found: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    plain = json.loads(json.dumps(own))
    for name in plain.keys() - {"seed"}:  # what the seed has drawn is in the checkpoint
        if found.get(name) != plain[name]:
            raise ValueError(
                f"the checkpoint is of another network: its {name} is {brief(found.get(name))}, "
                f"here it is {brief(plain[name])}"
            )


def _require_same_settings(found: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    for name, value in own.items():
        if found.get(name) != value:
            raise ValueError(
                f"the checkpoint is of another training: its {name} is {brief(found.get(name))}, "
                f"here it is {brief(value)}"
            )


def _fingerprint(data: Data | None) -> list[Any] | None:
    """Describe arrays so that others are recognised: shape, type and a checksum of the bytes."""
    if data is None:
        return None
    return [
        None
        if array is None
        else [list(array.shape), array.dtype.str, zlib.crc32(np.ascontiguousarray(array).data)]
        for array in data
    ]


def _columns(history: History) -> dict[str, Array]:
    """Write a history's numbers as arrays, which have room for any number of epochs."""
    columns: dict[str, list[float | None]] = {
        name: list(getattr(history, name)) for name in _COLUMNS
    }
    columns |= {f"metrics.{name}": column for name, column in history.metrics.items()}
    arrays = {}
    for name, column in columns.items():
        arrays[name] = np.array([math.nan if v is None else v for v in column], np.float64)
        arrays[f"{name}:known"] = np.array([v is not None for v in column], np.float64)
    return arrays


def _history(facts: Mapping[str, Any], arrays: Mapping[str, Array]) -> History:
    def column(name: str) -> list[Any]:
        values, known = arrays[name].tolist(), arrays[f"{name}:known"].tolist()
        return [value if is_known else None for value, is_known in zip(values, known, strict=True)]

    history = History(
        loss=column("loss"),
        learning_rate=column("learning_rate"),
        seconds=column("seconds"),
        validation_loss=column("validation_loss"),
        epoch=list(range(1, len(arrays["loss"]) + 1)),
        metrics={name: column(f"metrics.{name}") for name in facts["metrics"]},
        best_epoch=facts["best_epoch"],
        notes=[str(note) for note in facts["notes"]],
    )
    rows = {len(column) for column in (history.seconds, history.validation_loss)}
    rows |= {len(history.learning_rate), *map(len, history.metrics.values())}
    if rows != {len(history)}:
        raise ValueError("the columns of the history are of different lengths")
    return history


def _group(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    start = f"{prefix}."
    return {n.removeprefix(start): array for n, array in arrays.items() if n.startswith(start)}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
