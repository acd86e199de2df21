"""Would `make sanitize` notice? Each fault of faults.cpp ends its process, with the right words."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("diglot._faults", reason="only make sanitize builds the faults")

FEW, SOME, MANY = 5, 1_000, 20_001
"""Numbers: in memory that NumPy keeps when it is freed, or gives back; in a block of buffers.h."""

FAULTS = {
    f"write_behind_output({FEW})": "heap-buffer-overflow",
    f"write_behind_output({SOME})": "heap-buffer-overflow",
    f"write_behind_output({MANY})": "use-after-poison",
    f"write_behind_scratch({FEW})": "heap-buffer-overflow",
    f"write_behind_scratch({MANY})": "use-after-poison",
    f"read_freed_output({SOME})": "heap-use-after-free",
    f"read_freed_output({MANY})": "use-after-poison",
    f"read_behind_input(np.ones({FEW}, np.float32))": "heap-buffer-overflow",
    f"read_behind_input(np.ones({2 * FEW}, np.float32)[::2])": "heap-buffer-overflow",
    "overflow_product()": "signed integer overflow",
    "shift_too_far()": "shift exponent 40 is too large",
    "float_to_int()": "is outside the range of representable values",
    "load_unaligned()": "misaligned address",
    "index_behind_vector()": "Assertion '__n < this->size()' failed",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(fault):
    code = f"import numpy as np; from diglot import _faults; _faults.{fault}"
    options = os.environ["ASAN_OPTIONS"]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"ASAN_OPTIONS": f"{options}:log_path=stderr"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert FAULTS[fault] in done.stderr


def test_what_is_right_is_not_noticed():
    code = (
        "import numpy as np; from diglot import kernels\n"
        "for count in (0, 5, 1000, 20001):\n"
        "    kernels.relu_forward(np.ones(count, np.float32)) + 1"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
