# %% [markdown]
# # Chapter 6: automatic differentiation
#
# Chapters 1 to 5 wrote a backward pass for each operation, and ran them in the reverse order of a
# list. Here a computation remembers itself, as a graph of numbers. The derivatives come out of a
# walk back through it.
#
# You write such a number in a few lines. You write the walk as the book does, see it count one
# number too often (erratum E10), and see which order makes it right. At the end a network learns
# without a line of backward code.
#
# This page runs on its own: as a script, or as a notebook. On Colab, begin with a cell that says
# `!pip install "diglot[plots]"`.

# %%
import math
import random

import matplotlib.pyplot as plt
import numpy as np

from diglot.autograd import NumberWithGrad, topological_order
from diglot.gradcheck import numerical_gradient

# %% [markdown]
# ## 1. A number that remembers
#
# A sum and a product know their slopes, with respect to each of their two sources:
#
# $$ \frac{\partial (a + b)}{\partial a} = 1 \qquad \frac{\partial (a\,b)}{\partial a} = b $$
#
# So a number that was made by one of them keeps, for each source, the source itself and the
# slope. That is all that is needed to go back: the chain rule multiplies slopes along a way, and
# adds up the ways.


# %%
class Number:
    """A number, with what it was made from."""

    def __init__(self, num, sources=()):
        self.num, self.sources, self.grad = num, sources, 0.0

    def __add__(self, other):
        return Number(self.num + other.num, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        return Number(self.num * other.num, [(self, other.num), (other, self.num)])

    def backward(self, arriving=1.0):
        """Follow every single way back; each brings the product of its slopes."""
        self.grad += arriving
        for source, slope in self.sources:
            source.backward(arriving * slope)


mine = Number(3.0)
result = (mine * Number(4.0) + Number(3.0)) * (mine + Number(2.0))
result.backward()
print(f"d = (4a + 3)(a + 2) at a = 3 is {result.num:g}")
print(f"dd/da by my own numbers: {mine.grad:g}, by hand 8a + 11 = {8 * 3 + 11}")

# %% [markdown]
# The library's number does the same, for more operations.

# %%
a = NumberWithGrad(3, name="a")
b = a * 4
c = b + 3
d = c * (a + 2)
d.backward()
print(f"d = {d.num:g}; it was made by {d.creation_op!r} from", *(n.num for n in d.depends_on))
print(f"a.grad = {a.grad:g}, b.grad = {b.grad:g}, c.grad = {c.grad:g}")
slope = numerical_gradient(lambda a: ((4 * a + 3) * (a + 2)).item(), np.array([3.0])).item()
np.testing.assert_allclose([mine.grad, a.grad], slope)

# %% [markdown]
# ## 2. Why not follow every way?
#
# Your `backward` is right, and hopelessly slow. If c = c + c is done ten times, there are two
# ways through each sum: 2 to the power of 10 ways. Thirty times, and you wait for minutes.
#
# So a number should be visited once. The book's walk tries to save work: what arrives is added to
# the number's gradient, and the *sum* is handed on at once.


# %%
def book_backward(number, grad):
    """Walk back as the book does: whatever arrives is added up, and at once handed on."""
    number.grad += grad
    for source, part in zip(number.depends_on, number.source_grads(number.grad), strict=True):
        book_backward(source, part)


def twice():
    """Compute b = 4a and c = b + b at a = 3."""
    a = NumberWithGrad(3, name="a")
    b = a * 4
    c = b + b
    b.name, c.name = "b", "c"
    return a, b, c


print("b = 4a, c = b + b, so c = 8a and dc/da = 8.")
a, b, c = twice()
book_backward(c, 1.0)
print(f"the book's walk:  b.grad = {b.grad:g}, a.grad = {a.grad:g}")

# %% [markdown]
# What went wrong? c hands 1 to b: b.grad is 1, and b hands 4 to a. Then c hands 1 to b again:
# b.grad is 2, and b hands 8 to a. But 4 of these 8 a has already: 12 in all.
#
# ## 3. The order that makes it right
#
# A number has to wait until all its users have had their turn. Then its gradient is complete, and
# it hands it on once. An order in which every number comes after its sources is called
# *topological*; the walk back takes it from the end.


# %%
def order(number, seen):
    """Add a number to seen, after everything that it was made from."""
    if id(number) not in seen:  # two numbers may be equal, so it is the object that counts
        for source in number.depends_on:
            order(source, seen)
        seen[id(number)] = number
    return seen


def ordered_backward(output):
    """Give each number its turn after all numbers that use it; return them in that order."""
    output.grad = 1.0
    turns = list(order(output, {}).values())[::-1]
    for number in turns:
        for source, part in zip(number.depends_on, number.source_grads(number.grad), strict=True):
            source.grad += part
    return turns


a, b, c = twice()
turns = ordered_backward(c)
print(f"in order:         b.grad = {b.grad:g}, a.grad = {a.grad:g}")
print("                  the turns:", ", ".join(str(n.name or n.num) for n in turns))
a, b, c = twice()
c.backward()
print(f"c.backward():     b.grad = {b.grad:g}, a.grad = {a.grad:g}")
assert [n.num for n in turns] == [n.num for n in topological_order(c)[::-1]]

# %% [markdown]
# The book's mistake is small for one sum. It grows with each level: here is c = 4a, and then c =
# c + c, up to ten times.

# %%
levels = range(11)
found = {"the book's walk": [], "in order": []}
for count in levels:
    for name, walk in {"the book's walk": book_backward, "in order": None}.items():
        a = NumberWithGrad(3)
        c = a * 4
        for _ in range(count):
            c = c + c
        if walk:
            walk(c, 1.0)
        else:
            ordered_backward(c)
        found[name].append(a.grad)

fig, ax = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
for (name, grads), style in zip(found.items(), ["o-", "s-"], strict=True):
    print(f"{name + ':':17} a.grad = {grads[-1]:g}, where {4 * 2**10} is right")
    ax.semilogy(levels, grads, style, label=name)
ax.set_xlabel("how often c = c + c is done")
ax.set_ylabel("a.grad")
_ = ax.legend()

# %% [markdown]
# ## 4. A graph may be deep
#
# Your `order` calls itself, and Python allows about a thousand nested calls. A sum over a data
# set is deeper. The library's walk keeps a list of what is still to do instead.

# %%
a = NumberWithGrad(1)
total = a
for _ in range(100_000):
    total = total + a
total.backward()
print(f"a added up {total.num:g} times: a.grad = {a.grad:g}")

# %% [markdown]
# ## 5. A network without backward code
#
# Three tanh neurons, added up, learn the sine from 20 points:
#
# $$ p(x) = \sum_{k=1}^{3} v_k \tanh(w_k x + b_k) + b $$
#
# Nobody wrote its backward pass. Each step makes a new graph, walks back, and moves the ten
# parameters.


# %%
def predict(w, x):
    """Compute w[2] tanh(w[0] x + w[1]) + w[5] tanh(...) + w[8] tanh(...) + w[9]."""
    prediction = w[9]
    for i in range(0, 9, 3):
        prediction = prediction + w[i + 2] * (w[i] * x + w[i + 1]).tanh()
    return prediction


rng = random.Random(3)
w = [NumberWithGrad(rng.gauss(0, 1)) for _ in range(10)]
velocity = [0.0] * 10
points = [(x, math.sin(x)) for x in (-3 + 6 * i / 19 for i in range(20))]
learnt = {}
for step in range(401):
    loss = sum((predict(w, x) - y) ** 2 for x, y in points) / len(points)
    if step in (0, 100, 400):
        print(f"step {step:3}: mean squared error {loss.num:.4f}")
        learnt[step] = [predict(w, x).num for x, _ in points]
    loss.zero_grad()
    loss.backward()
    for i, number in enumerate(w):  # gradient descent with momentum, as in chapter 4
        velocity[i] = 0.9 * velocity[i] - 0.05 * number.grad
        number.num += velocity[i]

fig, ax = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
ax.plot(*zip(*points, strict=True), "ko", label="the points")
for step, curve in learnt.items():
    ax.plot([x for x, _ in points], curve, label=f"after {step} steps")
ax.set_xlabel("x")
_ = ax.legend()

# %% [markdown]
# ## 6. What the graph looks like
#
# The error of one neuron, as a picture: each box has its value and its gradient. (In a script,
# nothing is shown; `error.draw().save("graph.svg")` writes it.)

# %%
error = ((w[0] * 0.5 + w[1]).tanh() - 0.48) ** 2
error.zero_grad()
error.backward()
print(f"a graph of {len(topological_order(error))} numbers")
error.draw()

# %% [markdown]
# ## What you have learnt
#
# - A number that remembers its sources and slopes differentiates itself.
# - The chain rule adds up all ways. Done one by one they are too many; done in the right order,
#   each number has one turn.
# - The right order is topological, and a list finds it, however deep the graph is.
#
# Where to go on:
#
# - `diglot mistakes autograd-order` runs the book's walk, and the check that catches it.
# - `docs/errata.md` tells what is wrong there, as E10.
# - `diglot exercise list`: write the walk yourself, and have it checked.
# - The other half of the chapter is `examples/06_recurrent_networks.py`.
