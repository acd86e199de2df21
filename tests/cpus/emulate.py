"""make emulate: this Python's diglot, on emulated x86 processors that are older than this one.

Run it with the Python of the installation that is to be tried: python tests/cpus/emulate.py [--all]
"""

import sys
from pathlib import Path

from emulated_python import as_processor
from steps import Steps, python_tests

TESTS = Path(__file__).parents[1]
BUILD = TESTS.parent / "build" / "emulated"


def main() -> int:
    """Run the short form, or with --all the whole suite on a processor without AVX."""
    steps = Steps()
    try:
        pythons = {name: as_processor(name, BUILD / name) for name in ("Nehalem", "Haswell")}
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 1
    steps.run("processors", [sys.executable, "-m", "pytest", "-q", "-m", "", TESTS / "cpus"])
    for name, python in pythons.items():
        steps.run(f"{name}: info", [python, "-m", "diglot", "info"])
        steps.run(f"{name}: verify", [python, "-m", "diglot", "verify"])
        whole = "--all" in sys.argv[1:] and name == "Nehalem"
        steps.run(f"{name}: tests", [python, *python_tests(whole, "x86_64")])
    return steps.report()


if __name__ == "__main__":
    sys.exit(main())
