"""Any shapes beside any others: what the definition computes, or a refusal; never other memory."""

import numpy as np
import pytest
from builds import BUILDS
from hypothesis import given
from hypothesis import strategies as st
from odd_arrays import REFUSALS, SUBJECTS, arrays, exchanged, native_kernels, refusal, some

pytestmark = native_kernels
every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=str)


@st.composite
def shape_near(draw, shape):
    """Draw another shape: an axis longer, shorter, empty, more or fewer; or anything."""
    shape = list(shape)
    way = draw(st.sampled_from(["other", "other", "more", "fewer", "swapped", "any"]))
    if way == "any" or not shape:
        return tuple(draw(st.lists(st.integers(0, 4), max_size=5)))
    axis = draw(st.integers(0, len(shape) - 1))
    if way == "other":
        shape[axis] = draw(st.sampled_from([0, 1, shape[axis] + 1, max(shape[axis] - 1, 0)]))
    elif way == "more":
        shape.insert(axis, draw(st.sampled_from([0, 1, 2])))
    elif way == "fewer":
        del shape[axis]
    else:
        shape = shape[::-1]
    return tuple(shape)


def with_shape(array, shape):
    return np.resize(array, shape) if array.size else np.zeros(shape, array.dtype)


@every_subject
@some
@given(data=st.data())
def test_any_shapes(subject, data):
    case = data.draw(st.sampled_from(subject.cases()))
    arguments = case.arguments("float32", data.draw(st.integers(0, 9)))
    places = [place for place, _ in arrays(arguments)]
    changed = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=2, unique=True))
    for place in changed:
        array = dict(arrays(arguments))[place]
        shape = data.draw(shape_near(array.shape), label=place)
        arguments = exchanged(arguments, place, with_shape(array, shape))
    refusal(subject, BUILDS[0], arguments)


# ---- sizes whose products do not fit -------------------------------------------------------------

HUGE = [0, 1, 2, 3, 2**50, 2**59]
"""What lies between could be in some machine's memory; test_hostile_sizes.py goes near 2^31."""


@st.composite
def claimed(draw, array):
    """Draw an array that claims to be huge: of no numbers, or one number again and again."""
    sizes = [draw(st.sampled_from([n, n, *HUGE])) for n in array.shape]
    base = np.ones((), array.dtype) if draw(st.booleans()) else np.zeros(0, array.dtype)
    try:
        if base.size:
            return np.broadcast_to(base, [min(n, 3) for n in sizes])
        if 0 not in sizes:
            sizes[draw(st.integers(0, len(sizes) - 1))] = 0
        return np.lib.stride_tricks.as_strided(base, sizes, [0] * len(sizes))
    except ValueError:  # more than NumPy takes
        return np.zeros([min(n, 3) for n in sizes], array.dtype)


def fits(arguments):
    """Tell whether the definition can be asked: it makes arrays of these sizes."""
    return all(n < 100 for _, array in arrays(arguments) for n in array.shape)


@every_subject
@some
@given(data=st.data())
def test_huge_empty_arrays(subject, data):
    cases = [case for case in subject.cases() if case.smooth] or subject.cases()
    arguments = data.draw(st.sampled_from(cases)).arguments("float32")
    for place, array in list(arrays(arguments)):
        if array.ndim:
            value = data.draw(claimed(array), label=place)
            arguments = exchanged(arguments, place, value)
    if fits(arguments):
        refusal(subject, BUILDS[0], arguments)
        return
    try:
        subject.function(BUILDS[0])(**arguments)
    except (*REFUSALS, MemoryError):
        pass
