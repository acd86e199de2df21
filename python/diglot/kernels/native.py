"""Find the native builds: one extension module per instruction set, the fastest first."""

import importlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

BUILDS = ("x86_64_v4", "x86_64_v3", "baseline")
"""In order of preference. v4 is AVX-512, v3 is AVX2 with FMA; on x86 the baseline is x86-64-v2."""

MOST_THREADS = 1024
"""More than any processor runs at a time; far beyond it, a system refuses to make them."""

_HOW_TO = (
    "diglot's compiled kernels could not be imported. Build and install them with\n"
    "    pip install .            (in the repository; needs a C++17 compiler)\n"
    "or run on the NumPy reference, slower, with the environment variable\n"
    "    DIGLOT_BACKEND=reference"
)

_SPIN_COUNT = "5000"  # some tenths of a millisecond: longer than the Python between two kernels

_loaded: dict[str, ModuleType] = {}


def runnable() -> frozenset[str]:
    """Names of the builds whose instructions this processor and its system support."""
    try:
        cpu = importlib.import_module("diglot._cpu")
    except ImportError as error:
        raise ImportError(_HOW_TO) from error
    return frozenset(cpu.runnable_builds())


def available_builds() -> list[str]:
    """List the builds that are installed and run here, the fastest first."""
    can_run = runnable()
    return [name for name in BUILDS if name in can_run and _is_installed(name)]


def load(name: str) -> ModuleType:
    """Import one build.

    Raises:
        ValueError: the build is unknown, or the processor lacks its instructions.
        ImportError: the build is not installed.
    """
    if name in _loaded:
        return _loaded[name]
    if name not in BUILDS:
        raise ValueError(f"build {name!r} is unknown; choose one of {', '.join(BUILDS)}")
    if name not in runnable():
        raise ValueError(
            f"this processor cannot run the {name} build; "
            f"it can run {', '.join(available_builds())}"
        )
    try:
        with _patient_threads():
            module = importlib.import_module(f"diglot._native_{name}")
    except ImportError as error:
        raise ImportError(f"{_HOW_TO}\n({error})") from error
    module.set_num_threads(_thread_count)
    module.set_winograd(_winograd)
    _loaded[name] = module
    return module


@contextmanager
def _patient_threads() -> Iterator[None]:
    """Let OpenMP's waiting threads soon give their processor away.

    GNU's OpenMP spins for milliseconds when one thread waits for another. That costs nothing on an
    idle machine; where another program takes turns with us, it makes training ten times slower.
    The library reads its settings when it is loaded, so they are in the environment only then; what
    the user has set is left alone.
    """
    if "OMP_WAIT_POLICY" in os.environ or "GOMP_SPINCOUNT" in os.environ:
        yield
        return
    os.environ["GOMP_SPINCOUNT"] = _SPIN_COUNT
    try:
        yield
    finally:
        del os.environ["GOMP_SPINCOUNT"]


def best_build() -> ModuleType:
    """Load the build that DIGLOT_ISA names, else the fastest that runs here."""
    forced = os.environ.get("DIGLOT_ISA")
    if forced:
        return load(forced)
    names = available_builds()
    if not names:
        raise ImportError(_HOW_TO)
    return load(names[0])


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(f"diglot._native_{name}") is not None


def _default_thread_count() -> int:
    """OMP_NUM_THREADS (its first level), else the processors that this process may use."""
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
    if digits:
        return min(int(digits[:9]), MOST_THREADS)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_thread_count = _default_thread_count()


def thread_count() -> int:
    """Return the number of threads that every loaded build uses."""
    return _thread_count


def set_thread_count(count: int) -> None:
    """Give every loaded build, and each one loaded later, `count` threads."""
    global _thread_count
    for module in _loaded.values():
        module.set_num_threads(count)
    _thread_count = count


_winograd = os.environ.get("DIGLOT_WINOGRAD", "1") != "0"


def winograd() -> bool:
    """Return whether every loaded build may use Winograd's convolution."""
    return _winograd


def set_winograd(enabled: bool) -> None:
    """Let every loaded build, and each one loaded later, use Winograd's convolution or not."""
    global _winograd
    for module in _loaded.values():
        module.set_winograd(enabled)
    _winograd = enabled
