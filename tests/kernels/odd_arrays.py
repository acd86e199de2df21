"""Arrays as nobody should make them, and what a kernel has to do with them.

A *subject* is a function of a native build that computes what a reference kernel defines: the
kernel itself, or a rung of a ladder. All are found in the modules, so that none can be forgotten.
"""

import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from builds import BUILDS
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from diglot.kernels import native, reference
from diglot.kernels.cases import CASES, ROLES
from diglot.kernels.draw import Arguments, Case
from diglot.kernels.tolerance import Truth, largest_difference, truth

EXAMPLES = int(os.environ.get("DIGLOT_EXAMPLES", "6"))
"""For each test of a subject; with more than the usual number, they are other ones in each run."""

native_kernels = pytest.mark.skipif(
    not BUILDS or os.environ.get("DIGLOT_BACKEND") == "reference",
    reason="the native kernels are not tested here",
)

some = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="DIGLOT_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)

SETTINGS = frozenset(
    name
    for kernel in reference.__all__
    for name, parameter in inspect.signature(getattr(reference, kernel)).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
)
"""The arguments that are no arrays: all kernels take them by name alone."""

REFUSALS = (TypeError, ValueError, OverflowError)


# ---- subjects ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """A function of a build, called with the arguments of a reference kernel."""

    kernel: str
    rung: str = ""

    def __str__(self) -> str:
        return f"{self.kernel}, {self.rung} rung" if self.rung else self.kernel

    def function(self, build: str) -> Callable[..., Any]:
        module = native.load(build)
        if not self.rung:
            return getattr(module, self.kernel)
        ladder = getattr(module.ladder, self.kernel.removesuffix("_forward"))

        def climb(transpose_a: bool = False, transpose_b: bool = False, **arguments: Any) -> Any:
            return ladder(self.rung, **arguments)

        return climb

    def takes(self, arguments: Arguments) -> bool:
        """Tell whether the rung can do what the kernel can: its products are plain ones."""
        if not self.rung or self.kernel != "matmul":
            return True
        plain = not arguments["transpose_a"] and not arguments["transpose_b"]
        return plain and arguments["a"].ndim == 2

    def cases(self) -> list[Case]:
        """List the cases of few numbers."""
        return cases_of(self)


@cache
def cases_of(subject: Subject) -> list[Case]:
    few = []
    for case in CASES[subject.kernel]:
        arguments = case.arguments(np.float32)
        size = sum(value.size for _, value in arrays(arguments))
        if size <= 1200 and subject.takes(arguments):
            few.append(case)
    return few


def rungs() -> Iterator[Subject]:
    ladder = native.load(BUILDS[0]).ladder
    kernels = {"matmul": "matmul", "conv2d": "conv2d_forward", "lstm": "lstm_forward"}
    for names in (name for name in dir(ladder) if name.endswith("_rungs")):
        for rung in getattr(ladder, names):
            yield Subject(kernels[names.removesuffix("_rungs")], rung)


SUBJECTS = [Subject(name) for name in reference.__all__] + (list(rungs()) if BUILDS else [])


# ---- arguments -----------------------------------------------------------------------------------


def arrays(arguments: Arguments) -> Iterator[tuple[str, np.ndarray]]:
    """Name the arrays among the arguments, those in groups as "saved.0", "saved.1", ..."""
    for name, value in arguments.items():
        if isinstance(value, np.ndarray) and name not in SETTINGS:
            yield name, value
        elif name == "saved" and isinstance(value, tuple):
            for number, part in enumerate(value):
                if isinstance(part, np.ndarray):
                    yield f"saved.{number}", part


def exchanged(arguments: Arguments, place: str, value: Any) -> Arguments:
    """Put another value in the place of an array."""
    name, _, number = place.partition(".")
    if number:
        parts = list(arguments[name])
        parts[int(number)] = value
        value = tuple(parts)
    return arguments | {name: value}


def role(place: str) -> str:
    return ROLES.get(place, "input")


def plain(value: Any) -> Any:
    """Copy the numbers that an array shows into a plain one."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    if isinstance(value, np.ndarray):
        return np.array(value, value.dtype.newbyteorder("="), order="C", subok=False)
    return value


def plain_all(arguments: Arguments) -> Arguments:
    """Make arguments plain: arrays, and settings that came as NumPy's numbers."""

    def setting(value: Any) -> Any:
        number = isinstance(value, np.generic | np.ndarray) and value.ndim == 0
        return value.item() if number else value

    places = {place.partition(".")[0] for place, _ in arrays(arguments)}
    return {
        name: plain(value) if name in places else setting(value)
        for name, value in arguments.items()
    }


def names_a_culprit(message: str, arguments: Arguments) -> bool:
    """Tell whether a message has the name of an argument in it, or blames them all."""
    if "would not fit into memory" in message:
        return True
    words = set(message.replace("[", " ").replace(".", " ").replace(",", " ").split())
    return any(name in words or f"{name}:" in words for name in arguments)


# ---- what has to come out ------------------------------------------------------------------------


