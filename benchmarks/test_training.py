"""Time slices of trainings: `pytest benchmarks/test_training.py --benchmark-enable`."""

import pytest

from competitors import BACKENDS, PEERS, time
from diglot.bench import language, trainings


@pytest.mark.parametrize("name", [*BACKENDS[1:], *PEERS])
@pytest.mark.parametrize("work", [*trainings.WORKS, *language.WORKS], ids=lambda work: work.name)
def test_time(benchmark, work, name):
    time(benchmark, name, work)
