"""The built site, read as files: its pages, their links and their anchors."""

import os
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urlsplit

ROOT = Path(__file__).parents[2]
SITE = Path(os.environ.get("DIGLOT_SITE", ROOT / "build" / "docs" / "html"))
PAGES = sorted(SITE.rglob("*.html"))


class Contents(NamedTuple):
    """What of a page can be linked to, and what it links to or loads."""

    anchors: frozenset[str]
    links: tuple[str, ...]
    loads: tuple[str, ...]


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.anchors, self.links, self.loads = set(), [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        elif tag == "link" and found.get("href"):
            self.loads.append(found["href"])
        elif found.get("src"):
            self.loads.append(found["src"])


@cache
def read(page: Path) -> Contents:
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return Contents(frozenset(reader.anchors), tuple(reader.links), tuple(reader.loads))


def goal(page: Path, address: str) -> tuple[Path, str] | None:
    """Find the file and anchor that a page's address means; None if it is another host's."""
    if urlsplit(address).scheme or address.startswith("//"):
        return None
    address, anchor = urldefrag(address)
    path = unquote(urlsplit(address).path)
    return ((page.parent / path).resolve() if path else page), unquote(anchor)
