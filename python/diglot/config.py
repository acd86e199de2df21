"""Objects whose dataclass fields are their architecture: shown, saved, rebuilt, and found by name.

A layer, an activation, a loss, an initializer is described by the arguments it was made with, and
nothing else of it goes into a model file's architecture. So this file knows how to turn such an
object into plain JSON and back, and how to check the arguments.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import numbers
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np

from diglot._typing import DType, IntOrPair

T = TypeVar("T", bound="Configured")


class Configured:
    """A base for `@dataclass(eq=False, repr=False)` classes; the fields are the arguments."""

    def __repr__(self) -> str:
        arguments = []
        for position, field in enumerate(_arguments(self)):
            value = getattr(self, field.name)
            if field.default is not dataclasses.MISSING and _same(value, field.default):
                continue
            text = _short(value) if isinstance(value, Configured) else repr(value)
            positional = position == 0 and not field.kw_only
            arguments.append(text if positional else f"{field.name}={text}")
        return f"{type(self).__name__}({', '.join(arguments)})"

    def config(self) -> dict[str, Any]:
        """Describe the object in JSON's types.

        Returns:
            {"type": "Dense", "neurons": 10, "activation": {"type": "Tanh"}, ...}: the class, and
            every argument by its name.
        """
        values = {field.name: getattr(self, field.name) for field in _arguments(self)}
        return {"type": type(self).__name__} | {
            name: value.config() if isinstance(value, Configured) else value
            for name, value in values.items()
        }


def build(config: object, allowed: Mapping[str, type[T]], what: str) -> T:
    """Make the object that a `config()` describes; only the classes of `allowed` are ever called.

    Args:
        config: what `Configured.config` returned, perhaps by way of JSON.
        allowed: the classes that may be made, by name.
        what: what the object is for, in messages: "layer".

    Raises:
        ValueError: the class is not in the list, an argument is unknown, missing or wrong.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("type"), str):
        raise ValueError(f"{what} is {brief(config)}, expected a description with a 'type'")
    cls = allowed.get(config["type"])
    if cls is None:
        raise ValueError(f"{what} {brief(config['type'])} is unknown; {_known(allowed)}")
    given = {name: value for name, value in config.items() if name != "type"}
    fields = {field.name: field for field in _arguments(cls)}
    unknown = given.keys() - fields.keys()
    if unknown:
        raise ValueError(
            f"{cls.__name__} has no argument {brief(sorted(map(str, unknown))[0])}; "
            f"it takes {', '.join(fields) or 'none'}"
        )
    missing = [name for name, f in fields.items() if _is_required(f) and name not in given]
    if missing:
        raise ValueError(f"{cls.__name__} lacks its argument {missing[0]!r}")
    positional = [name for name, f in fields.items() if name in given and not f.kw_only]
    return cls(**{name: given[name] for name in (*positional, *given.keys() - {*positional})})


def resolve(value: object, allowed: Mapping[str, type[T]], what: str) -> T:
    """Make a fresh object from a name, a class, an instance or a description.

    It is always a new one: an object that several layers share would mix up their values (book,
    erratum E12). In a name, case and underscores do not count. A class of one's own is welcome if
    it has the abstract base that the classes of `allowed` have.

    Args:
        value: "leaky_relu", LeakyReLU, LeakyReLU(0.2) or LeakyReLU(0.2).config().
        allowed: the classes that may be named.
        what: what the object is for, in messages: "activation".

    Raises:
        ValueError: nothing of the kind exists; the message lists what does.
    """
    family = _family(allowed)
    if isinstance(value, str):
        names = {_plain(name): cls for name, cls in allowed.items()}
        if _plain(value) not in names:
            import difflib

            near = difflib.get_close_matches(_plain(value), names, n=1)
            hint = f"did you mean {names[near[0]].__name__!r}? " if near else ""
            raise ValueError(f"{what} {brief(value)} is unknown; {hint}{_known(allowed)}")
        return _call(names[_plain(value)], what)
    if isinstance(value, Mapping):
        return build(value, allowed, what)
    if inspect.isclass(value) and issubclass(value, family) and not inspect.isabstract(value):
        return _call(value, what)
    if isinstance(value, family):
        return _again(value) if dataclasses.is_dataclass(value) else copy.deepcopy(value)
    raise ValueError(f"{what} is {brief(value)}; {_known(allowed)}")


