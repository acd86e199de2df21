"""The library's own answers get full marks, and the blank files say what is to be done."""

import ast
import shlex
import subprocess

import pytest
from solved import with_solution

from conftest import has_compiler
from diglot import kernels
from diglot.exercises import EXERCISES, blank, find, number, solution, successor
from diglot.exercises.compiler import compiler
from diglot.kernels import reference
from diglot.ladder.rungs import RUNGS
from diglot.sources import folder

try:
    COMPILED = bool(kernels.available_builds())
except ImportError:
    COMPILED = False

IN_PYTHON = [exercise for exercise in EXERCISES if exercise.language == "Python"]
IN_CPP = [exercise for exercise in EXERCISES if exercise.language == "C++"]
needs_compiler = pytest.mark.skipif(
    not (COMPILED and has_compiler), reason="nothing is compiled, or there is no C++ compiler"
)
needs_sources = pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
each_in_python = pytest.mark.parametrize("exercise", IN_PYTHON, ids=lambda e: e.name)
each_in_cpp = pytest.mark.parametrize("exercise", IN_CPP, ids=lambda e: e.name)

ROWS = {
    "kernel": ["parity, float64", "parity, float32", "inputs", "gradient", "layouts"],
    "cell": ["parity, float64", "parity, float32", "inputs", "gradient", "layouts"],
    "operation": ["parity, float64", "parity, float32", "gradient"],
    "walk": ["parity", "gradient"],
}


def test_there_are_exercises_in_both_languages_from_the_first_chapter_on():
    assert len(IN_PYTHON) >= 15
    assert len(IN_CPP) >= 5
    assert EXERCISES[0].name == "sigmoid_backward"
    assert len({exercise.name for exercise in EXERCISES}) == len(EXERCISES)
    assert all(exercise.hints and exercise.learn for exercise in EXERCISES)


@each_in_python
def test_the_library_passes_its_own_exercise(exercise, grade):
    found = grade(exercise.name, text=with_solution(exercise))
    assert found.passed, found.message
    expected = ROWS[exercise.kind]
    if exercise.judge and "backward" not in exercise.judge:
        expected = [name for name in expected if name != "gradient"]
    assert [row.name for row in found.rows] == expected
    assert found.printed == ""


@needs_compiler
@each_in_cpp
def test_the_ladder_passes_its_own_exercise(exercise, grade):
    found = grade(exercise.name, text=with_solution(exercise))
    assert found.passed, found.message
    assert [row.name for row in found.rows][:2] == ["parity, float64", "parity, float32"]
    judged = int(found.rows[0].result.split()[0])
    assert judged >= {"matmul": 40, "conv2d": 30, "lstm": 15}[exercise.home]


@each_in_python
def test_a_blank_file_says_that_the_body_is_to_be_written(exercise, quick):
    text = blank(exercise)
    found = quick(exercise.name, text=text)
    assert not found.passed
    assert [(row.name, row.result) for row in found.rows] == [("body", "blank")]
    for name in exercise.blanks or (exercise.name,):
        assert name in found.message
    assert "is still to be written: open" in found.message
    assert ast.get_docstring(ast.parse(text)).startswith(f"Exercise {number(exercise)}, ")


@needs_sources
@each_in_cpp
def test_a_blank_file_in_cpp_says_so_too_and_comments_do_not_fill_it(exercise, grade):
    text = blank(exercise) + "\n// I shall write it tomorrow.\n"
    found = grade(exercise.name, text=text)
    assert [(row.name, row.result) for row in found.rows] == [("body", "blank")]
    assert "look for TODO" in found.message
    assert text.startswith(f"// Exercise {number(exercise)}, {exercise.name}: ")


@needs_compiler
@each_in_cpp
def test_a_blank_file_in_cpp_compiles(exercise, tmp_path):
    path = tmp_path / exercise.file_name
    path.write_text(blank(exercise), encoding="utf-8")
    include = f"-I{folder() / 'csrc'}"
    command = [*compiler(), "-std=c++17", "-fsyntax-only", "-Wall", include, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stderr}"


@each_in_python
def test_a_blank_file_holds_nothing_of_the_answer(exercise):
    blanked = exercise.blanks or (exercise.name,)
    functions = {
        text: {
            node.name: node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef)
        }
        for text in (blank(exercise), solution(exercise).text)
    }
    mine, own = functions.values()
    assert set(mine) == set(own)
    for name, function in own.items():
        if name not in blanked:
            assert ast.unparse(mine[name]) == ast.unparse(function)
            continue
        assert ast.unparse(mine[name].args) == ast.unparse(function.args)
        assert ast.get_docstring(mine[name]) == ast.get_docstring(function)
        last = mine[name].body[-1]
        assert ast.unparse(last).startswith("raise NotImplementedError(")
        assert len(mine[name].body) == 1 + (ast.get_docstring(function) is not None)


@needs_sources
@each_in_cpp
def test_a_solution_in_cpp_is_the_file_that_was_compiled(exercise):
    found = solution(exercise)
    assert found.path in [rung.source for rung in RUNGS[exercise.home]]
    assert found.text == (folder() / found.path).read_text(encoding="utf-8")


@each_in_python
def test_a_solution_is_where_it_is_said_to_be(exercise):
    found = solution(exercise)
    package = folder() / "python" if (folder() / "python").is_dir() else folder().parent
    path = package / found.path.removeprefix("python/")
    lines = path.read_text(encoding="utf-8").splitlines()
    count = found.text.count("\n")
    assert lines[found.first_line - 1 :][:count] == found.text.splitlines()


def test_what_judges_an_exercise_exists():
    for exercise in EXERCISES:
        if exercise.judge:
            assert exercise.judge in reference.__all__


def test_an_exercise_is_found_by_name_and_number():
    for exercise in EXERCISES:
        assert find(exercise.name) is exercise
        assert find(str(number(exercise))) is exercise
    assert successor(EXERCISES[0]) is EXERCISES[1]
    assert successor(EXERCISES[-1]) is None
    with pytest.raises(ValueError, match=r"no exercise 'lstm_cel'; did you mean .*lstm_cell\b"):
        find("lstm_cel")
    with pytest.raises(ValueError, match="choose from sigmoid_backward, "):
        find("qqqqqqqq")
    with pytest.raises(ValueError, match="no exercise '0'"):
        find("0")
