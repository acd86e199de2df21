"""Real data to learn from, and what it takes to get it ready.

`digits()` comes with diglot. `mnist()` and `fashion_mnist()` are read from the folder that the
environment variable DIGLOT_DATA names, else downloaded once; both are checked byte for byte.
"""

from diglot.datasets.dataset import Dataset
from diglot.datasets.idx import read_idx
from diglot.datasets.mnist_family import FASHION_MNIST_CLASSES, fashion_mnist, mnist
from diglot.datasets.prepare import batches, one_hot, standardize, train_test_split
from diglot.datasets.uci_digits import digits

__all__ = [
    "FASHION_MNIST_CLASSES",
    "Dataset",
    "batches",
    "digits",
    "fashion_mnist",
    "mnist",
    "one_hot",
    "read_idx",
    "standardize",
    "train_test_split",
]
