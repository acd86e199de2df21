"""What is accepted as an array: no mask is ever lost, no number silently narrowed."""

import numpy as np
import pytest

from diglot import datasets, metrics
from diglot._arrays import classes_of_one_hot, plain_array, real_array, require_floating
from diglot.errors import DataError

MASKED = np.ma.masked_array(np.ones((4, 3)), np.eye(4, 3))


def test_an_array_stays_itself_and_a_list_becomes_one():
    array = np.ones(3, np.float16)
    assert plain_array("x", array) is array
    assert real_array("x", array) is array
    np.testing.assert_array_equal(plain_array("x", [1, 2]), [1, 2])


@pytest.mark.parametrize("take", [plain_array, real_array, require_floating])
def test_a_mask_is_not_lost(take):
    with pytest.raises(DataError, match="x is a masked array, whose mask would be lost"):
        take("x", MASKED)


@pytest.mark.parametrize("value", ["a", 1j, None, np.datetime64("2020-01-01")])
def test_only_numbers_are_real(value):
    with pytest.raises(DataError, match=r"x has dtype .*, expected real numbers"):
        real_array("x", [value])


@pytest.mark.parametrize("dtype", [">f4", np.float16, int, complex, np.longdouble])
def test_kernels_compute_in_two_dtypes(dtype):
    require_floating("x", np.ones(2, np.float32))
    require_floating("x", np.ones(2, np.float64))
    with pytest.raises(ValueError, match=r"x has dtype .*, expected float32 or float64"):
        require_floating("x", np.ones(2, dtype))
    with pytest.raises(ValueError, match="x is a list, expected a NumPy array"):
        require_floating("x", [1.0])


def test_one_hot_rows_name_their_classes():
    rows = np.eye(4)[[[2, 0, 3], [1, 1, 0]]]
    np.testing.assert_array_equal(classes_of_one_hot(rows), [[2, 0, 3], [1, 1, 0]])
    for wrong in (2.0 * rows, rows + 1, 0 * rows, np.where(rows == 1, 1, np.nan)):
        with pytest.raises(DataError, match="not one-hot"):
            classes_of_one_hot(wrong)


@pytest.mark.parametrize(
    "use",
    [
        lambda x: metrics.accuracy(x, np.zeros(4, int)),
        lambda x: metrics.accuracy(np.ones((4, 3)), np.ma.masked_array(np.zeros(4, int), True)),
        lambda x: metrics.top_k_accuracy(x, np.zeros(4, int), 2),
        lambda x: metrics.mean_absolute_error(x, np.ones((4, 3))),
        lambda x: metrics.r2_score(np.ones((4, 3)), x),
        lambda x: metrics.binary_form_cross_entropy(x, np.zeros(4, int)),
        lambda x: datasets.standardize(np.arange(5.0), x),
        lambda x: datasets.train_test_split(x),
        lambda x: datasets.batches(np.ones((4, 3)), x, 2),
        lambda x: datasets.one_hot(np.ma.masked_array([1, 2], [True, False])),
    ],
)
def test_masks_are_refused_wherever_data_comes_in(use):
    with pytest.raises(DataError, match="masked array"):
        use(MASKED)
