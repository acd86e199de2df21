"""The Python that runs: its version, its processor, its C library."""

import os
import platform
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterator

from diglot.doctor.finding import Finding, note, ok, wrong
from diglot.doctor.installation import Installation

OLDEST = (3, 11)


def check(installation: Installation) -> Iterator[Finding]:
    """Look at the interpreter."""
    yield judge(
        version=sys.version_info[:3],
        bits=8 * struct.calcsize("P"),
        machine=platform.machine(),
        built_for=sysconfig.get_platform(),
        libc=_libc(),
        translated=_is_translated(),
    )


def judge(
    *,
    version: tuple[int, ...],
    bits: int,
    machine: str,
    built_for: str,
    libc: str,
    translated: bool,
) -> Finding:
    """Judge an interpreter by its facts.

    Args:
        version: (3, 11, 2).
        bits: of a pointer.
        machine: the processor, as the system names it.
        built_for: what sysconfig.get_platform() says: "linux-x86_64", "win-amd64".
        libc: the C library and its version; empty where it is not known.
        translated: whether the system translates this program's instructions (Rosetta).
    """
    number = ".".join(map(str, version))
    kind = platform.python_implementation()
    parts = [f"{number} ({kind})", f"{bits} bits", f"{built_for} on {machine}", libc]
    found = ", ".join(part for part in parts if part)
    if version[:2] < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return wrong("Python", found, f"use Python {oldest} or newer")
    if bits < 64:
        return note(
            "Python",
            f"{found}: nothing is tested with 32 bits",
            "install a 64-bit Python",
        )
    arm = machine.lower() in ("arm64", "aarch64")
    if translated or (arm and built_for.endswith(("x86_64", "amd64"))):
        return note(
            "Python",
            f"{found}: made for another processor, whose instructions are translated",
            "install a Python for this processor: it is several times as fast",
        )
    if "musl" in libc:
        return note(
            "Python",
            f"{found}: release builds are for glibc, and do not load here",
            "compile diglot here: pip install . in the repository",
        )
    return ok("Python", found)


def _libc() -> str:
    if "musl" in str(sysconfig.get_config_var("SOABI")):
        return "musl"
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):  # no Linux, or none of GNU's
        return ""


def _is_translated() -> bool:
    if sys.platform != "darwin":
        return False
    command = ["sysctl", "-in", "sysctl.proc_translated"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == b"1"
