"""Make a Python that runs on an emulated processor, and so do the Pythons that it starts.

QEMU's user mode runs one program. When that program starts another, the system runs it on the real
processor. So `sys.executable` has to be a program that starts the emulator: here it is a shell
script in a virtual environment of its own.
"""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_SCRIPT = """\
#!/bin/sh
exec env {variables} {emulator} -0 "$0" {interpreter} "$@"
"""

# OpenBLAS, inside of NumPy, takes qemu's older processors for newer ones and runs AVX there.
_OPENBLAS = {"Nehalem": "Nehalem", "SandyBridge": "Sandybridge", "Haswell": "Haswell"}

# What QEMU would warn about on every start, because it does not emulate it.
_WITHOUT = {
    "SandyBridge": ",-x2apic,-tsc-deadline",
    "Haswell": ",-x2apic,-tsc-deadline,-pcid,-invpcid,-hle,-rtm",
}


def emulator(machine: str) -> str:
    """Find QEMU's emulator of a machine, "x86_64" or "aarch64".

    Raises:
        FileNotFoundError: it is not installed.
    """
    path = shutil.which(f"qemu-{machine}")
    if path is None:
        raise FileNotFoundError(
            f"qemu-{machine} is missing: install Debian's package qemu-user (7.2 or newer)"
        )
    return path


def write_environment(
    folder: Path, command: list[str], interpreter: Path, variables: dict[str, str] | None = None
) -> Path:
    """Write the virtual environment, without packages, and return its Python.

    Args:
        folder: where; what is there is kept.
        command: the emulator and its options.
        interpreter: the program that it is to run, a Python outside of any environment.
        variables: what to add to the environment of the processes.
    """
    python = folder.absolute() / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    settings = [f"{name}={value}" for name, value in (variables or {}).items()]
    python.write_text(
        _SCRIPT.format(
            variables=shlex.join(settings),
            emulator=shlex.join(command),
            interpreter=shlex.quote(str(interpreter)),
        )
    )
    python.chmod(0o755)
    (folder / "pyvenv.cfg").write_text(
        f"home = {interpreter.parent}\ninclude-system-site-packages = false\n"
    )
    return python


def as_processor(model: str, folder: Path, python: str = sys.executable) -> Path:
    """Let the Python of a virtual environment, with its packages, run on another x86 processor.

    Args:
        model: a processor that qemu-x86_64 knows (`qemu-x86_64 -cpu help`).
        folder: where the new environment goes.
        python: the environment's Python.
    Returns:
        The new environment's Python.
    """
    ask = "import os, sys; print(os.path.realpath(sys.executable)); print(sys.prefix)"
    told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    interpreter, prefix = map(Path, told.stdout.splitlines())
    variables = {"OPENBLAS_CORETYPE": _OPENBLAS.get(model, "Nehalem")}
    processor = model + _WITHOUT.get(model, "")
    made = write_environment(
        folder, [emulator("x86_64"), "-cpu", processor], interpreter, variables=variables
    )
    packages = folder / "lib"
    packages.unlink(missing_ok=True)
    packages.symlink_to(prefix / "lib")
    return made
