"""What every data set of `diglot.datasets` is."""

from typing import NamedTuple

from diglot._typing import Array


class Dataset(NamedTuple):
    """A training part and a test part, unpackable: `x_train, y_train, x_test, y_test = digits()`.

    Images keep the file's own bytes, uint8 of shape (N, 1, H, W): exact, and a quarter of the
    memory of float32. `standardize` makes the float32 arrays that networks like. Labels are int64
    of shape (N,).
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
