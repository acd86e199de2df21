# %% [markdown]
# # Chapter 1: derivatives and the chain rule
#
# A network learns because it can tell how its error would change if a number in it changed. This
# chapter is about that one question. You learn what a derivative is, how to measure one without
# any formula, and how the derivative of nested functions is a product. Then the same with matrices.
# At the end it turns out that this is all that an `Operation` of diglot is.
#
# You need Python and a little calculus. On Colab, or on a machine of your own, install first:
#
#     pip install "diglot[plots]"

# %%
import matplotlib.pyplot as plt
import numpy as np

import diglot

np.set_printoptions(precision=4, suppress=True)

# %% [markdown]
# ## 1. A slope can be measured
#
# Move $x$ a little to both sides. How far does $f$ move, for each unit that $x$ moved?
#
# $$ f'(x) \approx \frac{f(x + \delta) - f(x - \delta)}{2 \delta} $$
#
# No formula for $f'$ is needed, only $f$ itself, twice. $x$ may be an array: then this is one slope
# for each of its elements.


# %%
def deriv(f, x, delta=1e-4):
    """Measure the slope of f at x."""
    return (f(x + delta) - f(x - delta)) / (2 * delta)


def square(x):
    """x²; its slope is 2x."""
    return x * x


def sigmoid(x):
    """1 / (1 + e^-x), between 0 and 1; its slope is s (1 - s), where s is its value."""
    return 1 / (1 + np.exp(-x))


x = np.array([-2.0, 0.0, 0.5, 3.0])
print("x                ", x)
print("slope of x²      ", deriv(square, x), "  measured")
print("                 ", 2 * x, "  by the rule 2x")
np.testing.assert_allclose(deriv(square, x), 2 * x, atol=1e-8)
s = sigmoid(x)
np.testing.assert_allclose(deriv(sigmoid, x), s * (1 - s), atol=1e-8)

# %% [markdown]
# How small should $\delta$ be? The left picture says: as small as possible, because the line
# through two points becomes the tangent. The right picture says: not so fast. Numbers have 16
# digits, and the difference of two that are nearly equal keeps only the last few of them. Left of
# the valley rounding rules; right of it, the curve between the two points.

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
grid = np.linspace(-4, 4, 200)
left.plot(grid, sigmoid(grid), "k", label="sigmoid")
for delta in (3.0, 1.5, 0.1):
    line = sigmoid(1 + delta) + deriv(sigmoid, 1.0, delta) * (grid - 1 - delta)
    left.plot(grid, line, lw=1, label=f"through 1 ± {delta}")
left.set(ylim=(-0.1, 1.3), xlabel="x", title="Closer points, better slope")
left.legend(fontsize=8)

deltas = 10.0 ** np.arange(-13, 0.1, 0.25)
true_slope = sigmoid(1.0) * (1 - sigmoid(1.0))
two_sided = [abs(deriv(sigmoid, 1.0, d) - true_slope) for d in deltas]
one_sided = [abs((sigmoid(1 + d) - sigmoid(1.0)) / d - true_slope) for d in deltas]
right.loglog(deltas, one_sided, label="from x to x + δ")
right.loglog(deltas, two_sided, label="from x - δ to x + δ")
right.set(xlabel="δ", ylabel="error of the slope", title="Too close is bad as well")
right.legend(fontsize=8)
fig.tight_layout()
print(f"best δ here: {deltas[np.argmin(two_sided)]:.0e}")

# %% [markdown]
# ## 2. Nested functions: their slopes multiply
#
# If $a$ moves twice as fast as $x$, and $b$ three times as fast as $a$, then $b$ moves six times as
# fast as $x$. That is the chain rule:
#
# $$ \frac{d}{dx} f_2(f_1(x)) = f_2'(f_1(x)) \cdot f_1'(x) $$
#
# Mind where each slope is taken: at the value that its function really received.


# %%
def chain(functions, x):
    """Apply one function to the result of the other."""
    for f in functions:
        x = f(x)
    return x


def chain_deriv(functions, x):
    """Multiply the slopes, each at the value that its function received."""
    slope = np.ones_like(x)
    for f in functions:
        slope = slope * deriv(f, x)
        x = f(x)
    return slope


fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharex=True)
for ax, functions in zip(axes, ([square, sigmoid], [sigmoid, square]), strict=True):
    name = " then ".join(f.__name__ for f in functions)
    whole = deriv(lambda v, functions=functions: chain(functions, v), x)
    print(f"{name}:", chain_deriv(functions, x), "  by the chain rule")
    print(f"{' ' * len(name)} ", whole, "  measured on the whole nest")
    np.testing.assert_allclose(chain_deriv(functions, x), whole, atol=1e-7)
    ax.plot(grid, chain(functions, grid), label=name)
    ax.plot(grid, chain_deriv(functions, grid), "--", label="its slope")
    ax.axhline(0, color="grey", lw=0.5)
    ax.set(xlabel="x", title=name)
    ax.legend(fontsize=8)
fig.tight_layout()

# %% [markdown]
# ## 3. Several inputs
#
# $s = \sigma(a)$ with $a = x + y$. Each input has a slope of its own: hold the other one still. The
# sum hands on what it gets, because $\partial a / \partial x = \partial a / \partial y = 1$.

