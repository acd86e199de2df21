"""Does every rung of the ladder compute the same, for every shape, in every build?"""

import re
from pathlib import Path

import numpy as np
import pytest

import diglot
from diglot import kernels, ladder
from diglot.kernels import native
from diglot.kernels.cases import CASES
from diglot.kernels.tolerance import largest_difference
from diglot.ladder.problems import OPERATIONS

ROOT = Path(__file__).parents[2]
LADDER = ROOT / "csrc" / "ladder"
KERNELS = {name: operation.kernel for name, operation in OPERATIONS.items()}
RUNGS = [(operation, rung.name) for operation in KERNELS for rung in ladder.RUNGS[operation]]
DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]
MOST_IN_PYTHON = 40_000  # multiply-adds
FEWEST = {"matmul": 30, "conv2d": 30, "lstm": 20}
"""Cases, of both dtypes, that judge each rung: as many of the table as have an output."""

try:
    BUILDS = kernels.available_builds()
except ImportError:
    BUILDS = []

pytestmark = pytest.mark.skipif(not BUILDS, reason="nothing is compiled")
each_rung = pytest.mark.parametrize(("operation", "rung"), RUNGS)
each_native_rung = pytest.mark.parametrize(
    ("operation", "rung"),
    [(operation, r.name) for operation in KERNELS for r in ladder.RUNGS[operation] if r.native],
)


def arguments_of(operation, case, dtype):
    """Give a rung's arguments for a case of the table, or None: a rung multiplies two matrices."""
    arguments = case.arguments(dtype)
    if operation == "matmul":
        if arguments["a"].ndim != 2:
            return None
        if arguments.pop("transpose_a"):
            arguments["a"] = arguments["a"].T
        if arguments.pop("transpose_b"):
            arguments["b"] = arguments["b"].T
    return arguments


def cases(operation):
    """Yield (name, arguments, what they should give) for both dtypes."""
    for case in CASES[KERNELS[operation]]:
        for dtype in DTYPES:
            arguments = arguments_of(operation, case, dtype)
            if arguments is not None:
                expected = OPERATIONS[operation].truth(case, arguments)
                yield f"{case.name}, {dtype}", arguments, expected


def multiply_adds(operation, arguments, expected):
    terms = {
        "matmul": lambda: arguments["a"].shape[1],
        "conv2d": lambda: np.prod(arguments["w"].shape[1:]),
        "lstm": lambda: 4 * (len(arguments["w_x"]) + len(arguments["w_h"])),
    }
    return terms[operation]() * expected.values["output"].size


@pytest.fixture(scope="module")
def table():
    return {operation: list(cases(operation)) for operation in KERNELS}


@pytest.mark.parametrize("build", BUILDS)
@each_rung
def test_a_rung_agrees_with_the_reference(operation, rung, build, table):
    function = getattr(ladder, operation)
    judged = 0
    with kernels.use_backend(build):
        for name, arguments, expected in table[operation]:
            if rung == "python" and multiply_adds(operation, arguments, expected) > MOST_IN_PYTHON:
                continue
            y = function(rung, **arguments)
            worst = largest_difference({"output": y}, expected)
            assert worst.units <= 1, f"{name}: {worst}"
            assert y.flags.c_contiguous
            judged += 1
    assert judged >= FEWEST[operation]


@each_native_rung
def test_a_rung_is_right_where_several_blocks_meet(operation, rung, rng):
    # Larger than the table's: several blocks, tiles and tasks in each direction, none of them full.
    if operation == "matmul":
        arguments = {"a": rng.standard_normal((500, 530)), "b": rng.standard_normal((530, 1090))}
        expected, scale = arguments["a"] @ arguments["b"], 530
    elif operation == "lstm":
        arguments = OPERATIONS["lstm"].draw(67, 5, 37, 75, dtype=np.float64).arguments
        expected, scale = kernels.lstm_forward(**arguments)[0], 100
    else:
        arguments = {
            "x": rng.standard_normal((3, 8, 41, 67)),
            "w": rng.standard_normal((34, 4, 5, 3)),
            "b": rng.standard_normal(34),
            "padding": (3, 2),
            "groups": 2,
        }
        expected, scale = kernels.conv2d_forward(**arguments), 60
    for build in BUILDS:
        with kernels.use_backend(build), diglot.num_threads(2):
            y = getattr(ladder, operation)(rung, **arguments)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-14 * scale)


@each_native_rung
def test_a_broken_rung_would_be_found(operation, rung, table):
    # The last row of tiles is the easiest thing to lose.
    found = 0
    for _, arguments, expected in table[operation]:
        y = getattr(ladder, operation)(rung, **arguments)
        if y.size:
            y.flat[-1] += 1
            found += largest_difference({"output": y}, expected).units > 1
    assert found >= FEWEST[operation]


@pytest.mark.parametrize("operation", KERNELS)
def test_the_number_of_threads_changes_no_bit(operation, table):
    for name, arguments, _ in table[operation]:
        runs = []
        for count in (1, 2, 3):
            with diglot.num_threads(count):
                runs.append(getattr(ladder, operation)("threads", **arguments).tobytes())
        assert runs[0] == runs[1] == runs[2], name


