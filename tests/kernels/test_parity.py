"""Do the native kernels agree with the reference: every build, case, dtype, memory layout?"""

import numpy as np
import pytest
from builds import BACKENDS, BUILDS, LAYOUTS, kernel

import diglot.threads
from diglot.kernels.cases import CASES, ROLES
from diglot.kernels.tolerance import call, largest_difference, truth

DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]


def arrays(arguments):
    return {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}


def flat(result):
    """What a kernel returned, and what it returned as a group."""
    if not isinstance(result, tuple):
        return [result]
    return [output for part in result for output in flat(part)]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", CASES)
def test_a_build_agrees_with_the_reference(build, name):
    for case in CASES[name]:
        for dtype in DTYPES:
            arguments = case.arguments(dtype)
            actual = call(kernel(build, name), arguments, case.calls)
            worst = largest_difference(actual, truth(name, case, arguments, dtype))
            assert worst.units <= 1, f"{case.name}, {dtype}: {worst}"


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", CASES)
def test_the_x87_registers_are_left_as_they_were(build, name):
    """A kernel that uses MMX, their other name, makes the next sum of long doubles NaN."""
    ones = np.ones(8, np.longdouble)
    for case in CASES[name]:
        for dtype in DTYPES:
            call(kernel(build, name), case.arguments(dtype), case.calls)
            assert (ones + ones == 2).all(), f"{case.name}, {dtype}"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CASES)
def test_inputs_stay_untouched_and_outputs_are_new_and_contiguous(name, backend):
    for case in CASES[name]:
        arguments = case.arguments(np.float32)
        before = {key: value.copy() for key, value in arrays(arguments).items()}
        result = kernel(backend, name)(**arguments)
        for key, value in before.items():
            if ROLES.get(key) != "target":
                assert arguments[key].tobytes() == value.tobytes(), f"{case.name}: {key} changed"
        if name.endswith("_inplace"):
            assert result is None
            continue
        for output in flat(result):
            if isinstance(output, float):
                continue
            assert type(output) is np.ndarray
            assert output.flags.c_contiguous, case.name
            assert output.flags.writeable
            assert output.dtype.isnative
            for key, value in arrays(arguments).items():
                assert not np.may_share_memory(output, value), f"{case.name}: {key}"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CASES)
def test_any_memory_layout_is_accepted(name, layout, backend):
    for case in CASES[name]:
        for dtype in DTYPES:
            arguments = case.arguments(dtype)
            if sum(value.size for value in arrays(arguments).values()) > 5000:
                continue
            expected = truth(name, case, arguments, dtype)
            for key, value in arrays(arguments).items():
                if ROLES.get(key) != "target":
                    arguments[key] = LAYOUTS[layout](value)
            actual = call(kernel(backend, name), arguments, case.calls)
            worst = largest_difference(actual, expected)
            assert worst.units <= 1, f"{case.name}, {dtype}: {worst}"
            assert all(type(output) is np.ndarray for output in actual.values())
            assert all(output.flags.c_contiguous for output in actual.values())


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", CASES)
def test_the_number_of_threads_changes_no_bit(name, build):
    for case in CASES[name]:
        for dtype in DTYPES:
            arguments = case.arguments(dtype)
            runs = []
            for count in (1, 2, 3):
                with diglot.threads.num_threads(count):
                    runs.append(call(kernel(build, name), arguments, case.calls))
            for run in runs[1:]:
                for output in run:
                    assert run[output].tobytes() == runs[0][output].tobytes(), case.name


# Larger than the table's: several blocks in every direction, and rows of more than one block.
LARGE = [(300, 700, 1100), (1100, 300, 500), (129, 600, 130)]


@pytest.mark.parametrize("transposed", ["", "a", "b", "ab"])
@pytest.mark.parametrize(("M", "K", "N"), LARGE)
@pytest.mark.parametrize("build", BUILDS)
def test_large_products_are_shared_among_threads_without_a_trace(build, M, K, N, transposed, rng):
    a, b = (rng.standard_normal(size, np.float32) for size in [(M, K), (K, N)])
    arguments = {
        "a": a.T.copy() if "a" in transposed else a,
        "b": b.T.copy() if "b" in transposed else b,
        "transpose_a": "a" in transposed,
        "transpose_b": "b" in transposed,
    }
    runs = []
    for count in (1, 2, 3):
        with diglot.threads.num_threads(count):
            runs.append(kernel(build, "matmul")(**arguments))
    assert runs[0].tobytes() == runs[1].tobytes() == runs[2].tobytes()
    np.testing.assert_allclose(runs[0], a.astype(np.float64) @ b, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("M", "K", "N"), [*LARGE, (60, 5000, 10)])
@pytest.mark.parametrize("build", BUILDS)
def test_a_bias_is_added_once_and_last(build, M, K, N, rng):
    """However the product is cut, it is the plain product, rounded, plus the bias."""
    x, w, b = (rng.standard_normal(size, np.float32) for size in [(M, K), (K, N), N])
    for count in (1, 2, 3):
        with diglot.threads.num_threads(count):
            y = kernel(build, "dense_forward")(x, w, b)
            plain = kernel(build, "matmul")(x, w)
        np.testing.assert_array_equal(y, plain + b)
