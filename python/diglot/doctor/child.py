"""Ask a question in a process of its own: it may crash or never end, and that is an answer."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from diglot.doctor import shadows
from diglot.doctor.standard import is_standard

MARK = "diglot-doctor "  # begins the lines that are ours; libraries may print, too


@final
@dataclass(frozen=True)
class Answer:
    """What became of a question.

    Attributes:
        facts: what the child found; empty if it did not get so far.
        error: why not: an exception's type and message, or how the process ended.
        crashed: the process did not end by itself.
        stage: what it had announced last.
        said: what it wrote to its standard error.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    crashed: bool = False
    stage: str = ""
    said: str = ""

    @property
    def failed(self) -> bool:
        """Tell whether there are no facts."""
        return bool(self.error)


def ask(
    probe: str,
    path: list[str],
    environment: Mapping[str, str],
    *,
    seconds: float = 60,
    **question: Any,
) -> Answer:
    """Run one function of `probe.py` in a child process.

    Args:
        probe: its name.
        path: the child's sys.path.
        environment: the child's environment.
        seconds: how long it may take.
        question: what the function is given.
    """
    # -P: the probe's own folder must not be on the path, where it would hide other modules.
    # What stands in for a module of Python does so for the question, not for the probe.
    if search := environment.get("PYTHONPATH"):
        standard = [entry for entry in sys.path if is_standard(entry)]
        environment = {**environment, "PYTHONPATH": os.pathsep.join([*standard, search])}
    flags = ["-P", *(["-I"] if sys.flags.isolated else [])]
    command = [sys.executable, *flags, str(Path(__file__).with_name("probe.py"))]
    text = json.dumps(
        {"probe": probe, "path": path, "again": list(shadows.find(path)), "question": question}
    )
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            env=dict(environment),
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as stopped:
        stage = _lines(stopped.stdout or b"").get("stage", "")
        return Answer({}, f"did not end within {seconds:.0f} s", True, stage)
    except OSError as error:
        return Answer({}, f"no process can be started: {error}", True)
    lines = _lines(done.stdout)
    stage = lines.get("stage", "")
    said = done.stderr.decode(errors="replace")
    if "facts" in lines:
        return Answer(lines["facts"], stage=stage, said=said)
    if "error" in lines:
        return Answer({}, lines["error"], stage=stage, said=said)
    return Answer({}, _ending(done.returncode, said), True, stage, said)


def _lines(output: bytes) -> dict[str, Any]:
    """Read the child's lines; of several of a kind, the last one counts."""
    read: dict[str, Any] = {}
    for line in output.decode(errors="replace").splitlines():
        if line.startswith(MARK):
            read.update(json.loads(line.removeprefix(MARK)))
    return read


def _ending(status: int, errors: str) -> str:
    if status < 0:
        try:
            return f"the process was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"the process was ended by signal {-status}"
    shown = hex(status) if status > 0xFFFF else status  # Windows' codes are known in that way
    last = errors.strip().splitlines()[-1:]
    return ": ".join([f"the process ended with status {shown}", *last])
