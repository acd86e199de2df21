"""What a user sees: every public name exists, explains itself, and is either abstract or final."""

import importlib
import importlib.util
import inspect
import pkgutil
import re
import subprocess
import sys
import types

import pytest

import diglot

# Where classes are written for others to be written after them.
FAMILIES = ("operations", "layers", "losses", "optimizers", "schedules", "initializers")


def _can_be_imported(name):
    """Tell whether the peer that a module of diglot.bench.peers speaks to is installed."""
    peer = re.search(r"\.peers\.(?:with_)?(torch|jax)", name)
    return peer is None or importlib.util.find_spec(peer.group(1)) is not None


def modules():
    names = [m.name for m in pkgutil.walk_packages(diglot.__path__, "diglot.")]
    return [
        importlib.import_module(name)
        for name in names
        if not re.search(r"\._native_|\._cpu$|\.__main__$", name) and _can_be_imported(name)
    ]


def defined_in(module, kind):
    return [
        value
        for value in vars(module).values()
        if isinstance(value, kind) and value.__module__ == module.__name__
    ]


CLASSES = [cls for module in modules() for cls in defined_in(module, type)]
FAMILY_CLASSES = [cls for cls in CLASSES if cls.__module__.split(".")[1] in FAMILIES]


def full_name(thing):
    return f"{thing.__module__}.{thing.__qualname__}"


def is_documented(thing):
    doc = inspect.getdoc(thing)
    return bool(doc) and not doc.startswith(
        f"{getattr(thing, '__name__', '')}("
    )  # a dataclass's own


def public_members(cls):
    """Yield what a user may call or read: methods and properties that the class itself defines."""
    for name, value in vars(cls).items():
        if name.startswith("_"):
            continue
        if isinstance(value, types.FunctionType | property | classmethod | staticmethod):
            yield name, getattr(cls, name)


def test_all_lists_each_name_once():
    assert len(diglot.__all__) == len(set(diglot.__all__))
    missing = [name for name in diglot.__all__ if not hasattr(diglot, name)]
    assert not missing


@pytest.mark.parametrize("name", diglot.__all__)
def test_a_public_name_is_documented(name):
    value = getattr(diglot, name)
    if callable(value) or isinstance(value, types.ModuleType):
        assert is_documented(value)


@pytest.mark.parametrize("module", modules(), ids=lambda m: m.__name__)
def test_a_module_says_what_it_is_and_offers_what_it_lists(module):
    assert module.__doc__
    missing = [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]
    assert not missing


@pytest.mark.parametrize("cls", [c for c in CLASSES if c.__name__[0] != "_"], ids=full_name)
def test_a_public_class_and_its_methods_are_documented(cls):
    assert is_documented(cls)
    silent = [name for name, member in public_members(cls) if not inspect.getdoc(member)]
    assert not silent


@pytest.mark.parametrize("cls", FAMILY_CLASSES, ids=full_name)
def test_a_class_is_abstract_or_final(cls):
    assert inspect.isabstract(cls) != getattr(cls, "__final__", False)
    for base in cls.__mro__[1:]:
        assert not getattr(base, "__final__", False), f"{base.__name__} is final"


@pytest.mark.parametrize(
    "cls", [c for c in FAMILY_CLASSES if not inspect.isabstract(c)], ids=full_name
)
def test_a_final_class_only_fills_in_what_its_bases_leave_open(cls):
    for name, member in vars(cls).items():
        if not isinstance(member, types.FunctionType) or name.startswith("__"):
            continue
        for base in cls.__mro__[1:]:
            inherited = vars(base).get(name)
            if isinstance(inherited, types.FunctionType):
                assert getattr(inherited, "__isabstractmethod__", False), (
                    f"{full_name(cls)}.{name} has another body in {full_name(base)}"
                )


def test_every_activation_is_registered_and_exported() -> None:
    final_ones = {cls.__name__ for cls in diglot.operations.Activation.__subclasses__()}
    final_ones = {name for name in final_ones if hasattr(diglot.operations.activations, name)}
    for what, names in (
        ("ACTIVATIONS", diglot.operations.activations.ACTIVATIONS.keys()),
        ("diglot.operations.__all__", diglot.operations.__all__),
        ("diglot.__all__", diglot.__all__),
    ):
        missing = final_ones - set(names)
        assert not missing, f"{what} lacks {missing}"


def loaded_by(package: str) -> set[str]:
    code = f"import {package}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_leaves_what_is_slow_to_load_for_later() -> None:
    loaded = loaded_by("diglot")
    packages = {name.partition(".")[0] for name in loaded}
    assert "numpy" in packages
    assert not packages & {"rich", "pooch", "matplotlib", "sklearn", "scipy", "torch", "requests"}
    # Together they would take a third of the time of the import.
    later = {"numpy.random", "safetensors", "hashlib", "secrets", "gzip", "difflib", "numpy.ma"}
    assert not (loaded - loaded_by("numpy")) & later
