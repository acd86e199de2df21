"""Does `diglot ladder` check, time, tell and draw?"""

import dataclasses

import numpy as np
import pytest

from diglot import cli, kernels, ladder
from diglot.ladder import timing
from diglot.ladder.peak import fma_peak
from diglot.ladder.problems import OPERATIONS
from diglot.ladder.staircase import staircase
from diglot.ladder.timing import Timing, climb, factor

try:
    BUILDS = kernels.available_builds()
except ImportError:
    BUILDS = []

SMALL = {"matmul": (5, 7, 3), "conv2d": (2, 3, 6, 5, 4, 3), "lstm": (3, 4, 5, 6)}

pytestmark = pytest.mark.skipif(not BUILDS, reason="nothing is compiled")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(timing, "_LONG_ENOUGH", 0.0)
    monkeypatch.setattr(
        "diglot.cli.ladder.fma_peak", lambda threads, *, in_float32: 100.0 * threads
    )


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        status = cli.main([str(argument) for argument in ("ladder", *arguments)])
        return status, *capsys.readouterr()

    return call


@pytest.mark.parametrize(
    ("operation", "size", "heading"),
    [
        ("matmul", "9", "matmul: (9 x 9) times (9 x 9), float32"),
        ("matmul", "5x7x3", "matmul: (5 x 7) times (7 x 3), float32"),
        ("conv2d", "2x3x6x5x4x3", "conv2d: 2 images 3 x 6 x 5, 4 filters 3 x 3, float32"),
        ("lstm", "3x4x5x6", "lstm: 3 rows, 4 steps, 5 features, 6 units, float32"),
    ],
)
def test_it_prints_a_line_for_each_rung(run, operation, size, heading):
    status, out, err = run(operation, "--size", size, "--threads", "2")
    assert (status, err) == (0, "")
    assert out.startswith(heading)
    for rung in ladder.RUNGS[operation]:
        assert f" {rung.name} " in out
        assert rung.idea in out
        assert rung.source in out
    assert "100 GFLOP/s with 1, 200 GFLOP/s with 2 threads" in out
    assert "extrapolated" not in out


