"""The same numbers, wherever they lie in memory: the same result, and not a byte beside it."""

import itertools
import mmap

import numpy as np
import pytest
from builds import BUILDS
from hypothesis import given
from hypothesis import strategies as st
from odd_arrays import (
    SUBJECTS,
    arrays,
    exchanged,
    laid_out,
    native_kernels,
    overlapping_itself,
    plain_all,
    refusal,
    role,
    some,
    usable_in_place,
)

pytestmark = native_kernels
every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=str)
every_build = pytest.mark.parametrize("build", BUILDS)


@st.composite
def arguments_of(draw, subject):
    """Draw one of the subject's cases, in one of the dtypes."""
    case = draw(st.sampled_from(subject.cases()))
    return case.arguments(draw(st.sampled_from(["float32", "float64"])), draw(st.integers(0, 99)))


@every_build
@every_subject
@some
@given(data=st.data())
def test_any_place_in_memory(subject, build, data):
    arguments = data.draw(arguments_of(subject))
    usable = True
    for place, array in list(arrays(arguments)):
        value = data.draw(laid_out(array), label=place)
        arguments = exchanged(arguments, place, value)
        usable = usable and (role(place) != "target" or usable_in_place(value))
    reason = refusal(subject, build, arguments)
    assert (reason is None) == usable, reason


@every_subject
@some
@given(data=st.data())
def test_numbers_that_share_their_memory_with_their_neighbours(subject, data):
    arguments = data.draw(arguments_of(subject))
    inputs = [(place, x) for place, x in arrays(arguments) if role(place) == "input"]
    place, array = data.draw(st.sampled_from(inputs))
    value = data.draw(overlapping_itself(array), label=place)
    assert refusal(subject, BUILDS[0], exchanged(arguments, place, value)) is None


@every_subject
@some
@given(data=st.data())
def test_one_array_as_several_inputs(subject, data):
    arguments = data.draw(arguments_of(subject))
    inputs = [(place, x) for place, x in arrays(arguments) if role(place) == "input"]
    _, array = data.draw(st.sampled_from(inputs))
    for other, value in inputs:
        if value.shape == array.shape:
            arguments = exchanged(arguments, other, array)
    assert refusal(subject, BUILDS[0], arguments) is None


IN_PLACE = [subject for subject in SUBJECTS if subject.kernel.endswith("_inplace")]


@pytest.mark.parametrize("subject", IN_PLACE, ids=str)
@some
@given(data=st.data())
def test_neighbours_in_memory_are_left_alone_and_overlaps_refused(subject, data):
    arguments = plain_all(data.draw(arguments_of(subject)))
    places = [place for place, _ in arrays(arguments)]
    size, dtype = arguments["param"].size, arguments["param"].dtype
    row = np.abs(np.resize(arguments["param"].ravel(), (len(places) + 1) * (size + 2)))
    starts = {}
    for i, place in enumerate(places):
        starts[place] = i * (size + 1) + data.draw(st.integers(-2, 3), label=place)
        starts[place] = max(starts[place], 0)
        value = row[starts[place] : starts[place] + size].reshape(arguments["param"].shape)
        arguments[place] = value
    ordered = sorted(starts.values())
    apart = size == 0 or all(b - a >= size for a, b in itertools.pairwise(ordered))
    around = np.ones(row.size, bool)
    for place in places:
        if role(place) == "target":
            around[starts[place] : starts[place] + size] = False
    before = row[around].copy()
    assert dtype == row.dtype
    # A view of the same memory would make `refusal` see each array's neighbours change.
    function = subject.function(BUILDS[0])
    if not apart:
        whole = row.tobytes()
        with pytest.raises(ValueError, match=r"\w+ and \w+ overlap in memory; copy one first"):
            function(**arguments)
        assert row.tobytes() == whole
        return
    copies = plain_all(arguments)
    function(**arguments)
    function(**copies)
    for place in places:
        assert arguments[place].tobytes() == copies[place].tobytes()
    assert row[around].tobytes() == before.tobytes()


@pytest.mark.parametrize(("mode", "accepted"), [("r", False), ("r+", True), ("c", True)])
def test_files_in_memory(tmp_path, mode, accepted):
    path = tmp_path / "numbers"
    np.ones(mmap.PAGESIZE, np.float32).tofile(path)
    param = np.memmap(path, np.float32, mode)
    grad = np.ones(mmap.PAGESIZE, np.float32)
    sgd = next(s for s in SUBJECTS if s.kernel == "sgd_inplace").function(BUILDS[0])
    if not accepted:
        with pytest.raises(ValueError, match="param is written in place, so it must be writeable"):
            sgd(param, grad, lr=0.5)
        return
    sgd(param, param.copy(), lr=0.5)
    assert (param == 0.5).all()
    param.flush()
    on_disk = np.fromfile(path, np.float32)
    assert (on_disk == (0.5 if mode == "r+" else 1.0)).all()
