"""What a checkpoint says of a training, checked before it is read, and before anything changes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from diglot._typing import Array, DType, Shape
from diglot.chance import BitState, Chance, bits_from_json
from diglot.config import boolean, brief, integer, real
from diglot.fitting import Fit
from diglot.history import History
from diglot.serialization import ModelFile

COLUMNS = ("loss", "learning_rate", "seconds", "validation_loss")
"""A history's columns, beside those of the metrics."""

MOST_EPOCHS = 1 << 20
"""The longest history that is read."""

_Kind: TypeAlias = tuple[Shape, DType]
_States: TypeAlias = list[tuple[Shape, ...] | None]


class Standing(NamedTuple):
    """Where a training stands; the names are those of `Fit` and `Trainer`.

    Attributes:
        counted: epochs_done, batch, seen.
        numbers: total, seconds, loss, learning_rate.
        memory: the optimizer's state.
        best: what early stopping knows, in JSON's types.
        best_parameters: those of the best epoch; empty if there is none.
    """

    parameters: dict[str, Array]
    counted: tuple[int, int, int]
    numbers: tuple[float, float, float, float]
    forced_lr: float | None
    stopped_early: bool
    steps: int
    schedule_length: dict[str, int]
    memory: dict[str, Array | int]
    history: History
    best: Mapping[str, Any] | None
    best_parameters: dict[str, Array]
    order: BitState | None
    chance: Chance


def read_standing(fit: Fit, file: ModelFile) -> Standing:
    """Read where a training stands.

    Args:
        fit: that is to go on.
        file: a checkpoint of the same network, with the same settings.

    Raises:
        ValueError: something is missing, left over, or not what it can be.
    """
    facts = _mapping("training", file.training)
    network = fit.trainer.network
    position = _mapping("position", facts["position"])
    shapes = {name: array.shape for name, array in network.parameters().items()}
    # All is named and bounded before an array is read: what is wrong here costs no memory.
    batch = _integer(position, "batch", most=fit.batches)
    states = _checked_states(fit, facts["state"], batch)
    rows = _require_arrays(fit, file.training_arrays(), facts, states)
    counted = _integer(position, "epochs_done", most=rows), batch, _integer(position, "seen")
    numbers = (
        real("total", position["total"]),
        real("seconds", position["seconds"], least=0),
        _number_or_nan("loss", position["loss"]),
        _number_or_nan("learning_rate", position["learning_rate"]),
    )
    forced = position["forced_lr"]
    forced = None if forced is None else real("forced_lr", forced, least=0)
    stopped = boolean("stopped_early", position["stopped_early"])
    steps, lengths = _integer(facts, "steps"), _mapping("schedule_length", facts["schedule_length"])
    schedule = {name: _integer(lengths, name, least=1) for name in ("epoch", "batch")}
    best = None if fit.plan.best is None else _checked_best(facts["best"], rows)
    order = None if fit.plan.rng is None else bits_from_json(_mapping("order", facts["order"]))
    generators = [bits_from_json(_mapping("generator", one)) for one in facts["generators"]]
    memory_steps = _integer(facts, "optimizer_steps")

    file.require(shapes, network.dtype)
    parameters = {name: file.read(name) for name in shapes}
    arrays = file.read_training()
    memory, best_parameters = _group(arrays, "optimizer"), _group(arrays, "best")
    for name, array in (parameters | arrays).items():
        if name.startswith("optimizer."):  # infinity is where a large gradient was squared
            broken = bool(np.isnan(array).any())
        else:
            broken = not (name.startswith("history.") or np.isfinite(array).all())
        if broken:
            raise ValueError(
                f"{brief(name)} holds NaN or infinity: no training goes on from there; take an "
                "earlier checkpoint"
            )
    carried = [
        None if one is None else tuple(arrays[_state_name(i, k)] for k in range(len(one)))
        for i, one in enumerate(states)
    ]
    return Standing(
        parameters,
        counted,
        numbers,
        forced,
        stopped,
        steps,
        schedule,
        {"steps": memory_steps, **memory},
        _history(facts["history"], _group(arrays, "history"), rows),
        best,
        best_parameters,
        order,
        Chance(generators, carried),
    )


