"""`diglot exercise`, as a learner meets it."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from solved import with_body
from test_solutions import COMPILED

from conftest import has_compiler
from diglot import cli
from diglot.exercises import EXERCISES, blank, find, solution

ROOT = Path(__file__).parents[2]
ANSWER = "return dy * y * (1 - y)"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run `diglot exercise` in an empty folder; give its exit status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "118")

    def call(*arguments):
        status = cli.main(["exercise", *map(str, arguments)])
        return status, *capsys.readouterr()

    return call


def answer(name, body, folder="exercises"):
    path = Path(folder) / find(name).file_name
    path.write_text(with_body(name, body), encoding="utf-8")


def test_the_list_has_all_and_says_which_are_started(run):
    status, out, _ = run("list")
    assert status == 0
    rows = [line.split() for line in out.splitlines() if re.match(r" *\d", line)]
    assert [row[1] for row in rows] == [exercise.name for exercise in EXERCISES]
    assert [int(row[0]) for row in rows] == list(range(1, len(EXERCISES) + 1))
    assert "started" not in out
    assert run()[1] == out
    run("start", "dense_forward")
    started = [line for line in run("list")[1].splitlines() if "started" in line]
    assert len(started) == 1
    assert "dense_forward" in started[0]


def test_the_list_says_what_has_passed_as_it_stands(run):
    def standing():
        return next(line for line in run("list")[1].splitlines() if "sigmoid_backward" in line)

    run("start", "sigmoid_backward")
    run("check", "sigmoid_backward", "--no-speed")
    assert "started" in standing()
    answer("sigmoid_backward", "return dy * y * (1 - y)")
    assert run("check", "sigmoid_backward", "--no-speed")[0] == 0
    assert "passed" in standing()
    answer("sigmoid_backward", "return dy * y")
    assert "started" in standing()
    Path("exercises/.passed.json").write_text("[broken", encoding="utf-8")
    assert "started" in standing()


def test_from_start_to_success(run):
    status, out, _ = run("start", "sigmoid_backward")
    assert status == 0
    path = Path("exercises/sigmoid_backward.py")
    assert f"written: {path}" in out
    assert "diglot exercise check sigmoid_backward" in out
    assert path.read_text(encoding="utf-8") == blank(find("sigmoid_backward"))

    status, out, _ = run("check", "sigmoid_backward")
    assert status == 1
    assert "is still to be written" in out
    assert "A hint: diglot exercise hint sigmoid_backward" in out

    answer("sigmoid_backward", "return dy * y")
    status, out, _ = run("check", "1", "--no-speed")
    assert status == 1
    assert re.search(r"parity, float64 +✗ +2 of 11 cases", out)
    told = " ".join(out.split())
    assert told.count("The factor 1 - y is missing") == 1  # one mistake is told once
    assert "Passed" not in out

    answer("sigmoid_backward", ANSWER)
    status, out, _ = run("check", "sigmoid_backward", "--no-speed")
    assert status == 0
    assert re.search(r"parity, float64 +✓ +11 of 11 cases", out)
    assert re.search(r"gradient +✓ +1 of 1 cases, by finite differences", out)
    assert "diglot pair sigmoid_backward" in out
    assert "Next: diglot exercise start relu_backward" in out


def test_what_was_written_is_not_overwritten(run):
    run("start", "sigmoid_backward")
    answer("sigmoid_backward", ANSWER)
    text = Path("exercises/sigmoid_backward.py").read_text()
    status, _, err = run("start", "sigmoid_backward")
    assert status == 2
    assert "exercises/sigmoid_backward.py exists already; --force replaces it" in err
    assert Path("exercises/sigmoid_backward.py").read_text() == text
    assert run("start", "sigmoid_backward", "--force")[0] == 0
    assert Path("exercises/sigmoid_backward.py").read_text() == blank(find("sigmoid_backward"))


def test_another_folder_and_another_file(run):
    assert run("start", "1", "--folder", "my/work")[0] == 0
    assert Path("my/work/sigmoid_backward.py").exists()
    answer("sigmoid_backward", ANSWER, "my/work")
    assert run("check", "1", "--folder", "my/work", "--no-speed")[0] == 0
    assert run("check", "1", "my/work/sigmoid_backward.py", "--no-speed")[0] == 0
    status, _, err = run("check", "1")
    assert status == 2
    assert "make it with: diglot exercise start sigmoid_backward" in err


def test_what_an_answer_prints_is_shown_and_cut(run):
    run("start", "1")
    answer("sigmoid_backward", f"print('shape', dy.shape, '[bold]')\n{ANSWER}")
    out = run("check", "1", "--no-speed")[1]
    assert "Your code printed:\n    shape (2, 3, 5) [bold]\n" in out
    assert re.search(r"\.\.\. and \d+ more lines", out)
    assert out.count("shape") == 8


def test_hints_come_one_at_a_time(run):
    hints = find("sigmoid_backward").hints
    status, out, _ = run("hint", "sigmoid_backward")
    assert status == 0
    assert out.startswith("Hint 1 of 2:\n")
    assert "diglot exercise hint sigmoid_backward 2" in out
    assert hints[1][:30] not in out
    out = run("hint", "sigmoid_backward", "2")[1]
    assert hints[1][:30] in out
    assert "diglot exercise solution sigmoid_backward" in out
    status, _, err = run("hint", "sigmoid_backward", "3")
    assert status == 2
    assert "has 2 hints" in err


def test_a_solution_is_the_librarys_own(run):
    status, out, _ = run("solution", "adam_inplace")
    assert status == 0
    assert out.endswith(solution(find("adam_inplace")).text)
    assert "python/diglot/kernels/reference/optim.py, from line " in out


@pytest.mark.parametrize("verb", ["start", "check", "hint", "solution"])
def test_an_unknown_name_is_status_2_with_the_near_ones(verb, run):
    status, out, err = run(verb, "sigmoid_bakward")
    assert (status, out) == (2, "")
    assert err.startswith("diglot: error: there is no exercise 'sigmoid_bakward'; did you mean ")
    assert "sigmoid_backward" in err


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("relu", "did you mean relu_backward"),
        ("adam", "did you mean adam_inplace"),
        ("lstm_cel", "did you mean lstm_cell"),
        ("tensor", "choose from sigmoid_backward, "),
        ("transformer", "choose from sigmoid_backward, "),
    ],
)
def test_only_what_is_near_is_suggested(typed, hint, run):
    _, _, err = run("start", typed)
    assert err.startswith(f"diglot: error: there is no exercise {typed!r}; {hint}")
    assert err.count("\n") == 1


def test_an_exercise_in_cpp(run):
    if not (COMPILED and has_compiler):
        pytest.skip("nothing is compiled, or there is no C++ compiler")
    status, out, _ = run("start", "matmul_naive")
    assert status == 0
    assert "csrc (tell your editor, if it asks)" in out
    assert run("check", "matmul_naive")[0] == 1
    answer("matmul_naive", "c.rov(0)[0] = 1;")
    status, out, _ = run("check", "matmul_naive")
    assert status == 1
    assert "It does not compile." in out
    assert re.search(r"matmul_naive\.cpp:\d+:\d+: error:", out)
    status, out, _ = run("solution", "matmul_naive")
    assert out.endswith(solution(find("matmul_naive")).text)


def test_without_a_compiler_the_command_says_so(run, monkeypatch, tmp_path):
    if not COMPILED:
        pytest.skip("nothing is compiled")
    monkeypatch.setenv("CXX", "no-such-compiler")
    status, out, _ = run("start", "matmul_naive")
    assert status == 0
    assert "Note: CXX=no-such-compiler is not found" in out
    answer("matmul_naive", "c.row(0)[0] = 1;")
    status, _, err = run("check", "matmul_naive")
    assert status == 2
    assert err.splitlines()[-1].startswith("diglot: error: CXX=no-such-compiler is not found")


def test_the_session_on_the_page_is_a_real_one(run):
    page = (ROOT / "docs" / "exercises.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(\$ .*?)```", page, flags=re.S)
    run("start", "sigmoid_backward")
    answer("sigmoid_backward", "return dy * y")
    shown = [line.split() for line in blocks[1].splitlines()[1:] if line.strip(" ─")]
    real = [line.split() for line in run("check", "sigmoid_backward")[1].splitlines()]
    assert len(shown) >= 8
    assert [line for line in shown if line not in real] == []


def test_the_page_lists_all_exercises():
    page = (ROOT / "docs" / "exercises.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (\S+) \| (\w+) \| (.+) \|$", page, flags=re.M)
    assert rows == [
        (str(i), e.name, e.language, e.chapter, e.learn) for i, e in enumerate(EXERCISES, 1)
    ]


def test_other_commands_do_not_wait_for_the_exercises():
    program = "import sys, diglot, diglot.cli; print([m for m in sys.modules if 'exercises' in m])"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_folder_with_a_blank_can_be_copied_from_the_command(run):
    out = run("start", "sigmoid_backward", "--folder", "my answers")[1]
    assert "diglot exercise check sigmoid_backward --folder 'my answers'" in out


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "✓"), ("ascii", "ok")])
def test_a_mark_is_one_that_the_terminal_has(run, monkeypatch, encoding, mark):
    run("start", "sigmoid_backward")
    answer("sigmoid_backward", ANSWER)
    output = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", output)
    assert run("check", "sigmoid_backward", "--no-speed")[0] == 0
    text = output.buffer.getvalue().decode(encoding)
    assert re.search(rf"parity.*\W{mark}\W", text)
    assert "?" not in text