@each_rung
def test_inputs_stay_untouched_and_any_layout_is_taken(operation, rung, rng):
    if operation == "matmul":
        arguments = {
            "a": rng.standard_normal((9, 14))[::-1, ::2],
            "b": rng.standard_normal((5, 7)).T,
        }
    elif operation == "lstm":
        arguments = {
            "x": rng.standard_normal((5, 3, 6)).transpose(1, 0, 2),
            "h0": rng.standard_normal((3, 8))[:, ::2],
            "c0": rng.standard_normal((4, 3)).T,
            "w_x": rng.standard_normal((16, 6)).T,
            "w_h": rng.standard_normal((4, 16))[::-1],
            "b": np.arange(16.0).astype(">f8") / 8,
        }
    else:
        arguments = {
            "x": rng.standard_normal((2, 5, 6, 3)).transpose(0, 3, 1, 2),
            "w": rng.standard_normal((4, 3, 3, 3))[:, :, ::-1],
            "b": np.arange(4.0).astype(">f8"),
        }
    before = {name: value.copy() for name, value in arguments.items()}
    y = getattr(ladder, operation)(rung, **arguments)
    expected = getattr(kernels, KERNELS[operation])(**arguments)
    if operation == "lstm":
        expected = expected[0]
    np.testing.assert_allclose(y, expected, atol=1e-12)
    for name, value in arguments.items():
        np.testing.assert_array_equal(value, before[name])


# ---- what is refused -----------------------------------------------------------------------------


@each_rung
def test_a_wrong_argument_is_refused_as_the_kernel_refuses_it(operation, rung, rng):
    x = rng.standard_normal((2, 3, 5, 5))
    lstm = OPERATIONS["lstm"].draw(2, 3, 4, 5, dtype=np.float64).arguments
    wrong = {
        "matmul": [
            ({"a": x[0, 0], "b": x[0, 0, :4]}, "has 5 columns, but b .* has 4 rows"),
            ({"a": x[0, 0], "b": x[0, 0].astype("f4")}, "dtype float32, expected that of a"),
            ({"a": x, "b": x[0, 0]}, "expected 2 axes"),
            ({"a": x[0, 0].astype(int), "b": x[0, 0]}, "expected float32 or float64"),
        ],
        "conv2d": [
            ({"x": x, "w": x[:, :2]}, "it sees 2 channels"),
            ({"x": x, "w": x, "stride": 0}, "stride is 0, expected at least 1"),
            ({"x": x, "w": x, "b": np.zeros(3)}, "one number for each filter"),
            ({"x": x, "w": x, "dilation": 2}, "the filters reach over 9 pixels"),
            ({"x": x[0], "w": x}, "expected 4 axes"),
        ],
        "lstm": [
            (lstm | {"x": x}, "expected 3 axes"),
            (lstm | {"h0": lstm["h0"][1:]}, "h0 has shape"),
            (lstm | {"c0": lstm["c0"][:, 1:]}, "c0 has shape"),
            (lstm | {"w_x": lstm["w_x"][1:]}, "w_x has shape"),
            (lstm | {"w_h": lstm["w_h"][:, 4:]}, "w_h has shape"),
            (lstm | {"b": lstm["b"].astype("f4")}, "dtype float32, expected that of x"),
        ],
    }
    for arguments, message in wrong[operation]:
        with pytest.raises(ValueError, match=message):
            getattr(ladder, operation)(rung, **arguments)


@pytest.mark.parametrize("operation", KERNELS)
def test_an_unknown_rung_is_refused_with_the_list(operation):
    with pytest.raises(ValueError, match=r"'ladder' of .* is unknown; choose one of python, "):
        getattr(ladder, operation)("ladder", *[None] * {"lstm": 6}.get(operation, 2))


def test_hostile_sizes_are_refused_before_anything_is_allocated():
    x = np.zeros((1, 1, 1, 1), np.float32)
    for rung in ("naive", "im2col", "direct", "across_rows", "threads"):
        with pytest.raises((ValueError, MemoryError)):
            ladder.conv2d(rung, x, x, padding=2**31 - 1)
        # Strides far larger than the image: one output, and no memory for phases that do not exist.
        assert ladder.conv2d(rung, x + 2, x + 3, stride=2**31 - 1).item() == 6


# ---- the list and the files ----------------------------------------------------------------------


@pytest.mark.parametrize("operation", KERNELS)
def test_the_list_is_what_the_files_and_the_build_are(operation):
    rungs = [rung for rung in ladder.RUNGS[operation] if rung.native]
    files = sorted((LADDER / operation).glob("*"))
    assert [str(path.relative_to(ROOT)) for path in files] == [rung.source for rung in rungs]
    for build in BUILDS:
        listed = getattr(native.load(build).ladder, f"{operation}_rungs")
        assert listed == [rung.name for rung in rungs]
    assert 8 <= len(ladder.RUNGS[operation]) <= 10
    for rung in ladder.RUNGS[operation]:
        assert (ROOT / rung.source).exists()
        assert rung.idea


@pytest.mark.parametrize("path", sorted(LADDER.rglob("*.*")), ids=lambda path: path.name)
def test_a_rung_is_one_page_that_begins_with_its_idea(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < 120
    assert text.startswith("// ") or path.stem == "peak"
    match = re.match(r"(\d)_(\w+)", path.stem)
    if match:
        assert re.match(rf"// Rung {match[1]}, {match[2].replace('_', '[- ]')}: ", text)


@pytest.mark.parametrize("path", sorted(LADDER.rglob("*.*")), ids=lambda path: path.name)
def test_a_rung_stands_on_its_own(path):
    # Of the kernels it uses the tools, not the products and convolutions that it leads to. How exp
    # is computed is no rung's idea, and a page of its own: vector_math.h is such a tool.
    found = re.findall(r'#include "kernels/(\w+)\.h"', path.read_text(encoding="utf-8"))
    shapes = {"conv2d.h": {"conv"}, "lstm.h": {"recurrent"}}.get(path.name, set())
    assert set(found) <= {"view", "simd", "vector_math", "parallel"} | shapes
