import pytest
from solved import with_body

from diglot.exercises import CompilerError, Grade, check, child, find
from diglot.exercises.compiler import compiler
from diglot.exercises.report import read

try:
    compiler()
    has_compiler = True
except CompilerError:
    has_compiler = False

FAST = ("-O1",)  # what is judged here is the judgement, not the speed


@pytest.fixture
def quick(tmp_path):
    """Grade a body in Python, or a whole file, in this process: it starts no other."""

    def run(name, body=None, *, text=None):
        path, report = tmp_path / f"{name}.py", tmp_path / "report"
        path.write_text(with_body(name, body) if text is None else text, encoding="utf-8")
        report.touch()
        child.main([name, str(path), str(report), "-", "0"])
        rows, _, ended = read(report)
        assert ended
        return Grade(rows)

    return run


@pytest.fixture
def grade(tmp_path):
    """Grade a body, or a whole file, as the command does."""

    def run(name, body=None, *, text=None, limit=20.0, **settings):
        exercise = find(name)
        path = tmp_path / exercise.file_name
        path.write_text(with_body(name, body) if text is None else text, encoding="utf-8")
        flags = FAST if exercise.language == "C++" else ()
        return check(exercise, path, limit=limit, **{"speed": False, "flags": flags} | settings)

    return run
