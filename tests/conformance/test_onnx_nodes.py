"""The ONNX node tests, within their own tolerances, on the active backend (docs/conformance.md)."""

import inspect
import re
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from adapters import ADAPTERS
from onnx_nodes import MODULES, node_tests
from skipped import SKIPPED

onnx = pytest.importorskip("onnx", reason="onnx is not installed (the extra conformance brings it)")

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
TESTS = node_tests()
REFUSALS = (AssertionError, KeyError, NotImplementedError, TypeError, ValueError)
"""How a node that diglot cannot express shows it; whatever else is raised is a mistake."""


def run(test):
    """Give a node's inputs to its adapter, and compare what comes out."""
    adapter = ADAPTERS[test.operator]
    wanted = {}
    if "outputs" in inspect.signature(adapter).parameters:
        wanted["outputs"] = test.output_names
    found = adapter(*test.inputs, **test.attributes, **wanted)
    found = found if isinstance(found, tuple) else (found,)
    assert len(found) == len(test.outputs)
    for array, expected in zip(found, test.outputs, strict=True):
        assert array.dtype == expected.dtype
        assert array.shape == expected.shape
        np.testing.assert_allclose(array, expected, rtol=test.rtol, atol=test.atol)


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.name)
def test_node(test, record_property):
    record_property("onnx operator", test.operator)
    if test.reason is None:
        run(test)
        return
    try:
        run(test)
    except REFUSALS:
        pytest.skip(test.reason)
    pytest.fail(f"{test.name} passes: take it out of tests/conformance/skipped.py")


@pytest.mark.parametrize("pattern", SKIPPED)
def test_a_skip_has_tests(pattern):
    assert any(fnmatchcase(test.name, pattern) for test in TESTS), "take it out of skipped.py"


def test_every_operator_has_tests():
    assert {test.operator for test in TESTS} == set(MODULES) >= set(ADAPTERS)


def test_a_wrong_result_is_found(monkeypatch):
    (relu,) = (test for test in TESTS if test.operator == "Relu")
    monkeypatch.setitem(ADAPTERS, "Relu", lambda x: np.maximum(x, 0.001))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        run(relu)


def test_the_page_has_these_counts():
    page = PAGE.read_text(encoding="utf-8")
    version = re.search(r"[Vv]ersion (\S+) of the `onnx` package", page)[1]
    if onnx.__version__ != version:
        pytest.skip(f"the page counts the tests of onnx {version}, this is {onnx.__version__}")
    rows = re.findall(r"^\| ([\w ]+) \| (\d+) \| (\d+) \| (.*)\|$", page, re.M)
    found = {name: (int(passed), int(skipped), why.strip()) for name, passed, skipped, why in rows}
    expected = {}
    for operator in MODULES:
        reasons = [test.reason for test in TESTS if test.operator == operator]
        skipped = Counter(reason for reason in reasons if reason)
        why = "; ".join(f"{count} {reason}" for reason, count in skipped.items())
        expected[operator] = (reasons.count(None), skipped.total(), why)
    totals = [sum(row[i] for row in expected.values()) for i in (0, 1)]
    assert found == expected | {"all": (*totals, "")}
