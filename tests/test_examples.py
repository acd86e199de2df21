"""Each chapter's script runs as it is given, quickly, and tells the numbers that it should."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))

TELLS = {
    "01_derivatives_and_the_chain_rule": [
        "L = 2.3755",
        "0.2489 -0.3748  0.0112",
    ],  # the book's own numbers
    "02_linear_regression_and_a_network_by_hand": [
        "A line, by least squares",
        "the network's error on the test rows: 0.",
    ],
    "03_the_framework": ["rmse"],
    "04_training_tricks": ["accuracy"],
    "05_convolutions": ["accuracy"],
    "06_automatic_differentiation": [
        "a.grad = 35",
        "walk:  b.grad = 2, a.grad = 12",
        "order:         b.grad = 2, a.grad = 8",
    ],
    "06_recurrent_networks": [
        "in two pieces the same: True",
        "root mean squared error: 1",
        "accuracy on 355",
    ],
}


def test_there_is_one_script_for_each_chapter():
    assert [path.stem for path in EXAMPLES] == list(TELLS)
    assert {stem[:2] for stem in TELLS} == {f"{chapter:02}" for chapter in range(1, 7)}


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
    for words in TELLS[path.stem]:
        assert words in done.stdout
    assert not list(tmp_path.iterdir())  # it leaves nothing behind
