"""Arguments that are no arrays of the right numbers: refused by name, and nothing changes."""

import numpy as np
import pytest
from builds import BUILDS
from hypothesis import given
from hypothesis import strategies as st
from odd_arrays import SUBJECTS, arrays, exchanged, native_kernels, refusal, role, some

pytestmark = native_kernels
every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=str)


@st.composite
def place_in(draw, subject):
    """Draw arguments, one of their arrays, and the dtype of the case."""
    case = draw(st.sampled_from([c for c in subject.cases() if c.smooth] or subject.cases()))
    arguments = case.arguments(draw(st.sampled_from(["float32", "float64"])))
    place, array = draw(st.sampled_from(list(arrays(arguments))))
    return arguments, place, array


# ---- dtypes --------------------------------------------------------------------------------------

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4", ">u8"]
OTHERS = [
    *["float16", "float32", "float64", "longdouble", ">f4", ">f8", "complex64", "complex128"],
    *["bool", "O", "S3", "U4", "V4", "M8[s]", "m8[ms]", "f4,i2"],
]


def as_dtype(array, dtype):
    """Put the numbers into another dtype, or zeros where it holds no numbers."""
    if dtype.kind in "biufc":
        with np.errstate(all="ignore"):
            return np.abs(array.astype(float)).astype(dtype)
    return np.zeros(array.shape, dtype)


def right_dtypes(place, arguments):
    """List the dtypes that the argument may have beside these others, in any byte order."""
    if role(place) in ("label", "token", "index"):
        return {np.dtype(name).newbyteorder("=") for name in INTEGERS}
    if role(place) == "mask":
        return {np.dtype(bool)}
    others = {x.dtype for name, x in arrays(arguments) if name != place and x.dtype.kind == "f"}
    return others or {np.dtype(np.float32), np.dtype(np.float64)}


@every_subject
@some
@given(data=st.data())
def test_any_dtype(subject, data):
    arguments, place, array = data.draw(place_in(subject))
    dtype = np.dtype(data.draw(st.sampled_from(INTEGERS + OTHERS)))
    value = as_dtype(array, dtype)
    right = dtype.newbyteorder("=") in right_dtypes(place, arguments)
    if role(place) == "target" and not dtype.isnative:
        right = False
    reason = refusal(subject, BUILDS[0], exchanged(arguments, place, value))
    assert (reason is None) == right, reason
    if reason:
        assert place.partition(".")[0] in reason


# ---- no arrays -----------------------------------------------------------------------------------


class Pretender:
    """Offers its numbers in every way but by being an array."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array

    @property
    def __array_interface__(self):
        return self.array.__array_interface__

    def __buffer__(self, flags):
        return memoryview(self.array)


class Rude:
    """Fails whatever it is asked."""

    def __getattr__(self, name):
        raise RuntimeError("do not ask")

    def __repr__(self):
        raise RuntimeError("no name")

    __index__ = __float__ = __len__ = __iter__ = __bool__ = __repr__


class ScalarLike(np.float32):
    """A number that has dtype, shape and all."""


NO_ARRAYS = {
    **{repr(value): lambda _, value=value: value for value in (None, 1.0, 3, "text", b"bytes")},
    **{repr(value): lambda _, value=value: value for value in ({}, [], (), np.ndarray)},
    "list": lambda array: array.tolist(),
    "bytes": lambda array: array.tobytes(),
    "memoryview": memoryview,
    "scalar": lambda array: array.dtype.type(1),
    "dtype": lambda array: array.dtype,
    "iterator": iter,
    "pretender": Pretender,
    "scalar-like": lambda _: ScalarLike(1),
    "rude": lambda _: Rude(),
}


@every_subject
@some
@given(data=st.data())
def test_what_is_no_array(subject, data):
    arguments, place, array = data.draw(place_in(subject))
    what = data.draw(st.sampled_from(sorted(NO_ARRAYS)))
    if what == "None" and place == "b" and not subject.kernel.startswith(("rnn", "lstm")):
        return  # a layer without a bias
    if what == "iterator" and not array.ndim:
        return
    reason = refusal(subject, BUILDS[0], exchanged(arguments, place, NO_ARRAYS[what](array)))
    assert reason is not None
    assert place.partition(".")[0] in reason


def ordinary(subject):
    cases = subject.cases()
    return next((c for c in cases if c.smooth), cases[0]).arguments(np.float32)


@every_subject
def test_tensors(subject):
    torch = pytest.importorskip("torch")
    arguments = ordinary(subject)
    for place, array in arrays(arguments):
        tensor = torch.from_numpy(array.copy())
        assert refusal(subject, BUILDS[0], exchanged(arguments, place, tensor)) is not None


@pytest.mark.parametrize("subject", [s for s in SUBJECTS if "saved" in ordinary(s)], ids=str)
def test_groups_of_arrays_are_groups_of_as_many(subject):
    arguments = ordinary(subject)
    saved = arguments.get("saved")
    if not isinstance(saved, tuple):
        return
    assert refusal(subject, BUILDS[0], arguments | {"saved": saved}) is None
    for wrong in (
        (),
        saved[:2],
        (*saved, saved[0]),
        saved[0],
        None,
        3,
        "abc",
        dict.fromkeys("abc"),
    ):
        reason = refusal(subject, BUILDS[0], arguments | {"saved": wrong})
        assert reason is not None
        assert "saved" in reason


# ---- masks ---------------------------------------------------------------------------------------


@every_subject
@some
@given(data=st.data())
def test_no_mask_is_lost(subject, data):
    arguments, place, array = data.draw(place_in(subject))
    mask = data.draw(st.sampled_from([np.ma.nomask, np.zeros(array.shape, bool), True]))
    masked = np.ma.MaskedArray(array, mask)
    reason = refusal(subject, BUILDS[0], exchanged(arguments, place, masked))
    assert reason is not None
    assert "masked array" in reason
    assert place.partition(".")[0] in reason
