"""Run every kernel's smallest cases under valgrind, which sees what is read before it is written.

`make valgrind` calls this with the Python of the environment that holds a build for it. Python and
NumPy have peculiarities of their own, so an error counts if a module of diglot is in one of its
stacks: that of the use, or that of the allocation whose contents were used.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).parent
REPORTS = HERE.parents[1] / "build" / "valgrind" / "reports"
VALGRIND = ["valgrind", "--xml=yes", "--track-origins=yes", "--num-callers=25", "--error-limit=no"]
VALGRIND += ["--show-leak-kinds=none"]  # Python keeps much to its end
EVERY = ["UninitCondition", "SyscallParam", "InvalidWrite", "InvalidWrite", "InvalidRead"]
FAULTS = {
    5: ["SyscallParam", "InvalidWrite", "InvalidWrite"],  # NumPy keeps so small a block when freed
    1_000: EVERY,  # in memory from malloc
    20_001: EVERY,  # in a block of csrc/bindings/buffers.h
}
"""How many numbers, and the errors that there must be."""


def watch(*what: str) -> tuple[list[ElementTree.Element], str]:
    """Run smallest.py, and read valgrind's errors that pass through diglot."""
    report = REPORTS / f"{'-'.join(what)}.xml"
    variables = {
        "PYTHONMALLOC": "malloc",  # else small objects are pieces of blocks that it sees whole
        "OMP_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "passive",  # it runs one thread at a time
    }
    done = subprocess.run(
        [*VALGRIND, f"--xml-file={report}", sys.executable, str(HERE / "smallest.py"), *what],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(what)}: the run ended with status {done.returncode}")
    errors = ElementTree.parse(report).getroot().iter("error")
    return [error for error in errors if is_ours(error)], done.stdout.strip()


def is_ours(error: ElementTree.Element) -> bool:
    return any("/diglot/_" in (frame.text or "") for frame in error.iter("obj"))


def text_of(error: ElementTree.Element) -> str:
    """Write an error as valgrind would."""
    lines = []
    for part in error:
        if part.tag == "stack":
            for frame in list(part)[:12]:
                place = frame.findtext("file") or frame.findtext("obj") or "?"
                line = frame.findtext("line") or ""
                lines.append(f"    {frame.findtext('fn') or '?'} ({place}:{line})")
        elif part.tag in ("what", "auxwhat", "kind"):
            lines.append(part.text or "")
        elif part.tag in ("xwhat", "xauxwhat"):
            lines.append(part.findtext("text") or "")
    return "\n".join(lines)


def main() -> int:
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is missing; on Debian: apt-get install valgrind")
    from diglot.kernels import native

    # It knows no AVX-512, and says so to whoever asks the processor.
    builds = [name for name in native.available_builds() if name != "x86_64_v4"]
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    for count, kinds in FAULTS.items():
        errors, _ = watch("faults", str(count))
        found = sorted(error.findtext("kind") or "" for error in errors)
        if found != sorted(kinds):
            print(*map(text_of, errors), sep="\n\n")
            sys.exit(f"valgrind has noticed {found} of faults that are {sorted(kinds)}")
        print(f"valgrind: faults in {count} numbers, {len(found)} reports, as there must be")
    wrong = 0
    for build in builds:
        errors, calls = watch(build)
        print(*map(text_of, errors), sep="\n\n")
        print(f"valgrind: {build}, {calls} calls, {len(errors)} reports", flush=True)
        wrong += len(errors)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
