"""Each chapter is a script, a notebook and a page at once: as any of them it runs and is right."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHAPTERS = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))

TELLS = {
    "01_derivatives_and_the_chain_rule": [
        "L = 2.3755",  # the book's own numbers
        "0.2489 -0.3748  0.0112",
        "changing X[0, 1] alone: measured -0.3748, by the chain rule -0.3748",
    ],
    "02_linear_regression_and_a_network_by_hand": [
        "200 steps downhill: W = [ 2.9984 -0.9327  0.3772], B = 3.8867",
        "by least squares:   W = [ 2.9984 -0.9327  0.3772], B = 3.8867",
        "by the chain rule -0.058643, measured -0.058643",
        "the network's error on the test rows: 0.5",
    ],
    "03_the_framework": [
        "loss by hand 0.622990, by the library 0.622990",
        "3-13-13-1  mae 0.5",
        "its gradient is the measured one: True",
    ],
    "04_losses_and_weights": [
        "loss 1.4856 nats by hand, 1.4856 by diglot",
        "Glorot's deviation: 0.114",
        "deviation 0.01: layer 10 gives 9.7e-11",
    ],
    "04_training_tricks": [
        "momentum 0.8: the loss goes from 78.1 to 0.0060",
        "1153 to learn from, 289 to choose by, 355 to test with",
        "Adam, ReLU, He's weights    97.",
    ],
    "05_convolutions": [
        "[ 3.  6.  9. 12.  9.], the sum is 39",  # the book's own numbers
        "input [2. 3. 3. 3. 2.], filter [10. 15. 14.]",
        "ones:    wrong by 0.000 inside",
        "accuracy 98.",
    ],
    "06_automatic_differentiation": [
        "dd/da by my own numbers: 35",
        "walk:  b.grad = 2, a.grad = 12",
        "order:         b.grad = 2, a.grad = 8",
    ],
    "06_recurrent_networks": [
        "in two pieces the same: True",
        "root mean squared error: 1",
        "accuracy on 355",
    ],
    "07_what_the_book_does_in_pytorch": [
        "accuracy on the test: 9",
        "epoch 7: as unsure as",
        "the loaded network writes the same words: True",
    ],
}

each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def test_every_chapter_of_the_book_is_there():
    assert [path.stem for path in CHAPTERS] == list(TELLS)
    assert {int(stem[:2]) for stem in TELLS} == set(range(1, 8))


# ---- what it looks like --------------------------------------------------------------------------


def cells(path):
    """Take a file in the percent format apart: (kind, lines) of each cell."""
    text = path.read_text(encoding="utf-8")
    before, *found = re.split(r"^# %%(.*)\n", text, flags=re.M)
    assert not before, f"{path.name} begins with {before[:40]!r}, expected a cell"
    return [(k.strip(), t.splitlines()) for k, t in zip(found[::2], found[1::2], strict=True)]


@each_chapter
def test_a_chapter_is_cells_under_a_title(path):
    found = cells(path)
    kind, lines = found[0]
    assert kind == "[markdown]"
    assert lines[0].startswith(f"# # Chapter {int(path.name[:2])}: ")
    assert 'pip install "diglot[plots]"' in "".join(lines)  # what Colab has to begin with
    assert {kind for kind, _ in found} == {"", "[markdown]"}
    for kind, lines in found:
        written = [line for line in lines if line]
        assert written, "a cell is empty"
        if kind == "[markdown]":
            assert all(re.match(r"#( |$)", line) for line in written), "a line is not commented out"
        else:
            assert not all(line.startswith("#") for line in written), "a cell is comments alone"
    assert sum(kind == "[markdown]" for kind, _ in found) >= 5, "it explains too little"


@each_chapter
def test_a_chapter_is_short_enough_for_one_sitting(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 300, f"{lines} lines: split it"


@each_chapter
def test_a_chapter_is_plain_python(path):
    for kind, lines in cells(path):
        if kind != "[markdown]":
            ast.parse("\n".join(lines))  # each cell by itself, as a notebook runs it
            # jupytext makes a magic of a comment that looks like one, and a script goes without it.
            assert not [line for line in lines if re.match(r"#\s*[%!]", line)]


# ---- that it runs --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory):
    """Describe a machine without a display, without data, and without this repository's folder."""
    home = tmp_path_factory.mktemp("home")
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return environment | {
        "HOME": str(home),
        "MPLCONFIGDIR": str(home),  # so that the list of fonts is made once
        "DIGLOT_DATA": str(home),
    }


@each_chapter
def test_a_chapter_runs_as_a_script(path, tmp_path, elsewhere):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env=elsewhere | {"MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=900,  # an emulated processor needs minutes
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for words in TELLS[path.stem]:
        assert words in done.stdout
    assert not list(tmp_path.iterdir())  # it leaves nothing behind


@each_chapter
def test_a_chapter_runs_as_a_notebook(path, tmp_path, elsewhere):
    for package in ("jupytext", "nbclient", "ipykernel"):
        pytest.importorskip(package, reason="notebooks need the extra docs")
    notebook = tmp_path / "notebook.ipynb"
    kernel = ["--set-kernel", "python3"]
    convert = ["-m", "jupytext", "--to", "ipynb", *kernel, "--output", notebook, path]
    execute = ["-c", "from nbclient.cli import main; main()", "--inplace", notebook]
    for command in (convert, execute):  # as `make notebooks` does
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=elsewhere,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    found = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in found for output in cell.get("outputs", [])]
    streams = {"stdout": "", "stderr": ""}
    for output in outputs:
        if output["output_type"] == "stream":
            streams[output["name"]] += "".join(output["text"])
    assert not streams["stderr"]
    for words in TELLS[path.stem]:
        assert words in streams["stdout"]
    assert sum("subplots(" in "".join(cell["source"]) for cell in found) <= sum(
        "image/png" in output.get("data", {}) for output in outputs
    )
    assert any("image/png" in output.get("data", {}) for output in outputs), "it shows no picture"
    bare = [out["data"] for out in outputs if out.get("data", {}).keys() == {"text/plain"}]
    assert not bare, "a cell ends with a value that nobody asked for: put `_ =` before it"
