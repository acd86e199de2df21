"""The series that is shipped: its numbers, and the forecasts that it is measured by."""

from pathlib import Path

import numpy as np
import pytest

from diglot import datasets


def test_values() -> None:
    years, numbers = datasets.sunspots()
    np.testing.assert_array_equal(years, np.arange(1700, 2009))
    assert years.dtype == np.int64
    assert numbers.dtype == np.float64
    assert numbers.shape == (309,)
    assert list(numbers[:3]) == [5, 11, 16]
    assert years[numbers.argmax()] == 1957
    assert (numbers.min(), numbers.max()) == (0, 190.2)


def test_how_well_simple_forecasts_do() -> None:
    years, numbers = datasets.sunspots()
    after = years >= 1921
    same = np.sqrt(np.mean(np.diff(numbers)[after[1:]] ** 2))
    assert same == pytest.approx(30.4, abs=0.05)
    past = np.lib.stride_tricks.sliding_window_view(numbers, 9)[:-1]
    past, next_, after = np.c_[past, np.ones(len(past))], numbers[9:], after[9:]
    weights = np.linalg.lstsq(past[~after], next_[~after], rcond=None)[0]
    linear = np.sqrt(np.mean((past[after] @ weights - next_[after]) ** 2))
    assert linear == pytest.approx(17.4, abs=0.05)


def test_its_source_and_licence_are_shipped() -> None:
    text = (Path(datasets.__file__).parent / "sunspots" / "README.txt").read_text()
    assert "public domain" in text
