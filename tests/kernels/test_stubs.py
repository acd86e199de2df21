"""Do the stubs (.pyi) say what the compiled modules are?"""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from builds import BUILDS
from signatures import native_signature

import diglot
from diglot.kernels import native, reference

PACKAGE = Path(diglot.__file__).parent


def stub(module):
    return ast.parse((PACKAGE / f"{module}.pyi").read_text(encoding="utf-8")).body


def functions(body):
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def signature(node):
    """List (name, is keyword-only, default) of each argument, as native_signature does."""
    positional, named = node.args.args, node.args.kwonlyargs
    missing = [None] * (len(positional) - len(node.args.defaults))
    pairs = [*zip(positional, missing + node.args.defaults, strict=True)]
    pairs += zip(named, node.args.kw_defaults, strict=True)
    return [
        (argument.arg, argument in named, None if default is None else ast.unparse(default))
        for argument, default in pairs
    ]


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def assert_same(body, module):
    for name, node in functions(body).items():
        assert signature(node) == native_signature(getattr(module, name)), name


@pytest.mark.parametrize("build", BUILDS)
def test_a_build_is_what_its_stub_says(build):
    # The baseline's stub stands for all: each other one has its names.
    body = stub("_native_baseline")
    if build != "baseline":
        (line,) = stub(f"_native_{build}")
        assert ast.unparse(line) == "from diglot._native_baseline import *"
    imported = [ast.unparse(node) for node in body if isinstance(node, ast.ImportFrom)]
    assert "from diglot.kernels.reference import *" in imported
    module = native.load(build)
    assert {*functions(body), "ladder", *reference.__all__} == public(module)
    assert_same(body, module)


@pytest.mark.parametrize("build", BUILDS)
def test_the_ladder_is_what_its_stub_says(build):
    (body,) = (
        node.body for node in stub("_native_baseline") if getattr(node, "name", "") == "_Ladder"
    )
    ladder = native.load(build).ladder
    lists = {node.target.id for node in body if isinstance(node, ast.AnnAssign)}
    assert {*functions(body), *lists} == public(ladder)
    assert all(isinstance(getattr(ladder, name), list) for name in lists)
    assert_same(body, ladder)


@pytest.mark.skipif(not BUILDS, reason="nothing is compiled")
def test_the_probe_is_what_its_stub_says():
    probe = import_module("diglot._cpu")
    assert set(functions(stub("_cpu"))) == public(probe)
    assert_same(stub("_cpu"), probe)