def expected(subject: Subject, arguments: Arguments, terms: int, dtype: Any) -> Truth:
    right = truth(subject.kernel, Case("", lambda _: {}, terms), plain_all(arguments), dtype)
    if subject.rung and subject.kernel == "lstm_forward":  # whose rungs return y alone
        only = [{"output": of["output 0"]} for of in (right.values, right.tolerances)]
        return Truth(right.dtype, *only)
    return right


def results(arguments: Arguments, returned: Any) -> dict[str, np.ndarray]:
    """Collect what a kernel returned or changed, as diglot.kernels.tolerance names it."""
    targets = {name: plain(array) for name, array in arrays(arguments) if role(name) == "target"}
    if targets:
        return targets

    def parts(value: Any) -> Iterator[Any]:
        if isinstance(value, tuple):
            for part in value:
                yield from parts(part)
        else:
            yield np.asarray(value)

    if isinstance(returned, tuple):
        return {f"output {i}": part for i, part in enumerate(parts(returned))}
    return {"output": np.asarray(returned)}


def memory(arguments: Arguments, *, but_targets: bool = False) -> dict[str, bytes]:
    """Copy all of the memory that the arrays lie in, also what lies around them."""
    return {
        place: whole(array).tobytes()
        for place, array in arrays(arguments)
        if not (but_targets and role(place) == "target")
    }


def whole(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def refusal(subject: Subject, build: str, arguments: Arguments) -> str | None:
    """Call a subject. If it refuses, the reason names an argument, and nothing is changed.

    If it does not, the result is right, and nothing is changed that should not be.

    Returns:
        the reason, or None.
    """
    before, inputs = memory(arguments), memory(arguments, but_targets=True)
    originals = plain_all(arguments)
    reason = returned = None
    try:
        returned = subject.function(build)(**arguments)
    except REFUSALS as error:
        reason = str(error)
    if reason is not None:
        assert memory(arguments) == before, "refused, but changed"
        assert names_a_culprit(reason, arguments), reason
        return reason
    assert memory(arguments, but_targets=True) == inputs, "an input was changed"
    dtypes = [array.dtype for _, array in arrays(arguments) if array.dtype.kind == "f"]
    terms = 4 + sum(array.size for _, array in arrays(originals))
    right = expected(subject, originals, terms, dtypes[0].newbyteorder("="))
    outputs = results(arguments, returned)
    assert all(type(output) is np.ndarray for output in outputs.values())
    if all(array.ndim == 0 for _, array in arrays(originals)):  # to `truth`, () is a mean loss
        assert {output.shape for output in [*outputs.values(), *right.values.values()]} == {()}
        outputs = {name: output[None] for name, output in outputs.items()}
        one = [{n: a[None] for n, a in of.items()} for of in (right.values, right.tolerances)]
        right = Truth(right.dtype, *one)
    worst = largest_difference(outputs, right)
    assert worst.units <= 1, str(worst)
    return None


# ---- memory --------------------------------------------------------------------------------------


class Subclass(np.ndarray):
    """Another class, the same numbers."""


@st.composite
def laid_out(draw: Any, numbers: np.ndarray) -> np.ndarray:
    """Draw a place for these numbers: any strides, byte order, alignment, class, access.

    Along an axis of stride 0 they are all the first one.
    """
    x = numbers
    for axis in range(x.ndim):
        if x.shape[axis] and draw(st.integers(0, 7)) == 7:
            x = x.take([0], axis)
    order = draw(st.permutations(range(x.ndim)))
    steps = [draw(st.sampled_from([1, 1, 1, 2, -1, -2, 3])) for _ in range(x.ndim)]
    dtype = x.dtype.newbyteorder() if draw(st.integers(0, 3)) == 3 else x.dtype
    away = draw(st.sampled_from([0, 0, 0, 0, 1, 2, 4]))  # bytes from where it should begin
    sizes = [x.shape[axis] * abs(steps[axis]) for axis in order]
    count = int(np.prod(sizes)) * x.itemsize
    raw = np.full(count + 192, 0xA5, np.uint8)
    start = -raw.ctypes.data % 64 + 64 + away
    view = raw[start : start + count].view(dtype).reshape(sizes).transpose(np.argsort(order))
    view = view[tuple(slice(None, None, step) for step in steps)]
    view[...] = x
    if x.shape != numbers.shape:
        view = np.broadcast_to(view, numbers.shape)
    if draw(st.integers(0, 3)) == 3:
        view.flags.writeable = False
    kinds = [np.ndarray, np.ndarray, Subclass, np.matrix if x.ndim == 2 else np.recarray]
    return view.view(draw(st.sampled_from(kinds)))


@st.composite
def overlapping_itself(draw: Any, like: np.ndarray) -> np.ndarray:
    """Draw windows on one row of numbers, each a few numbers from the next."""
    steps = [draw(st.integers(0, 3)) for _ in like.shape]
    count = 1 + sum(max(n - 1, 0) * step for n, step in zip(like.shape, steps, strict=True))
    row = np.resize(like, count) if like.size else np.zeros(count, like.dtype)
    strides = [step * like.itemsize for step in steps]
    return np.lib.stride_tricks.as_strided(row, like.shape, strides, writeable=draw(st.booleans()))


def usable_in_place(array: np.ndarray) -> bool:
    flags = array.flags
    return flags.c_contiguous and flags.aligned and flags.writeable and array.dtype.isnative
