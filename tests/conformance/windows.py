"""What ONNX says about windows that slide over images: pads, auto_pad, ceil_mode, by two axes."""

import numpy as np

from diglot import operations


def as_images(x):
    """Make images of one row of (N, C, W); (N, C, H, W) stays as it is."""
    return x[:, :, None] if x.ndim == 3 else x


class Windows:
    """Where windows stand, and what surrounds the image so that all of them fit.

    Attributes:
        kernel, strides, dilations: (of rows, of columns), as diglot's operations take them.
        border: for each axis, the pixels before and after that the node asks for.
        spare: for each axis, those behind them that only ceil_mode needs.
    """

    def __init__(
        self,
        size,
        kernel,
        *,
        strides=None,
        pads=None,
        dilations=None,
        auto_pad="NOTSET",
        ceil_mode=0,
    ):
        if len(kernel) > 2:
            raise NotImplementedError(f"{len(kernel)} axes")
        lines = len(kernel) == 1  # one row for each signal
        self.kernel = (1, *kernel) if lines else tuple(kernel)
        self.strides = (1, *(strides or [1])) if lines else tuple(strides or [1, 1])
        self.dilations = (1, *(dilations or [1])) if lines else tuple(dilations or [1, 1])
        pads = pads or [0] * 2 * len(kernel)
        pads = [0, pads[0], 0, pads[1]] if lines else pads
        self.border, self.spare = [], []
        for axis in range(2):
            n, k, s = size[axis], self.kernel[axis], self.strides[axis]
            reach = self.dilations[axis] * (k - 1) + 1
            before, after, spare = pads[axis], pads[axis + 2], 0
            if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
                total = max((-(-n // s) - 1) * s + reach - n, 0)
                before, after = sorted((total // 2, total - total // 2))
                if auto_pad == "SAME_LOWER":
                    before, after = after, before
            if ceil_mode:
                last = -(-(n + before + after - reach) // s) * s
                if last >= n + before:  # it would stand on padding alone
                    last -= s
                spare = max(last + reach - (n + before + after), 0)
            self.border.append((before, after))
            self.spare.append(spare)

    def pad(self, x, fill=0.0, border=None):
        """Surround images: by zeros with the operation, by another number with NumPy.

        Args:
            x: (N, C, H, W).
            fill: the number around them.
            border: another one for the border alone, without the spare pixels.
        """
        border = fill if border is None else border
        if border == 0:
            x = operations.Pad2DOp(*self.border).forward(x)
        else:
            x = np.pad(x, [(0, 0), (0, 0), *self.border], constant_values=border)
        rows, columns = self.spare
        return np.pad(x, [(0, 0), (0, 0), (0, rows), (0, columns)], constant_values=fill)

    def even_padding(self):
        """Give the padding as diglot's pooling takes it: one number an axis; None if it cannot."""
        even = all(
            before == after and 2 * before <= k
            for (before, after), k in zip(self.border, self.kernel, strict=True)
        )
        return tuple(before for before, _ in self.border) if even and not any(self.spare) else None

    def require_dense(self):
        """Refuse windows with gaps."""
        if set(self.dilations) != {1}:
            raise NotImplementedError(f"dilations {self.dilations}")


class Spread:
    """Where a transposed convolution puts what each pixel spreads over a window.

    Attributes:
        strides, dilations: as diglot's convolution takes them.
        size: of the image before anything is cut off.
        kept: what is left of its rows and columns.
    """

    def __init__(
        self, size, kernel, *, strides=None, pads=None, dilations=None, auto_pad="NOTSET",
        output_padding=None, output_shape=None,
    ):  # fmt: skip
        if len(size) > 2:
            raise NotImplementedError(f"{len(size)} axes")
        self.strides = tuple(strides or [1, 1])
        self.dilations = tuple(dilations or [1, 1])
        pads, more = pads or [0, 0, 0, 0], output_padding or [0, 0]
        self.size, self.kept = [], []
        for axis in range(2):
            n, s = size[axis], self.strides[axis]
            whole = (n - 1) * s + self.dilations[axis] * (kernel[axis] - 1) + 1 + more[axis]
            start, end = pads[axis], whole - pads[axis + 2]
            if output_shape or auto_pad != "NOTSET":
                asked = output_shape[axis] if output_shape else n * s
                total = max(whole - asked, 0)
                start = total - total // 2 if auto_pad == "SAME_LOWER" else total // 2
                end = start + asked
            self.size.append(max(whole, end))
            self.kept.append(slice(start, end))
