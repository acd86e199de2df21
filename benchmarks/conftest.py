import pytest

from diglot import kernels
from diglot.bench import machine
from diglot.bench.placement import Placement
from diglot.kernels import native
from diglot.threads import get_num_threads


@pytest.fixture(autouse=True, scope="session")
def threads():
    """Give every pool the same number of threads, and keep two of OpenMP's apart."""
    placement = Placement(native.load(kernels.available_builds()[0]), get_num_threads())
    with machine.limit_pools(get_num_threads()), placement.turn(openmp=False):
        yield placement


@pytest.fixture(autouse=True)
def place(threads, request):
    openmp = request.node.callspec.params["name"] not in ("reference", "JAX")
    with threads.turn(openmp=openmp):
        yield
