"""Commands one after another, each under its name, and what became of them."""

import subprocess
import time
from pathlib import Path

TESTS = Path(__file__).parents[1]

SHORT = ["kernels/test_parity.py", "layers", "operations"]
"""Where there is no time for all: the kernels in every case, and what stands on them."""


def python_tests(whole: bool, machine: str) -> list[str | Path]:
    """Give a Python's arguments that run the tests: all, or SHORT.

    Args:
        whole: whether to run all.
        machine: the emulator's, "x86_64" or "aarch64", whose list of exceptions counts.
    """
    paths = [TESTS] if whole else [TESTS / name for name in SHORT]
    plugin = ["-p", "cannot_run", "-p", "no:cacheprovider", "-o", f"pythonpath={TESTS / 'cpus'}"]
    return ["-m", "pytest", "-q", *plugin, f"--emulated={machine}", *paths]


class Steps:
    """Runs commands, goes on after a failure, and tells which have failed."""

    def __init__(self) -> None:
        self._told: list[tuple[str, int, float]] = []

    def run(self, name: str, command: list[str | Path]) -> None:
        """Run one, from the folder above the tests."""
        print(f"\n== {name}", flush=True)
        begin = time.monotonic()
        status = subprocess.run(command, cwd=TESTS.parent, check=False).returncode
        self._told.append((name, status, time.monotonic() - begin))

    def report(self) -> int:
        """Print a line for each, and return 1 if one has failed, else 0."""
        print()
        for name, status, seconds in self._told:
            print(f"{'FAILED' if status else 'passed'}  {name} ({seconds:.0f} s)")
        return int(any(status for _, status, _ in self._told))
