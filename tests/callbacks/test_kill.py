"""Killed at any moment, also in the middle of a write, a training goes on with the same bits."""

import random
import subprocess
import sys
import time

import numpy as np
import pytest

import diglot
from diglot.callbacks import latest_checkpoint

KILLS = 50

# It tells of each update and of each part of a write, and lingers there for a kill to strike.
PROGRAM = """
import sys, time
import numpy as np
import diglot, diglot.atomic
from diglot.callbacks import Checkpoint, latest_checkpoint

folder, pause = sys.argv[1], float(sys.argv[2])
write, fsync = open, diglot.atomic.os.fsync

def linger(event):
    if pause:
        print(event, flush=True)
        time.sleep(pause)

class Slowly:
    def __init__(self, stream): self.stream = stream
    def __enter__(self): return self
    def __exit__(self, *what): self.stream.close()
    def __getattr__(self, name): return getattr(self.stream, name)
    def write(self, content):
        for start in range(0, len(content), 2000):
            self.stream.write(content[start : start + 2000])
            self.stream.flush()
            linger("write")

class Slow:
    def on_fit_begin(self, fit): linger("begin")
    def on_batch_end(self, fit): linger("batch")

if pause:
    diglot.atomic.open = lambda path, mode: Slowly(write(path, mode))

rng = np.random.default_rng(0)
x, y = rng.normal(size=(60, 10)), rng.integers(3, size=60)
layers = [diglot.Dense(40, dropout=0.2), diglot.Dense(3)]
network = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1)
trainer = diglot.Trainer(network, diglot.optimizers.Adam(0.01))
trainer.fit(
    x, y, epochs=40, batch_size=10, seed=2, progress=False, validation=(x, y), early_stopping=40,
    callbacks=[Slow(), Checkpoint(folder, every_batches=2, best=False)],
    resume_from=latest_checkpoint(folder),
)
network.save(folder + "/done.safetensors")
"""


def run(folder, pause):
    """Start the training where it was."""
    command = [sys.executable, "-c", PROGRAM, str(folder), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors


def assert_same(one, other):
    expected, found = (diglot.NeuralNetwork.load(path).parameters() for path in (one, other))
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_fifty_kills_lose_nothing_but_the_steps_since_the_last_checkpoint(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    finish(run(whole, 0))
    chance, kills, begun, half_written = random.Random(7), 0, 0, 0
    latest = None
    while kills < KILLS:
        process = run(killed, 0.002)
        first = process.stdout.readline()
        for _ in range(chance.randrange(40)):
            process.stdout.readline()
        time.sleep(chance.uniform(0, 0.002))
        process.kill()
        process.communicate()
        kills += 1
        begun += first == "begin\n"
        if killed.exists():
            half_written += bool(list(killed.glob("*.tmp.*")))
            for path in killed.glob("*.safetensors"):
                diglot.NeuralNetwork.load(path)  # each file is whole
        now = latest_checkpoint(killed)
        assert latest is None or now >= latest
        latest = now
    assert latest is not None
    assert begun == KILLS
    assert half_written > 5, "too few kills struck in the middle of a write"
    finish(run(killed, 0))
    assert_same(whole / "done.safetensors", killed / "done.safetensors")
    assert_same(latest_checkpoint(whole), latest_checkpoint(killed))


@pytest.mark.skipif(sys.platform == "win32", reason="it has no limit of a file's size")
def test_a_disk_that_is_full_in_the_middle_of_a_file_keeps_the_file_before(tmp_path):
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, -1))\n"
        "import warnings; warnings.simplefilter('always')\n"
    )
    whole, full = tmp_path / "whole", tmp_path / "full"
    whole.mkdir()
    finish(run(whole, 0))
    command = [sys.executable, "-c", limited + PROGRAM.replace("network.save", "#"), str(full), "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert "File too large); the training goes on" in done.stderr
    assert not list(full.glob("*"))
    finish(run(full, 0))
    assert_same(whole / "done.safetensors", full / "done.safetensors")
