"""Pages that are made before Sphinx reads: into docs/generated/, which git ignores."""

from collections.abc import Mapping
from pathlib import Path

__all__ = ["ROOT", "title", "write"]

ROOT = Path(__file__).parents[2]


def write(folder: Path, pages: Mapping[str, str]) -> None:
    """Make a folder hold these files and no other.

    A file that is the same stays untouched, so that Sphinx does not read it again.

    Args:
        folder: it is made if it is missing.
        pages: the text of each file, by its name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def title(text: str, line: str = "=") -> str:
    """Underline a heading, as reStructuredText wants it."""
    return f"{text}\n{line * len(text)}\n"
