"""`diglot bench`: what it prints and writes, with a table of the test's own and no peers."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from diglot import cli, kernels
from diglot.bench import peers
from diglot.bench.ceilings import Ceilings, Level
from diglot.bench.costs import Cost
from diglot.bench.elements import kernel
from diglot.bench.measure import Settings
from diglot.bench.peers import Competitor
from diglot.bench.placement import Placement
from diglot.bench.products import product
from diglot.bench.work import Goal, Run
from diglot.kernels import native

try:
    BUILDS = kernels.available_builds()
except ImportError:  # nothing is compiled: DIGLOT_BACKEND=reference
    BUILDS = []

pytestmark = pytest.mark.skipif(not BUILDS, reason="nothing is compiled")

EASY, HARD = Goal(1e-9, "NumPy", "any"), Goal(1e9, "NumPy", "any")
CEILINGS = Ceilings(1e11, (Level("memory", float("inf"), 1e10),))


@pytest.fixture
def table(monkeypatch):
    """Replace the rows by small ones, the ceilings by known ones; no peers, short samples."""
    state = SimpleNamespace(
        works=[
            product(8, 9, 10, goals=(EASY,), name="small"),
            kernel("tanh_forward", (6, 7), 4, 20, {}, x="normal"),
        ],
        costs=[],
        peers={},
    )
    state.works[1] = replace(state.works[1], goals=(EASY, Goal(2, "PyTorch")))
    bench = cli.bench
    monkeypatch.setattr(bench, "select", lambda names: (state.works, state.costs))
    monkeypatch.setattr(bench, "FULL", Settings(0.0, 1))
    monkeypatch.setattr(bench, "QUICK", Settings(0.0, 1))
    monkeypatch.setattr(bench.ceilings, "measure", lambda *_: CEILINGS)
    monkeypatch.setattr(peers, "installed", lambda: list(state.peers))
    monkeypatch.setattr(peers, "load", lambda name, threads: state.peers[name])
    monkeypatch.setenv("OMP_PROC_BIND", "false")  # a test process keeps its affinity
    return state


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        status = cli.main(["bench", *map(str, arguments)])
        return status, *capsys.readouterr()

    return call


def fake(name, factor=1.0, kinds=("matmul", "tanh_forward")):
    """Make a peer that computes with NumPy, and is wrong by a factor."""

    def prepare(kind, a):
        def call():
            y = np.matmul(a["a"], a["b"]) if kind == "matmul" else np.tanh(a["x"])
            return y * np.float32(factor)

        return Run(call, lambda y: [y])

    return Competitor(name, "1.0", prepare, frozenset(kinds), "as it likes")


def test_the_table_without_peers(run, table):
    status, out, _ = run("--threads", 1)
    assert status == 0
    assert "to compare with PyTorch and JAX: pip install torch jax" in out
    heading = next(line for line in out.splitlines() if line.lstrip().startswith("work "))
    assert heading.split()[:4] == ["work", "ours", "NumPy", "quartiles"]
    row = next(line for line in out.splitlines() if "matmul small" in line)
    assert re.search(r"[µmn]s +[\d.]+ [µm]s +[\d.]+x +[\d.]+-[\d.]+ +\d+ GFLOP/s +\d+ %", row)
    assert "≥ 2x PyTorch ?" in out  # there is nobody to compare with
    assert "2 of 2 goals are met, in 2 rows;" in out
    for name in (BUILDS[0], "FMA 100 GFLOP/s; triad: memory 10 GB/s", "OMP_PROC_BIND=false"):
        assert name in out
    assert native.load(BUILDS[0]).build_info()["flags"] in out


def test_the_table_with_peers(run, table):
    table.peers = {"PyTorch": fake("PyTorch"), "JAX": fake("JAX", kinds=["matmul"])}
    status, out, _ = run("--threads", 1)
    assert status in (0, 1)  # whether tanh is twice as fast as NumPy's is not asked here
    assert "PyTorch 1.0, JAX 1.0" in out
    assert "PyTorch: as it likes" in out
    assert "pip install torch" not in out
    ratios = {
        line.split()[0]: len(re.findall(r"[\d.]+x ", line.partition("≥")[0]))
        for line in out.splitlines()
        if re.match(r" *(matmul|tanh_forward) ", line)
    }
    assert ratios == {"matmul": 3, "tanh_forward": 2}


def test_a_peer_that_is_wrong_is_named_and_not_timed(run, table):
    table.peers = {"PyTorch": fake("PyTorch", 1.01)}
    _, out, _ = run("--threads", 1)
    assert "matmul small: PyTorch was not timed: ValueError: output 0[" in out


@pytest.mark.parametrize("options", [[], ["--quick"]])
def test_a_wrong_kernel_is_named_and_not_timed(run, table, monkeypatch, tmp_path, options):
    module = native.load(BUILDS[0])
    right = module.tanh_forward
    monkeypatch.setattr(module, "tanh_forward", lambda x: right(x) * np.float32(1.01))
    status, out, _ = run("--threads", 1, "--json", tmp_path / "b.json", *options)
    assert status == 1
    assert "tanh_forward 6x7: WRONG: ValueError: output 0[" in out
    assert re.search(r"tanh_forward 6x7 +not timed", out)
    assert "; WRONG: tanh_forward 6x7; " in out
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert [bool(row["samples"]) for row in rows] == [True, False]
    assert list(rows[1]["errors"]) == ["ours"]


def test_a_kernel_that_raises_does_not_stop_the_others(run, table, monkeypatch):
    def broken(*arguments, **settings):
        raise MemoryError("none left")

    monkeypatch.setattr(native.load(BUILDS[0]), "matmul", broken)
    status, out, _ = run("--threads", 1)
    assert status == 1
    assert "matmul small: WRONG: MemoryError: none left" in out
    assert "tanh_forward 6x7 " in out


def test_a_missed_goal_is_status_1_unless_the_run_is_quick(run, table):
    table.works = [product(8, 9, 10, goals=(EASY, HARD))]
    status, out, _ = run("--threads", 1)
    assert status == 1
    assert "≥ 1e+09x NumPy MISSED" in out
    assert "1 of 2 goals are met, in 1 rows; MISSED in 1; " in out
    status, out, _ = run("--threads", 1, "--quick")
    assert status == 0
    assert "(a quick run: not judged)" in out


def test_costs_are_printed_and_judged(run, table):
    table.costs = [Cost("import", "ms", 60, lambda *_: 61.5), Cost("x", "MB", 1, lambda *_: None)]
    status, out, _ = run("--threads", 1)
    assert status == 1
    assert re.search(r"import +61\.50 ms +≤ 60 ms MISSED", out)
    assert re.search(r"x +unknown +≤ 1 MB \?", out)


def test_two_threads_are_compared_with_one(run, table):
    table.works = [product(8, 9, 10, goals=(Goal(1e-9, "1 thread"),))]
    status, out, _ = run("--threads", 2)
    assert status == 0
    assert "1→2" in out
    assert "≥ 1e-09x 1 thread" in out


def test_the_json_file_has_everything(run, table, tmp_path):
    table.peers = {"PyTorch": fake("PyTorch")}
    table.costs = [Cost("import", "ms", 60, lambda *_: 1.0)]
    path = tmp_path / "bench.json"
    run("--threads", 1, "--isa", BUILDS[-1], "--json", path)
    report = json.loads(path.read_text())
    assert set(report) == {
        "diglot", "quick", "machine", "placement", "versions", "ceilings", "noise", "warnings",
        "rows", "costs", "seconds",
    }  # fmt: skip
    assert report["machine"]["build"] == BUILDS[-1]
    assert report["machine"]["threads"] == 1
    assert {"processor", "pools", "compiler", "flags", "environment"} <= set(report["machine"])
    assert report["ceilings"] == {"fma_flops": 1e11, "triad_bytes": {"memory": 1e10}}
    row = report["rows"][0]
    assert set(row) == {
        "name", "group", "kind", "flops", "bytes", "scale", "note", "seconds", "samples",
        "processors", "others", "ratios", "best_peer", "share_of_peak", "goals", "met", "errors",
    }  # fmt: skip
    assert list(row["seconds"]) == list(row["samples"])
    assert set(row["samples"]) == {"ours", "NumPy", "PyTorch"}
    assert row["goals"] == [{"goal": "≥ 1e-09x NumPy", "met": True}]
    assert report["costs"][0]["met"] is True
    assert [file.name for file in tmp_path.iterdir()] == ["bench.json"]


def test_a_picture_is_drawn(run, table, tmp_path):
    pytest.importorskip("matplotlib")
    run("--threads", 1, "--plot", tmp_path / "roof.svg")
    text = (tmp_path / "roof.svg").read_text()
    assert "<svg" in text


def test_ctrl_c_shows_what_there_is(run, table, monkeypatch, tmp_path):
    real = cli.bench.measure

    def interrupted(work, *arguments, **options):
        if work.group != "matmul":
            raise KeyboardInterrupt
        return real(work, *arguments, **options)

    monkeypatch.setattr(cli.bench, "measure", interrupted)
    status, out, err = run("--threads", 1, "--json", tmp_path / "b.json")
    assert status == 130
    assert "matmul small" in out
    assert err.splitlines()[-1] == "diglot: interrupted"
    assert len(json.loads((tmp_path / "b.json").read_text())["rows"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-kernel"], "no row is called 'no-such-kernel'"),
        (["--json", "no-such-folder/x.json"], "--json no-such-folder/x.json: its folder"),
        (["--plot", "no-such-folder/x.png"], "--plot no-such-folder/x.png: its folder"),
        (["--threads", "0"], "'0' is no integer of at least 1"),
        (["--threads", "5000"], "--threads 5000: at most 1024"),
        (["--isa", "x86_64_v9"], "invalid choice: 'x86_64_v9'"),
    ],
)
def test_a_wrong_argument_is_status_2(run, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("diglot: error: ")
    assert message in err


def test_nothing_is_bound_unless_there_are_two_threads():
    assert str(Placement(native.load(BUILDS[0]), 1)) == "left to the system"
    with Placement(native.load(BUILDS[0]), 3).turn(openmp=True):
        pass


# ---- the ceilings --------------------------------------------------------------------------------


@pytest.mark.parametrize("build", BUILDS)
def test_ceilings_are_measured(build):
    module = native.load(build)
    for dtype in ("float32", "float64"):
        assert module._fma_peak(dtype, 1e-6) > 1e6
    assert module._triad_peak(1 << 20, 1e-6) > 1e6
    for wrong in (("float16", 0.1), ("float32", 0.0), ("float32", 5.0), ("float32", np.nan)):
        with pytest.raises(ValueError, match="expected"):
            module._fma_peak(*wrong)
    for bytes_ in (-1, 100, 2**62):
        with pytest.raises((ValueError, MemoryError)):
            module._triad_peak(bytes_, 0.1)
