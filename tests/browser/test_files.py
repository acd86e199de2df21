"""The site without a browser: nothing is missing, and nothing comes from elsewhere."""

import json
import re
from html import unescape

import pytest
from site_files import PAGES, ROOT, SITE, goal, read

import diglot
from diglot import sources

pytestmark = pytest.mark.site


def name(page):
    return str(page.relative_to(SITE))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_link_leads_to_a_page_and_its_anchor(page):
    for address in read(page).links:
        found = goal(page, address)
        if found:
            path, anchor = found
            assert path.is_relative_to(SITE.resolve()), f"{address} leaves the site"
            assert path.is_file(), f"{address} leads nowhere"
            assert not anchor or anchor in read(path).anchors, f"{address} has no such anchor"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_a_page_loads_is_in_the_folder(page):
    for address in read(page).loads:
        found = goal(page, address)
        assert found, f"{address} is another host's"
        assert found[0].is_file(), f"{address} is missing"


def test_each_page_of_the_repository_is_a_page_of_the_site():
    missing = [
        p.name for p in (ROOT / "docs").glob("*.md") if not (SITE / f"{p.stem}.html").is_file()
    ]
    assert not missing


def test_each_chapter_is_a_page_and_a_notebook():
    for script in sorted((ROOT / "examples").glob("[0-9]*.py")):
        page = SITE / "generated" / "chapters" / f"{script.stem}.html"
        notebooks = [link for link in read(page).links if link.endswith(f"{script.stem}.ipynb")]
        assert notebooks, f"{script.name} is not offered as a notebook"
        notebook = json.loads(goal(page, notebooks[0])[0].read_text(encoding="utf-8"))
        assert notebook["nbformat"] == 4
        assert f"source/examples/{script.name}.html" in "".join(read(page).links)


def test_each_kernel_is_on_the_page_of_its_family():
    pages = sorted((SITE / "generated" / "kernels").glob("*.html"))
    anchors = set().union(*(read(page).anchors for page in pages))
    assert not [k for k in diglot.kernels.reference.__all__ if f"diglot.kernels.{k}" not in anchors]


def test_the_cpp_on_a_page_is_what_was_compiled():
    """All lines of a kernel's facing column are those of its source, in their order."""
    text = (SITE / "generated" / "kernels" / "conv.html").read_text(encoding="utf-8")
    figures = re.findall(r'<figure class="pair-side pair-cpp">.*?</figure>', text, flags=re.S)
    assert figures
    for figure in figures:
        path, first = re.search(r"<figcaption>.*?<code>(\S+):(\d+)</code>", figure, re.S).groups()
        code = re.sub(r"<[^>]+>", "", re.search(r"<pre[^>]*>(.*)</pre>", figure, re.S)[1])
        shown = unescape(code).rstrip("\n").split("\n")
        lines = sources.read(path).split("\n")[int(first) - 1 :]
        assert [line.rstrip() for line in shown] == [line.rstrip() for line in lines[: len(shown)]]
