"""A compiled answer, called with arrays between guards that show what was written outside."""

import ctypes
from typing import final

import numpy as np

from diglot._typing import Array, DType, Shape
from diglot.exercises.messages import Wrong
from diglot.kernels.draw import Arguments
from diglot.kernels.reference.windows import output_size, padded_shape, pair

__all__ = ["Compiled"]

_GUARD = 4096  # elements on each side
_LINE = 64  # bytes of a cache line


@final
class _Guarded:
    """An array whose memory has NaN before and behind it, and between its rows."""

    def __init__(self, shape: Shape, dtype: DType, gap: int = 0, fill: Array | None = None) -> None:
        rows = int(np.prod(shape[:-1]))
        width = shape[-1] + gap
        guard = _GUARD + width  # a row too many is the usual mistake
        self._memory = np.full(rows * width + 2 * guard + _LINE, np.nan, dtype)
        address = self._memory.ctypes.data + guard * dtype.itemsize
        first = guard + (-address % _LINE) // dtype.itemsize
        whole = self._memory[first : first + rows * width].reshape(*shape[:-1], width)
        self.stride = width
        self.view = whole[..., : shape[-1]]
        self.address = whole.ctypes.data
        if fill is not None:
            self.view[...] = fill

    def is_intact(self) -> bool:
        """Tell whether all around the array is as it was."""
        values = self.view.copy()
        self.view[...] = np.nan
        intact = bool(np.isnan(self._memory).all())
        self.view[...] = values
        return intact


@final
class Compiled:
    """A rung in a shared library, called as the ladder calls its own.

    Args:
        operation: of the ladder.
        library: the path of what was compiled.
    """

    def __init__(self, operation: str, library: str) -> None:
        self._operation = operation
        self._library = ctypes.CDLL(library)

    def __call__(self, arguments: Arguments, gap: int = 0) -> Array:
        """Compute the first output.

        Args:
            arguments: of the ladder's operation.
            gap: elements between the rows of matrices.

        Raises:
            Wrong: memory was written that does not belong to the result.
        """
        sizes, shape, inputs = _sizes(self._operation, arguments)
        dtype = next(a for a in inputs if a is not None).dtype
        if 0 in shape:
            return np.zeros(shape, dtype)
        guarded = [None if a is None else _Guarded(a.shape, dtype, gap, a) for a in inputs]
        y = _Guarded(shape, dtype, gap)
        strides = [0 if g is None else g.stride for g in (*guarded, y)]
        numbers = (ctypes.c_ssize_t * 32)(*sizes, *strides)
        kind = "float" if dtype == np.float32 else "double"
        count = getattr(self._library, f"scratch_{kind}")
        count.restype = ctypes.c_ssize_t
        scratch = _Guarded((max(1, count(numbers)),), dtype)
        addresses = (ctypes.c_void_p * 8)(*[None if g is None else g.address for g in guarded])
        getattr(self._library, f"run_{kind}")(
            numbers, addresses, ctypes.c_void_p(y.address), ctypes.c_void_p(scratch.address)
        )
        _require_intact(y, scratch)
        return y.view.copy()


def _require_intact(y: _Guarded, scratch: _Guarded) -> None:
    for memory, what in ((y, "the result"), (scratch, "the scratch memory")):
        if not memory.is_intact():
            raise Wrong(
                f"It wrote outside of {what}: before its beginning, behind its end, or between its "
                "rows. Look at the loops' bounds, and at the stride from row to row."
            )


def _sizes(operation: str, a: Arguments) -> tuple[list[int], Shape, list[Array | None]]:
    """Give the sizes that the wrapper reads, the shape of the result, and the arrays in order."""
    if operation == "matmul":
        (M, K), N = a["a"].shape, a["b"].shape[1]
        return [M, K, N], (M, N), [a["a"], a["b"]]
    if operation == "lstm":
        (N, T, D), H = a["x"].shape, a["h0"].shape[1]
        names = ("x", "h0", "c0", "w_x", "w_h", "b")
        return [N, T, D, H], (N, T, H), [a[name] for name in names]
    x, w = a["x"], a["w"]
    stride, padding, dilation = (
        pair(a.get(name, default))
        for name, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    OH, OW = output_size(padded_shape(x.shape, padding), w.shape[2:], stride, dilation)
    OC, _, KH, KW = w.shape
    sizes = [*x.shape, OC, KH, KW, OH, OW, a.get("groups", 1), *stride, *padding, *dilation]
    return sizes, (x.shape[0], OC, OH, OW), [x, w, a.get("b")]
