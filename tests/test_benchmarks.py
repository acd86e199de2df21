"""The suites in benchmarks/: everything is collected, and a little of it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from diglot import kernels
from diglot.bench import peers
from diglot.bench.table import WORKS

try:
    BUILDS = kernels.available_builds()
except ImportError:  # nothing is compiled: DIGLOT_BACKEND=reference
    BUILDS = []

pytestmark = pytest.mark.skipif(not BUILDS, reason="nothing is compiled")
ROOT = Path(__file__).parents[1]


def pytest_of_benchmarks(*options):
    command = [sys.executable, "-m", "pytest", "benchmarks", "-q", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [*command, *options], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


def test_each_row_is_timed_on_each_side():
    pytest.importorskip("pytest_benchmark")
    out = pytest_of_benchmarks("--collect-only")
    out = out.encode().decode("unicode_escape")  # ids are escaped
    lines = out.splitlines()
    for name in ["reference", *BUILDS, *peers.installed(), "naive loops"]:
        assert sum(line.endswith(f"-{name}]") for line in lines) >= (5 if "naive" in name else 75)
    for work in WORKS:
        assert any(f"[{work.name}-" in line for line in lines), work.name


def test_a_tiny_round():
    pytest.importorskip("pytest_benchmark")
    options = ["--benchmark-enable", "--benchmark-min-rounds=1", "--benchmark-max-time=0.001"]
    names = " or ".join(["naive", "reference", BUILDS[0]])
    out = pytest_of_benchmarks(*options, "-k", f"tiny and ({names})")
    assert "15 passed" in out
