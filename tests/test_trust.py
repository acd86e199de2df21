"""docs/trust.md stays true: its tests exist, its counts are the code's; and some promises."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import diglot
from diglot import ladder, mistakes
from diglot.kernels import native
from diglot.kernels.cases import CASES
from diglot.kernels.gradients import GRADIENTS
from diglot.reproduce import ROWS
from diglot.verify import verify

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
PACKAGE = Path(diglot.__file__).parent


def rows():
    """List the rows of all tables: (promise, test, count)."""
    lines = [line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("|")]
    cells = [tuple(cell.strip() for cell in line) for line in lines]
    return [row for row in cells if row[0] != "promise" and set(row[0]) != {"-"}]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_promise_names_a_test(row):
    assert len(row) == 3
    named = re.findall(r"\]\(\.\./(tests/[\w/]+\.py)\)", row[1])
    assert named or row[1] == "as above"
    for path in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(r"^\s*def test_", text, flags=re.M), f"{path} tests nothing"


# ---- the counts ----------------------------------------------------------------------------------


def counts(pattern):
    """Read all numbers that the page gives for one thing."""
    found = [int(number) for number in re.findall(pattern, PAGE)]
    assert found, f"the page says nothing like {pattern}"
    return set(found)


def test_the_kernels_are_counted():
    assert counts(r"(\d+) kernels") == {len(CASES)}
    assert counts(r"(\d+) cases") == {sum(map(len, CASES.values()))}
    assert counts(r"(\d+) backward kernels") == {len(GRADIENTS)}


def test_the_checks_of_verify_are_counted(monkeypatch):
    # On any processor: what is yielded is counted, and only the gradients are computed.
    import diglot.verify as module

    finding = module._Finding(0.0, 0.0, "")
    monkeypatch.setattr(module, "_parity", lambda *_: finding)
    monkeypatch.setattr(module, "_threads", lambda *_: finding)
    monkeypatch.setattr(module, "_gradient", lambda *_: finding)
    monkeypatch.setattr(module, "truth", lambda *_: None)
    three = ["reference"] * len(native.BUILDS)
    assert counts(r"(\d+) checks where three builds") == {len(list(verify(three)))}


def test_mistakes_rungs_and_rows_are_counted():
    assert counts(r"(\d+) mistakes") == {len(mistakes.gallery())}
    assert counts(r"(\d+) rungs") == {sum(map(len, ladder.RUNGS.values()))}
    assert counts(r"(\d+) rows") == {len(ROWS)}


def test_the_tests_of_onnx_are_those_of_their_page():
    conformance = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    passed, skipped = re.search(r"^\| all \| (\d+) \| (\d+) \|", conformance, flags=re.M).groups()
    assert f"{passed} passed, {skipped} skipped" in PAGE


def test_the_kills_are_counted():
    text = (ROOT / "tests" / "callbacks" / "test_kill.py").read_text(encoding="utf-8")
    kills = re.search(r"^KILLS = (\d+)", text, flags=re.M)[1]
    assert f"{kills} kills of {kills}" in PAGE


# ---- no code from files, no network, nothing written ---------------------------------------------

# Modules that run what they read, or speak to others; `pooch`, which downloads, is in
# tests/test_layering.py.
FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
FORBIDDEN |= {"socket", "http", "ftplib", "smtplib", "requests", "urllib.request", "webbrowser"}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_no_module_unpickles_or_connects(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in ("eval", "exec", "np.load", "numpy.load", "torch.load"), (
                f"line {node.lineno}: {name}"
            )
        for name in names:
            assert not {name, name.partition(".")[0]} & FORBIDDEN, f"line {node.lineno}: {name}"


WATCHED = """
import os, sys
seen = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "pickle.find_class", "subprocess.Popen"):
        seen.append((event, str(arguments[1:])))
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink"):
        seen.append((event, str(arguments[0])))
    elif event == "open":
        path, mode, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen.append((event, str(path)))
import numpy, safetensors.numpy  # what these do is theirs
sys.addaudithook(watch)
import diglot
from diglot.verify import verify
data = diglot.datasets.digits()
x = data.x_train[:200].astype("float32") / 16
network = diglot.NeuralNetwork([diglot.Flatten(), diglot.Dense(10)], diglot.SoftmaxCrossEntropy())
trainer = diglot.Trainer(network, diglot.Adam())
trainer.fit(x, data.y_train[:200], epochs=2, progress=False)
network.predict(x)
assert all(check.passed for check in verify(["reference"], quick=True))
print(*seen, sep="\\n")
network.save(sys.argv[1])
diglot.NeuralNetwork.load(sys.argv[1]).predict(x)
print("saved")
print(*seen, sep="\\n")
"""


def test_a_process_that_is_watched_writes_what_is_named_and_connects_to_nobody(tmp_path):
    target = tmp_path / "model.safetensors"
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED, target],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    before, after = done.stdout.split("saved\n")
    assert before.strip() == ""
    lines = after.strip().splitlines()
    assert lines  # the watch sees what there is to see
    assert all(line.startswith(("('open'", "('os.rename'")) for line in lines), after
    assert all(target.name in line or str(tmp_path) + "'" in line for line in lines), after
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
