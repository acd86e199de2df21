"""Which build does a processor get that is not the one of this machine? Asked of emulated ones."""

import importlib.util
import os
import platform
import subprocess
import sys

import pytest
from emulated_python import as_processor, emulator

CHOSEN = {  # processor: the builds that run there, the fastest first
    "Conroe": [],  # 2006: SSSE3
    "Penryn": [],  # 2007: SSE4.1, and neither SSE4.2 nor POPCNT
    "Nehalem": ["baseline"],  # 2008: x86-64-v2
    "SandyBridge": ["baseline"],  # 2011: AVX, but not AVX2
    "Haswell": ["x86_64_v3", "baseline"],  # 2013: x86-64-v3
}

# Loads the module alone: neither NumPy, which has requirements of its own, nor the rest of diglot.
ASK = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("diglot._cpu", sys.argv[1])
cpu = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cpu)
print(*cpu.runnable_builds())
"""


@pytest.fixture(scope="module")
def processor(tmp_path_factory):
    """Give the Python of a processor by its name."""
    if platform.machine() not in ("x86_64", "AMD64") or platform.system() != "Linux":
        pytest.skip("emulates other x86 processors, on Linux on an x86 processor")
    try:
        emulator("x86_64")
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("processors")
    return lambda model: as_processor(model, folder / model)


def run(python, *arguments, **environment):
    return subprocess.run(
        [python, *arguments],
        env={**os.environ, "DIGLOT_BACKEND": "native", "OMP_NUM_THREADS": "2", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("model", ["Penryn", "Nehalem", "Haswell"])
def test_a_processor_is_offered_the_builds_that_it_can_run(processor, model):
    cpu = importlib.util.find_spec("diglot._cpu")
    if cpu is None:
        pytest.skip("diglot._cpu is not installed")
    done = run(processor(model), "-c", ASK, cpu.origin)
    assert (done.stdout.split(), done.returncode) == (CHOSEN[model], 0), done.stderr


# ---- make emulate: everything that follows takes a while -----------------------------------------

emulated = pytest.mark.emulated


@emulated
@pytest.mark.parametrize("model", CHOSEN)
def test_every_processor_is_offered_the_builds_that_it_can_run(processor, model):
    done = run(processor(model), "-c", ASK, importlib.util.find_spec("diglot._cpu").origin)
    assert (done.stdout.split(), done.returncode) == (CHOSEN[model], 0), done.stderr


@emulated
@pytest.mark.parametrize("model", ["Nehalem", "SandyBridge", "Haswell"])
def test_info_tells_the_builds_and_the_fastest_is_taken(processor, model):
    done = run(processor(model), "-m", "diglot", "info")
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line[:1].strip())
    assert told["backend"].split()[0] == CHOSEN[model][0], done.stderr
    builds = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("build ")]
    assert builds == CHOSEN[model]
    assert "not usable here  x86_64_v4" in done.stdout


@emulated
def test_a_child_process_is_emulated_too(processor):
    code = (
        "import subprocess, sys\n"
        "print(subprocess.run([sys.executable, '-c', 'import diglot; print(diglot.get_backend())'],"
        " capture_output=True, text=True).stdout)"
    )
    assert run(processor("Nehalem"), "-c", code).stdout.split() == ["baseline"]


@emulated
@pytest.mark.parametrize("model", ["Nehalem", "Haswell"])
def test_a_build_that_the_processor_lacks_is_refused(processor, model):
    done = run(processor(model), "-c", "import diglot", DIGLOT_ISA="x86_64_v4")
    assert done.returncode == 1  # an exception, not a signal
    assert done.stderr.splitlines()[-1] == (
        "ValueError: unset the environment variable DIGLOT_ISA, or change it: "
        "this processor cannot run the x86_64_v4 build; it can run " + ", ".join(CHOSEN[model])
    )


@pytest.fixture(scope="module")
def older_numpy(tmp_path_factory):
    """A NumPy for processors before x86-64-v2, which 2.4 and later refuse themselves."""
    folder = tmp_path_factory.mktemp("numpy")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    done = subprocess.run(
        [*pip, "--target", folder, "numpy<2.4"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"pip installs no NumPy before 2.4 here: {done.stderr.splitlines()[-1]}")
    return {"PYTHONPATH": str(folder)}


@emulated
@pytest.mark.parametrize("model", ["Conroe", "Penryn"])
def test_a_processor_before_the_baseline_is_told_so(processor, older_numpy, model):
    python = processor(model)
    done = run(python, "-c", "import diglot", **older_numpy)
    assert done.returncode == 1
    assert "ImportError: none of diglot's builds runs on this processor" in done.stderr
    assert "DIGLOT_BACKEND=reference" in done.stderr
    forced = run(python, "-c", "import diglot", DIGLOT_ISA="baseline", **older_numpy)
    assert "cannot run the baseline build; it can run none" in forced.stderr
    code = "import diglot, numpy as np; print(diglot.kernels.matmul(np.eye(2), np.eye(2)).sum())"
    reference = run(python, "-c", code, DIGLOT_BACKEND="reference", **older_numpy)
    assert reference.stdout.split() == ["2.0"], reference.stderr
