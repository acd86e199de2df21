"""How far a kernel's results may lie from the truth, and where they lie farthest.

The truth is the reference kernel evaluated in float64 on the same numbers. A result may differ by

    8 * terms * eps * scale + floor

where `terms` rounded terms were summed (the case says how many), eps is that of the result's dtype
and `scale` is the size of the terms: the same kernel applied to the arguments' magnitudes, so that
terms which cancel in the result still count. Where that is not the right size, `SCALES` says what
is, and why. `floor` is a few of the smallest subnormal numbers; for kernels that call exp it is the
smallest normal number, because what exp loses below that is not worth a slower exp.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from diglot._typing import Array, DType
from diglot.kernels import reference
from diglot.kernels.cases import ROLES
from diglot.kernels.draw import Arguments, Case
from diglot.kernels.recurrent_scales import SCALES as RECURRENT_SCALES

Outputs: TypeAlias = dict[str, Array]
"""What a kernel returned or changed, by name."""


def call(function: Callable[..., Any], arguments: Arguments, calls: int = 1) -> Outputs:
    """Call a kernel on copies of what it may change, and collect its results.

    Returns:
        "output", or "output 0", "output 1", ... of a kernel that returns several; of one that works
        in place, the changed arrays under their own names.
    """
    targets = {n: a.copy() for n, a in arguments.items() if ROLES.get(n) == "target"}
    arguments = arguments | targets
    result = None
    for _ in range(calls):
        result = function(**arguments)
        if "step" in arguments:
            arguments = arguments | {"step": arguments["step"] + 1}
    if targets:
        return targets
    if isinstance(result, tuple):
        return {f"output {i}": np.asarray(part) for i, part in enumerate(_flat(result))}
    return {"output": np.asarray(result)}


def _flat(parts: tuple[Any, ...]) -> Iterator[Any]:
    """List what a kernel returned, and what it returned as a group, in order."""
    for part in parts:
        yield from _flat(part) if isinstance(part, tuple) else (part,)


def in_float64(arguments: Arguments) -> Arguments:
    """Widen the floating arrays among a kernel's arguments."""

    def wide(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(wide, value))
        floating = isinstance(value, np.ndarray) and value.dtype.kind == "f"
        return value.astype(np.float64) if floating else value

    return {name: wide(value) for name, value in arguments.items()}


# ---- the size of the terms -----------------------------------------------------------------------


