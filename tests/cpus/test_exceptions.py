"""The list of what an emulator cannot run names tests that exist."""

import ast
from pathlib import Path

import pytest
from cannot_run import CANNOT_RUN

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", sorted(set().union(*CANNOT_RUN.values())))
def test_an_exception_is_a_test_and_has_a_reason(name):
    file, beginning = name.split("::")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    tests = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert any(test.startswith(beginning) for test in tests), name
    for reasons in CANNOT_RUN.values():
        assert len(reasons.get(name, "a reason")) > 5
