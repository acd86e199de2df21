"""Side by side: the NumPy definition and the C++ that was compiled, their parts matched.

    diglot.pair("lstm_forward")      # displays itself in a notebook
    print(diglot.pair("lstm_forward"))

`diglot pair` shows the same in a terminal. What is shown was compared just before, and the C++ is
byte for byte what the modules were compiled from.
"""

from functools import cache
from types import FunctionType

from diglot.kernels import reference
from diglot.kernels.cases import CASES
from diglot.pairs import python_source
from diglot.pairs.agreement import PairDiffersError
from diglot.pairs.build import class_pair, family_of, kernel_pair
from diglot.pairs.leads import CLASSES, kernels_of
from diglot.pairs.model import Agreement, Excerpt, Pair, Part
from diglot.suggestions import near

__all__ = [
    "Agreement",
    "Excerpt",
    "Pair",
    "PairDiffersError",
    "Part",
    "UnknownPairError",
    "families",
    "find",
    "kind",
    "names",
    "title",
]


class UnknownPairError(ValueError):
    """There is no pair of that name; the message lists those whose names are near."""


@cache
def names() -> tuple[str, ...]:
    """List what has a pair: every kernel, and every class that leads to one, by family."""
    return (*CASES, *(name for name, (_, cls) in CLASSES.items() if kernels_of(cls)))


def find(name: str) -> Pair:
    """Compare a kernel with its reference, and show both side by side.

    Args:
        name: of a kernel ("conv2d_forward"), or of an operation, layer, loss or optimizer that
            calls kernels ("Conv2DOp", "LSTM", "Adam"). Case does not matter where that leaves no
            choice.

    Raises:
        UnknownPairError: there is no such pair; the message lists near misses.
        PairDiffersError: a kernel differs from its reference here.
        SourceError: the C++ is not what was compiled.
    """
    name = _resolve(name)
    return kernel_pair(name) if name in CASES else class_pair(name)


def _resolve(name: str) -> str:
    if name in names():
        return name
    if name in CLASSES:
        _, cls = CLASSES[name]
        file = cls.__module__.replace(".", "/")
        raise UnknownPairError(f"{name} calls no kernel: NumPy does it (python/{file}.py)")
    same = [known for known in names() if known.lower() == name.lower()]
    longer = [known for known in names() if name and known.startswith(name)]
    if len(same) == 1 and not longer:
        return same[0]
    alike = list(dict.fromkeys([*longer, *same, *near(name, names(), 6)]))
    raise UnknownPairError(
        f"no pair is called {name!r}; near it: {', '.join(alike)}"
        if alike
        else f"no pair is called {name!r}; `diglot pair` lists all"
    )


def kind(name: str) -> str:
    """Tell what a name of `names()` is: "kernel", "operation", "layer", "loss" or "optimizer"."""
    return "kernel" if name in CASES else CLASSES[name][0]


def title(name: str) -> str:
    """Give the first line of the docstring of what a name of `names()` means."""
    return python_source.title(_thing(name))


def families() -> dict[str, list[str]]:
    """Group `names()` by family: the kernels of one module, and the classes of one."""
    groups: dict[str, list[str]] = {}
    for name in names():
        groups.setdefault(family_of(_thing(name)), []).append(name)
    return groups


def _thing(name: str) -> type | FunctionType:
    if name in CASES:
        function: FunctionType = getattr(reference, name)
        return function
    return CLASSES[name][1]