def _require_arrays(
    fit: Fit, found: Mapping[str, _Kind], facts: Mapping[str, Any], states: _States
) -> int:
    """Compare names, shapes and types of all arrays with what they can be; return the epochs."""
    network, optimizer = fit.trainer.network, fit.trainer.optimizer
    shapes = {name: array.shape for name, array in network.parameters().items()}
    allowed: dict[str, _Kind] = {
        f"optimizer.{kind}.{name}": (shape, network.dtype)
        for kind in optimizer.memories
        for name, shape in shapes.items()
    }
    required: dict[str, _Kind] = {}
    if fit.plan.best is not None and _mapping("best", facts["best"])["epoch"] is not None:
        required |= {f"best.{name}": (shape, network.dtype) for name, shape in shapes.items()}
    rows = found.get("history.loss", ((0,), network.dtype))[0]
    if len(rows) != 1 or rows[0] > MOST_EPOCHS:
        raise ValueError(f"the history's loss has shape {brief(rows)}, expected (epochs,)")
    metrics = [f"metrics.{name}" for name in _metrics(facts["history"])]
    for name in (*COLUMNS, *metrics):
        required[f"history.{name}"] = required[f"history.{name}:known"] = rows, np.dtype("<f8")
    required |= {
        _state_name(i, k): (shape, network.dtype)
        for i, one in enumerate(states)
        for k, shape in enumerate(one or ())
    }
    missing, unknown = required.keys() - found.keys(), found.keys() - {*required, *allowed}
    if missing or unknown:
        what = "lacks" if missing else "has no use for"
        raise ValueError(f"the training {what} the array {brief(min(missing or unknown))}")
    known = allowed | required
    for name, (shape, dtype) in found.items():
        expected, kind = known[name]
        if shape != expected or dtype != kind:
            raise ValueError(
                f"the training's {brief(name)} has shape {brief(shape)} in {dtype}, expected "
                f"{expected} in {kind}"
            )
    return rows[0]


def _checked_states(fit: Fit, given: object, batch: int) -> _States:
    """Find the shapes of what recurrent layers carry: a row for each of the batch before."""
    network = fit.trainer.network
    shapes = network.state_shapes(fit.plan.feed.rows_of(batch) if batch else 0)
    expected = [len(one) for one in shapes]
    if not isinstance(given, list) or len(given) != len(expected):
        raise ValueError(f"the state is {brief(given)}, expected {len(expected)} entries")
    states: _States = []
    for parts, known, one in zip(given, expected, shapes, strict=True):
        if parts is not None and (type(parts) is not int or parts != known or not batch):
            raise ValueError(
                f"the state of a recurrent layer has {brief(parts)} parts, expected {known}, or "
                "null; it is null where an epoch begins"
            )
        states.append(None if parts is None else one)
    return states


def _state_name(layer: int, part: int) -> str:
    return f"state.{layer}.{part}"


def _checked_best(facts: object, epochs: int) -> Mapping[str, Any]:
    known = _mapping("best", facts)
    if known["epoch"] is not None:
        _integer(known, "epoch", least=1, most=epochs)
    _integer(known, "waited")
    for name in ("loss", "reference"):
        if known[name] is not None:
            real(name, known[name])
    return known


def _metrics(facts: object) -> list[str]:
    names = _mapping("history", facts)["metrics"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"the history's metrics are {brief(names)}, expected a list of names")
    if len(set(names)) < len(names):
        raise ValueError("the history has a metric twice")
    return names


def _history(facts: Mapping[str, Any], arrays: Mapping[str, Array], rows: int) -> History:
    def column(name: str, *, complete: bool = False) -> list[Any]:
        values, known = arrays[name], arrays[f"{name}:known"]
        whole = np.isfinite(values).all() if complete else np.isfinite(values[known == 1]).all()
        if not (np.isin(known, (0, 1)).all() and (whole or name.startswith("metrics."))):
            raise ValueError(f"the history's {brief(name)} holds what is no number")
        if complete and not known.all():
            raise ValueError(f"the history's {name} has gaps")
        listed = zip(values.tolist(), known.tolist(), strict=True)
        return [value if is_known else None for value, is_known in listed]

    best, notes = facts["best_epoch"], facts["notes"]
    if best is not None:
        _integer(facts, "best_epoch", least=1, most=rows)
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise ValueError(f"the history's notes are {brief(notes)}, expected texts")
    return History(
        loss=column("loss", complete=True),
        learning_rate=column("learning_rate", complete=True),
        seconds=column("seconds", complete=True),
        validation_loss=column("validation_loss"),
        epoch=list(range(1, rows + 1)),
        metrics={name: column(f"metrics.{name}") for name in facts["metrics"]},
        best_epoch=best,
        notes=list(notes),
    )


def _group(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    start = f"{prefix}."
    return {n.removeprefix(start): array for n, array in arrays.items() if n.startswith(start)}


def _mapping(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"the {name} is {brief(value)}, expected an object")
    return value


def _integer(facts: Mapping[str, Any], name: str, *, least: int = 0, most: int = 1 << 62) -> int:
    return integer(f"the training's {name}", facts[name], least=least, below=most + 1)


def _number_or_nan(name: str, value: object) -> float:
    return math.nan if value is None else real(name, value)
