"""Each chapter's script runs as it is given, quickly, and tells the numbers that it should."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))

TELLS = {
    "01": ["L = 2.3755", "0.2489 -0.3748  0.0112"],  # the book's own numbers
    "02": ["A line, by least squares", "the network's error on the test rows: 0."],
    "03": ["rmse"],
    "04": ["accuracy"],
    "05": ["accuracy"],
    "06": [
        "a.grad = 35",
        "walk:  b.grad = 2, a.grad = 12",
        "order:         b.grad = 2, a.grad = 8",
    ],
}


def test_there_is_one_script_for_each_chapter():
    assert [path.name[:2] for path in EXAMPLES] == list(TELLS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_what_is_learnt(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)).startswith(f"Chapter {int(path.name[:2])}: ")
    assert text.count("\n") <= 130


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "DIGLOT_DATA": str(tmp_path)},  # no data there
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for words in TELLS[path.name[:2]]:
        assert words in done.stdout
    assert not list(tmp_path.iterdir())  # it leaves nothing behind