@pytest.mark.parametrize(
    ("operation", "threads", "than"),
    [
        ("matmul", 1, "Faster by: than the row before; numpy stands beside the ladder, and is"),
        ("conv2d", 1, "Faster by: than the row before; numpy stands beside the ladder, and is"),
        ("lstm", 1, "Faster by: than the row before; nodes and numpy stand beside the ladder, and"),
        ("matmul", 2, "than the last row before with as many threads, or else with fewer; numpy"),
    ],
)
def test_it_says_than_what_a_row_is_faster(run, operation, threads, than):
    size = "x".join(map(str, SMALL[operation]))
    _, out, _ = run(operation, "--size", size, "--threads", threads)
    assert than in out


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_it_draws_the_staircase(run, operation, suffix, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"stairs{suffix}"
    size = "x".join(map(str, SMALL[operation]))
    status, out, _ = run(operation, "--size", size, "--dtype", "float64", "--plot", path)
    assert status == 0
    assert f"written: {path}" in out
    assert path.read_bytes().startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: operation"),
        (["gru"], "invalid choice: 'gru'"),
        (["matmul", "--size", "3x4"], "has 2 numbers, expected N or MxKxN"),
        (["conv2d", "--size", "3x4"], "has 2 numbers, expected NxCxHxWxOCxK"),
        (["lstm", "--size", "3x4"], "has 2 numbers, expected NxTxDxH"),
        (["lstm", "--size", "3"], "has 1 numbers, expected NxTxDxH"),
        (["matmul", "--size", "0"], "is not a list of positive integers"),
        (["matmul", "--size", "12by3"], "is not a list of positive integers"),
        (["matmul", "--threads", "5000"], "expected an integer of at least 1 and at most"),
        (["matmul", "--plot", "no-such-folder/x.png"], "its folder does not exist"),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(run, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_more_than_the_ceiling_is_explained(run, monkeypatch):
    monkeypatch.setattr("diglot.cli.ladder.fma_peak", lambda threads, *, in_float32: 1e-9)
    assert "Above 100 %: something else held a processor" in run("matmul", "--size", 9)[1]
    conv2d = run("conv2d", "--size", "3x4x8x8x5x3")[1]
    assert "Above 100 %: GFLOP/s count the formula's operations" in conv2d
    monkeypatch.setattr("diglot.cli.ladder.fma_peak", lambda threads, *, in_float32: 1e9)
    assert "Above 100 %" not in run("matmul", "--size", 9)[1]


def test_a_wrong_rung_is_not_timed_but_told(run, monkeypatch):
    right = ladder.matmul
    monkeypatch.setattr(ladder, "matmul", lambda rung, a, b: right(rung, a, b) + (rung == "packed"))
    status, out, err = run("matmul", "--size", "9")
    assert (status, out) == (1, "")
    assert "rung packed of matmul is wrong" in err


def test_what_would_take_long_is_timed_on_a_part_and_says_so(run, monkeypatch):
    monkeypatch.setattr(timing, "_MOST", {"python": 2000, "naive": 9000})
    timings = list(climb(OPERATIONS["matmul"].draw(40, 20, 30), 1))
    marked = [t.rung.name for t in timings if t.extrapolated]
    assert marked == ["python", "naive"]
    for t in timings:
        assert t.seconds * t.gflops * 1e9 == pytest.approx(2 * 40 * 20 * 30)
    _, out, _ = run("conv2d", "--size", "3x4x8x8x5x3")
    assert "* extrapolated: a part of the work was timed" in out


@pytest.mark.parametrize(
    ("operation", "sizes", "terms"),
    [
        ("matmul", (40, 20, 30), 20),
        ("conv2d", (3, 4, 8, 8, 5, 3), 4 * 9),
        ("lstm", (7, 11, 3, 5), (3 + 5) * 4),
    ],
)
@pytest.mark.parametrize("most", [1, 700, 10_000, 10**9])
def test_a_part_knows_its_size(operation, sizes, terms, most):
    problem = OPERATIONS[operation].draw(*sizes)
    part = problem.part(most)
    y = getattr(ladder, operation)("numpy", **part.arguments)
    assert part.multiply_adds == y.size * terms
    smallest = problem.part(1).multiply_adds
    assert part.multiply_adds <= max(most, smallest)
    assert (part is problem) == (most >= problem.multiply_adds)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_sizes_are_what_draw_takes(operation):
    found = OPERATIONS[operation]
    assert len(found.sizes.split("x")) == len(found.default) == len(SMALL[operation])
    assert found.draw(*SMALL[operation], dtype="f8").truth().dtype == np.float64


def test_a_rung_is_compared_with_the_one_below_on_as_many_threads():
    rungs = {rung.name: rung for rung in ladder.RUNGS["matmul"]}
    speeds = [
        ("python", 1, 1.0),
        ("numpy", 1, 50.0),
        ("naive", 1, 2.0),
        ("micro_kernel", 1, 6.0),
        ("threads", 2, 12.0),
        ("library", 1, 9.0),
        ("library", 2, 15.0),
    ]
    timings = [Timing(rungs[name], n, 1.0, speed, False, 0.0) for name, n, speed in speeds]
    factors = [factor(timings, at) for at in range(len(timings))]
    assert factors == [None, 50.0, 2.0, 3.0, 2.0, 1.5, 1.25]
    alone = [dataclasses.replace(t, threads=1) for t in timings[:5]]
    assert factor(alone, 4) == 2.0


def test_the_picture_names_every_rung_and_both_ceilings():
    pytest.importorskip("matplotlib")
    timings = list(climb(OPERATIONS["matmul"].draw(6, 5, 4), 2))
    (panel,) = staircase(timings, {1: 118.0, 2: 236.0}, "a title").axes
    text = "\n".join(t.get_text() for t in [*panel.texts, *panel.get_xticklabels()])
    for rung in ladder.RUNGS["matmul"]:
        assert rung.name.replace("_", "\n", 1) in text
    assert "1 thread:\n118 GFLOP/s" in text
    assert "2 threads:\n236 GFLOP/s" in text
    assert panel.get_yscale() == "log"


@pytest.mark.parametrize("build", BUILDS)
def test_the_ceiling_is_a_plausible_one(build):
    with kernels.use_backend(build):
        peak = fma_peak(1)
        assert 0 < peak < np.inf
        assert 0 < fma_peak(1, in_float32=False) < np.inf
