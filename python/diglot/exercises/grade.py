"""Grade a learner's file: compile it if need be, run it in a process of its own, and watch."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from diglot.exercises import compiler
from diglot.exercises.blank import is_blank
from diglot.exercises.exercise import Exercise
from diglot.exercises.messages import Wrong
from diglot.exercises.report import Grade, Row, blank_row, read

__all__ = ["check"]

_LIMIT = 10.0  # seconds for one case; right answers take some milliseconds
_MOST_PRINTED = 2000  # characters


def check(
    exercise: Exercise,
    path: Path,
    *,
    speed: bool = True,
    limit: float = _LIMIT,
    flags: Sequence[str] = (),
) -> Grade:
    """Grade an answer.

    Args:
        exercise: which.
        path: the learner's file.
        speed: ask for the speed, too, if all else is right.
        limit: seconds without progress after which the answer is stopped.
        flags: further ones for the C++ compiler.

    Returns:
        The grade; an answer that cannot be compiled or run, crashes or never ends has a row that
        says so.

    Raises:
        OSError: the file cannot be read, or there is no compiler for an exercise in C++.
    """
    path = path.absolute()
    text = path.read_text(encoding="utf-8", errors="replace")
    with TemporaryDirectory(prefix="diglot-") as temporary:
        folder = Path(temporary)
        library = "-"
        if exercise.kind == "rung":
            if is_blank(exercise, text):
                return Grade([blank_row(exercise, path)])
            library = str(folder / "answer.so")
            try:
                compiler.build(exercise, path, Path(library), flags)
            except Wrong as error:
                return Grade([Row("compiler", False, "refuses it", str(error))])
        return _run(exercise, path, folder, library, speed, limit)


def _run(
    exercise: Exercise, path: Path, folder: Path, library: str, speed: bool, limit: float
) -> Grade:
    report = folder / "report"
    report.touch()
    command = [
        sys.executable,
        "-P",
        "-W",
        "ignore::RuntimeWarning",
        "-m",
        "diglot.exercises.child",
        exercise.name,
    ]
    command += [str(path), str(report), library, str(int(speed))]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # so that processes which the answer starts can be ended with it
    )
    printed = bytearray()
    reader = threading.Thread(target=_keep_beginning, args=(process.stdout, printed))
    reader.start()
    try:
        in_time = _wait(process, report, limit)
    finally:
        _end(process)
        reader.join()
    text = printed.decode("utf-8", errors="replace")
    rows, place, ended = read(report)
    if not in_time:
        message = (
            f"In {place} it was stopped, after {limit:g} s without a result: does a loop never "
            "end? (--limit gives it more time.)"
        )
        rows.append(Row("answer", False, "never ends", message))
    elif not ended:
        rows.append(_crash(process.returncode, place))
    if len(text) > _MOST_PRINTED:
        text = text[:_MOST_PRINTED] + " ...\n"
    return Grade(rows, text)


def _keep_beginning(stream: IO[bytes], kept: bytearray) -> None:
    """Read all that is printed, and keep what will be shown of it."""
    with stream:
        while block := stream.read1(1 << 16):  # type: ignore[attr-defined]  # it is buffered
            kept += block[: 4 * _MOST_PRINTED + 1 - len(kept)]  # a character has up to four bytes


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End an answer, and the processes that it has started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _wait(process: "subprocess.Popen[bytes]", report: Path, limit: float) -> bool:
    """Wait for the end; give False if nothing has been reported for too long."""
    size, since = -1, time.monotonic()
    while True:
        try:
            process.wait(0.02)
            return True
        except subprocess.TimeoutExpired:
            written = report.stat().st_size
        if written != size:
            size, since = written, time.monotonic()
        elif time.monotonic() - since > limit:
            return False


_SIGNALS = {
    signal.SIGSEGV: "segmentation fault: it reads or writes memory that is not its own. Look at "
    "the loops' bounds and at the indices",
    signal.SIGBUS: "bus error: it reads or writes memory that does not exist. Look at the indices",
    signal.SIGFPE: "arithmetic error: an integer was divided by zero",
    signal.SIGABRT: "it was aborted: memory was destroyed, or an exception has left a noexcept "
    "function",
    signal.SIGILL: "illegal instruction: did a function end without its return?",
    signal.SIGKILL: "it was killed: did it ask for too much memory?",
}


def _crash(status: int, place: str) -> Row:
    if status >= 0:
        what = f"the process ended with status {status}, before all was asked"
    else:
        what = next((text for number, text in _SIGNALS.items() if number == -status), "")
        what = what or f"signal {-status}"
    return Row("answer", False, "crashed", f"In {place} it crashed: {what}.")
