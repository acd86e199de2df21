"""`diglot mistakes`: the list, one entry, all checks, and what it says about wrong use."""

import dataclasses

import pytest

from diglot import cli, mistakes
from diglot.mistakes import gallery


@pytest.fixture
def run(capsys, monkeypatch):
    def call(*arguments, width=200):
        monkeypatch.setenv("COLUMNS", str(width))
        status = cli.main(["mistakes", *map(str, arguments)])
        return status, *capsys.readouterr()

    return call


def test_the_list_has_all(run):
    status, out, err = run()
    assert (status, err) == (0, "")
    for one in gallery():
        (line,) = (line for line in out.splitlines() if line.startswith(f" {one.id} "))
        assert one.title in line
        assert one.caught_by in line
    assert f"{len(gallery())} mistakes" in out


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_fits_a_terminal(run, width):
    _, out, _ = run(width=width)
    assert max(map(len, out.splitlines())) <= width
    assert all(f" {one.id} " in out for one in gallery())


@pytest.mark.parametrize("width", [80, 200])
def test_one_is_shown_with_code_verdicts_and_training(run, width):
    status, out, err = run("relu-mask", width=width)
    assert (status, err) == (0, "")
    words = " ".join(out.split())
    for text in ("relu-mask (E4)", "self.output >= 0", "class ReLU(Activation)", "gradcheck"):
        assert text in words
    assert "wrong: caught" in words
    assert "right: passes" in words
    assert "the training breaks" in words
    assert "×" in out
    assert max(map(len, out.splitlines())) <= width


def test_code_stands_side_by_side_where_there_is_room(run):
    _, wide, _ = run("momentum-sign", width=200)
    _, narrow, _ = run("momentum-sign", width=100)
    for out, side_by_side in ((wide, True), (narrow, False)):
        (line,) = (line for line in out.splitlines() if "class MomentumWithTwoSigns(" in line)
        assert ("class SGDMomentum(" in line) == side_by_side
        assert "class SGDMomentum(" in out


def test_an_erratum_shows_all_its_entries(run):
    status, out, _ = run("E16")
    assert status == 0
    assert "lr-decays-to-itself (E16)" in out
    assert "dropout-stays-off (E16)" in out


def test_all_checks_pass(run):
    status, out, _ = run("--all")
    assert status == 0
    rows = [line for line in out.splitlines() if line.split()[-2:] == ["caught", "passes"]]
    assert len(rows) == len(gallery())
    assert f"{len(gallery())} mistakes: every one is caught, and no right code is blamed" in out


@pytest.mark.parametrize(("side", "message"), [("wrong", "NOT CAUGHT"), ("right", "BLAMED")])
def test_a_check_that_fails_gives_status_1(run, monkeypatch, side, message):
    first, *rest = gallery()
    same = first.right if side == "wrong" else first.wrong
    spoilt = dataclasses.replace(first, **{side: same})
    monkeypatch.setattr(mistakes, "gallery", lambda: (spoilt, *rest[:2]))
    status, out, _ = run("--all")
    assert status == 1
    assert message in out
    assert "a check is WRONG" in out
    monkeypatch.setattr(mistakes, "find", lambda name: spoilt)
    status, out, _ = run(first.id)
    assert status == 1
    assert message in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["relu-mark"], "mistake 'relu-mark' is unknown; did you mean relu-mask"),
        (["E17"], "mistake 'E17' is unknown"),
        (["--plot", "x.png"], "--plot needs the NAME"),
        (["E4", "--all"], "give a NAME or --all"),
        (["E16", "--plot", "x.png"], "2 entries: --plot lr-decays-to-itself or dropout-stays-off"),
        (["E4", "--plot", "no-such-folder/x.png"], "its folder does not exist"),
        (["E4", "--plot", "x.xyz"], "x.xyz ends in none of .png, .svg and .pdf"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(run, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert message in line


@pytest.mark.parametrize("name", ["two-layers-by-hand", "softmax-shift"])
def test_the_curves_are_drawn(run, tmp_path, name):
    pytest.importorskip("matplotlib")
    status, out, _ = run(name, "--plot", tmp_path / "curves.png")
    assert status == 0
    assert "drawn: " in out
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
