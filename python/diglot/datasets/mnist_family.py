"""MNIST, and Fashion-MNIST in the same four files: 28 x 28 images of ten classes."""

from diglot._typing import Array, Shape
from diglot.datasets.dataset import Dataset
from diglot.datasets.files import FileSet, locate
from diglot.datasets.idx import read_idx
from diglot.errors import DataError

MNIST = FileSet(
    folder="mnist",
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ),
    sha256={
        "train-images-idx3-ubyte.gz": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    },
)

FASHION_MNIST = FileSet(
    folder="fashion-mnist",
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    sha256={
        "train-images-idx3-ubyte.gz": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    },
)

FASHION_MNIST_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
"""The names of Fashion-MNIST's labels 0 to 9."""


def mnist() -> Dataset:
    """Load MNIST: 60 000 handwritten digits to train on and 10 000 to test with.

    Read from $DIGLOT_DATA/mnist if that environment variable is set, otherwise downloaded once
    (12 MB) and kept in the user's cache folder. Every file is checked against its sha256.

    Returns:
        Images uint8 (N, 1, 28, 28), 0 is paper and 255 is ink; labels int64 (N,), 0 to 9.

    Raises:
        DataError: a file is missing or damaged, or no mirror serves it.

    Book: chapter 4. Source: LeCun, Cortes & Burges 1998.
    """
    return _load(MNIST)


def fashion_mnist() -> Dataset:
    """Load Fashion-MNIST: photographs of clothes, in MNIST's format and sizes, but harder.

    Read from $DIGLOT_DATA/fashion-mnist if that environment variable is set, otherwise downloaded
    once (31 MB) and kept in the user's cache folder. Every file is checked against its sha256.

    Returns:
        Images uint8 (N, 1, 28, 28); labels int64 (N,), named by `FASHION_MNIST_CLASSES`.

    Raises:
        DataError: a file is missing or damaged, or no mirror serves it.

    Source: Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747 (MIT licence).
    """
    return _load(FASHION_MNIST)


def _load(files: FileSet) -> Dataset:
    x_train = _images(files, "train-images-idx3-ubyte.gz", (60_000, 28, 28))
    y_train = _labels(files, "train-labels-idx1-ubyte.gz", (60_000,))
    x_test = _images(files, "t10k-images-idx3-ubyte.gz", (10_000, 28, 28))
    y_test = _labels(files, "t10k-labels-idx1-ubyte.gz", (10_000,))
    return Dataset(x_train, y_train, x_test, y_test)


def _images(files: FileSet, name: str, shape: Shape) -> Array:
    return read_idx(locate(files, name), shape=shape)[:, None]


def _labels(files: FileSet, name: str, shape: Shape) -> Array:
    labels = read_idx(locate(files, name), shape=shape)
    if labels.max() > 9:
        raise DataError(f"{name} holds the label {labels.max()}, expected 0 to 9")
    return labels.astype("int64")
