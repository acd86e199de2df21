"""The chapters: each script of examples/ is a page, executed by the build, and a notebook.

jupytext reads the script's cells; myst-nb runs them, and a cell that fails fails the build.
"""

import os
from dataclasses import dataclass
from functools import cache

import jupytext
import nbformat
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from ext.generated import ROOT, title, write

__all__ = ["Chapter", "chapters", "notebook", "setup"]

FOLDER = ROOT / "docs" / "generated" / "chapters"


@dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes:
        script: its path in the repository.
        number: the book's chapter.
        title: its first heading.
        text: the notebook, as JSON.
    """

    script: str
    number: int
    title: str
    text: str

    @property
    def page(self) -> str:
        """Name the page, as Sphinx does."""
        return f"/generated/chapters/{self.script.removeprefix('examples/').removesuffix('.py')}"


def notebook(script: str) -> nbformat.NotebookNode:
    """Read a script as a notebook.

    Args:
        script: Python, with cells in jupytext's percent format; the first is a heading.

    Raises:
        ValueError: there is no heading.
    """
    read: nbformat.NotebookNode = jupytext.reads(script, fmt="py:percent")
    read.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    for i, cell in enumerate(read.cells):
        cell["id"] = f"cell-{i}"  # drawn at random otherwise, and the page would never be the same
    if not (read.cells[0].cell_type == "markdown" and read.cells[0].source.startswith("# ")):
        raise ValueError('a chapter begins with "# %% [markdown]" and "# # Its heading"')
    return read


@cache
def chapters() -> tuple[Chapter, ...]:
    """Read all chapters, in their order."""
    found = []
    for path in sorted((ROOT / "examples").glob("[0-9][0-9]_*.py")):
        try:
            read = notebook(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"examples/{path.name}: {error}") from None
        heading = read.cells[0].source.partition("\n")[0].removeprefix("# ")
        script, text = f"examples/{path.name}", nbformat.writes(read) + "\n"
        found.append(Chapter(script, int(path.name[:2]), heading, text))
    return tuple(found)


def generate(app: Sphinx) -> None:
    """Write the notebooks, and the list of them."""
    texts = {f"{chapter.page.rpartition('/')[2]}.ipynb": chapter.text for chapter in chapters()}
    rows = "\n".join(f"   {name.removesuffix('.ipynb')}" for name in texts)
    texts["index.rst"] = (
        f"{title('Chapters')}\nThe book's order, from the first derivative on. What a page shows "
        "was computed when it was made. Each is a script and a notebook as well.\n\n"
        f".. toctree::\n   :maxdepth: 2\n\n{rows}\n"
    )
    write(FOLDER, texts)


def _offer(app: Sphinx, doctree: nodes.document) -> None:
    """Say below the title what the page is made from, and give the notebook away."""
    for chapter in chapters():
        if chapter.page == f"/{app.env.docname}":
            line = nodes.paragraph("", classes=["made-from"])
            line += nodes.Text("This page is the script ")
            line += nodes.literal("", chapter.script)
            line += nodes.Text(" as it ran. Take it with you: ")
            name = f"{chapter.page.rpartition('/')[2]}.ipynb"
            line += addnodes.download_reference("", name, reftarget=name)
            section = next(doctree.findall(nodes.section))
            section.insert(1, line)


def _quiet_kernels() -> None:
    """Give the kernels settings of their own, not the user's: they report errors, nothing else."""
    folder = ROOT / "docs" / "generated" / "ipython"
    settings = folder / "profile_default" / "ipython_kernel_config.py"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('get_config().IPKernelApp.log_level = "ERROR"\n', encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(folder)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write the notebooks before Sphinx reads them."""
    _quiet_kernels()
    app.connect("builder-inited", generate, priority=300)
    app.connect("doctree-read", _offer, priority=300)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
