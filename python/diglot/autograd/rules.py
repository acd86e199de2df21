"""The rules of differentiation: each gives a function's value, and its slope in each argument.

A slope is the derivative at the numbers that came in: `multiply(3, 4)` is 12, with the slopes 4
and 3. Errors are Python's own where it has one (ZeroDivisionError, OverflowError).
"""

import math
from collections.abc import Callable
from typing import TypeAlias

Result: TypeAlias = tuple[float, tuple[float, ...]]
"""A value, and a slope for each argument."""
Binary: TypeAlias = Callable[[float, float], Result]


def add(a: float, b: float) -> Result:
    """Give a + b."""
    return a + b, (1.0, 1.0)


def subtract(a: float, b: float) -> Result:
    """Give a - b."""
    return a - b, (1.0, -1.0)


def multiply(a: float, b: float) -> Result:
    """Give a * b."""
    return a * b, (b, a)


def divide(a: float, b: float) -> Result:
    """Give a / b. The second slope is -a/b², written so that b² cannot become zero."""
    y = a / b
    return y, (1 / b, -y / b)


def power(a: float, n: float) -> Result:
    """Give a ** n for a fixed n: the slope is n * a ** (n - 1), and infinite for a root at 0."""
    if a < 0 and not n.is_integer():
        raise ValueError(f"{a:g} ** {n:g} is not a real number: the base must not be negative")
    y = a**n
    if n == 0:
        return y, (0.0,)  # also at a = 0, where a ** (n - 1) does not exist
    if a == 0 and n < 1:
        return y, (math.inf,)
    return y, (n * a ** (n - 1),)


def power_of_two_numbers(a: float, b: float) -> Result:
    """Give a ** b = exp(b * log a), whose slope in b is a ** b * log a."""
    if a <= 0:
        raise ValueError(
            f"{a:g} ** {b:g}: the base must be positive, because the slope in the exponent is "
            "the power times the logarithm of the base; a plain number as exponent needs none"
        )
    y = a**b
    return y, (b * a ** (b - 1), y * math.log(a))


def negative(a: float) -> Result:
    """Give -a."""
    return -a, (-1.0,)


def exp(a: float) -> Result:
    """Give e ** a, which is its own slope."""
    y = math.exp(a)
    return y, (y,)


def log(a: float) -> Result:
    """Give the natural logarithm."""
    if a <= 0:
        raise ValueError(f"log of {a:g}: expected a positive number")
    return math.log(a), (1 / a,)


def tanh(a: float) -> Result:
    """Give the hyperbolic tangent; the slope is 1 - tanh²."""
    y = math.tanh(a)
    return y, (1 - y * y,)


def relu(a: float) -> Result:
    """Give max(a, 0); the slope at 0 is 0. NaN stays NaN."""
    return (0.0, (0.0,)) if a <= 0 else (a, (1.0,))
