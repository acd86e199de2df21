"""What the system's loader means when it refuses a compiled module."""

import re
from collections.abc import Mapping
from pathlib import PurePath

from diglot.doctor.child import Answer
from diglot.doctor.finding import REINSTALL

_ANOTHER = "install the build for this Python and this processor: run pip with this Python"
_COMPILE = "compile diglot here: pip install . in the repository, with this system's compiler"

_OWN = r"_(?:native_\w+|cpu)\.[^/\\]*$|[/\\]diglot\.libs[/\\]"  # a wheel brings libraries along
_IT = "the file"  # the module's own, unless the loader names another one

# What the message contains; what it means (\1 is what was found); what to do. The first one counts.
_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        r"cannot open shared object file: Permission denied",
        f"{_IT} may not be read",
        "give your user the right to read it",
    ),
    (
        r"(?:loading shared library )?libgomp[\w.-]*: (?:cannot open shared object|No such file)",
        "GNU's OpenMP library (libgomp.so.1) is missing",
        "install it: apt install libgomp1, dnf install libgomp, or apk add libgomp",
    ),
    (
        r"(?:Library not loaded|cannot open shared object).*?(lib(?:omp|iomp5)[\w.]*)"
        r"|(lib(?:omp|iomp5)[\w.]*): cannot open",
        "LLVM's OpenMP library is missing",
        "install it: brew install libomp, or apt install libomp5",
    ),
    (  # so says GNU's loader of a file that is there
        r"_(?:native_\w+|cpu)\.[\w.-]*: cannot open shared object",
        "it was built for another processor",
        _ANOTHER,
    ),
    (
        r"([\w.+-]+): cannot open shared object",
        r"the library \1 is missing",
        "install the package of your system that holds this library",
    ),
    (
        r"version [`'](GLIBC_[\d.]+)' not found",
        r"it was built for a newer system: \1 is not here",
        _COMPILE,
    ),
    (
        r"version [`']((?:GLIBCXX|CXXABI|GOMP|OMP)_[\w.]+)' not found",
        r"a runtime library is too old: \1 is not here",
        _COMPILE,
    ),
    (
        r"undefined symbol: (\w+)|[Ss]ymbol not found[^'_]*'?(_\w+)",
        r"it was built for another Python, or against other libraries (\1 is not here)",
        REINSTALL,
    ),
    (
        r"wrong ELF class|incompatible architecture|not a valid Win32|ELF file's .*mismatch",
        f"{_IT} was built for another processor",
        _ANOTHER,
    ),
    (
        r"file too short|invalid ELF header|cannot read file data|bad magic|not a mach-o"
        r"|ELF load command|object file has no",
        f"{_IT} is damaged",
        REINSTALL,
    ),
    (
        r"failed to map segment|cannot enable executable stack|Operation not permitted",
        f"the system forbids running code from {_IT}",
        "install diglot in a folder that is not mounted with noexec, and that policies allow",
    ),
    (
        r"Permission denied",
        f"{_IT} may not be read",
        "give your user the right to read the package's folder",
    ),
    (
        r"DLL load failed",
        "a DLL that it needs is missing",
        "install Microsoft's Visual C++ Redistributable",
    ),
    (
        r"does not define module export function",
        "the file is another module, under a wrong name",
        REINSTALL,
    ),
    (r"No module named '?(numpy)", "NumPy is missing", "pip install numpy"),
    (
        r"SIGILL|0xc000001d",
        "it holds an instruction that this processor does not have",
        _COMPILE,
    ),
    (
        r"SIG(?:BUS|SEGV|ABRT)|0xc0000005",
        "loading it ends the process: the file is damaged",
        REINSTALL,
    ),
    (r"did not end", "loading it does not end", REINSTALL),
)


def explain(answer: Answer, environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Say what a refusal means, with the loader's own words, and what to do."""
    words = answer.error.removeprefix("ImportError: ")
    for pattern, meaning, action in _REASONS:
        match = re.search(pattern, answer.error, flags=re.S)
        if match:
            first = next((group for group in match.groups() if group), "")
            meaning = meaning.replace(r"\1", first)
            library = _other_library(words)
            if library and (_IT in meaning or _led_to(library, environment or {})):
                meaning = meaning.replace(_IT, f"the library {library}")
                action = _replace(library, environment or {})
            return f"{meaning} ({words})", action
    return words, REINSTALL


def _other_library(words: str) -> str:
    """Name the file that the loader complains of, if it is none of diglot's."""
    named = re.match(r"([^\s:]*/[^:]+): ", words)
    return named[1] if named and not re.search(_OWN, named[1]) else ""


def _led_to(library: str, environment: Mapping[str, str]) -> str:
    """Name the variable that has led the loader to this library."""
    folder = str(PurePath(library).parent)
    for name in ("LD_LIBRARY_PATH", "LD_PRELOAD"):
        entries = re.split("[: ]", environment.get(name, ""))
        if any(entry.rstrip("/") in (folder, library) for entry in entries if entry):
            return name
    return ""


def _replace(library: str, environment: Mapping[str, str]) -> str:
    variable = _led_to(library, environment)
    if variable:
        return f"unset {variable}, which leads to that library, or replace it"
    return "install the package of your system that holds this library again"
