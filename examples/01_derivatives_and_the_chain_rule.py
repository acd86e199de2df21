"""Chapter 1: derivatives and the chain rule.

You learn what a derivative is, how to measure one without any formula, and how the derivative of
nested functions is a product. Then the same with matrices; and at the end it turns out that this
is all that an `Operation` of diglot is: a function that can say how its input should change.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

import diglot

Array = npt.NDArray[np.float64]
Function = Callable[[Array], Array]


def deriv(f: Function, x: Array, delta: float = 1e-4) -> Array:
    """Measure the slope of f at x: how far f moves, over how far x moved."""
    return (f(x + delta) - f(x - delta)) / (2 * delta)


def square(x: Array) -> Array:
    """x²; its slope is 2x."""
    return x * x


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x); its slope is s(1 - s), where s is its value."""
    return 1 / (1 + np.exp(-x))


def chain(functions: Sequence[Function], x: Array) -> Array:
    """Apply one function to the result of the other: f3(f2(f1(x)))."""
    for f in functions:
        x = f(x)
    return x


def chain_deriv(functions: Sequence[Function], x: Array) -> Array:
    """Multiply the slopes, each at the value that its function really received.

    f3(f2(f1(x)))' = f3'(f2(f1(x))) * f2'(f1(x)) * f1'(x)
    """
    slope = np.ones_like(x)
    for f in functions:
        slope = slope * deriv(f, x)
        x = f(x)
    return slope


np.set_printoptions(precision=4, suppress=True)

print("1. A derivative is a slope, and a slope can be measured.")
x = np.array([-2.0, 0.0, 0.5, 3.0])
print("   x                  ", x)
print("   slope of x² there  ", deriv(square, x), "  measured")
print("                      ", 2 * x, "  by the rule 2x")

print("\n2. Nested functions: their slopes multiply (the chain rule).")
for functions in ([square, sigmoid], [sigmoid, square]):
    name = " then ".join(f.__name__ for f in functions)
    measured = deriv(partial(chain, functions), x)
    print(f"   {name}:", chain_deriv(functions, x), "  by the chain rule")
    print(f"   {' ' * len(name)} ", measured, "  measured on the whole nest")

print("\n3. Several inputs: s = sigmoid(a), a = x + y. Each input has a slope of its own.")
x0, y0 = np.array(0.4), np.array(-1.0)
ds_da = deriv(sigmoid, x0 + y0)
ds_dx, ds_dy = deriv(lambda v: sigmoid(v + y0), x0), deriv(lambda v: sigmoid(x0 + v), y0)
print(f"   ds/dx = ds/da * da/dx = {ds_da:.4f} * 1, measured {ds_dx:.4f}")
print(f"   ds/dy = ds/da * da/dy = {ds_da:.4f} * 1, measured {ds_dy:.4f}")

print("\n4. Matrices: N = X W, S = sigmoid(N), L = the sum of all elements of S.")
legacy = np.random.RandomState(190204)  # the book's numbers
X, W = legacy.randn(3, 3), legacy.randn(3, 2)  # three rows of three features; two outputs
N = X @ W
S = sigmoid(N)
print(f"   L = {S.sum():.4f}")


def gradients(X: Array, W: Array, S: Array) -> tuple[Array, Array]:
    """Go back one step at a time; return dL/dX and dL/dW.

    X reaches L through every column of W. Adding up those ways is a product with W transposed.
    """
    dL_dS = np.ones_like(S)
    dL_dN = dL_dS * S * (1 - S)
    return dL_dN @ W.T, X.T @ dL_dN


by_rule, by_rule_for_w = gradients(X, W, S)
print("   dL/dX =", str(by_rule).replace("\n", "\n          "))


def loss_when(row: int, column: int, change: float) -> float:
    """Compute L with one element of X changed."""
    moved = X.copy()
    moved[row, column] += change
    return float(sigmoid(moved @ W).sum())


slope = (loss_when(0, 1, 1e-4) - loss_when(0, 1, -1e-4)) / 2e-4
print(f"   changing X[0, 1] alone: measured {slope:.4f}, by the chain rule {by_rule[0, 1]:.4f}")

print("\n5. The same with diglot's operations: forward computes, backward multiplies slopes.")
multiply, activate = diglot.operations.WeightMultiply(W), diglot.Sigmoid()
L = activate.forward(multiply.forward(X)).sum()
input_grad = multiply.backward(activate.backward(np.ones_like(S)))
print(f"   L = {L:.4f}")
print(f"   input_grad differs from dL/dX by {np.abs(input_grad - by_rule).max():.1e}")
print(
    f"   param_grad differs from dL/dW by {np.abs(multiply.param_grad - by_rule_for_w).max():.1e}"
)

print("\n6. And measuring slopes to check a backward pass is a function of the framework.")
for operation, input_ in ((multiply, X), (activate, N)):
    print(f"   {type(operation).__name__}, the element of each gradient that differs most:")
    for check in diglot.gradcheck(operation, input_).arrays:
        place = f"{check.name}{list(check.index)}"
        print(f"      {place:12} backward {check.analytic:+.8f}, measured {check.numeric:+.8f}")
