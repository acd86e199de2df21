"""Long messages become one line that still says what is wrong."""

import pytest

from diglot.doctor import arithmetic, choice, parallel
from diglot.doctor.child import Answer
from diglot.doctor.installation import Installation
from diglot.doctor.words import brief, complaints
from diglot.kernels import native

NUMPY = """ImportError:

IMPORTANT: PLEASE READ THIS FOR ADVICE ON HOW TO SOLVE THIS ISSUE!

Importing the numpy C-extensions failed. This error can happen for
many reasons, often due to issues with your setup.

Original error was: No module named 'numpy._core._multiarray_umath'
"""
NUMPY_BRIEF = (
    "ImportError: Importing the numpy C-extensions failed "
    "(No module named 'numpy._core._multiarray_umath')"
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NUMPY, NUMPY_BRIEF),
        (
            f"ImportError: {native._HOW_TO}",
            "ImportError: diglot's compiled kernels could not be imported",
        ),
        (
            f"ImportError: {native._HOW_TO}\n(libgomq.so.1: cannot open)",
            "ImportError: diglot's compiled kernels could not be imported "
            "(libgomq.so.1: cannot open)",
        ),
        ("ValueError: x.y is 1. It was 2", "ValueError: x.y is 1. It was 2"),
        (
            "ImportError: Unable to import dependencies:\nnumpy: No module named numpy\nmore",
            "ImportError: Unable to import dependencies: numpy: No module named numpy",
        ),
        ("OSError: e.g. a disk,\nor a net. See there", "OSError: e.g. a disk, or a net"),
        ("SyntaxError: a sentence\nthat does not end", "SyntaxError: a sentence"),
        ("OSError: ALL IS\nLOUD", "OSError: ALL IS"),
        ("KeyError", "KeyError"),
        ("KeyError: ", "KeyError"),
        ("the process was ended by SIGSEGV", "the process was ended by SIGSEGV"),
    ],
)
def test_messages_are_shortened(error, expected):
    assert brief(error) == expected


def test_a_numpy_without_its_modules_says_so():
    installation = Installation(environment={})
    installation.numpy = installation.imported = Answer({}, NUMPY)
    installation.libraries = Answer({"libraries": {}})
    assert next(arithmetic.check(installation)).found == NUMPY_BRIEF
    assert next(choice.check(installation)).found == NUMPY_BRIEF


def test_what_openmp_complains_of():
    said = (
        "\nlibgomp: Invalid value for environment variable OMP_DYNAMIC\n"
        "\nlibgomp: Invalid value for enviroment variable GOMP_CPU_AFFINITY\n"
        "\nlibgomp: Invalid value for environment variable OMP_DYNAMIC\n"
        "\nlibgomp: Affinity not supported on this configuration\nsomething else\n"
    )
    assert list(complaints(said)) == ["OMP_DYNAMIC", "GOMP_CPU_AFFINITY"]


def test_values_that_openmp_rejects(package, file_of):
    if b"libgomp" not in file_of("_native_baseline").read_bytes():
        pytest.skip("another OpenMP library, or none")
    wrong = ("OMP_PROC_BIND", "OMP_WAIT_POLICY", "OMP_DYNAMIC", "OMP_STACKSIZE", "OMP_NUM_THREADS")
    installation = Installation(package, dict.fromkeys(wrong, "banana"))
    notes = [one for one in parallel.check(installation) if one.name in wrong]
    assert sorted(one.name for one in notes) == sorted(wrong)  # each of them once
    assert {one.action for one in notes} == {"unset it"}
    assert all("'banana' is ignored (libgomp: Inv" in one.found for one in notes)