def integer(name: str, value: object, *, least: int = 1, below: int | None = 1 << 63) -> int:
    """Check an integer argument, which the machine can count to, and return it as an int."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ValueError(f"{name} is {brief(value)}, expected an integer of at least {least}")
    if value < least:
        raise ValueError(f"{name} is {brief(value)}, expected at least {least}")
    if below is not None and int(value) >= below:
        bound = "2**63" if below == 1 << 63 else f"{below}"
        raise ValueError(f"{name} is {brief(value)}, expected less than {bound}")
    return int(value)


def int_or_pair(name: str, value: object, *, least: int = 1) -> IntOrPair:
    """Check one integer, or a pair (height, width) of them, as the kernels' windows take them."""
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise ValueError(f"{name} is {brief(value)}, expected one number or (height, width)")
        height, width = (integer(name, one, least=least, below=1 << 31) for one in value)
        return height, width
    return integer(name, value, least=least, below=1 << 31)


def real(name: str, value: object, *, least: float = -math.inf, below: float = math.inf) -> float:
    """Check a finite number with least <= value < below, and return it as a float."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"{name} is {brief(value)}, expected a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (math.isfinite(number) and least <= number < below):
        bounds = f" >= {least:g}" * (least > -math.inf) + f" and < {below:g}" * (below < math.inf)
        raise ValueError(f"{name} is {number}, expected a finite number{bounds}")
    return number


def positive(name: str, value: object) -> float:
    """Check a finite number above 0, and return it as a float."""
    number = real(name, value)
    if number <= 0:
        raise ValueError(f"{name} is {number}, expected a number above 0")
    return number


def boolean(name: str, value: object) -> bool:
    """Check a truth value."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {brief(value)}, expected True or False")
    return value


def floating(name: str, value: Any) -> DType:
    """Check a dtype that the kernels compute in: float32 or float64."""
    with suppress(TypeError):
        dtype: DType = np.dtype(value)
        if value is not None and dtype in (np.float32, np.float64):
            return dtype
    raise ValueError(f"{name} is {brief(value)}, expected np.float32 or np.float64")


def checked_seed(seed: int | np.random.Generator | None) -> int | np.random.Generator | None:
    """Check what randomness comes from: an integer, a Generator, or None for chance."""
    if seed is None or isinstance(seed, np.random.Generator):
        return seed
    return integer("seed", seed, least=0, below=None)


def brief(value: object) -> str:
    """Show a value in a message, even a huge one."""
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of thousands of digits
        return f"a {type(value).__name__} too long to be shown"
    return text if len(text) <= 80 else f"{text[:77]}…"


def _arguments(configured: Any) -> list[dataclasses.Field[Any]]:
    """List the fields that are arguments; a class that is no dataclass has none."""
    if not dataclasses.is_dataclass(configured):
        return []
    return [field for field in dataclasses.fields(configured) if field.init]


def _again(configured: Any) -> Any:
    return dataclasses.replace(configured)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is field.default_factory is dataclasses.MISSING


def _same(value: object, default: object) -> bool:
    """Tell whether an argument has its default; a default may be a class that was made since."""
    if not isinstance(value, Configured):
        return type(value) is type(default) and value == default
    return isinstance(default, type) and value.config() == default().config()


def _short(value: Configured) -> str:
    """Show an object inside another: Tanh rather than Tanh()."""
    return repr(value).removesuffix("()")


def _family(allowed: Mapping[str, type[T]]) -> type[T]:
    """Find the abstract class that these final classes have in common."""
    first = next(iter(allowed.values()))
    return next((base for base in first.__mro__ if inspect.isabstract(base)), first)


def _call(cls: type[T], what: str) -> T:
    missing = [field.name for field in _arguments(cls) if _is_required(field)]
    if missing:
        raise ValueError(f"{what} {cls.__name__} needs an argument: {cls.__name__}({missing[0]}=…)")
    return cls()


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _known(allowed: Mapping[str, type[Any]]) -> str:
    return f"expected one of {', '.join(allowed)} (a name, the class or an instance)"
