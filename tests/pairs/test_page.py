"""The page is well formed, self-contained and complete, with mathematics or without."""

import re
import sys
from html.parser import HTMLParser

import pytest

import diglot
from diglot import pairs
from diglot.pairs import page

NAMES = ["lstm_forward", "matmul", "gelu_backward", "Dense", "Conv2D", "Adam"]
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Reads a page: balance of its elements, what it refers to, and the code in it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.elements, self.code = [], [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.links += [attributes[key] for key in ("href", "src") if key in attributes]
        if tag not in VOID:
            self.open.append(tag)
        if "pair-code" in attributes.get("class", ""):
            self.code.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "pre" in self.open and "figure" in self.open:
            self.code[-1] += data


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_well_formed_and_asks_for_nothing(name):
    text = page.html(pairs.find(name))
    read = Page(text)
    assert text.startswith("<!doctype html>\n<html lang=")
    assert len(set(read.ids)) == len(read.ids)
    assert read.links
    assert all(link.startswith("#") and link[1:] in read.ids for link in read.links)
    assert "<script" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert "<title>" + name in text
    assert "viewport" in text


@pytest.mark.parametrize("name", NAMES)
def test_the_code_on_the_page_is_the_source_and_copies_without_line_numbers(name):
    pair = pairs.find(name)
    shown = [side.text for part in pair.parts for side in (part.left, part.right) if side]
    assert Page(page.html(pair)).code == shown


def test_columns_are_regions_that_the_keyboard_reaches():
    read = Page(page.html(pairs.find("lstm_forward")))
    regions = [a for tag, a in read.elements if tag == "pre" and a.get("role") == "region"]
    assert regions
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in regions)
    lines = [a["data-line"] for tag, a in read.elements if a.get("class") == "line"]
    first = pairs.find("lstm_forward").parts[0].left.first_line
    assert lines[:3] == [str(first), str(first + 1), str(first + 2)]


def test_headings_go_down_by_one():
    read = Page(page.fragment(pairs.find("matmul"), heading=2))
    headings = [tag for tag, _ in read.elements if tag[0] == "h" and tag[1:].isdigit()]
    assert headings[0] == "h2"
    assert set(headings[1:]) == {"h3"}


def test_the_style_stays_inside_the_fragment():
    rules = re.sub(r"/\*.*?\*/", "", page.css(), flags=re.S)
    selectors = [s for part in re.findall(r"([^{};]+){", rules) for s in split_list(part)]
    selectors = [selector for selector in selectors if not selector.startswith("@")]
    assert len(selectors) > 20
    assert not [selector for selector in selectors if ".diglot-pair" not in selector]


def split_list(selectors):
    """Split at the commas that are not inside parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", selectors)]


def test_light_and_dark_define_the_same_colours():
    blocks = [set(re.findall(r"--\w+(?=:)", block)) for block in page.css().split("{")]
    colours = [block for block in blocks if len(block) > 5]
    assert len(colours) == 4
    assert all(block == colours[0] for block in colours)


def test_a_page_has_mathematics_or_plain_text(monkeypatch):
    pair = pairs.find("lstm_forward")
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    without = page.fragment(pair)
    assert "<math" not in without
    assert "i = sigmoid(x w_xi + h w_hi + b_i)" in without
    monkeypatch.undo()
    pytest.importorskip("latex2mathml")
    assert '<div class="pair-equation" tabindex="0"><math' in page.fragment(pair)
    assert "<math" not in page.fragment(pairs.find("Dense"))  # a class has plain text


def test_a_notebook_displays_the_fragment_with_its_style():
    shown = diglot.pair("relu_forward")._repr_html_()
    assert shown == page.fragment(pairs.find("relu_forward"), with_style=True)
    assert shown.startswith("<style>.diglot-pair {")
    Page(shown)
