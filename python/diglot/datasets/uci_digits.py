"""The digits that come with diglot, so that a first run needs no network."""

from pathlib import Path

import numpy as np

from diglot.datasets.dataset import Dataset
from diglot.datasets.idx import read_idx

_FOLDER = Path(__file__).parent / "uci"


def digits() -> Dataset:
    """Load 1797 real handwritten digits: 8 x 8 pixels, 17 shades, ten classes.

    Every fifth image of each class goes to the test part: 1442 images to train on, 355 to test
    with, the same ones each time. The same 13 people wrote both parts.

    Returns:
        Images uint8 (N, 1, 8, 8), 0 is paper and 16 is ink; labels int64 (N,), 0 to 9.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (its test part), UCI
    Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0.
    """
    images = read_idx(_FOLDER / "digits-images-idx3-ubyte.gz", shape=(1797, 8, 8))[:, None]
    labels = read_idx(_FOLDER / "digits-labels-idx1-ubyte.gz", shape=(1797,)).astype(np.int64)
    is_test = np.zeros(len(labels), bool)
    for digit in range(10):
        is_test[np.flatnonzero(labels == digit)[4::5]] = True
    return Dataset(images[~is_test], labels[~is_test], images[is_test], labels[is_test])
