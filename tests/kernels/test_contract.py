"""Do both sides offer the same kernels, and do the bindings refuse what a kernel cannot take?"""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from builds import BUILDS, SANITIZED, kernel, unaligned
from signatures import native_signature, reference_signature

from diglot.kernels import native, reference
from diglot.kernels.cases import CASES, ROLES

ROOT = Path(__file__).parents[2]
HELPERS = {
    "build_info",
    "get_num_threads",
    "ladder",
    "set_num_threads",
    "set_winograd",
    "source_digests",
}


# ---- the same names on both sides ----------------------------------------------------------------


def test_every_kernel_has_cases():
    assert set(reference.__all__) == set(CASES)


@pytest.mark.parametrize("build", BUILDS)
def test_a_build_offers_exactly_the_reference_kernels(build):
    offered = {name for name in dir(native.load(build)) if not name.startswith("_")}
    assert offered - HELPERS == set(reference.__all__)


@pytest.mark.skipif(not BUILDS, reason="nothing is compiled")
@pytest.mark.skipif(SANITIZED, reason="make sanitize may be asked for fewer: BUILDS=...")
def test_every_build_that_this_processor_can_run_is_tested():
    assert set(BUILDS) == set(native.runnable())


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", CASES)
def test_both_sides_have_the_same_arguments(name, build):
    assert native_signature(kernel(build, name)) == reference_signature(getattr(reference, name))


@pytest.mark.parametrize("name", CASES)
def test_the_docstring_names_the_twin(name):
    function = getattr(reference, name)
    family = function.__module__.rpartition(".")[2]
    path = re.search(r"Native: (\S+)$", function.__doc__, re.MULTILINE).group(1)
    assert re.fullmatch(rf"csrc/kernels/{family}(_\w+)?\.cpp", path)
    assert re.search(rf"\b{name}\b", (ROOT / path).read_text())
    assert re.search(rf"\b{name}\b", (ROOT / f"csrc/bindings/{family}.cpp").read_text())


@pytest.mark.parametrize("name", CASES)
def test_the_docstring_explains_every_argument(name):
    text = inspect.getdoc(getattr(reference, name))
    for argument in inspect.signature(getattr(reference, name)).parameters:
        assert re.search(rf"^ {{4}}[\w, ]*\b{argument}\b[\w, ]*: ", text, re.MULTILINE), argument
    assert ("Returns:" in text) == (not name.endswith("_inplace"))


@pytest.mark.parametrize("name", CASES)
def test_cases_have_names_of_their_own_and_valid_arguments(name):
    names = [case.name for case in CASES[name]]
    assert len(names) == len(set(names))
    for case in CASES[name]:
        inspect.signature(getattr(reference, name)).bind(**case.arguments(np.float64))


