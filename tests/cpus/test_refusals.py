"""What is said where no build, or not the one that was asked for, runs on the processor."""

import pytest

from diglot import kernels
from diglot.cli import info
from diglot.kernels import native


@pytest.fixture
def too_old(monkeypatch):
    """A processor that can run none of the builds, which are all installed."""
    monkeypatch.setattr(native, "runnable", frozenset)
    monkeypatch.setattr(native, "installed_builds", lambda: list(native.BUILDS))
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.delenv("DIGLOT_ISA", raising=False)


def test_a_processor_before_the_baseline_is_no_missing_build(too_old):
    with pytest.raises(ImportError, match="none of diglot's builds runs on this processor") as told:
        native.best_build()
    assert "DIGLOT_BACKEND=reference" in str(told.value)
    assert "pip install" not in str(told.value)


def test_builds_that_are_not_installed_are_another_matter(too_old, monkeypatch):
    monkeypatch.setattr(native, "installed_builds", list)
    with pytest.raises(ImportError, match=r"pip install \."):
        native.best_build()


def test_a_forced_build_is_refused_with_what_remains(too_old):
    with pytest.raises(ValueError, match=r"cannot run the baseline build; it can run none; DIGLOT"):
        native.load("baseline")


def test_info_names_the_builds_that_cannot_run(too_old, monkeypatch):
    monkeypatch.setattr(kernels, "available_builds", native.available_builds)
    told = dict(info.describe())
    assert told["not usable here"] == ", ".join(native.BUILDS)


def test_info_does_not_name_builds_of_another_kind_of_processor(monkeypatch):
    monkeypatch.setattr(native, "installed_builds", lambda: ["baseline"])
    monkeypatch.setattr(kernels, "available_builds", lambda: ["baseline"])
    monkeypatch.setattr(native, "load", lambda name: FakeBuild())
    assert "not usable here" not in dict(info.describe())


class FakeBuild:
    @staticmethod
    def build_info():
        return {"openmp": 201511, "compiler": "12", "vector_bits": 128, "flags": "-O3"}
