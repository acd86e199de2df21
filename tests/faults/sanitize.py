"""Run the tests of kernels, bindings and training under AddressSanitizer and UBSan.

`make sanitize` calls this with the Python of the environment that holds the sanitized build. Both
sanitizers end a process at its first fault and write a report; so do the children of tests. The run
is clean if all tests pass and there is no report.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "build" / "sanitize" / "reports"
TESTS = [
    *["faults", "kernels", "ladder", "operations", "layers", "nodes"],
    *["test_arrays.py", "test_backends.py", "test_losses.py", "test_network.py"],
    *["test_optimizers.py", "test_sequences.py", "test_state.py", "test_threads.py"],
    *["test_training.py", "test_evil_models.py"],
]
OPTIONS = {
    "detect_leaks": 0,  # Python itself leaks on purpose
    "detect_stack_use_after_return": 1,
    "allocator_may_return_null": 1,  # too large an array is a MemoryError, as without ASan
    "handle_abort": 1,  # a failed assertion of the C++ library is a report, too
    "exitcode": 99,
}


def library(name: str) -> str:
    """Find a library of the compiler that has built the modules."""
    compiler = os.environ.get("CXX", "g++")
    found = subprocess.run(
        [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not Path(found).is_absolute():
        sys.exit(f"{compiler} has no {name}: install the sanitizers of GCC (Debian: libgcc-12-dev)")
    return found


def environment() -> dict[str, str]:
    """The variables of a process whose modules are sanitized, though its Python is not."""
    options = {**OPTIONS, "log_path": REPORTS / "report"}
    return os.environ | {
        # The C++ library comes along: ASan looks for its exceptions when the process starts.
        "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so')}",
        "ASAN_OPTIONS": ":".join(f"{name}={value}" for name, value in options.items()),
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",  # else small objects are pieces of blocks that ASan sees whole
    }


def main(arguments: list[str]) -> int:
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    results, said = REPORTS / "tests.xml", REPORTS / "report.stderr"
    tests = arguments or [str(ROOT / "tests" / name) for name in TESTS]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # UBSan knows no log file beside ASan: what it says must not be lost in pytest's capture.
    command += ["--capture=sys", f"--junitxml={results}"]
    with open(said, "wb") as file:
        status = subprocess.run(
            [*command, *tests], cwd=ROOT, env=environment(), stderr=file, check=False
        ).returncode
    reports = [path.read_text(errors="replace") for path in REPORTS.glob("report.*")]
    reports = [text for text in reports if "ERROR: " in text or "runtime error: " in text]
    print(*reports, sep="\n")
    if not results.exists():
        print(f"the tests did not come to their end (status {status}); {len(reports)} reports")
        return 1
    (suite,) = ElementTree.parse(results).getroot().iter("testsuite")
    counts = {name: int(suite.get(name, 0)) for name in ("tests", "skipped", "failures", "errors")}
    wrong = counts["failures"] + counts["errors"]
    print(
        f"sanitize: {counts['tests'] - counts['skipped']} tests, {counts['skipped']} skipped, "
        f"{wrong} failed, {len(reports)} reports"
    )
    return 1 if status or wrong or reports else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
