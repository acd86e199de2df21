"""CONTRIBUTING.md, CHANGELOG.md and SECURITY.md are pages of the site, too."""

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from ext.generated import ROOT, write
from ext.repository import PAGES

__all__ = ["setup"]


def generate(app: Sphinx) -> None:
    """Write pages that include the files, whose links are seen from where they stand."""
    texts = {}
    for file, page in PAGES.items():
        include = f"```{{include}} ../../../{file}\n:relative-docs: docs/\n```\n"
        texts[f"{page.rpartition('/')[2]}.md"] = include
    write(ROOT / "docs" / "generated" / "root", texts)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write the pages before Sphinx reads."""
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
