"""What each operation of the ladder is climbed with: its sizes, its arguments, and its work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from diglot._typing import Array
from diglot.kernels.draw import Arguments, Case
from diglot.kernels.tolerance import Truth, truth

__all__ = ["OPERATIONS", "Operation", "Problem"]

Cut: TypeAlias = Mapping[str, int]
"""Arguments that become smaller together, each with the axis along which it does."""


@dataclass(frozen=True)
class Problem:
    """Arguments for the rungs of one operation.

    Attributes:
        operation: of the ladder.
        text: the sizes, as a heading says them.
        arguments: of the rung.
        terms: summed terms of one output.
        multiply_adds: of the whole.
    """

    operation: "Operation"
    text: str
    arguments: Arguments
    terms: int
    multiply_adds: int

    def part(self, most: int) -> "Problem":
        """Give a problem with the same inner loops, but of about `most` multiply-adds."""
        arguments, work = dict(self.arguments), self.multiply_adds
        for cut in self.operation.cuts:
            if work <= most:
                break
            first = next(iter(cut))
            count = arguments[first].shape[cut[first]]
            kept = max(1, count * most // work)
            for name, axis in cut.items():
                arguments[name] = arguments[name][(slice(None),) * axis + (slice(kept),)]
            work = work // count * kept
        if work == self.multiply_adds:
            return self
        return replace(self, arguments=arguments, multiply_adds=work)

    def truth(self) -> Truth:
        """Compute what a rung should give, under the name "output", and how exactly."""
        case = Case(self.text, lambda draw: self.arguments, terms=max(1, self.terms))
        return self.operation.truth(case, self.arguments)


@dataclass(frozen=True)
class Operation:
    """An operation of the ladder.

    Attributes:
        name: as in `diglot.ladder`.
        kernel: the one at the top.
        output: what a rung gives of all that the kernel returns.
        sizes: letters that stand for the numbers of a problem's size, in the order in which `draw`
            takes them.
        default: a size that is worth climbing.
        problem: draws a problem's arguments: from a generator, in float64.
        cuts: how a problem is made smaller, one after the other.
        above: why GFLOP/s may pass the ceiling.
    """

    name: str
    kernel: str
    output: str
    sizes: str
    default: tuple[int, ...]
    problem: Callable[..., tuple[str, Arguments, int, int]]
    cuts: Sequence[Cut]
    above: str = "something else held a processor while the ceiling was measured"

    def draw(self, *sizes: int, dtype: npt.DTypeLike = np.float32, seed: int = 0) -> Problem:
        """Draw a problem of a size."""
        text, arguments, terms, work = self.problem(np.random.default_rng(seed), *sizes)
        arguments = {
            name: value.astype(dtype) if isinstance(value, np.ndarray) else value
            for name, value in arguments.items()
        }
        return Problem(self, f"{text}, {np.dtype(dtype)}", arguments, terms, work)

    def truth(self, case: Case, arguments: Arguments) -> Truth:
        """Compute what a rung should give for a case's arguments, under the name "output"."""
        first: Array = next(iter(arguments.values()))
        whole = truth(self.kernel, case, arguments, first.dtype)
        values, tolerances = whole.values[self.output], whole.tolerances[self.output]
        return Truth(whole.dtype, {"output": values}, {"output": tolerances})


def _matmul(rng: np.random.Generator, M: int, K: int, N: int) -> tuple[str, Arguments, int, int]:
    a, b = rng.standard_normal((M, K)), rng.standard_normal((K, N))
    return f"({M} x {K}) times ({K} x {N})", {"a": a, "b": b}, K, M * K * N


def _conv2d(
    rng: np.random.Generator, N: int, C: int, H: int, W: int, OC: int, K: int
) -> tuple[str, Arguments, int, int]:
    shapes = ((N, C, H, W), (OC, C, K, K), (OC,))
    x, w, b = (rng.standard_normal(shape) for shape in shapes)
    OH, OW = (size + 2 * (K // 2) - K + 1 for size in (H, W))  # as large as the image, for odd K
    text = f"{N} images {C} x {H} x {W}, {OC} filters {K} x {K}"
    arguments = {"x": x, "w": w, "b": b, "padding": K // 2}
    return text, arguments, C * K * K + 1, N * OC * C * K * K * OH * OW


def _lstm(
    rng: np.random.Generator, N: int, T: int, D: int, H: int
) -> tuple[str, Arguments, int, int]:
    shapes = {"x": (N, T, D), "h0": (N, H), "c0": (N, H)}
    arguments: Arguments = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    for name, rows in (("w_x", D), ("w_h", H)):  # z of unit size: no gate is wide open or shut
        arguments[name] = rng.standard_normal((rows, 4 * H)) / np.sqrt(rows)
    arguments["b"] = rng.standard_normal(4 * H)
    text = f"{N} rows, {T} steps, {D} features, {H} units"
    return text, arguments, D + H + 1, N * T * (D + H) * 4 * H


OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("matmul", "matmul", "output", "MxKxN", (1024,) * 3, _matmul, [{"a": 0}]),
        Operation(
            "conv2d",
            "conv2d_forward",
            "output",
            "NxCxHxWxOCxK",
            (8, 64, 56, 56, 64, 3),
            _conv2d,
            [{"x": 0}, {"w": 0, "b": 0}],
            "GFLOP/s count the formula's operations, and the library has found a way with fewer "
            "(Winograd's, for 3 x 3 filters)",
        ),
        Operation(
            "lstm",
            "lstm_forward",
            "output 0",
            "NxTxDxH",
            (64, 50, 64, 256),
            _lstm,
            [{"x": 0, "h0": 0, "c0": 0}, {"x": 1}],
        ),
    )
}
"""What the ladder is there for."""
