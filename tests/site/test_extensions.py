"""The site's extensions: what they make of a docstring, an equation, a script, a benchmark."""

import inspect
import json

import pytest

import diglot
from diglot.kernels import reference as definitions

for package in ("sphinx", "jupytext", "latex2mathml"):
    pytest.importorskip(package)

from ext import chapters, generated, mathml, measured, names, reference, repository
from ext.docstrings import rest

ROOT = generated.ROOT


# ---- mathematics ---------------------------------------------------------------------------------


def test_latex_becomes_mathml_without_a_script():
    math = mathml.mathml(r"\frac{a}{b}", display=True)
    assert math.startswith("<math")
    assert "<mfrac>" in math
    assert 'display="block"' in math
    assert 'display="inline"' in mathml.mathml("x", display=False)


def test_lines_are_aligned():
    assert "<mtable" in mathml.mathml(r"a &= b \\ &= c", display=True)


def test_an_unknown_command_is_refused():
    with pytest.raises(ValueError, match="nosuchcommand"):
        mathml.mathml(r"\nosuchcommand x", display=True)


# ---- docstrings ----------------------------------------------------------------------------------

DOCSTRING = """Do it to *args and `input_`.

    y = x * w_
        + b

where x_t | w is *not* Deep.

Args:
    x, w: arrays, (N, D);
        of one dtype.
    b: bias_, or None.

Raises (native):
    ValueError: it does not fit.

Book: chapter 3. Native: csrc/kernels/dense.cpp
"""


@pytest.fixture
def tree():
    """Parse what `rest` writes, as Sphinx would: any complaint is an error."""
    from docutils.core import publish_doctree

    def parse(text, latex=None):
        settings = {"halt_level": 2, "report_level": 2, "math_output": "MathML"}
        return publish_doctree(rest(text, latex), settings_overrides=settings)

    return parse


def test_an_equation_stays_as_it_is(tree):
    from docutils import nodes

    (block,) = tree(DOCSTRING).findall(nodes.literal_block)
    assert block.astext() == "y = x * w_\n    + b"


def test_latex_takes_the_place_of_the_first_equation(tree):
    from docutils import nodes

    found = tree(DOCSTRING, "y = xw + b")
    assert [math.astext() for math in found.findall(nodes.math_block)] == ["y = xw + b"]
    assert not list(found.findall(nodes.literal_block))


def test_text_means_itself(tree):
    from docutils import nodes

    found = tree(DOCSTRING)
    text = " ".join(p.astext() for p in found.findall(nodes.paragraph))
    assert "Do it to *args and input_." in text
    assert "where x_t | w is not Deep." in text
    codes = [code.astext() for code in found.findall(nodes.literal)]
    assert codes == ["input_", "csrc/kernels/dense.cpp"]


def test_sections_are_lists(tree):
    from docutils import nodes

    fields = {
        field[0].astext(): [item.astext() for item in field.findall(nodes.list_item)]
        for field in tree(DOCSTRING).findall(nodes.field)
    }
    assert fields == {
        "Args": ["x, w: arrays, (N, D); of one dtype.", "b: bias_, or None."],
        "Raises (native)": ["ValueError: it does not fit."],
    }


@pytest.mark.parametrize("name", sorted(reference.public_names()))
def test_each_public_docstring_can_be_read(tree, name):
    thing = reference.public_names()[name]
    if inspect.ismodule(thing) or hasattr(thing, "__qualname__"):
        doc = inspect.getdoc(getattr(definitions, name.rpartition(".")[2], thing)) or "A type."
        text = tree(doc).astext()
        first = doc.split("\n")[0].replace("`", "")
        assert first.split()[0].strip("*") in text


# ---- names ---------------------------------------------------------------------------------------


