"""A process that ended because the system gave it no thread: reinstalling does not help there."""

from collections.abc import Mapping

from diglot.doctor.child import Answer

_WORDS = (
    "Thread creation failed",  # GNU's OpenMP
    "unable to allocate necessary resources for OMP thread",  # LLVM's and Intel's
    "can't start new thread",  # Python
)
_STACKS = ("OMP_STACKSIZE", "GOMP_STACKSIZE", "KMP_STACKSIZE")


def threads(answer: Answer, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Say that no thread could be started, and what to do; None if that is not what happened."""
    if not any(words in answer.error for words in _WORDS):
        return None
    found = f"the system starts no more threads ({answer.error})"
    given = [f"{name}={environment[name]}" for name in _STACKS if environment.get(name)]
    if given:
        names = " and ".join(one.partition("=")[0] for one in given)
        return (
            f"{found}, and {', '.join(given)} says how large a stack each needs",
            f"unset {names}",
        )
    return found, (
        "raise the limit on processes (ulimit -u) or memory (ulimit -v, a container's), or set "
        "OMP_NUM_THREADS=1"
    )
