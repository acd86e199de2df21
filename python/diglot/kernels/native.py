"""Find the native builds: one extension module per instruction set, the fastest first."""

import importlib
import importlib.util
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from diglot.kernels.processors import usable_processors
from diglot.settings import refusal

BUILDS = ("x86_64_v4", "x86_64_v3", "baseline")
"""In order of preference. v4 is AVX-512, v3 is AVX2 with FMA; on x86 the baseline is x86-64-v2."""

MOST_THREADS = 1024
"""More than any processor runs at a time; far beyond it, a system refuses to make them."""

_HOW_TO = (
    "diglot's compiled kernels could not be imported. Build and install them with\n"
    "    pip install .            (in the repository; needs a C++17 compiler)\n"
    "or run on the NumPy reference, slower, with the environment variable\n"
    "    DIGLOT_BACKEND=reference\n"
    "What is wrong with an installation is found by\n"
    "    python -m diglot doctor"
)

_TOO_OLD = (
    "none of diglot's builds runs on this processor. They need x86-64-v2, which is SSE4.2 and\n"
    "POPCNT (Intel since 2008, AMD since 2011). Run on the NumPy reference, slower, with the\n"
    "environment variable\n"
    "    DIGLOT_BACKEND=reference"
)

_SPIN_COUNT = "5000"  # some tenths of a millisecond: longer than the Python between two kernels

_loaded: dict[str, ModuleType] = {}
_lock = threading.Lock()  # of the settings, which every loaded build has


def runnable() -> frozenset[str]:
    """Names of the builds whose instructions this processor and its system support."""
    try:
        cpu = importlib.import_module("diglot._cpu")
    except ImportError as error:
        raise ImportError(_HOW_TO) from error
    return frozenset(cpu.runnable_builds())


def installed_builds() -> list[str]:
    """List the builds that are installed, whether they run here or not, the fastest first."""
    return [name for name in BUILDS if importlib.util.find_spec(f"diglot._native_{name}")]


def available_builds() -> list[str]:
    """List the builds that are installed and run here, the fastest first."""
    can_run = runnable()
    return [name for name in installed_builds() if name in can_run]


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
        others = ", ".join(available_builds()) or "none; DIGLOT_BACKEND=reference needs none"
        raise ValueError(f"this processor cannot run the {name} build; it can run {others}")
    try:
        with _patient_threads():
            module = importlib.import_module(f"diglot._native_{name}")
    except ImportError as error:
        raise ImportError(f"{_HOW_TO}\n({error})") from error
    with _lock:
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
        os.environ.pop("GOMP_SPINCOUNT", None)  # another thread may have been here, too


def best_build() -> ModuleType:
    """Load the build that DIGLOT_ISA names, else the fastest that runs here."""
    forced = os.environ.get("DIGLOT_ISA")
    if forced:
        try:
            return load(forced)
        except ValueError as error:
            raise refusal("DIGLOT_ISA", error) from None
    names = available_builds()
    if not names:
        raise ImportError(_TOO_OLD if installed_builds() else _HOW_TO)
    return load(names[0])


def _default_thread_count() -> int:
    """OMP_NUM_THREADS (its first level), else the processors that this process may use."""
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
    if digits:
        return min(int(digits[:9]), MOST_THREADS)
    return min(usable_processors(), MOST_THREADS)


_thread_count = _default_thread_count()


def thread_count() -> int:
    """Return the number of threads that every loaded build uses."""
    return _thread_count


def set_thread_count(count: int) -> None:
    """Give every loaded build, and each one loaded later, `count` threads."""
    global _thread_count
    with _lock:
        for module in _loaded.values():
            module.set_num_threads(count)
        _thread_count = count


def after_fork_in_child() -> None:
    """Go on with one thread, and with a lock that no lost thread holds."""
    global _lock
    _lock = threading.Lock()
    set_thread_count(1)


def _winograd_at_import() -> bool:
    value = os.environ.get("DIGLOT_WINOGRAD") or "1"
    if value not in ("0", "1"):
        raise refusal("DIGLOT_WINOGRAD", ValueError(f"it is {value!r}, expected 0 or 1"))
    return value == "1"


_winograd = _winograd_at_import()


def winograd() -> bool:
    """Return whether every loaded build may use Winograd's convolution."""
    return _winograd


def set_winograd(enabled: bool) -> None:
    """Let every loaded build, and each one loaded later, use Winograd's convolution or not."""
    global _winograd
    with _lock:
        for module in _loaded.values():
            module.set_winograd(enabled)
        _winograd = enabled
