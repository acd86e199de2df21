"""Real data to learn from, and what it takes to get it ready.

`digits()`, `text()` and `sunspots()` come with diglot. `mnist()`, `fashion_mnist()` and
`text("tiny_shakespeare")` are read from the folder that the environment variable DIGLOT_DATA names,
else downloaded once; they are checked byte for byte.
"""

from diglot.datasets.corpus import Text, text
from diglot.datasets.dataset import Dataset
from diglot.datasets.idx import read_idx
from diglot.datasets.mnist_family import FASHION_MNIST_CLASSES, fashion_mnist, mnist
from diglot.datasets.prepare import batches, one_hot, standardize, train_test_split
from diglot.datasets.sequences import consecutive_windows, streams, windows
from diglot.datasets.sunspot_numbers import sunspots
from diglot.datasets.uci_digits import digits
from diglot.datasets.vocabulary import Vocabulary

__all__ = [
    "FASHION_MNIST_CLASSES",
    "Dataset",
    "Text",
    "Vocabulary",
    "batches",
    "consecutive_windows",
    "digits",
    "fashion_mnist",
    "mnist",
    "one_hot",
    "read_idx",
    "standardize",
    "streams",
    "sunspots",
    "text",
    "train_test_split",
    "windows",
]
