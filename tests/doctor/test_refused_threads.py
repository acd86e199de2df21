"""A system that starts no more threads is not a broken installation."""

import sys

import pytest

from diglot.doctor import agreement, choice
from diglot.doctor.child import Answer
from diglot.doctor.installation import Installation

LAST_WORDS = "the process ended with status 1: libgomp: Thread creation failed: Resource"


@pytest.mark.skipif(sys.platform != "linux", reason="these are the words of Linux and libgomp")
def test_stacks_larger_than_the_system(package, file_of):
    file_of("_native_baseline")
    installation = Installation(package, {"OMP_STACKSIZE": "900G", "OMP_NUM_THREADS": "2"})
    if not installation.imported.failed:
        pytest.skip("this system promises any memory, or the build has no OpenMP of GNU's")
    (found,) = choice.check(installation)
    assert found.state == "wrong"
    assert "the system starts no more threads" in found.found
    assert "OMP_STACKSIZE=900G" in found.found
    assert found.action == "unset OMP_STACKSIZE"


@pytest.mark.parametrize("check", [choice.check, agreement.check])
def test_a_limit_on_processes(check):
    installation = Installation(environment={})
    installation.builds = {"baseline": Answer({"build": {}})}
    installation.numpy = Answer({"version": "2.4.6"})
    installation.imported = installation.kernels = Answer({}, LAST_WORDS, crashed=True)
    (found,) = check(installation)
    assert "the system starts no more threads" in found.found
    assert "ulimit -u" in found.action
    assert "OMP_NUM_THREADS=1" in found.action