def _magnitudes(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """Sums and products: the kernel itself, of magnitudes."""
    sizes = {
        n: abs(v) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for n, v in a.items()
    }
    return list(call(getattr(reference, kernel), sizes, calls).values())


def _result(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """Nothing cancels: relative to the result."""
    return [abs(value) for value in y.values()]


def _exact(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """Nothing is rounded."""
    return [np.zeros(value.shape) for value in y.values()]


def _tanh_backward(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """1 - y² cancels near y = 1: relative to its two terms."""
    return [abs(a["dy"]) * (1 + a["y"] ** 2)]


def _sigmoid_backward(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """1 - y cancels near y = 1: relative to its two terms."""
    return [abs(a["dy"] * a["y"]) * (1 + abs(a["y"]))]


def _gelu_forward(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """In the left tail, Phi magnifies the rounding of x by x²: relative to that."""
    tail = np.clip(a["x"], -50, 0)
    return [abs(y["output"]) * (2 + tail**2 / 2)]


def _gelu_backward(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """Phi and x*phi cancel near x = -0.75, and both magnify the rounding of x by x²."""
    x = np.clip(a["x"], -50, 50)
    Phi = reference.gelu_backward(np.ones_like(x), x) - x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    x_phi = abs(x) * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return [abs(a["dy"]) * (abs(Phi) + x_phi) * (2 + np.minimum(x**2, 50**2) / 2)]


def _softmax(x: Array, p: Array) -> Array:
    """The rounding of x - max(x) appears in p as often as its size; K terms are summed."""
    K = max(x.shape[-1], 1)
    distance = x.max(axis=-1, keepdims=True, initial=-np.inf) - x
    scale: Array = p * (1 + np.minimum(np.nan_to_num(distance), 1e3) / K)
    return scale


def _softmax_forward(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    return [_softmax(a["x"], y["output"])]


def _softmax_backward(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """The two terms of dy - sum(dy*y) cancel: relative to their sizes."""
    dy, p = abs(a["dy"]), abs(a["y"])
    return [p * (dy + (dy * p).sum(axis=-1, keepdims=True))]


def _cross_entropy_forward(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """The loss is a mean of differences between logits: relative to 1 and those."""
    x, N = a["logits"], len(a["labels"])
    distance = x.max(axis=-1, initial=-np.inf) - x[np.arange(N), a["labels"]]
    return [1 + distance.sum() / max(N, 1), _softmax(x, y["output 1"])]


def _cross_entropy_backward(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """p - 1 cancels near p = 1: relative to its two terms."""
    return [(abs(a["probabilities"]) + 1) / max(len(a["labels"]), 1)]


def _optimizer(kernel: str, a: Arguments, y: Outputs, calls: int) -> list[Array]:
    """The step, with every term of it pulling the same way."""
    decay = a.get("weight_decay", 0.0)
    coupled = 0.0 if a.get("decoupled") else decay
    worst: Arguments = {name: -abs(a[name]) for name in ("velocity", "mean") if name in a}
    worst["param"] = abs(a["param"])
    worst["grad"] = -abs(a["grad"]) - coupled * abs(a["param"])
    if "weight_decay" in a:
        worst["weight_decay"] = coupled - decay
    return [abs(v) for v in call(getattr(reference, kernel), a | worst, calls).values()]


Scale: TypeAlias = Callable[[str, Arguments, Outputs, int], list[Array]]

SCALES: Mapping[str, Scale] = {
    "max_pool2d_forward": _exact,
    "relu_forward": _exact,
    "relu_backward": _exact,
    "leaky_relu_forward": _result,
    "leaky_relu_backward": _result,
    "dropout_forward": _result,
    "dropout_backward": _result,
    "sigmoid_forward": _result,
    "tanh_forward": _result,
    "sigmoid_backward": _sigmoid_backward,
    "tanh_backward": _tanh_backward,
    "gelu_forward": _gelu_forward,
    "gelu_backward": _gelu_backward,
    "softmax_forward": _softmax_forward,
    "softmax_backward": _softmax_backward,
    "softmax_cross_entropy_forward": _cross_entropy_forward,
    "softmax_cross_entropy_backward": _cross_entropy_backward,
    "sgd_inplace": _optimizer,
    "sgd_momentum_inplace": _optimizer,
    "adagrad_inplace": _optimizer,
    "rmsprop_inplace": _optimizer,
    "adam_inplace": _optimizer,
    "embedding_forward": _exact,
    **RECURRENT_SCALES,
}
"""The size of the terms of kernels that are not plain sums of products."""

_CALL_EXP = {
    "rnn_forward",
    "gru_forward",
    "lstm_forward",
    "lstm_backward",
    "sigmoid_forward",
    "tanh_forward",
    "gelu_forward",
    "gelu_backward",
    "softmax_forward",
    "softmax_cross_entropy_forward",
}


# ---- the comparison ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """What a kernel has to compute.

    Attributes:
        dtype: the floating dtype that the kernel is judged in.
        values: the outputs, in float64 (or integers, or truth values).
        tolerances: how far each of their elements may be off.
    """

    dtype: DType
    values: Outputs
    tolerances: Outputs


@dataclass(frozen=True)
class Difference:
    """Where a result lies farthest from the truth, counted in tolerances.

    Attributes:
        output: name of the output.
        index: of the element.
        actual, expected: its value, and the true one.
        units: their difference as a multiple of the tolerance; above 1 it is too large.
    """

    output: str
    index: tuple[int, ...]
    actual: float
    expected: float
    units: float

    @property
    def error(self) -> float:
        """Give the absolute difference."""
        return 0.0 if self.units == 0 else abs(self.actual - self.expected)

    def __str__(self) -> str:
        place = f"{self.output}[{', '.join(map(str, self.index))}]" if self.index else self.output
        return (
            f"{place} is {self.actual:.9g}, expected {self.expected:.9g}: "
            f"{self.units:.3g} times the tolerance"
        )


@np.errstate(all="ignore")
def truth(kernel: str, case: Case, arguments: Arguments, dtype: DType) -> Truth:
    """Compute what `kernel` should give for a case's arguments, and how exactly."""
    wide = in_float64(arguments)
    values = call(getattr(reference, kernel), wide, case.calls)
    scales = SCALES.get(kernel, _magnitudes)(kernel, wide, values, case.calls)
    info = np.finfo(dtype)
    floor = 8 * case.terms * float(info.smallest_subnormal)
    if kernel in _CALL_EXP:
        floor = float(info.smallest_normal)
    tolerances = {
        name: 8 * case.terms * float(info.eps) * scale + floor if value.dtype.kind == "f" else 0.0
        for (name, value), scale in zip(values.items(), scales, strict=True)
    }
    return Truth(
        np.dtype(dtype),
        values,
        {n: np.broadcast_to(t, values[n].shape) for n, t in tolerances.items()},
    )


def largest_difference(actual: Outputs, expected: Truth) -> Difference:
    """Find the element of a kernel's outputs that is farthest from the truth, in tolerances.

    NaN equals NaN, and an infinity equals one of the same sign.

    Raises:
        ValueError: the outputs differ in number, shape or dtype.
    """
    if list(actual) != list(expected.values):
        raise ValueError(f"outputs are {list(actual)}, expected {list(expected.values)}")
    return max(
        (_largest(name, actual[name], expected) for name in actual), key=lambda worst: worst.units
    )


@np.errstate(all="ignore")
def _largest(name: str, actual: Array, expected: Truth) -> Difference:
    value, tolerance = expected.values[name], expected.tolerances[name]
    dtype = expected.dtype if value.dtype.kind == "f" and value.ndim else value.dtype
    if actual.shape != value.shape or actual.dtype != dtype:
        raise ValueError(
            f"{name} has shape {actual.shape} and dtype {actual.dtype}, "
            f"expected {value.shape} and {dtype}"
        )
    if value.size == 0:
        return Difference(name, (), 0.0, 0.0, 0.0)
    value = value.astype(dtype)  # what is too large for the dtype becomes infinite
    rounded, wide = value.astype(np.float64), actual.astype(np.float64)
    same = (rounded == wide) | (np.isnan(rounded) & np.isnan(wide))
    units = np.where(same, 0.0, np.abs(wide - expected.values[name]) / tolerance)
    units = np.where(np.isnan(units), np.inf, units)
    index = np.unravel_index(int(np.argmax(units)), units.shape)
    return Difference(
        name,
        tuple(map(int, index)),
        float(wide[index]),
        float(expected.values[name][index]),
        float(units[index]),
    )
