"""`diglot pair`: in columns or below each other, complete at every width, or not shown at all."""

import os
import re
import subprocess
import sys

import pytest

from diglot import cli, kernels, pairs
from diglot.cli.facing import width_of_columns
from diglot.kernels import native
from diglot.pairs import agreement, page

GAP = 3  # between the columns


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command in a terminal of some width; give its exit status, output and errors."""

    def call(*arguments, width=200):
        monkeypatch.setenv("COLUMNS", str(width))
        status = cli.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return call


def squeezed(text):
    return re.sub(r"\s", "", text)


def code_in(lines):
    """Put lines together again that were numbered and broken: {number: text without spaces}."""
    found, number = {}, None
    for line in lines:
        begins = re.match(r" *(\d+)(?:  (.*))?$", line)
        if begins:
            number = int(begins[1])
            found[number] = squeezed(begins[2] or "")
        elif number is not None and line.startswith("  "):
            found[number] += squeezed(line)
    return found


def blocks(out, pair, width):
    """Yield each excerpt of a pair, and the lines of the output that should show it."""
    lines = out.splitlines()
    at = 0
    for part in pair.parts:
        at = next(i for i in range(at, len(lines)) if lines[i].startswith(part.label[: width - 2]))
        behind = at + 1
        while not re.search(r" ─+$|^Compared just before", lines[behind]):
            behind += 1
        shown = lines[at + 1 : behind]
        column = width_of_columns(part, width)
        if column is not None:
            yield part.left, [line[:column].rstrip() for line in shown]
            yield part.right, [line[column + GAP :] for line in shown]
            assert all(line[column : column + GAP].strip() == "" for line in shown)
        else:
            for side in (part.left, part.right):
                if side is not None:
                    start = next(i for i, line in enumerate(shown) if side.path in squeezed(line))
                    end = shown.index("", start) if "" in shown[start:] else len(shown)
                    yield side, shown[start:end]


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", ["conv2d_forward", "lstm_forward", "matmul", "Dense", "Adam"])
def test_all_code_is_shown_at_every_width(run, name, width):
    status, out, err = run("pair", name, width=width)
    assert (status, err) == (0, "")
    pair = pairs.find(name)
    assert out.startswith(f"{name}  {pair.kind}\n")
    assert squeezed(pair.equation) in squeezed(out)
    assert squeezed(str(pair.agreement)) in squeezed(out)
    assert max(map(len, out.splitlines())) <= width
    count = 0
    for side, shown in blocks(out, pair, width):
        expected = {n: squeezed(line) for n, line in enumerate(side.lines, side.first_line)}
        assert code_in(shown) == expected, side.path
        count += 1
    assert count == sum((part.left is not None) + (part.right is not None) for part in pair.parts)


def test_columns_stand_side_by_side_where_it_is_wide_and_below_each_other_where_not(run):
    parts = [part for part in pairs.find("lstm_forward").parts if part.left and part.right]
    assert all(width_of_columns(part, 200) == 98 for part in parts)
    assert all(width_of_columns(part, 80) is None for part in parts)
    header = "Python  python/diglot/kernels/reference/recurrent.py:280"
    wide = run("pair", "lstm_forward", width=200)[1]
    assert re.search(rf"^{header} +C\+\+  csrc/kernels/recurrent_lstm.cpp:\d+$", wide, flags=re.M)
    narrow = run("pair", "lstm_forward", width=80)[1]
    assert re.search(rf"^{header}$", narrow, flags=re.M)


@pytest.mark.parametrize("width", [10, 30, 41, 300])
def test_no_width_is_too_strange(run, width):
    status, out, _ = run("pair", "relu_forward", width=width)
    assert status == 0
    for line in pairs.find("relu_forward").parts[1].right.lines:
        assert squeezed(line) in squeezed(re.sub(r"^ *\d+ ", "", out, flags=re.M))


def test_a_pipe_gets_plain_lines_without_spaces_at_their_ends():
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "diglot", "pair"]
    for arguments in (["gru_backward"], []):
        done = subprocess.run(
            [*command, *arguments],
            env=environment | {"PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        assert done.stderr == ""
        assert "\x1b" not in done.stdout
        assert "…" not in done.stdout
        assert not [line for line in done.stdout.splitlines() if line != line.rstrip()]


def test_a_terminal_gets_colours_and_no_color_takes_them_away(monkeypatch, run):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = run("pair", "relu_forward")[1]
    assert "\x1b[35m" in coloured  # a keyword
    monkeypatch.setenv("NO_COLOR", "1")
    plain = run("pair", "relu_forward")[1]
    assert not re.search(r"\x1b\[[\d;]*3\d", plain)  # no colour; bold may stay


def test_without_a_name_all_pairs_are_listed_by_family(run):
    for width in (80, 200):
        status, out, err = run("pair", width=width)
        assert (status, err) == (0, "")
        assert max(map(len, out.splitlines())) <= width
        for family, members in pairs.families().items():
            assert re.search(rf"^{family}$", out, flags=re.M)
            for name in members:
                assert re.search(rf"^  {name} +{pairs.kind(name)} ", out, flags=re.M)
                assert squeezed(pairs.title(name)) in squeezed(out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conv2d"], "no pair is called 'conv2d'; near it: conv2d_forward, conv2d_backward_input"),
        (["matmull"], "near it: matmul"),
        (["qqqq"], "`diglot pair` lists all"),
        (["Flatten"], "Flatten calls no kernel: NumPy does it"),
        (["--html", "x.html"], "--html needs the NAME of a pair"),
        (["matmul", "--html", "no-such-folder/x.html"], "its folder does not exist"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(run, arguments, message):
    status, out, err = run("pair", *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("diglot: error: ")
    assert message in err


def test_case_does_not_matter(run):
    assert run("pair", "MatMul")[1] == run("pair", "matmul")[1]


@pytest.mark.parametrize("name", ["softmax_backward", "Softmax"])
def test_a_kernel_that_differs_is_not_shown(run, monkeypatch, name, tmp_path):
    module = native.load(kernels.available_builds()[0])
    right = module.softmax_backward
    agreement._checks.cache_clear()
    monkeypatch.setattr(module, "softmax_backward", lambda dy, y: right(dy, y) + 1)
    file = tmp_path / "page.html"
    for more in ([], ["--html", file], ["--pager"]):
        status, out, err = run("pair", name, *more)
        assert (status, out) == (1, "")
        assert re.match(r"diglot: not shown, for it is not equal: softmax_backward \(parity", err)
    assert not file.exists()
    agreement._checks.cache_clear()


def test_a_page_is_written(run, tmp_path):
    file = tmp_path / "page.html"
    status, out, _ = run("pair", "LSTM", "--html", file)
    assert status == 0
    assert f"written: {file}" in out
    assert file.read_text(encoding="utf-8") == page.html(pairs.find("LSTM"))


def test_the_pager_gets_what_the_terminal_would(run, monkeypatch):
    paged = []
    monkeypatch.setattr("pydoc.pager", paged.append)
    status, out, _ = run("pair", "relu_forward", "--pager")
    assert (status, out) == (0, "")
    assert paged == [run("pair", "relu_forward")[1]]


def test_a_changed_source_is_not_shown(run, monkeypatch, tmp_path):
    from diglot import sources

    (tmp_path / "csrc" / "kernels").mkdir(parents=True)
    for name in sources.names():
        if name.startswith("csrc/kernels/"):
            text = sources.read(name).replace("noexcept", "NOEXCEPT")
            (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(sources, "folder", lambda: tmp_path)
    status, out, err = run("pair", "relu_forward")
    assert (status, out) == (2, "")
    assert "has changed since the modules were compiled" in err
