"""An installation, and what is known of it: each question is asked when it is needed, and once."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import final

from diglot.doctor.child import Answer, ask

BUILDS = ("x86_64_v4", "x86_64_v3", "baseline")
"""The fastest first, as in diglot.kernels.native, which cannot be imported everywhere."""

LIBRARIES = ("rich", "safetensors", "pooch")


@final
class Installation:
    """A package folder, and the environment in which it is used.

    Args:
        package: the folder of diglot; None means the one that this file is in.
        environment: its variables; None means those of this process.
        full: compare the kernels in all cases, where a few would do.
        path: sys.path, as other programs get it; None means that of this process.
    """

    def __init__(
        self,
        package: Path | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        full: bool = False,
        path: Sequence[str] | None = None,
    ) -> None:
        self.package = package or Path(__file__).resolve().parents[1]
        self.environment = dict(os.environ if environment is None else environment)
        self.given = started_with() if environment is None else self.environment
        self.full = full
        # A child starts elsewhere: what is relative here, and the empty path, must be written out.
        self.path = [os.path.abspath(entry) for entry in (path or sys.path)]
        if package is not None:
            self.path.insert(0, str(package.parent))

    @cached_property
    def works(self) -> bool:
        """Whether diglot and the libraries that it needs can be imported."""
        if self.numpy.failed or self.libraries.failed or self.imported.failed:
            return False
        return not any(self.libraries.facts["libraries"].values())

    @cached_property
    def numpy(self) -> Answer:
        """NumPy, imported and used."""
        return ask("numpy_runs", self.path, self.environment)

    @cached_property
    def libraries(self) -> Answer:
        """The other libraries, imported, and the folder of the downloads."""
        return ask("libraries", self.path, self.environment, names=LIBRARIES)

    @cached_property
    def cpu(self) -> Answer:
        """The module that knows which builds this processor can run."""
        return self._load("_cpu")

    @cached_property
    def runnable(self) -> list[str]:
        """The builds that this processor can run, the fastest first; none if nobody knows."""
        can_run = self.cpu.facts.get("runnable", [])
        return [name for name in BUILDS if name in can_run]

    @cached_property
    def builds(self) -> dict[str, Answer]:
        """The builds that are installed and that this processor can run, each one loaded."""
        return {name: self._load(f"_native_{name}") for name in self.runnable if self.file(name)}

    @property
    def sound(self) -> list[str]:
        """The builds that could be loaded, the fastest first."""
        return [name for name, answer in self.builds.items() if not answer.failed]

    @cached_property
    def imported(self) -> Answer:
        """`import diglot`, as every program does it, and a look at the process afterwards."""
        return ask("package", self.path, self.environment, threads=self.processors)

    @cached_property
    def kernels(self) -> Answer:
        """The kernels of all sound builds, compared with their definitions."""
        environment = {**self.environment, "DIGLOT_BACKEND": "reference"}
        seconds = 1800 if self.full else 60
        return ask(
            "kernels", self.path, environment, seconds=seconds, builds=self.sound, full=self.full
        )

    @property
    def processors(self) -> int:
        """How many processors this process may use."""
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    def file(self, build: str) -> Path | None:
        """Find a module's file: beside the package, or where an editable install has put it."""
        return self.module_file(f"_native_{build}")

    def module_file(self, name: str) -> Path | None:
        """Find the file of `diglot.name`, by the suffixes that this Python loads."""
        for suffix in EXTENSION_SUFFIXES:
            path = self.package / f"{name}{suffix}"
            if path.is_file():
                return path
        if self.package != Path(__file__).resolve().parents[1]:
            return None
        try:
            spec = find_spec(f"diglot.{name}")
        except (ImportError, ValueError):
            return None
        return Path(spec.origin) if spec and spec.origin else None

    def _load(self, name: str) -> Answer:
        path = self.module_file(name)
        if path is None:
            return Answer({}, "the file is missing")
        return ask("module", self.path, self.environment, module=f"diglot.{name}", file=str(path))


def started_with() -> Mapping[str, str]:
    """Read the environment that this process got, without what libraries have set since then."""
    try:
        text = Path("/proc/self/environ").read_bytes()
    except OSError:  # no Linux
        return os.environ
    pairs = (os.fsdecode(pair).partition("=") for pair in text.split(b"\0") if pair)
    return {name: value for name, _, value in pairs}
