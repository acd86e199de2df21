"""CONTRIBUTING.md and CHANGELOG.md are pages of the site, too."""

from ext.generated import ROOT, write
from ext.repository import PAGES
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

__all__ = ["setup"]


def generate(app: Sphinx) -> None:
    """Write pages that include the files, whose links are seen from where they stand."""
    write(
        ROOT / "docs" / "generated" / "root",
        {
            f"{page.rpartition('/')[2]}.md": f"```{{include}} ../../../{name}\n:relative-docs: docs/\n```\n"
            for name, page in PAGES.items()
        },
    )


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write the pages before Sphinx reads."""
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
