"""The types that many files share."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
IntOrPair: TypeAlias = int | tuple[int, int]
"""One number for both axes of an image, or a pair (height, width)."""
DType: TypeAlias = np.dtype[Any]
