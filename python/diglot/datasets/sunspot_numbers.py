"""A series that comes with diglot, to be forecast: the spots on the sun, year by year."""

from pathlib import Path

import numpy as np

from diglot._typing import Array

_FILE = Path(__file__).parent / "sunspots" / "yearly.csv"


def sunspots() -> tuple[Array, Array]:
    """Load the yearly mean of the sunspot number, 1700 to 2008: a cycle of some eleven years.

    Real, noisy and short. A forecast of the years from 1921 on has a root mean squared error of
    30.4 if it says that next year is like this one, and of 17.4 if it is the best linear function
    of the nine years before, fitted to the years until 1920.

    Returns:
        years, int64 (309,), and numbers, float64 (309,), at least 0.

    Source: National Geophysical Data Center, NOAA (public domain).
    """
    table = np.loadtxt(_FILE, delimiter=",", skiprows=1)
    return table[:, 0].astype(np.int64), table[:, 1].copy()
