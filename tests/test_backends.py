import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import diglot
from diglot import kernels


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_backends_nest_and_are_restored():
    outside = diglot.get_backend()
    with diglot.use_backend("reference"):
        assert diglot.get_backend() == "reference"
        assert kernels.matmul is kernels.reference.matmul
        with diglot.use_backend("baseline"):
            assert diglot.get_backend() == "baseline"
        assert diglot.get_backend() == "reference"
    assert diglot.get_backend() == outside


def test_an_error_inside_restores_the_backend():
    outside = diglot.get_backend()
    with pytest.raises(ZeroDivisionError), diglot.use_backend("reference"):
        1 / 0  # noqa: B018
    assert diglot.get_backend() == outside


def test_another_thread_is_not_affected():
    seen = []
    outside = diglot.get_backend()
    other = "baseline" if outside == "reference" else "reference"
    with diglot.use_backend(other):
        thread = threading.Thread(target=lambda: seen.append(diglot.get_backend()))
        thread.start()
        thread.join()
    assert seen == [outside]


def test_an_unknown_backend_is_refused_with_the_choices():
    with (
        pytest.raises(ValueError, match="backend 'cuda' is unknown; choose one of 'reference'"),
        diglot.use_backend("cuda"),
    ):
        pass


def test_an_unknown_kernel_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no kernel 'matmull'"):
        kernels.matmull  # noqa: B018


def test_diglot_isa_forces_a_build():
    for name in kernels.available_builds():
        done = run(
            "import diglot; print(diglot.get_backend())", DIGLOT_ISA=name, DIGLOT_BACKEND="native"
        )
        assert done.stdout.strip() == name, done.stderr


def test_diglot_backend_chooses_the_reference():
    done = run("import diglot; print(diglot.get_backend())", DIGLOT_BACKEND="reference")
    assert done.stdout.strip() == "reference", done.stderr


@pytest.mark.parametrize(
    ("variable", "value"), [("DIGLOT_BACKEND", "gpu"), ("DIGLOT_ISA", "armv9")]
)
def test_a_bad_environment_variable_is_a_clear_error(variable, value):
    done = run("import diglot", **{"DIGLOT_BACKEND": "native", variable: value})
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ValueError: unset the environment variable {variable}, or change it: ")
    assert f"{value!r} is unknown; choose one of" in last


def test_without_native_modules_the_import_fails_and_says_what_to_do():
    code = (
        "import sys, importlib.abc\n"
        "class Hide(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'diglot._cpu' or name.startswith('diglot._native'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "import diglot\n"
    )
    done = run(code, DIGLOT_BACKEND="native")
    assert done.returncode != 0
    assert "ImportError: diglot's compiled kernels could not be imported" in done.stderr
    assert "DIGLOT_BACKEND=reference" in done.stderr
    assert run(code, DIGLOT_BACKEND="reference").returncode == 0


def test_importing_diglot_leaves_subnormal_numbers_alone():
    assert np.float32(1e-40) * np.float32(1) > 0
    code = "import numpy as np, diglot; assert np.full(64, 1e-40, np.float32).sum() > 0"
    assert run(code).returncode == 0


@pytest.mark.parametrize("order", ["torch, diglot", "diglot, torch"])
def test_torch_may_be_imported_before_or_after(order):
    pytest.importorskip("torch")
    code = (
        f"import {order}\nimport numpy as np\n"
        "a = np.ones((256, 256), np.float32)\n"
        "t = torch.ones(256, 256)\n"
        "for _ in range(3):\n"
        "    assert (diglot.kernels.matmul(a, a) == 256).all() and ((t @ t) == 256).all()\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_the_first_use_of_another_backend_reaches_every_caller():
    # Before it, kernels are plain names of the module; it has to take them away.
    code = (
        "import contextvars, threading, diglot\n"
        "from diglot import kernels\n"
        "first = kernels.matmul\n"
        "assert 'matmul' in vars(kernels)\n"
        "def other(): seen.append(kernels.matmul)\n"
        "with diglot.use_backend('reference'):\n"
        "    assert kernels.matmul is kernels.reference.matmul\n"
        "    inside, seen = contextvars.copy_context(), []\n"
        "    thread = threading.Thread(target=other)\n"
        "    thread.start(); thread.join()\n"
        "    assert seen == [first]\n"
        "assert kernels.matmul is first\n"
        "inside.run(other)\n"
        "assert seen[1] is kernels.reference.matmul\n"
    )
    done = run(code, DIGLOT_BACKEND="native")
    assert done.returncode == 0, done.stderr
