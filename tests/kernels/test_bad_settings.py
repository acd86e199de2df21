"""Any number, or anything else, as a setting: what the definition computes, or a refusal."""

import numpy as np
import pytest
from builds import BUILDS
from hypothesis import given
from hypothesis import strategies as st
from odd_arrays import (
    REFUSALS,
    SETTINGS,
    SUBJECTS,
    arrays,
    names_a_culprit,
    native_kernels,
    plain_all,
    refusal,
    some,
)

pytestmark = native_kernels

SMALL = [-3, -1, 0, 1, 2, 3, 5]
LARGE = [
    *[2**31 - 1, 2**31, -(2**31), 2**32, 2**40, 2**62, 2**63 - 1, 2**63, -(2**63), 2**64, 2**80],
]
FLOATS = [-1.0, -0.0, 0.5, 1.0, 1.5, 1e-30, 1e30, np.inf, -np.inf, np.nan]
OTHERS = [
    *[None, True, False, "1", "tanh", "", b"1", [], {}, 1j, (1, 2, 3), (1,), np.array([1, 1])],
    *[np.int8(2), np.int64(1), np.uint64(2**63), np.float32(0.5), np.float64(1), np.array(2)],
    *[np.bool_(True), np.array(0.5), np.datetime64("2020-01-01"), object(), np.ma.masked],
]

numbers = st.sampled_from(SMALL) | st.sampled_from(LARGE)
anything = numbers | st.sampled_from(FLOATS) | st.sampled_from(OTHERS) | st.tuples(numbers, numbers)


def settings_of(case):
    values = case.arguments("float32")
    return [name for name in values if name in SETTINGS]


EVERY_SETTING = [
    (subject, name)
    for subject in SUBJECTS
    for name in sorted({name for case in subject.cases() for name in settings_of(case)})
    if not (subject.rung and name.startswith("transpose"))
]


def modest(value):
    """Tell whether the definition, which allocates before it thinks, can be asked."""
    if isinstance(value, tuple | list):
        return all(modest(one) for one in value)
    return not isinstance(value, int | float | np.number) or abs(value) < 1000


def asks_for_gigabytes(name, value):
    """Tell sizes that a machine may have: they are nobody's mistake, and take their time."""
    if isinstance(value, tuple):
        return any(asks_for_gigabytes(name, one) for one in value)
    sizes = name in ("vocabulary_size", "input_size")
    return sizes and isinstance(value, int) and 2**20 < value < 2**40


@pytest.mark.parametrize(("subject", "name"), EVERY_SETTING, ids=lambda part: str(part))
@some
@given(data=st.data())
def test_any_setting(subject, name, data):
    cases = [c for c in subject.cases() if c.smooth and name in settings_of(c)]
    case = data.draw(
        st.sampled_from(cases or [c for c in subject.cases() if name in settings_of(c)])
    )
    arguments = case.arguments("float32")
    value = data.draw(anything, label=name)
    if asks_for_gigabytes(name, value):
        return
    arguments[name] = value
    if modest(value):
        refusal(subject, BUILDS[0], arguments)
        return
    reason = name
    try:
        subject.function(BUILDS[0])(**arguments)
    except MemoryError:
        pass
    except REFUSALS as error:
        reason = str(error)
    assert names_a_culprit(reason, arguments), reason


@pytest.mark.parametrize("subject", [s for s in SUBJECTS if s.cases()], ids=str)
@some
@given(data=st.data())
def test_several_settings_at_a_time(subject, data):
    case = data.draw(st.sampled_from(subject.cases()))
    arguments = case.arguments("float32")
    pairs = st.integers(0, 4) | st.tuples(st.integers(0, 4), st.integers(0, 4))
    for name in settings_of(case):
        if isinstance(arguments[name], int | tuple) and not isinstance(arguments[name], bool):
            arguments[name] = data.draw(pairs, label=name)
    refusal(subject, BUILDS[0], arguments)


def flat(returned):
    return returned if isinstance(returned, tuple) else (returned,)


class Changing:
    """A number that changes an array when it is read."""

    def __init__(self, number, change):
        self.number, self.change = number, change

    def __index__(self):
        self.change()
        return self.number


def flattened(array):
    def change():
        array.shape = (-1,)

    return change


def of_halves(array):
    def change():
        array.dtype = np.float32

    return change


IMAGES = [s for s in SUBJECTS if "2d" in s.kernel]


@pytest.mark.parametrize("way", [flattened, of_halves])
@pytest.mark.parametrize("subject", IMAGES, ids=str)
def test_a_setting_that_changes_the_arrays(subject, way):
    """What counts is what they are when they are read, all of them after the settings."""
    case = next(c for c in subject.cases() if c.smooth)
    for name, value in case.arguments("float64").items():
        if name not in ("stride", "padding", "dilation", "kernel_size", "input_size"):
            continue
        for place, _ in arrays(case.arguments("float64")):
            arguments = case.arguments("float64")
            number = value[0] if isinstance(value, tuple) else value
            arguments[name] = Changing(3 if number is None else number, way(arguments[place]))
            try:
                returned = subject.function(BUILDS[0])(**arguments)
            except ValueError as error:
                assert names_a_culprit(str(error), arguments)  # noqa: PT017 - both may be right
                continue
            arguments[name] = int(number if number is not None else 3)
            again = subject.function(BUILDS[0])(**plain_all(arguments))
            for one, other in zip(flat(returned), flat(again), strict=True):
                np.testing.assert_array_equal(one, other)
