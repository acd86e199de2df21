import signal

import numpy as np
import pytest


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c():
    """Hear Ctrl-C, as a program does that somebody sits in front of; a shell's `&` turns it off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)