def test_a_case_draws_the_same_numbers_for_the_same_seed():
    case = CASES["matmul"][0]
    first, again, other = (case.arguments(np.float32, seed)["a"] for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


# ---- what the bindings refuse --------------------------------------------------------------------

# The builds share the object code of their bindings, so one stands for all.
one_build = pytest.mark.parametrize("build", BUILDS[:1])


def ordinary(name, dtype=np.float64):
    """Arguments that the kernel accepts, small ones."""
    cases = {case.name: case for case in CASES[name]}
    case = next((case for case in cases.values() if case.smooth), None)
    return (case or cases["17x31x33"]).arguments(dtype)


def array_names(name, *roles):
    """Names of the kernel's arrays; floating ones unless roles are given."""
    return [
        key
        for key, value in ordinary(name).items()
        if isinstance(value, np.ndarray)
        and ROLES.get(key, "input") in (roles or ("input", "target"))
    ]


def refused(build, name, arguments, *words, error=(ValueError, TypeError)):
    before = {k: v.tobytes() for k, v in arguments.items() if type(v) is np.ndarray}
    with pytest.raises(error) as raised:
        kernel(build, name)(**arguments)
    for word in words:
        assert re.search(word, str(raised.value)), f"{word!r} is not in {str(raised.value)!r}"
    for key, value in before.items():
        assert arguments[key].tobytes() == value, f"{key} was changed"


FLOAT_ARRAYS = [(name, array) for name in CASES for array in array_names(name)]


@one_build
@pytest.mark.parametrize(("name", "array"), FLOAT_ARRAYS)
@pytest.mark.parametrize(
    "dtype",
    ["int64", "int8", "bool", "float16", "longdouble", "complex64", "complex128", "U4", "O"],
)
def test_other_dtypes_are_refused(build, name, array, dtype):
    arguments = ordinary(name)
    with np.errstate(all="ignore"):
        arguments[array] = abs(arguments[array]).astype(dtype)
    refused(build, name, arguments, rf"\b{array}\b", re.escape(str(np.dtype(dtype))))


@one_build
@pytest.mark.parametrize(("name", "array"), FLOAT_ARRAYS)
def test_mixed_dtypes_are_refused(build, name, array):
    if len(array_names(name)) < 2:
        return
    arguments = ordinary(name)
    arguments[array] = arguments[array].astype(np.float32)
    refused(build, name, arguments, "float32", "float64", error=ValueError)


@one_build
@pytest.mark.parametrize(("name", "array"), FLOAT_ARRAYS)
def test_what_is_no_array_is_refused(build, name, array):
    for wrong in (None, 1.0, [[1.0, 2.0]], "text", b"bytes", {}, memoryview(b"12345678")):
        if name in ("conv2d_forward", "dense_forward") and array == "b" and wrong is None:
            continue
        refused(build, name, ordinary(name) | {array: wrong}, rf"\b{array}\b")


@one_build
@pytest.mark.parametrize(("name", "array"), FLOAT_ARRAYS)
def test_masked_arrays_are_refused(build, name, array):
    arguments = ordinary(name)
    mask = np.zeros(arguments[array].shape, bool)
    mask.flat[0] = True
    arguments[array] = np.ma.MaskedArray(arguments[array], mask)
    refused(build, name, arguments, rf"\b{array}\b", "mask", error=ValueError)


FIXED_RANK = ("dense", "conv2d", "max_pool2d", "avg_pool2d", "rnn", "gru", "lstm")
ANY_RANK = {name for name in CASES if name.endswith("_forward") and "x" in ordinary(name)} - {
    f"{name}_forward" for name in FIXED_RANK
}


@one_build
@pytest.mark.parametrize(("name", "array"), FLOAT_ARRAYS)
def test_another_rank_is_refused(build, name, array):
    if name in ANY_RANK:
        return
    arguments = ordinary(name)
    for wrong in (arguments[array][None], np.array(1.0)):
        refused(build, name, arguments | {array: wrong}, r"shape|axes|axis", error=ValueError)


@one_build
@pytest.mark.parametrize(("name", "array"), FLOAT_ARRAYS)
def test_sizes_that_disagree_are_refused(build, name, array):
    arguments = ordinary(name)
    if len(array_names(name, "input", "target", "label", "index", "mask")) < 2:
        return
    value = arguments[array]
    free = {  # axes that may have any size as far as the other arguments tell
        ("matmul", "a"): [0],
        ("matmul", "b"): [1],
        ("dense_forward", "x"): [0],
        ("dense_backward_weight", "dy"): [1],
        ("dense_backward_weight", "x"): [1],
        ("conv2d_forward", "x"): [0, 2, 3],
        ("conv2d_forward", "w"): [2, 3],
        ("conv2d_backward_input", "dy"): [0],
        ("conv2d_backward_input", "w"): [1],
        ("conv2d_backward_weight", "dy"): [1],
        ("conv2d_backward_weight", "x"): [1],
        **{(f"{kind}_forward", "x"): [1] for kind in ("rnn", "gru", "lstm")},
        ("embedding_forward", "w"): [0, 1],
        ("embedding_backward", "dy"): [2],
        ("softmax_cross_entropy_forward", "logits"): [1],
        ("softmax_cross_entropy_backward", "probabilities"): [1],
    }.get((name, array), [])
    if (name, array) == ("conv2d_forward", "w"):  # more filters disagree with the bias
        free = [2, 3]
    for axis in set(range(value.ndim)) - set(free):
        more = np.concatenate([value, value.take([0], axis)], axis)
        words = [r"\d"] if name.startswith("conv2d") else [rf"\b{array}\b"]
        refused(build, name, arguments | {array: more}, *words, error=ValueError)


LABELLED = ["softmax_cross_entropy_forward", "softmax_cross_entropy_backward"]


@one_build
@pytest.mark.parametrize("name", LABELLED)
def test_wrong_labels_are_refused(build, name):
    arguments = ordinary(name)
    N, K = next(iter(arguments.values())).shape
    for value, dtype in [
        (-1, "int64"),
        (K, "int64"),
        (K, "uint8"),
        (2**63, "uint64"),
        (-1, "int8"),
    ]:
        labels = np.zeros(N, dtype)
        labels[1] = value
        refused(build, name, arguments | {"labels": labels}, "labels", str(value), error=ValueError)
    for labels in (
        np.zeros(N),
        np.zeros(N, bool),
        np.zeros(N, complex),
        np.zeros(N, "O"),
        np.zeros(N - 1, int),
        np.zeros((N, 1), int),
        np.ma.MaskedArray(np.zeros(N, int), np.ones(N, bool)),
        [0] * N,
        None,
    ):
        refused(build, name, arguments | {"labels": labels}, "labels")


@one_build
def test_a_loss_of_no_rows_is_refused(build):
    arguments = {"logits": np.zeros((0, 3)), "labels": np.zeros(0, int)}
    refused(build, "softmax_cross_entropy_forward", arguments, "no rows", error=ValueError)


@one_build
def test_wrong_pooling_indices_are_refused(build):
    arguments = ordinary("max_pool2d_backward")
    H, W = arguments["input_size"]
    for value in (-1, H * W, 2**31 - 1):
        indices = arguments["indices"].copy()
        indices[1, 0, 1, 1] = value
        refused(
            build, "max_pool2d_backward", arguments | {"indices": indices}, "indices", str(value)
        )
    good = arguments["indices"]
    for indices in (good.astype(float), good[:1], good[0], good.astype(bool), good.tolist(), None):
        refused(build, "max_pool2d_backward", arguments | {"indices": indices}, "indices")


@one_build
def test_wrong_masks_are_refused(build):
    arguments = ordinary("dropout_backward")
    good = arguments["mask"]
    for mask in (
        good.astype(np.uint8),
        good.astype(float),
        good[:1],
        good[None],
        good.tolist(),
        None,
    ):
        refused(build, "dropout_backward", arguments | {"mask": mask}, "mask")


SETTINGS = [
    *[
        (name, setting, value)
        for name in ("conv2d_forward", "conv2d_backward_input", "conv2d_backward_weight")
        for setting, values in {
            "stride": [0, -1, (1, 0), (1, 2, 3), (1,), 1.5, "1", None, True, 2**80],
            "padding": [-1, (0, -1), 0.5, "same", 2**62, (2**62, 2**62)],
            "dilation": [0, -2, 100, 2**62],
            "groups": [0, -1, 3, 2**62],
        }.items()
        for value in values
    ],
    *[
        (name, setting, value)
        for name in ("max_pool2d_forward", "avg_pool2d_forward", "avg_pool2d_backward")
        for setting, values in {
            "kernel_size": [0, -1, 100, (2, 0), (2, 2, 2), 1.5, None, 2**62],
            "stride": [0, -1, "1"],
            "padding": [-1, 2, (0, 2), 2**62],
        }.items()
        for value in values
    ],
    *[
        (name, "input_size", value)
        for name in ("conv2d_backward_input", "max_pool2d_backward", "avg_pool2d_backward")
        for value in [(1, 1), (2**31, 2**31), (-5, 5), (5,), None, "55", (2**62, 2**62)]
    ],
    *[("conv2d_backward_weight", "kernel_size", v) for v in [0, (9, 9), (4, 3), None, 2**62]],
    *[("dropout_forward", "rate", v) for v in [-0.1, 1.0, 1.5, np.nan, np.inf, "0", None]],
    *[("dropout_backward", "rate", v) for v in [-0.1, 1.0, np.nan]],
    *[("dropout_forward", "seed", v) for v in [-1, 2**64, 1.5, "1", None]],
    *[("leaky_relu_forward", "negative_slope", v) for v in [-0.1, np.nan, "0"]],
    *[("leaky_relu_backward", "negative_slope", v) for v in [-0.1, np.nan]],
    *[("adam_inplace", "step", v) for v in [0, -1, 1.5, 2**80]],
]


@one_build
@pytest.mark.parametrize(("name", "setting", "value"), SETTINGS)
def test_impossible_settings_are_refused(build, name, setting, value):
    arguments = ordinary(name)
    words = rf"{setting}|padding|padded image|filters|groups|dy has|indices holds|memory"
    refused(build, name, arguments | {setting: value}, words)


@one_build
def test_a_result_too_large_for_memory_is_refused(build):
    # Arrays of no elements whose product would have 2^80 of them.
    a, b = np.empty((2**40, 0)), np.empty((0, 2**40))
    refused(build, "matmul", {"a": a, "b": b}, "memory", error=ValueError)


TARGETS = [(name, array) for name in CASES for array in array_names(name, "target")]


@one_build
@pytest.mark.parametrize(("name", "array"), TARGETS)
def test_targets_that_cannot_be_written_in_place_are_refused(build, name, array):
    arguments = ordinary(name)
    value = arguments[array]
    fixed = value.copy()
    fixed.flags.writeable = False
    for wrong in (
        fixed,
        np.asfortranarray(value),
        np.repeat(value, 2, axis=-1)[..., ::2],
        value[..., ::-1],
        unaligned(value),
        value.astype(value.dtype.newbyteorder()),
    ):
        refused(build, name, arguments | {array: wrong}, rf"\b{array}\b", error=ValueError)


@one_build
@pytest.mark.parametrize(("name", "array"), TARGETS)
def test_targets_that_overlap_another_array_are_refused(build, name, array):
    others = [other for other in array_names(name) if other != array]
    for other in others:
        arguments = ordinary(name)
        for key in array_names(name):
            arguments[key] = arguments[key].ravel()
        same = arguments | {other: arguments[array]}
        refused(build, name, same, rf"\b{array}\b", rf"\b{other}\b", error=ValueError)
        memory = np.arange(float(arguments[array].size + 1))
        shifted = arguments | {array: memory[1:], other: memory[:-1]}
        refused(build, name, shifted, rf"\b{array}\b", rf"\b{other}\b", error=ValueError)


@one_build
@pytest.mark.parametrize("name", CASES)
def test_unknown_and_missing_arguments_are_refused(build, name):
    arguments = ordinary(name)
    with pytest.raises(TypeError):
        kernel(build, name)(**arguments, unknown=1)
    with pytest.raises(TypeError):
        kernel(build, name)()
