"""A plugin for pytest: what cannot run on an emulated processor, each with its reason.

    python -m pytest -p cannot_run --emulated=x86_64

An entry that fits no test fails, so that the list says what is so.
"""

import pytest

_ANSWERS = "exercises/test_wrong_answers.py::"
_COMPILED_HERE = "the compiler is not emulated, and its -march=native means the real processor"
_TOO_SLOW = "starting an answer takes longer than the two seconds after which the test stops it"
_NO_LIMIT = "qemu does not pass a limit on memory on"
_EITHER = {
    f"{_ANSWERS}test_an_endless_loop_is_stopped": _TOO_SLOW,
    f"{_ANSWERS}test_a_wrong_loop_in_cpp_is_caught": f"{_TOO_SLOW}; and {_COMPILED_HERE}",
    f"{_ANSWERS}test_a_rung_is_timed_beside_the_ladder": _COMPILED_HERE,
    "cpus/test_emulation.py::": "it would start an emulator in the emulator",
    "exercises/test_solutions.py::test_the_ladder_passes_its_own_exercise": _COMPILED_HERE,
    "kernels/test_every_binding.py::test_results_that_do_not_fit": _NO_LIMIT,
    "processes/test_forks.py::test_forks_while_other_threads": (
        "qemu itself aborts in a child that is forked beside other threads"
    ),
    "processes/test_memory.py::test_every_family_fails": _NO_LIMIT,
    "processes/test_memory.py::test_the_message_says": _NO_LIMIT,
    "processes/test_memory.py::test_a_training_that_runs_out": _NO_LIMIT,
    "processes/test_memory.py::test_where_there_is_no_room": _NO_LIMIT,
}

CANNOT_RUN: dict[str, dict[str, str]] = {"x86_64": _EITHER, "aarch64": _EITHER}
"""For each emulator: how a test's name, from the folder of the tests on, begins, and why not."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--emulated", choices=list(CANNOT_RUN), help="the emulator that this runs on")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what cannot run."""
    reasons = CANNOT_RUN.get(config.getoption("emulated"), {})
    unused = set(reasons)
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        for beginning in reasons:
            if name.startswith(beginning):
                item.add_marker(pytest.mark.skip(reason=f"emulated: {reasons[beginning]}"))
                unused.discard(beginning)
    files = {item.nodeid.removeprefix("tests/").split("::")[0] for item in items}
    if lost := sorted(name for name in unused if name.split("::")[0] in files):
        raise pytest.UsageError(f"CANNOT_RUN names no test: {', '.join(lost)}")
