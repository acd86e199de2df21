"""Activation functions, element by element (softmax: row by row), and their gradients."""

import math

import numpy as np

from diglot._typing import Array

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def sigmoid_forward(x: Array) -> Array:
    """Squash numbers into (0, 1).

        y = 1 / (1 + exp(-x))

    computed as exp(x) / (1 + exp(x)) for negative x, so that no exponential overflows.

    Args:
        x: numbers, any shape.

    Returns:
        y: the shape of x.

    Book: chapter 1. Native: csrc/kernels/activations.cpp
    """
    z = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, z, z.dtype.type(1)) / (1 + z), order="C")


@np.errstate(all="ignore")
def sigmoid_backward(dy: Array, y: Array) -> Array:
    """Compute the gradient of the sigmoid's input from its output.

        dx = dy * y * (1 - y)

    Args:
        dy: gradient of the output, any shape.
        y: the output, the shape of dy.

    Returns:
        dx: the shape of dy.

    Raises (native):
        ValueError: the shapes of dy and y differ.

    Book: chapter 1. Native: csrc/kernels/activations.cpp
    """
    return np.asarray(dy * y * (1 - y), order="C")


def tanh_forward(x: Array) -> Array:
    """Squash numbers into (-1, 1).

        y = tanh(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x))

    Args:
        x: numbers, any shape.

    Returns:
        y: the shape of x.

    Book: chapter 4. Native: csrc/kernels/activations.cpp
    """
    return np.asarray(np.tanh(x), order="C")


@np.errstate(all="ignore")
def tanh_backward(dy: Array, y: Array) -> Array:
    """Compute the gradient of tanh's input from its output.

        dx = dy * (1 - y²)

    Args:
        dy: gradient of the output, any shape.
        y: the output, the shape of dy.

    Returns:
        dx: the shape of dy.

    Raises (native):
        ValueError: the shapes of dy and y differ.

    Book: chapter 4. Native: csrc/kernels/activations.cpp
    """
    return np.asarray(dy * (1 - y * y), order="C")


def relu_forward(x: Array) -> Array:
    """Keep positive numbers, replace negative ones by zero.

        y = max(x, 0)

    Args:
        x: numbers, any shape; NaN stays NaN.

    Returns:
        y: the shape of x.

    Book: chapter 1. Native: csrc/kernels/activations.cpp
    """
    return np.asarray(np.maximum(x, 0), order="C")


def relu_backward(dy: Array, y: Array) -> Array:
    """Compute the gradient of the ReLU's input from its output.

        dx = dy where y > 0, else 0

    Args:
        dy: gradient of the output, any shape.
        y: the output, the shape of dy; where it is NaN, dy passes.

    Returns:
        dx: the shape of dy.

    Raises (native):
        ValueError: the shapes of dy and y differ.

    Book: chapter 4 (erratum E4: y >= 0 is always true). Native: csrc/kernels/activations.cpp
    """
    return np.asarray(np.where(y <= 0, dy.dtype.type(0), dy), order="C")


@np.errstate(all="ignore")
def leaky_relu_forward(x: Array, *, negative_slope: float = 0.01) -> Array:
    """Keep positive numbers, scale negative ones down.

        y = x where x > 0, else negative_slope * x

    Args:
        x: numbers, any shape.
        negative_slope: at least 0, so that the output's sign tells the input's.

    Returns:
        y: the shape of x.

    Source: Maas et al. 2013, "Rectifier nonlinearities improve neural network acoustic models".
    Native: csrc/kernels/activations.cpp
    """
    return np.asarray(np.where(x > 0, x, negative_slope * x), order="C")


@np.errstate(all="ignore")
def leaky_relu_backward(dy: Array, y: Array, *, negative_slope: float = 0.01) -> Array:
    """Compute the gradient of the leaky ReLU's input from its output.

        dx = dy where y > 0, else negative_slope * dy

    Args:
        dy: gradient of the output, any shape.
        y: the output, the shape of dy.
        negative_slope: as in the forward pass.

    Returns:
        dx: the shape of dy.

    Raises (native):
        ValueError: the shapes of dy and y differ.

    Source: Maas et al. 2013. Native: csrc/kernels/activations.cpp
    """
    return np.asarray(np.where(y > 0, dy, negative_slope * dy), order="C")


@np.errstate(all="ignore")
def gelu_forward(x: Array) -> Array:
    """Weigh each number by the share of a standard normal distribution that lies below it.

        y = x * Phi(x) = x/2 * erfc(-x / sqrt(2))

    This is the exact form, not the tanh approximation.

    Args:
        x: numbers, any shape.

    Returns:
        y: the shape of x.

    Source: Hendrycks & Gimpel 2016, arXiv:1606.08415. Native: csrc/kernels/activations.cpp
    """
    y = x / 2 * _erfc(-x / math.sqrt(2))
    return np.asarray(y, np.result_type(x), order="C")


@np.errstate(all="ignore")
def gelu_backward(dy: Array, x: Array) -> Array:
    """Compute the gradient of the GELU's input (from the input: the output does not tell it).

        dx = dy * (Phi(x) + x * phi(x)),    phi(x) = exp(-x²/2) / sqrt(2 pi)

    Args:
        dy: gradient of the output, any shape.
        x: the input of the forward pass, the shape of dy.

    Returns:
        dx: the shape of dy.

    Raises (native):
        ValueError: the shapes of dy and x differ.

    Source: Hendrycks & Gimpel 2016, arXiv:1606.08415. Native: csrc/kernels/activations.cpp
    """
    Phi = _erfc(-x / math.sqrt(2)) / 2
    phi = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return np.asarray(dy * (Phi + x * phi), np.result_type(dy), order="C")


@np.errstate(all="ignore")
def softmax_forward(x: Array) -> Array:
    """Turn the numbers of each row into probabilities.

        y[..., k] = exp(x[..., k] - m) / sum_j exp(x[..., j] - m),    m = max_j x[..., j]

    The shift by m changes nothing but the size of the exponentials, none of which overflows.

    Args:
        x: rows of numbers, (..., K).

    Returns:
        y: (..., K); each row is positive and sums to 1.

    Book: chapter 4. Native: csrc/kernels/activations.cpp
    """
    z = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
    return np.asarray(z / z.sum(axis=-1, keepdims=True), order="C")


@np.errstate(all="ignore")
def softmax_backward(dy: Array, y: Array) -> Array:
    """Compute the gradient of the softmax's input from its output.

        dx[..., k] = y[..., k] * (dy[..., k] - sum_j dy[..., j] * y[..., j])

    Args:
        dy: gradient of the output, (..., K).
        y: the output, (..., K).

    Returns:
        dx: (..., K); each row sums to 0.

    Raises (native):
        ValueError: the shapes of dy and y differ.

    Book: chapter 4. Native: csrc/kernels/activations.cpp
    """
    return np.asarray(y * (dy - (dy * y).sum(axis=-1, keepdims=True)), order="C")