def test_names_are_looked_up():
    assert names.look_up("diglot.Trainer.fit") is diglot.Trainer.fit
    assert names.look_up("diglot.plots").__name__ == "diglot.plots"
    assert names.look_up("diglot.gradcheck.numerical_gradient").__name__ == "numerical_gradient"
    assert names.look_up("diglot.gradcheck") is diglot.gradcheck
    with pytest.raises(LookupError, match=r"diglot\.Densee"):
        names.look_up("diglot.Densee")


def test_a_class_is_found_by_any_of_its_names():
    known = {"diglot.Dense": ("page", "anchor"), id(diglot.Dense): ("page", "anchor")}
    assert names.place(known, "diglot.layers.Dense") == ("page", "anchor")
    assert names.place(known, "diglot.LSTM") is None


def test_the_reference_misses_what_is_not_documented():
    public = reference.public_names()
    assert {"diglot.Dense", "diglot.kernels.matmul", "diglot.metrics.accuracy"} <= set(public)
    known = {name: ("page", name) for name in public if name != "diglot.kernels.matmul"}
    assert reference.missing(known) == ["diglot.kernels.matmul"]


def test_each_public_thing_stands_on_one_page():
    listed = [name for found in reference.pages().values() for name in found]
    assert len(listed) == len(set(listed))
    assert "diglot.Dense" in reference.pages()["diglot.layers"]


# ---- files ---------------------------------------------------------------------------------------


def test_a_definition_is_found_in_a_file():
    text = "import a\n\n\nclass B:\n    def c(self):\n        ...\n"
    assert repository.find_definition(text, "B") == 4
    assert repository.find_definition(text, "c") == 5
    assert repository.find_definition(text, "d") == 1


def test_an_object_leads_to_its_line():
    uri = repository.linkcode_resolve("py", {"module": "diglot", "fullname": "Trainer.fit"})
    path, _, line = uri.removeprefix("repo:").partition("#L-")
    assert path == "python/diglot/trainer.py"
    text = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert "def fit(" in text[int(line) - 1]


def test_generated_files_are_written_once(tmp_path):
    generated.write(tmp_path, {"a": "1", "b": "2"})
    before = (tmp_path / "a").stat().st_mtime_ns
    generated.write(tmp_path, {"a": "1", "c": "3"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]
    assert (tmp_path / "a").stat().st_mtime_ns == before


# ---- chapters ------------------------------------------------------------------------------------


def test_cells_become_a_notebook_that_is_the_same_each_time():
    script = '# %% [markdown]\n# # A title\n#\n# Text.\n\n# %%\nprint("a")\n'
    read = chapters.notebook(script)
    assert [cell.cell_type for cell in read.cells] == ["markdown", "code"]
    assert read.cells[0].source.startswith("# A title")
    assert read == chapters.notebook(script)


def test_a_chapter_needs_a_title():
    with pytest.raises(ValueError, match="Its heading"):
        chapters.notebook("import a\n")


# ---- measured ------------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_benchmark():
    row = {"name": "conv2d N1", "group": "conv2d", "kind": "conv2d_forward"}
    row["seconds"] = {"ours": 0.00123456, "NumPy": 0.002, "1 thread": 1.0}
    training = {**row, "group": "training", "kind": "training"}
    machine = {"processor": "P", "threads": 2, "build": "b", "flags": "-O3"}
    kept = measured.shorten({"machine": machine, "versions": {}, "rows": [row, training]})
    assert kept["rows"] == [
        {
            "name": "conv2d N1",
            "kind": "conv2d_forward",
            "family": "conv",
            "seconds": {"ours": 0.00123, "NumPy": 0.002},
        }
    ]


def test_what_is_committed_can_be_read_and_names_kernels_that_exist():
    where, rows = measured.load()
    assert "one machine" in where
    assert json.loads(measured.FILE.read_text(encoding="utf-8"))["rows"]
    for row in rows:
        kernels = [name for name in definitions.__all__ if name.startswith(row.kind)]
        assert kernels or row.kind == "dropout", row
        assert row.ratio("NumPy") > 0
        assert row.ratio("nobody") is None
