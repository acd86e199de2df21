"""Links into the repository stay inside the site: a page with the source for each linked file.

A page may link to `../csrc/kernels/conv.cpp`, name `tests/test_book.py` between back-ticks, or
give `repo:csrc/kernels/conv.cpp#L-10` as an address: each leads to a highlighted page of the site.
"""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

from ext.generated import ROOT

__all__ = ["find_definition", "linkcode_resolve", "setup"]

LANGUAGES = {".py": "python", ".cpp": "cpp", ".h": "cpp", ".md": "markdown", ".toml": "toml"}
PAGES = {
    "CONTRIBUTING.md": "generated/root/contributing",
    "CHANGELOG.md": "generated/root/changelog",
    "SECURITY.md": "generated/root/security",
}
ROOMS = re.compile(r"((?:python|csrc|tests|examples|benchmarks)/[\w./-]+\.\w+)(?:::(\w+))?")


def find_definition(text: str, name: str) -> int:
    """Give the line, from 1 on, on which Python defines a name; 1 if it does not."""
    found = re.search(rf"^ *(?:def|class) {re.escape(name)}\b", text, flags=re.M)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _address(path: str, name: str | None = None) -> str:
    line = find_definition((ROOT / path).read_text(encoding="utf-8"), name) if name else 1
    return f"repo:{path}" + f"#L-{line}" * (line > 1)


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """Tell Sphinx where a documented object is defined."""
    thing: Any = import_module(info["module"])
    for part in info["fullname"].split("."):
        thing = inspect.getattr_static(thing, part, None) or getattr(thing, part, None)
    thing = getattr(thing, "fget", thing)
    try:
        thing = inspect.unwrap(thing)
        path = Path(inspect.getsourcefile(thing) or "")
        line = inspect.getsourcelines(thing)[1]
    except (TypeError, OSError):
        return None
    package = Path(import_module("diglot").__file__ or "").parent
    if not path.is_relative_to(package):
        return None
    return f"repo:python/diglot/{path.relative_to(package)}#L-{max(line, 1)}"


def _localize(app: Sphinx, doctree: nodes.document) -> None:
    """Point links to files, and literals that name files, to their pages."""
    here = Path(app.env.doc2path(app.env.docname)).parent
    for link in list(doctree.findall(addnodes.download_reference)):
        target, _, anchor = link["reftarget"].partition("#")
        path = (here / target).resolve()
        if path.is_relative_to(ROOT) and path.suffix in LANGUAGES:
            uri = f"repo:{path.relative_to(ROOT)}" + f"#{anchor}" * bool(anchor)
            link.replace_self(nodes.reference("", "", *link.children, refuri=uri, internal=True))
    for link in list(doctree.findall(addnodes.pending_xref)):
        # MyST takes these for pages that it does not find.
        name = link["reftarget"].removeprefix(f"{ROOT}/").removesuffix(".md") + ".md"
        if link["reftype"] == "myst" and name in PAGES:
            uri = f"repo:{name}" + f"#{link.get('reftargetid')}" * bool(link.get("reftargetid"))
            link.replace_self(nodes.reference("", "", *link.children, refuri=uri, internal=True))
    for literal in list(doctree.findall(nodes.literal)):
        named = ROOMS.fullmatch(literal.astext())
        inside = isinstance(literal.parent, nodes.reference | addnodes.pending_xref)
        if named and not inside and (ROOT / named[1]).is_file():
            uri = _address(named[1], named[2])
            literal.replace_self(
                nodes.reference("", "", literal.deepcopy(), refuri=uri, internal=True)
            )


def _collect(app: Sphinx, doctree: nodes.document) -> None:
    """Note which files a page links to."""
    files = app.env.__dict__.setdefault("repository_files", {})
    files[app.env.docname] = {
        link["refuri"].removeprefix("repo:").partition("#")[0]
        for link in doctree.findall(nodes.reference)
        if link.get("refuri", "").startswith("repo:")
    }


def _purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    env.__dict__.setdefault("repository_files", {}).pop(docname, None)


def _merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: Any) -> None:
    env.__dict__.setdefault("repository_files", {}).update(other.repository_files)


def _resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the addresses as they are seen from a page."""
    for link in doctree.findall(nodes.reference):
        if link.get("refuri", "").startswith("repo:"):
            path, _, anchor = link["refuri"].removeprefix("repo:").partition("#")
            page = PAGES.get(path, f"source/{path}")
            uri = app.builder.get_relative_uri(docname, page)
            link["refuri"] = uri + f"#{anchor}" * bool(anchor)


def _source_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Make the page of each file that is linked."""
    files = set().union(*app.env.__dict__.get("repository_files", {}).values())
    for name in sorted(files - set(PAGES)):
        text = (ROOT / name).read_text(encoding="utf-8")
        language = LANGUAGES.get(Path(name).suffix, "none")
        code = app.builder.highlighter.highlight_block(  # type: ignore[attr-defined]
            text, language, lineanchors="L", linenos="inline"
        )
        body = f'<h1 class="source-name">{name}</h1>\n<div class="source">{code}</div>'
        yield f"source/{name}", {"title": name, "body": body}, "page.html"


def setup(app: Sphinx) -> ExtensionMetadata:
    """Keep links to the repository's files inside the site."""
    app.connect("doctree-read", _localize, priority=400)  # before Sphinx copies downloads
    app.connect("doctree-read", _collect, priority=900)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("doctree-resolved", _resolve, priority=900)
    app.connect("html-collect-pages", _source_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
