import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

import diglot
from diglot import sources
from diglot.doctor.installation import BUILDS

MODULES = ("_cpu", *(f"_native_{name}" for name in BUILDS))


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


@pytest.fixture
def package(tmp_path):
    """A copy of the installed package that may be broken; its files are links, not to be edited."""
    if any(type(finder).__name__.startswith("ScikitBuild") for finder in sys.meta_path):
        pytest.skip("this editable install leads every import of diglot to itself")
    source = Path(diglot.__file__).parent
    copy = tmp_path / "copy" / "diglot"
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    shutil.copytree(source, copy, copy_function=_link, ignore=ignored)
    for name in MODULES:
        spec = importlib.util.find_spec(f"diglot.{name}")
        if spec:
            _link(spec.origin, copy / Path(spec.origin).name)
    if not (copy / "csrc").exists():  # an editable install has them in the repository
        csrc = sources.folder() / "csrc"
        shutil.copytree(csrc, copy / "csrc", copy_function=_link)
    for libraries in source.parent.glob("diglot.libs"):  # what a wheel brings along
        shutil.copytree(libraries, copy.parent / libraries.name)
    return copy


@pytest.fixture
def file_of(package):
    """Find a module's file in the copy, or skip the test."""

    def find(name):
        found = sorted(package.glob(f"{name}.*"))
        if not found:
            pytest.skip(f"{name} is not compiled")
        return found[0]

    return find


@pytest.fixture
def replace():
    """Give a file other bytes, without touching what it is a link to."""

    def write(path, content):
        path.unlink()
        path.write_bytes(content)

    return write
