"""The table of work: complete, named without doubt, chosen by names; results are compared."""

import math
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from diglot.bench import peers
from diglot.bench.ceilings import Ceilings, Level
from diglot.bench.costs import Cost, scratch_memory
from diglot.bench.elements import kernel
from diglot.bench.kinds import COMBINATIONS, kernels_of
from diglot.bench.measure import _settle, compare
from diglot.bench.result import Result
from diglot.bench.table import COSTS, WORKS, select
from diglot.bench.work import BEST, ONE_THREAD, OURS, PEAK, Goal, Source, Work
from diglot.kernels import native
from diglot.kernels.cases import CASES

HERE = Path(__file__).parent


# ---- the rows ------------------------------------------------------------------------------------


def test_every_kernel_is_timed():
    assert {name for work in WORKS for name in kernels_of(work.kind)} == set(CASES)


def test_rows_have_names_of_their_own():
    names = [row.name for row in (*WORKS, *COSTS)]
    assert len(set(names)) == len(names)


def test_a_row_counts_its_work():
    (work,), _ = select(["matmul 512"])
    assert work.flops == 2 * 512**3
    assert work.bytes == 3 * 4 * 512**2
    (stem,), _ = select(["conv2d N8 C3 224² OC64 k7 p3 s2"])
    assert stem.flops == 2 * 8 * 64 * 112**2 * 3 * 49


@pytest.mark.parametrize("work", [w for w in WORKS if w.group != "training"], ids=lambda w: w.name)
def test_the_bytes_are_at_least_those_of_the_arguments(work):
    if work.bytes > 5e7:
        return  # drawing it takes long; its family is tested at other sizes
    arguments = work.draw(Source(np.random.default_rng(0)))
    inputs = [value for value in arguments.values() if isinstance(value, np.ndarray)]
    floating = sum(array.nbytes for array in inputs if array.dtype.kind == "f" and array.ndim != 1)
    assert floating <= work.bytes
    assert all(array.dtype in (np.float32, np.int64, np.bool_) for array in inputs)


def test_a_new_kernel_is_one_line():
    work = kernel("relu_forward", (3, 4), 4, 1, {}, x="normal")
    assert (work.kind, work.flops, work.bytes) == ("relu_forward", 12, 96)
    assert work.draw(Source(np.random.default_rng(0)))["x"].shape == (3, 4)


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["matmul"], lambda w: w.group == "matmul"),
        (["conv2d"], lambda w: w.group == "conv2d"),
        (["conv2d_backward_input"], lambda w: w.kind == "conv2d"),
        (["pool", "optim"], lambda w: w.group in ("pool", "optim")),
        (["*_inplace"], lambda w: w.group == "optim"),
        (["training"], lambda w: w.group == "training"),
        ([], lambda w: True),
    ],
)
def test_names_choose_rows_in_the_table_s_order(patterns, expected):
    works, costs = select(patterns)
    assert works == [work for work in WORKS if expected(work)]
    assert bool(costs) == (not patterns)


def test_costs_are_chosen_like_rows():
    assert select(["costs"]) == ([], list(COSTS))


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="no row is called 'mathmul'; choose from the groups mat"):
        select(["matmul", "mathmul"])


# ---- results and goals ---------------------------------------------------------------------------


def result_of(*goals, share=math.nan, scale=1.0, **samples):
    work = Work("a test", "matmul", "matmul", lambda _: {}, 2e9, 1e6, goals, scale=scale)
    names = {"ours": OURS, "one": ONE_THREAD}
    result = Result(work, {names.get(n, n): list(v) for n, v in samples.items()}, share=share)
    result.judge("x86_64_v4", fastest=True)
    return result


def test_work_without_operations_has_no_place_in_a_roofline():
    assert result_of(ours=[1.0]).speed == (2e3, 2e9)
    moving = Work("", "recurrent", "embedding_forward", lambda _: {}, bytes=1e6)
    assert Result(moving, {OURS: [1.0]}).speed is None


def test_ratios_are_taken_within_a_round():
    result = result_of(ours=[1, 10, 1], PyTorch=[2, 20, 4], scale=100)
    ratio = result.ratio("PyTorch")
    assert (ratio.low, ratio.median, ratio.high) == (2, 2, 3)
    assert result.seconds(OURS) == 100
    assert result.ratio("JAX") is None
    assert math.isnan(result.seconds("JAX"))


