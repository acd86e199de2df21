"""Programs that run in a process of their own, where a hang or a crash is a failed test."""

import os
import signal
import subprocess
import sys
import threading
from textwrap import dedent

import pytest

from diglot import kernels

try:
    BUILDS = kernels.available_builds()
except ImportError:  # nothing is compiled: diglot is importable as DIGLOT_BACKEND=reference only
    BUILDS = []

HANGS = 300
"""Seconds after which a program is said to hang; a busy machine takes its time."""

needs_kernels = pytest.mark.skipif(not BUILDS, reason="nothing is compiled")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="no /proc")

PRELUDE = """
import os, sys, threading, time
import numpy as np
import diglot
from diglot import kernels
from diglot.kernels import native

build = native.best_build()
rng = np.random.default_rng(1)
big = rng.standard_normal((300, 300)).astype(np.float32)  # enough for a team of threads

def net(seed=1):
    layers = [diglot.Dense(40, activation=diglot.Tanh), diglot.Dropout(0.2), diglot.Dense(5)]
    return diglot.NeuralNetwork(layers, loss=diglot.SoftmaxCrossEntropy(), seed=seed)

x, y = rng.standard_normal((256, 30)).astype(np.float32), rng.integers(0, 5, 256)

def trained(seed=1, epochs=2):
    network = net(seed)
    trainer = diglot.Trainer(network, diglot.Adam(lr=0.01))
    trainer.fit(x, y, epochs=epochs, batch_size=32, seed=seed, progress=False)
    return b"".join(p.tobytes() for p in network.parameters().values())
"""


def start(*parts, first="", **environment):
    """Start a program that is given as text: `first`, the prelude, and the parts."""
    program = "\n".join(dedent(part) for part in (first, PRELUDE, *parts))
    return _start("-c", program, **environment)


def start_file(path, *arguments, **environment):
    """Start a program that its children can import."""
    return _start(path, *arguments, **environment)


def _start(*command, **environment):
    quiet = "ignore::DeprecationWarning"  # Python 3.12 warns of every fork beside threads
    settings = {**os.environ, "DIGLOT_BACKEND": "native", "PYTHONWARNINGS": quiet, **environment}
    return subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in settings.items() if value is not None},
        start_new_session=True,  # so that its children can be ended with it
    )


def ended(child, timeout=HANGS):
    """Wait for a program's end: (return code, what it printed, what it complained of)."""
    try:
        out, err = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        pytest.fail(f"still running after {timeout} s; it has printed\n{out}\n{err}")
    return child.returncode, out, err


def run(*parts, timeout=HANGS, **settings):
    """Run a program that must end well and say nothing on its standard error; what it printed."""
    returned, out, err = ended(start(*parts, **settings), timeout)
    assert (returned, err) == (0, ""), f"{returned}\n{out}\n{err}"
    return out.strip()


def at_once(work, count):
    """Call work(i) in `count` threads that begin together, and raise what one of them raises."""
    gate = threading.Barrier(count)
    results, errors = [None] * count, []

    def begin(i):
        try:
            gate.wait()
            results[i] = work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=begin, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=HANGS)
        assert not thread.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]
    return results
