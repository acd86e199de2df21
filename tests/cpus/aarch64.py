"""make aarch64: compile diglot for Arm, and try it there, on an emulated processor.

The modules are compiled by Debian's cross compiler for Debian's Python of that processor; NumPy and
the rest are the wheels that an Arm machine would install. Everything goes into build/aarch64.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from emulated_python import emulator, write_environment
from steps import Steps, python_tests

ROOT = Path(__file__).parents[2]
HERE = ROOT / "tests" / "cpus"
BUILD = ROOT / "build" / "aarch64"
SYSTEM = BUILD / "root"

TOOLS = {  # program: Debian's package
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "cmake": "cmake",
}


def interpreter() -> Path:
    """Unpack the Arm system, if that is not done, and return its Python.

    Raises:
        RuntimeError: it has another version than this one, which builds for it.
    """
    marker = BUILD / "unpacked"
    if not marker.exists():
        subprocess.run([HERE / "aarch64_sysroot", BUILD], check=True)
        marker.touch()
    python = (SYSTEM / "usr/bin/python3").resolve()
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if python.name != own:
        raise RuntimeError(f"Debian's Python is {python.name} here; run this with it, not {own}")
    return python


def build_wheel() -> Path:
    """Compile, and return the wheel."""
    wheels = BUILD / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    environment = {
        **os.environ,
        "ARM_ROOT": str(SYSTEM),
        "CMAKE_TOOLCHAIN_FILE": str(HERE / "aarch64.cmake"),
        "_PYTHON_HOST_PLATFORM": "linux-aarch64",  # the name of the wheel
    }
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels]
    command += [f"-Cbuild-dir={BUILD / 'objects'}", ROOT]
    subprocess.run(command, env=environment, check=True)
    (wheel,) = wheels.glob("diglot-*.whl")
    return wheel


def install(wheel: Path, environment: Path) -> None:
    """Put a wheel, and what its tests need, into an environment; no Arm program runs for that."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = environment / "lib" / f"python{version}" / "site-packages"
    shutil.rmtree(packages, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    command += ["--target", packages, "--python-version", version]
    for system in ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "linux"):
        command += ["--platform", f"{system}_aarch64"]
    with (ROOT / "pyproject.toml").open("rb") as file:
        needed = tomllib.load(file)["project"]["optional-dependencies"]["test"]
    # pip would take "; platform_machine == ..." for a question about the machine that it runs on.
    needed = [one for one in needed if "platform_machine" not in one]
    subprocess.run([*command, wheel, *needed], check=True)


def main() -> int:
    """Run the short form, or with --all the whole suite."""
    steps = Steps()
    try:
        for tool, package in TOOLS.items():
            if shutil.which(tool) is None:
                raise FileNotFoundError(f"{tool} is missing: install Debian's package {package}")
        command = [emulator("aarch64"), "-L", str(SYSTEM)]
        python = write_environment(BUILD / "environment", command, interpreter())
        install(build_wheel(), BUILD / "environment")
    except (FileNotFoundError, RuntimeError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    steps.run("info", [python, "-m", "diglot", "info"])
    steps.run("verify", [python, "-m", "diglot", "verify"])
    steps.run("tests", [python, *python_tests("--all" in sys.argv[1:], "aarch64")])
    return steps.report()


if __name__ == "__main__":
    sys.exit(main())
