import numpy as np
import pytest

from diglot import kernels, verify
from diglot.kernels import native, reference
from diglot.kernels.cases import CASES
from diglot.kernels.gradients import GRADIENTS

try:
    BUILDS = kernels.available_builds()
except ImportError:  # nothing is compiled: DIGLOT_BACKEND=reference
    BUILDS = []


def broken(function):
    """The kernel, its first output a thousandth too large."""

    def kernel(*args, **kwargs):
        result = function(*args, **kwargs)
        if isinstance(result, tuple):
            return result[0] * 1.001, *result[1:]
        return result * 1.001

    return kernel


def test_the_reference_passes_and_every_kernel_is_checked():
    checks = list(verify.verify(["reference"]))
    for check in checks:
        assert check.passed, str(check)
        assert np.isfinite(check.error)
    kinds = {kind: {c.kernel for c in checks if c.kind == kind} for kind in ("parity", "gradient")}
    assert kinds["parity"] == set(CASES)
    assert kinds["gradient"] == set(GRADIENTS)
    assert {check.cases for check in checks if check.kernel == "matmul"} == {len(CASES["matmul"])}


@pytest.mark.parametrize("build", BUILDS)
def test_a_build_passes(build):
    checks = list(verify.verify([build]))
    assert all(check.passed for check in checks), [str(c) for c in checks if not c.passed]
    asked = {(c.kind, c.kernel, c.dtype) for c in checks if c.build == build}
    assert asked == {
        (kind, name, dtype)
        for kind in ("parity", "threads")
        for name in CASES
        for dtype in ("float32", "float64")
    }


def test_other_numbers_can_be_drawn():
    checks = list(verify.verify(["reference"], names=["matmul"], seed=7))
    assert all(check.passed for check in checks)
    assert checks != list(verify.verify(["reference"], names=["matmul"], seed=8))


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", ["matmul", "tanh_backward", "max_pool2d_forward"])
def test_a_broken_native_kernel_is_named(build, name, monkeypatch):
    module = native.load(build)
    monkeypatch.setattr(module, name, broken(getattr(module, name)))
    names = sorted({name, "relu_forward", "matmul"})
    failed = [check for check in verify.verify([build], names=names) if not check.passed]
    assert {(c.kind, c.kernel, c.build) for c in failed} == {("parity", name, build)}
    assert {check.dtype for check in failed} == {"float32", "float64"}
    for check in failed:
        assert check.units > 1
        assert check.error > 0
        assert str(check).startswith(f"{name} (parity, {build}, {check.dtype}) DIFFERS: case '")
        assert "expected" in check.where


@pytest.mark.parametrize("name", sorted(GRADIENTS))
def test_a_wrong_backward_pass_of_the_reference_is_named(name, monkeypatch):
    monkeypatch.setattr(reference, name, broken(getattr(reference, name)))
    failed = [check for check in verify.verify([], names=[name]) if not check.passed]
    assert [(check.kind, check.kernel) for check in failed] == [("gradient", name)]
    assert "finite differences" in failed[0].where


@pytest.mark.parametrize("build", BUILDS)
def test_a_result_that_depends_on_the_threads_is_found(build, monkeypatch):
    module = native.load(build)
    right = module.sigmoid_forward

    def wrong(x):
        return np.nextafter(right(x), x.dtype.type(module.get_num_threads()))

    monkeypatch.setattr(module, "sigmoid_forward", wrong)
    checks = list(verify.verify([build], names=["sigmoid_forward"]))
    assert {check.kind for check in checks if not check.passed} == {"threads"}
    assert "differs between 1 and" in next(c.where for c in checks if not c.passed)


@pytest.mark.parametrize("build", BUILDS)
def test_a_kernel_that_raises_fails_without_stopping_the_others(build, monkeypatch):
    def raises(x):
        raise RuntimeError("out of order")

    monkeypatch.setattr(native.load(build), "relu_forward", raises)
    checks = list(verify.verify([build], names=["relu_forward", "tanh_forward"]))
    assert {check.kernel for check in checks if not check.passed} == {"relu_forward"}
    assert "RuntimeError: out of order" in next(c.where for c in checks if not c.passed)


@pytest.mark.parametrize("build", BUILDS)
def test_a_missing_kernel_fails(build, monkeypatch):
    monkeypatch.delattr(native.load(build), "relu_forward")
    checks = list(verify.verify([build], names=["relu_forward"]))
    assert not any(check.passed for check in checks)


def test_unknown_names_are_refused():
    with pytest.raises(
        ValueError, match="kernel 'matmull' is unknown; choose from adagrad_inplace"
    ):
        list(verify.verify([], names=["matmull"]))
    with pytest.raises(ValueError, match="'cuda' is unknown"):
        list(verify.verify(["cuda"]))


def test_a_quick_look_takes_one_small_case_of_each_kernel():
    checks = list(verify.verify(["reference"], quick=True))
    assert {check.kernel for check in checks} == set(CASES)
    assert {check.cases for check in checks} == {1}
    assert "gradient" not in {check.kind for check in checks}
    for cases in CASES.values():
        arrays = verify._small_case(cases).arguments(np.float32).values()
        assert 100 <= sum(a.size for a in arrays if isinstance(a, np.ndarray)) <= 10_000


@pytest.mark.parametrize("build", BUILDS)
def test_a_quick_look_finds_a_wrong_kernel(build, monkeypatch):
    module = native.load(build)
    monkeypatch.setattr(module, "gru_backward", broken(module.gru_backward))
    checks = verify.verify([build], quick=True)
    assert {check.kernel for check in checks if not check.passed} == {"gru_backward"}
