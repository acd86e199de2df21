import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import diglot
from diglot import cli, kernels
from diglot.cli import demo
from diglot.cli.console import make_console
from diglot.errors import DataError
from diglot.kernels import native, reference
from diglot.reproduce import ROWS, Outcome, Row

try:
    BUILDS = kernels.available_builds()
except ImportError:  # nothing is compiled: DIGLOT_BACKEND=reference
    BUILDS = []

needs_builds = pytest.mark.skipif(not BUILDS, reason="nothing is compiled")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command; give its exit status, output and errors."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return call


def process(*arguments, environment=(), **settings):
    return subprocess.run(
        [sys.executable, "-m", "diglot", *arguments],
        env={**os.environ, **dict(environment)},
        capture_output=True,
        check=False,
        **settings,
    )


# ---- the parser ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [[], ["info"], ["demo"], ["verify"], ["pair"], ["reproduce"], ["bench"]]
)
def test_help_explains_itself(run, command):
    status, out, err = run(*command, "--help")
    assert (status, err) == (0, "")
    assert out.startswith(" ".join(["usage: diglot", *command]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: command"),
        (["bogus"], "invalid choice: 'bogus'"),
        (["info", "extra"], "unrecognized arguments: extra"),
        (["demo", "--epochs", "0"], "'0' is no integer of at least 1"),
        (["demo", "--epochs", "1.5"], "'1.5' is no integer of at least 1"),
        (["demo", "--seed", "-1"], "'-1' is no integer of at least 0"),
        (["verify", "--build", "x86_64_v9"], "invalid choice: 'x86_64_v9'"),
        (["verify", "matmull"], "kernel 'matmull' is unknown; choose from adagrad_inplace"),
        (["reproduce", "9"], "row '9' is unknown; choose chapters or rows from 1.1"),
        (["reproduce", "4.2"], "row '4.2' is unknown"),
        (["reproduce", "1", "--json", "no-such-folder/x.json"], "its folder does not exist"),
        (["reproduce", "2", "--housing", "no-such.csv"], "no-such.csv cannot be read"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(run, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    *progress, line = err.splitlines()
    assert all(note.endswith("...") for note in progress)
    assert line.startswith("diglot: error: ")
    assert message in line


# ---- info ----------------------------------------------------------------------------------------


def test_info_says_what_a_bug_report_needs(run):
    status, out, _ = run("info")
    assert status == 0
    assert f"diglot      {diglot.__version__}".split() == out.splitlines()[0].split()
    for text in (diglot.get_backend(), np.__version__, "threads", "data", *BUILDS):
        assert text in out
    for build in BUILDS:
        assert native.load(build).build_info()["flags"] in out


def test_version(run):
    assert run("--version")[:2] == (0, f"diglot {diglot.__version__}\n")


def test_info_names_the_environment_that_decides(run, monkeypatch, tmp_path):
    monkeypatch.setenv("DIGLOT_DATA", str(tmp_path))
    monkeypatch.setenv("DIGLOT_BACKEND", "reference")
    with kernels.use_backend("reference"):
        _, out, _ = run("info")
    assert f"{tmp_path} (DIGLOT_DATA)" in out
    assert "reference (NumPy, DIGLOT_BACKEND=reference)" in out


def test_info_works_where_nothing_is_compiled(run, monkeypatch):
    def missing():
        raise ImportError("no compiled kernels")

    monkeypatch.setattr(kernels, "available_builds", missing)
    status, out, _ = run("info")
    assert status == 0
    assert "none is installed; build them with: pip install ." in out


def test_info_says_how_to_get_what_is_missing(run, monkeypatch):
    def nothing(package):
        raise cli.info.PackageNotFoundError(package)

    monkeypatch.setattr(cli.info, "version", lambda p: "1" if p == "diglot" else nothing(p))
    assert "not installed: pip install 'diglot[plots]'" in run("info")[1]


# ---- verify --------------------------------------------------------------------------------------


def test_verify_shows_kernels_by_builds(run):
    arguments = [] if BUILDS else ["--build", "reference"]
    status, out, _ = run("verify", "relu_*", "tanh_backward", *arguments)
    assert status == 0
    names = [line.split()[0] for line in out.splitlines() if line.rstrip().endswith(" same")]
    assert names == ["relu_backward", "relu_forward", "tanh_backward"]
    assert "of 3 kernels" in out
    assert "all agree" in out


@needs_builds
def test_verify_fails_and_names_a_broken_kernel(run, monkeypatch):
    module = native.load(BUILDS[-1])
    right = module.sigmoid_forward
    monkeypatch.setattr(module, "sigmoid_forward", lambda x: right(x) * 1.001)
    status, out, _ = run("verify", "sigmoid_*")
    assert status == 1
    assert "FAILED sigmoid_forward" in out
    assert out.splitlines()[-1].endswith("sigmoid_forward DIFFER")
    assert "FAILED sigmoid_backward" not in out


def test_verify_fails_if_a_gradient_is_wrong(run, monkeypatch):
    monkeypatch.setattr(reference, "relu_backward", lambda dy, y: dy)  # erratum E4
    status, out, _ = run("verify", "relu_backward", "--build", "reference", "--where")
    assert status == 1
    assert "relu_backward (gradient, reference, float64) DIFFERS" in out


# ---- demo ----------------------------------------------------------------------------------------


@needs_builds
@pytest.mark.parametrize(
    ("good", "same", "expected"), [(0.97, 1e-4, 1), (0.5, 1e-4, 0), (0.5, -1, 1)]
)
def test_demo_trains_on_both_backends(run, monkeypatch, tmp_path, good, same, expected):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(demo, "_GOOD_ACCURACY", good)
    monkeypatch.setattr(demo, "_SAME_LOSS", same)
    folder = tmp_path / "new" / "folder"
    status, out, _ = run("demo", "--epochs", "1", "--out", folder)
    assert status == expected
    assert ("NOT ABOVE" in out) == (good > 0.9)  # one epoch is too few for 97 %
    assert ("DIFFERENT" in out) == (same < 0)
    assert sorted(path.name for path in folder.iterdir()) == [
        "curves.png", "digits.safetensors", "predictions.png",
    ]  # fmt: skip
    network = diglot.NeuralNetwork.load(folder / "digits.safetensors")
    assert network.predict(np.zeros((1, 1, 8, 8), np.float32)).shape == (1, 10)


@needs_builds
def test_demo_does_without_matplotlib(run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr(demo, "_GOOD_ACCURACY", 0.5)
    status, out, _ = run("demo", "--epochs", "1", "--out", tmp_path)
    assert status == 0
    assert "pip install 'diglot[plots]'" in out
    assert [path.name for path in tmp_path.iterdir()] == ["digits.safetensors"]


def test_demo_needs_both_backends(run, monkeypatch, tmp_path):
    def missing():
        raise ImportError("diglot's compiled kernels could not be imported.")

    monkeypatch.setattr(native, "best_build", missing)
    status, _, err = run("demo", "--out", tmp_path)
    assert status == 2
    assert err.startswith("diglot: error: the demo needs both backends. diglot's compiled kernels")


def test_demo_refuses_a_file_as_its_folder(run, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = run("demo", "--out", tmp_path / "file")
    assert status == 2
    assert "File exists" in err


# ---- reproduce -----------------------------------------------------------------------------------


def test_reproduce_prints_published_figures_beside_ours(run, tmp_path):
    path = tmp_path / "figures.json"
    status, out, _ = run("reproduce", "1", "--json", path)
    assert status == 0
    assert out.count("L 2.3755, 0.2489 -0.3748 ... -0.0225") == 2
    assert "3 of 3 judged rows are met" in out
    report = json.loads(path.read_text())
    assert [row["id"] for row in report["rows"]] == ["1.1", "1.2", "1.3"]
    assert report["rows"][1]["figures"]["L"] == pytest.approx(2.3755, abs=5e-5)
    assert report["backend"] == diglot.get_backend()
    assert report["quick"] is False
    assert [file.name for file in tmp_path.iterdir()] == ["figures.json"]


def test_a_quick_run_says_so_and_is_not_judged(run):
    pytest.importorskip("sklearn")
    status, out, _ = run("reproduce", "2.2", "3.1", "--quick")
    assert status == 0
    assert "QUICK RUN" in out
    assert "0 of 0 judged rows are met, 2 not judged" in out
    assert "2.2, 3.1: MAE / RMSE on scikit-learn's diabetes table" in out


@pytest.fixture
def rows(monkeypatch):
    """Replace the experiments by ones of the test's own."""

    def replace(*experiments):
        replacement = [
            Row(f"0.{i}", "a test", "1", experiment) for i, experiment in enumerate(experiments)
        ]
        monkeypatch.setattr(cli.reproduce, "select", lambda ids: replacement)

    return replace


def met(settings):
    return Outcome("1", ">= 1", True)


def missed(settings):
    return Outcome("0", ">= 1", False)


def test_a_row_that_is_not_met_is_status_1(run, rows):
    rows(met, missed, missed)
    status, out, _ = run("reproduce")
    assert status == 1
    assert "1 of 3 judged rows are met; NOT MET: 0.1, 0.2" in out


def test_what_stops_a_run_does_not_hide_the_rows_before(run, rows, tmp_path):
    def interrupted(settings):
        raise KeyboardInterrupt

    rows(met, interrupted, met)
    status, out, err = run("reproduce", "--json", tmp_path / "rows.json")
    assert status == 130
    assert re.search(r"^ *0\.0 +a test", out, flags=re.M)
    assert err.splitlines()[-1] == "diglot: interrupted"
    assert [row["id"] for row in json.loads((tmp_path / "rows.json").read_text())["rows"]] == [
        "0.0"
    ]


def test_missing_data_is_status_2(run, rows):
    def no_data(settings):
        raise DataError("no mirror served the file")

    rows(no_data)
    status, out, err = run("reproduce")
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == "diglot: error: no mirror served the file"


def test_every_row_has_its_line_in_the_help_of_an_unknown_one(run):
    _, _, err = run("reproduce", "0")
    assert all(row.id in err for row in ROWS)


# ---- the process ---------------------------------------------------------------------------------


def test_python_m_diglot_is_the_command():
    done = process("reproduce", "1.3", text=True)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 judged rows are met" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_terminal_without_unicode_gets_its_table():
    done = process("reproduce", "1.3", environment={"PYTHONIOENCODING": "ascii"}.items())
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


@pytest.mark.parametrize("arguments", [["info"], ["--help"]])
def test_a_reader_that_has_had_enough_is_told_nothing(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "diglot", *arguments]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode in (0, 1)  # argparse passes over it
    assert done.stderr == b""


def test_a_pipe_gets_long_lines(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert make_console().width > 100
    monkeypatch.setenv("COLUMNS", "60")
    assert make_console().width == 60
