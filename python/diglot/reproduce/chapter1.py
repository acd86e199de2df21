"""Chapter 1: derivatives of nested functions, checked to the last printed digit.

The book draws its numbers from NumPy's legacy generator, so the same seeds give the same numbers.
"""

from typing import Any

import numpy as np

from diglot import kernels
from diglot._typing import Array
from diglot.reproduce.rows import Outcome, Row, Settings

_HALF_A_DIGIT = 0.5e-4 * (1 + 1e-9)  # the book prints four digits


def sigmoid_of_a_product(x: Array, w: Array) -> tuple[Array, Array]:
    """Compute sigmoid(x w) and, for the sum L of its elements, dL/dx.

        dL/dx = sigmoid'(x w) wᵀ

    Args:
        x: (N, D).
        w: (D, M).

    Returns:
        sigmoid(x w), (N, M), and dL/dx, (N, D).
    """
    y = kernels.sigmoid_forward(kernels.matmul(x, w))
    dy = np.ones_like(y)  # of a sum
    return y, kernels.matmul(kernels.sigmoid_backward(dy, y), w, transpose_b=True)


def convolution_1d(x: Array, w: Array) -> tuple[Array, Array, Array]:
    """Slide a filter along a row of numbers, padded so that it keeps its length.

    Args:
        x: (D,).
        w: (K,), K odd.

    Returns:
        y, (D,), and for the sum L of its elements dL/dx, (D,), and dL/dw, (K,).
    """
    D, K = len(x), len(w)
    image, filters = x.reshape(1, 1, 1, D), w.reshape(1, 1, 1, K)
    padding = (0, K // 2)
    y = kernels.conv2d_forward(image, filters, padding=padding)
    dy = np.ones_like(y)
    dx = kernels.conv2d_backward_input(dy, filters, input_size=(1, D), padding=padding)
    dw, _ = kernels.conv2d_backward_weight(dy, image, kernel_size=(1, K), padding=padding)
    return y.ravel(), dx.ravel(), dw.ravel()


def _row_1_1(settings: Settings) -> Outcome:
    rng = np.random.RandomState(190203)
    x, w = rng.randn(1, 3), rng.randn(3, 1)
    _, dx = sigmoid_of_a_product(x, w)
    return _compared(
        _text(dx),
        ("X", x, [[0.4723, 0.6151, -1.7262]]),
        ("W", w, [[0.9282], [-0.6075], [-1.2214]]),
        ("d sigmoid(XW)/dX", dx, [[0.0852, -0.0557, -0.1121]]),
    )


def _row_1_2(settings: Settings) -> Outcome:
    rng = np.random.RandomState(190204)
    x, w = rng.randn(3, 3), rng.randn(3, 2)
    y, dx = sigmoid_of_a_product(x, w)
    loss = y.sum()
    return _compared(
        f"L {loss:.4f}, {_text(dx)}",
        ("L", loss, 2.3755),
        (
            "dL/dX",
            dx,
            [[0.2489, -0.3748, 0.0112], [0.126, -0.2781, -0.1395], [0.2299, -0.3662, -0.0225]],
        ),
    )


def _row_1_3(settings: Settings) -> Outcome:
    y, dx, dw = convolution_1d(np.arange(1.0, 6.0), np.ones(3))
    return _compared(
        f"L {y.sum():g}, {_text(dx, '.0f')}, {_text(dw, '.0f')}",
        ("L", y.sum(), 39),
        ("dL/dx", dx, [2, 3, 3, 3, 2]),
        ("dL/dw", dw, [10, 15, 14]),
    )


def _compared(ours: str, *triples: tuple[str, Any, Any]) -> Outcome:
    """Compare (name, our value, printed value) triples."""
    worst = max(float(np.abs(np.subtract(value, printed)).max()) for _, value, printed in triples)
    figures = {name: np.asarray(value).tolist() for name, value, _ in triples}
    bound = "all digits"
    met = worst <= _HALF_A_DIGIT
    return Outcome(ours, bound, met, figures | {"largest difference": worst})


def _text(numbers: Array, form: str = ".4f") -> str:
    texts = [format(number, form) for number in numbers.flat]
    return " ".join(texts if len(texts) < 6 else [*texts[:2], "...", texts[-1]])


ROWS = (
    Row("1.1", "d sigmoid(XW)/dX", "0.0852 -0.0557 -0.1121", _row_1_1),
    Row(
        "1.2",
        "L = sum(sigmoid(XW)), dL/dX",
        "L 2.3755, 0.2489 -0.3748 ... -0.0225",
        _row_1_2,
    ),
    Row(
        "1.3",
        "convolution in 1-D, L = sum, dL/dx, dL/dw",
        "L 39, 2 3 3 3 2, 10 15 14",
        _row_1_3,
    ),
)
"""The checks of chapter 1."""
