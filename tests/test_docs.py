"""What the pages say is so: their Python runs, their links, commands, paths and names exist."""

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from diglot.cli import build_parser
from diglot.kernels import reference

ROOT = Path(__file__).parents[1]
ROOT_PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
PAGES = [ROOT / name for name in ROOT_PAGES]
PAGES += sorted((ROOT / "docs").glob("*.md"))
CHAPTERS = sorted((ROOT / "examples").glob("*.py"))  # their code is run by tests/test_examples.py

each_page = pytest.mark.parametrize("page", PAGES + CHAPTERS, ids=lambda page: page.name)


def written(page):
    """Read what a page says; of a chapter, its Markdown cells."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".py":
        cells = re.findall(r"^# %% \[markdown\]\n((?:#.*\n)+)", text, flags=re.M)
        text = re.sub(r"^# ?", "", "\n".join(cells), flags=re.M)
    return text


def fenced(page, language):
    """Yield (line, rest of the opening line, text) of each fenced block in one language."""
    text = written(page)
    for match in re.finditer(rf"^```{language}\b[ ]*([^\n]*)\n(.*?)^```$", text, flags=re.M | re.S):
        yield text.count("\n", 0, match.start()) + 1, match[1].strip(), match[2]


def inline_code(page):
    """List what stands between back-ticks outside of fenced blocks."""
    prose = re.sub(r"^```.*?^```$", "", written(page), flags=re.M | re.S)
    return re.findall(r"`([^`\n]+)`", prose)


def commands(page):
    """List the command lines: in console blocks, in indented ones, and between back-ticks."""
    lines = [line for _, _, text in fenced(page, "(?:console|bash)") for line in text.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", written(page), flags=re.M | re.S)
    lines += [line for line in prose.splitlines() if line.startswith("    ")]
    return [line.strip().removeprefix("$ ") for line in lines] + inline_code(page)


# ---- what the pages tell to run ------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", [page for page in PAGES if list(fenced(page, "python"))], ids=lambda page: page.name
)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": page.stem}
    for line, _, text in fenced(page, "python"):
        exec(compile("\n" * line + text, str(page), "exec"), names)  # keeps the page's line numbers


@each_page
def test_a_diglot_command_is_one_that_exists(page):
    for command in commands(page):
        match = re.match(r"(?:[A-Z_]+=\S+ )*(?:\S*/)?diglot((?: [^#]*)?)$", command)
        if match:
            status = 0
            try:
                build_parser().parse_args(shlex.split(match[1]))
            except SystemExit as stopped:  # --help stops, too
                status = stopped.code
            assert status == 0, f"{command!r} is refused"


@each_page
def test_a_make_target_is_one_that_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands(page):
        match = re.match(r"make ([\w./-]+)$", command)
        if match:
            assert re.search(rf"^{re.escape(match[1])}:", makefile, flags=re.M), command


# ---- what the pages point to ---------------------------------------------------------------------


def anchors(page):
    """Name the headings of a page as links do."""
    headings = re.findall(r"^#+ (.+)$", written(page), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_a_relative_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", written(page)):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(there), f"{page.name} links to {target}"


@each_page
def test_a_path_between_back_ticks_exists(page):
    rooms = r"(?:python|csrc|tests|docs|examples|benchmarks)/[\w./-]+"
    for code in inline_code(page):
        match = re.fullmatch(rf"({rooms})(?:::(\w+))?", code)
        if match:
            assert (ROOT / match[1]).exists(), f"{page.name} names {code}"
            if match[2]:
                text = (ROOT / match[1]).read_text(encoding="utf-8")
                found = re.search(rf"\b(?:def|class) {match[2]}\b", text)
                assert found, f"{page.name} names {code}"


def look_up(dotted):
    """Find the thing that a dotted name means: a module, or an attribute of one."""
    parts = dotted.split(".")
    thing = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], 2):
        if not hasattr(thing, part):
            importlib.import_module(".".join(parts[:i]))
        thing = getattr(thing, part)
    return thing


@each_page
def test_a_dotted_name_between_back_ticks_exists(page):
    for code in inline_code(page):
        if re.fullmatch(r"diglot(\.\w+)+(\(\))?", code):
            try:
                look_up(code.removesuffix("()"))
            except (ImportError, AttributeError) as error:
                pytest.fail(f"{page.name} names {code}: {error}")


def test_every_page_is_linked_from_another():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert not [page.name for page in PAGES[1:] if f"{page.name})" not in text]


def test_each_name_of_the_book_has_its_place():
    text = (ROOT / "docs" / "book-map.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    rows = [(name, here, rest) for name, here, *rest in rows if name not in ("the book", "lincoln")]
    assert len(rows) > 60
    for name, here, remark in rows:
        targets = re.findall(r"`([^`]+)`", here)
        assert targets or (here == "—" and remark), f"{name} leads nowhere"
        for target in targets:  # each kind is looked up by a test above
            assert re.match(r"diglot\.|[a-z]+/", target), f"{name} leads to {target}"


def test_each_dependency_is_justified():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["project"]["optional-dependencies"]
    required = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    required += [line for name in groups if name != "lint" for line in groups[name]]
    names = {re.match(r"[\w-]+", line)[0] for line in required} - {"diglot"}
    table = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    table = table[table.index("| package | why |") :]
    assert not [name for name in names if not re.search(rf"^\|.*\b{name}\b.*\|$", table, re.M)]


# ---- add a kernel --------------------------------------------------------------------------------


def apply(block, source):
    """Carry out a block of changes: its other lines show the place, which must be the only one."""
    lines = block.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    assert source.count(old) == 1, f"found {source.count(old)} times:\n{old}"
    return source.replace(old, new)


@pytest.mark.skipif("silu_forward" in reference.__all__, reason="it has been followed here")
def test_who_follows_add_a_kernel_gets_a_kernel(tmp_path):
    for folder in ("python", "csrc", "tests"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.so", "__pycache__")
        )
    blocks = list(fenced(ROOT / "docs" / "add-a-kernel.md", "diff"))
    assert len(blocks) > 10
    for line, name, text in blocks:
        path = tmp_path / name
        try:
            path.write_text(apply(text, path.read_text(encoding="utf-8")), encoding="utf-8")
        except AssertionError as error:
            pytest.fail(
                f"docs/add-a-kernel.md:{line} does not fit {name}: {error}. If that place has "
                "moved, mend the page"
            )
    # -S leaves out the installed diglot, whose path may come from a .pth file.
    paths = [tmp_path / "python", tmp_path / "tests" / "kernels", *sys.path]
    program = (
        "import numpy as np, diglot\n"
        "from diglot.verify import verify\n"
        "checks = list(verify(['reference'], names=['silu_forward', 'silu_backward']))\n"
        "assert {c.kind for c in checks} == {'parity', 'threads', 'gradient'}\n"
        "assert all(c.passed for c in checks), checks\n"
        "diglot.gradcheck(diglot.Dense(4, activation='silu'), np.ones((3, 5)))\n"
        "from diglot.pairs import anchors, equations, names\n"
        "assert set(names()) >= {'silu_forward', 'silu_backward', 'SiLU'}\n"
        "assert {'silu_forward', 'silu_backward'} <= set(anchors.ANCHORS)\n"
        "assert {'silu_forward', 'silu_backward'} <= set(equations.EQUATIONS)\n"
        "diglot.gradcheck(diglot.operations.SiLU(), np.linspace(-3, 3, 6).reshape(2, 3))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={
            **os.environ,
            "DIGLOT_BACKEND": "reference",
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
