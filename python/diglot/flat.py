"""A network's parameters side by side in one buffer, so that one kernel call updates many."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, final

import numpy as np

from diglot._typing import Array, DType, Shape

SMALL = 1 << 16
"""Arrays of up to this number of bytes are packed. A kernel call takes as long as copying the
gradient of about 100 KiB next to the others: larger arrays have calls of their own."""

_LINE = 64  # bytes of a cache line


@final
class FlatArrays(Mapping[str, Array]):
    """Named arrays of one dtype, zeros at first, each a view of one buffer.

        flat["0.bias"][...] = b       and       flat.packed -= lr * gradients.packed

    change the same numbers. Every array begins on a cache line. The small ones come first; the few
    numbers in the gaps between them are zeros, with gradients of zero.

    Args:
        shapes: of the arrays, by name.
        dtype: of all of them.

    Attributes:
        shapes: as given.
        buffer: all the numbers, one axis.
        arrays: all of them, by name, in a plain dict.
        small, large: likewise those of up to SMALL bytes, and the others.
        packed: the part of the buffer that holds the small arrays.
    """

    def __init__(self, shapes: Mapping[str, Shape], dtype: DType) -> None:
        self.shapes = dict(shapes)
        line = _LINE // dtype.itemsize
        room = {name: -(-prod(shape) // line) * line for name, shape in shapes.items()}
        length = sum(room.values())
        memory = np.zeros(length + line, dtype)  # which NumPy puts on a line by chance only
        start = -memory.ctypes.data % _LINE // dtype.itemsize
        self.buffer: Array = memory[start : start + length]
        self.small: dict[str, Array] = {}
        self.large: dict[str, Array] = {}
        position = 0
        for kind, is_small in ((self.small, True), (self.large, False)):
            for name, shape in shapes.items():
                if (room[name] * dtype.itemsize <= SMALL) == is_small:
                    kind[name] = self.buffer[position : position + prod(shape)].reshape(shape)
                    position += room[name]
        self.arrays = {name: (self.small | self.large)[name] for name in shapes}
        self.packed = self.buffer[: sum(room[name] for name in self.small)]

    def holds(self, arrays: Mapping[str, Array]) -> bool:
        """Tell whether these are the very arrays, all of them, that lie in the buffer."""
        return arrays.keys() == self.arrays.keys() and all(
            array is self.arrays[name] for name, array in arrays.items()
        )

    def like(self) -> "FlatArrays":
        """Make zeros, laid out in the same way."""
        return FlatArrays(self.shapes, self.buffer.dtype)

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle the numbers, and make the views anew."""
        return _restored, (self.shapes, self.buffer)


def _restored(shapes: Mapping[str, Shape], buffer: Array) -> FlatArrays:
    flat = FlatArrays(shapes, buffer.dtype)
    flat.buffer[...] = buffer
    return flat
