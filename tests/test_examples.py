"""Each chapter runs as it is given, quickly, and tells the numbers that it should."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
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
CONVERTED = ["01_derivatives_and_the_chain_rule"]
"""Those that are notebooks as well; the others are scripts that begin with a docstring."""

each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if path.stem in CONVERTED], ids=lambda path: path.stem
)


def test_there_is_a_script_for_each_chapter():
    assert [path.stem for path in EXAMPLES] == list(TELLS)
    chapters = {int(stem[:2]) for stem in TELLS}
    assert chapters == set(range(1, max(chapters) + 1))


@each_example
def test_an_example_is_short_and_says_what_is_learnt(path):
    text = path.read_text(encoding="utf-8")
    chapter = f"Chapter {int(path.name[:2])}: "
    if path.stem in CONVERTED:
        assert text.startswith(f"# %% [markdown]\n# # {chapter}")
        assert "\n# ## What you have learnt\n" in text
        assert text.count("\n") <= 260
    else:
        assert ast.get_docstring(ast.parse(text)).startswith(chapter)
        assert text.count("\n") <= 130


@each_example
def test_an_example_runs(path, tmp_path):
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "DIGLOT_DATA": str(tmp_path),  # no data there
        "MPLBACKEND": "agg",  # no display
        "MPLCONFIGDIR": matplotlib.get_cachedir(),  # the list of fonts is not written again
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for words in TELLS[path.stem]:
        assert words in done.stdout
    assert not list(tmp_path.iterdir())  # it leaves nothing behind


def read_notebook(path):
    """Read a script's cells, as `make notebooks` does."""
    jupytext = pytest.importorskip("jupytext")
    return jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")


@each_notebook
def test_an_example_is_a_notebook(path):
    nbformat = pytest.importorskip("nbformat")
    notebook = read_notebook(path)
    nbformat.validate(notebook)
    kinds = [cell.cell_type for cell in notebook.cells]
    assert kinds[0] == kinds[-1] == "markdown"  # what it is about, and what was learnt
    assert set(kinds) == {"markdown", "code"}
    for cell in notebook.cells:
        assert cell.source.strip()
        if cell.cell_type == "code":
            compile(cell.source, path.name, "exec")  # plain Python: no magic, no shell


def test_a_notebook_runs_and_shows_its_figures(tmp_path):
    """One of them: the site's build runs them all."""
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = read_notebook(EXAMPLES[0])
    figures = sum("plt.subplots" in cell.source for cell in notebook.cells)
    nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == figures > 0
    assert not [output for output in outputs if output.output_type == "execute_result"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    for words in TELLS[EXAMPLES[0].stem]:
        assert words in printed