def test_a_competitor_that_dropped_out_is_compared_in_its_rounds():
    assert result_of(ours=[1, 2, 3], NumPy=[8]).ratio("NumPy").median == 8


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal(1.5, "PyTorch"), True),
        (Goal(2.1, "PyTorch"), False),
        (Goal(3.0, "JAX"), None),
        (Goal(1.3, BEST), False),
        (Goal(1.2, BEST), True),
        (Goal(1.8, ONE_THREAD), True),
        (Goal(0.88, PEAK), True),
        (Goal(0.91, PEAK), False),
    ],
)
def test_goals(goal, met):
    result = result_of(goal, share=0.9, ours=[1.0], PyTorch=[2.0], NumPy=[1.2], one=[1.9])
    assert result.verdicts == [(goal, met)]
    assert result.met is met
    assert result.best_peer == "NumPy"


def test_a_goal_counts_for_its_build_only():
    goals = Goal(2, "NumPy"), Goal(1, "NumPy", "x86_64_v3"), Goal(1, "NumPy", "any")
    result = result_of(*goals, ours=[1.0], NumPy=[1.5])
    for build, fastest, expected in [
        ("x86_64_v4", True, [False, True]),
        ("x86_64_v3", False, [True, True]),
        ("x86_64_v3", True, [False, True, True]),
        ("baseline", False, [True]),
    ]:
        result.judge(build, fastest)
        assert [met for _, met in result.verdicts] == expected


def test_the_nearer_ceiling_counts():
    levels = Level("L2", 1e6, 100e9), Level("memory", math.inf, 10e9)
    ceilings = Ceilings(200e9, levels)
    assert ceilings.level(1e6).name == "L2"
    assert ceilings.level(2e6).name == "memory"
    computing = Work("", "matmul", "matmul", lambda _: {}, flops=2e9, bytes=1e6)
    assert ceilings.share(computing, 0.02) == pytest.approx(0.5)
    moving = Work("", "pool", "max_pool2d", lambda _: {}, flops=1e6, bytes=1e8)
    assert ceilings.share(moving, 0.02) == pytest.approx(0.5)


# ---- comparing -----------------------------------------------------------------------------------


def test_results_are_compared_by_their_size(rng):
    x = rng.standard_normal((40, 50)).astype(np.float32)
    compare([x * (1 + 1e-5), x], [x], 1e-3)
    for wrong, message in [
        (x * 1.01, r"output 0\[\d+, \d+\] is"),
        (np.where(x == x.max(), np.nan, x), "is nan"),
        (x[:, :-1], r"shape \(40, 49\), expected \(40, 50\)"),
        (x + np.eye(40, 50), "is"),
    ]:
        with pytest.raises(ValueError, match=message):
            compare([wrong], [x], 1e-3)


@pytest.mark.parametrize("name", ["PyTorch", "JAX"])
def test_a_peer_does_the_same_work(name):
    if name not in peers.installed():
        pytest.skip(f"{name} is not installed")
    command = [sys.executable, HERE / "peer_agreement.py", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    expected = {work.kind for work in WORKS if name not in work.skip}
    assert set(done.stdout.split()) == expected
    assert set(COMBINATIONS) <= expected


# ---- costs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("figure", "met"), [(59.0, True), (61.0, False), (None, None)])
def test_a_cost_has_a_verdict(figure, met):
    cost = Cost("import", "ms", 60, lambda build, threads: figure)
    expected = {"name": "import", "figure": figure, "unit": "ms", "goal": "≤ 60 ms", "met": met}
    assert cost.result("baseline", 1) == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_scratch_memory_is_measured():
    try:
        build = native.BUILDS[-1] if native.runnable() else ""
    except ImportError:
        pytest.skip("nothing is compiled")
    figure = scratch_memory(2)(build, 1)
    assert 0 <= figure < 50


# ---- turns ---------------------------------------------------------------------------------------


def test_nobody_s_turn_begins_while_another_s_threads_spin():
    def spin():
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    _settle()
    assert not thread.is_alive()
