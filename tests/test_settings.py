"""Environment variables: all are known, and a bad one is one line on the command line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import diglot
from diglot.settings import VARIABLES


def run(*command, **variables):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DIGLOT_")}
    return subprocess.run(
        [sys.executable, *command],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_variable_that_is_read_is_in_the_list():
    read = set()
    for path in Path(diglot.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        read |= set(re.findall(r"""environ(?:\.get\(|\[)["'](DIGLOT_\w+)""", text))
    assert read == set(VARIABLES)


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("DIGLOT_BACKEND", "backend 'banana' is unknown; choose one of"),
        ("DIGLOT_ISA", "build 'banana' is unknown; choose one of"),
        ("DIGLOT_WINOGRAD", "it is 'banana', expected 0 or 1"),
    ],
)
@pytest.mark.parametrize("command", [["-m", "diglot"], ["diglot"]])
def test_a_bad_value_is_one_line_on_the_command_line(tmp_path, command, variable, words):
    script = tmp_path / "diglot"  # what pip writes
    script.write_text("import sys\nfrom diglot.cli import main\nsys.exit(main())\n")
    command = [script] if command == ["diglot"] else command
    done = run(*command, "info", **{variable: "banana"})
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"diglot: error: unset the environment variable {variable}, or change it: {words}"
    )


def test_an_empty_variable_is_as_good_as_none():
    code = """
import diglot
from diglot.datasets.files import data_folder
print(diglot.get_backend(), diglot.get_winograd(), data_folder())
"""
    empty = run("-c", code, **dict.fromkeys(VARIABLES, ""))
    unset = run("-c", code)
    assert (empty.returncode, unset.returncode) == (0, 0), empty.stderr + unset.stderr
    assert empty.stdout == unset.stdout