# %%
x0, y0 = 0.4, -1.0
ds_da = deriv(sigmoid, x0 + y0)
ds_dx, ds_dy = deriv(lambda v: sigmoid(v + y0), x0), deriv(lambda v: sigmoid(x0 + v), y0)
print(f"ds/dx = ds/da * da/dx = {ds_da:.4f} * 1, measured {ds_dx:.4f}")
print(f"ds/dy = ds/da * da/dy = {ds_da:.4f} * 1, measured {ds_dy:.4f}")

# %% [markdown]
# ## 4. Matrices
#
# Now the step that networks are made of. Three rows of three features, two outputs:
#
# $$ N = X W, \qquad S = \sigma(N), \qquad L = \sum_{i,j} S_{ij} $$
#
# $X$ is (3, 3), $W$ is (3, 2), $N$ and $S$ are (3, 2), and $L$ is one number. Go back one step at a
# time. An element of $X$ reaches $L$ through every column of $W$, and adding up those ways is again
# a product of matrices:
#
# $$ \frac{dL}{dX} = \frac{dL}{dN} \, W^T, \qquad \frac{dL}{dW} = X^T \, \frac{dL}{dN} $$
#
# The shapes leave no choice: (3, 2) times (2, 3) is the shape of $X$.


# %%
def gradients(X, W):
    """Go forward, then back; return L, dL/dX and dL/dW."""
    S = sigmoid(X @ W)
    dL_dS = np.ones_like(S)
    dL_dN = dL_dS * S * (1 - S)
    return S.sum(), dL_dN @ W.T, X.T @ dL_dN


legacy = np.random.RandomState(190204)  # NumPy's old generator: these are the book's numbers
X, W = legacy.randn(3, 3), legacy.randn(3, 2)
L, dL_dX, dL_dW = gradients(X, W)
print(f"L = {L:.4f}")
print("dL/dX =", str(dL_dX).replace("\n", "\n       "))


def loss_when(row, column, change):
    """Compute L with one element of X changed."""
    moved = X.copy()
    moved[row, column] += change
    return sigmoid(moved @ W).sum()


slope = (loss_when(0, 1, 1e-4) - loss_when(0, 1, -1e-4)) / 2e-4
print(f"changing X[0, 1] alone: measured {slope:.4f}, by the chain rule {dL_dX[0, 1]:.4f}")
np.testing.assert_allclose(slope, dL_dX[0, 1], atol=1e-7)

# %% [markdown]
# A gradient is a direction: walk against it, and $L$ falls. Here are 40 small steps, once along the
# gradient of $X$ and once along random directions of the same length.

# %%
rng = np.random.default_rng(1)
downhill, wandering, walks = X.copy(), X.copy(), {"against the gradient": [], "at random": []}
for _ in range(40):
    value, gradient, _ = gradients(downhill, W)
    walks["against the gradient"].append(value)
    walks["at random"].append(sigmoid(wandering @ W).sum())
    direction = rng.normal(size=X.shape)
    downhill -= 0.1 * gradient / np.linalg.norm(gradient)
    wandering -= 0.1 * direction / np.linalg.norm(direction)
fig, ax = plt.subplots(figsize=(6, 3.2))
for name, values in walks.items():
    ax.plot(values, label=name)
ax.set(xlabel="steps of length 0.1", ylabel="L", title="A gradient knows the way down")
ax.legend()
fig.tight_layout()

# %% [markdown]
# ## 5. The same with diglot
#
# An operation has two methods. `forward` computes and remembers its input. `backward` takes the
# gradient of its output and returns that of its input; on the way it sets the gradient of its
# parameter. Backward runs through the list in reverse.

# %%
multiply, activate = diglot.operations.WeightMultiply(W), diglot.Sigmoid()
S = activate.forward(multiply.forward(X))
input_grad = multiply.backward(activate.backward(np.ones_like(S)))
print(f"L = {S.sum():.4f}")
print(f"input_grad differs from dL/dX by {np.abs(input_grad - dL_dX).max():.1e}")
print(f"param_grad differs from dL/dW by {np.abs(multiply.param_grad - dL_dW).max():.1e}")
np.testing.assert_allclose(input_grad, dL_dX, rtol=1e-12)
np.testing.assert_allclose(multiply.param_grad, dL_dW, rtol=1e-12)

# %% [markdown]
# And measuring slopes is a function of the framework: `diglot.gradcheck` moves every element of the
# input and of every parameter, and shows the one that differs most.

# %%
print(diglot.gradcheck(multiply, X))
print(diglot.gradcheck(activate, X @ W))

# %% [markdown]
# ## What you have learnt
#
# * A derivative is a ratio of two small movements, and it can be measured.
# * The chain rule multiplies slopes, each taken where its function stood.
# * Through a product of matrices, a gradient goes back through the transposed factor.
# * Whoever writes a backward pass has to measure it: most of what is wrong in the book's code
#   (errata E1 to E16) trains all the same, and computes something else.
#
# **Go on.** `diglot pair matmul` shows the product in NumPy and in C++, side by side.
# `diglot exercise start sigmoid_backward` lets you write a backward pass of your own, and
# `diglot mistakes check-with-ones` shows a check that is fooled. Chapter 2 makes a model that
# learns.
