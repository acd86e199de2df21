"""Chapter 6: automatic differentiation, and why the order of the walk back matters.

Chapters 1 to 5 wrote a backward pass for each operation, and ran them in the reverse order of a
list. Here a computation remembers itself, as a graph of numbers, and the derivatives come out of
a walk back through it. You write the walk as the book does, see it count one number too often
(docs/errata.md, E10), and see which order makes it right. At the end a small network learns
without a line of backward code.
"""

import math
import random

from diglot.autograd import NumberWithGrad, topological_order

print("1. A number that remembers: b = 4a, c = b + 3, d = c (a + 2), at a = 3.")
a = NumberWithGrad(3, name="a")
b = a * 4
c = b + 3
d = c * (a + 2)
d.backward()
print(f"   d = {d.num:g}; it was made by {d.creation_op!r} from", *(n.num for n in d.depends_on))
print(f"   d = (4a + 3)(a + 2), so by hand dd/da = 8a + 11 = {8 * 3 + 11}")
print(f"   a.grad = {a.grad:g}, b.grad = {b.grad:g}, c.grad = {c.grad:g}")


# ---- the walk back: which number's turn is it? ---------------------------------------------------


def book_backward(number: NumberWithGrad, grad: float) -> None:
    """Walk back as the book does: whatever arrives is added up, and at once handed on."""
    number.grad += grad
    for source, part in zip(number.depends_on, number.source_grads(number.grad), strict=True):
        book_backward(source, part)


def ordered_backward(output: NumberWithGrad) -> list[str]:
    """Give each number its turn after all numbers that use it; return the names in that order."""
    output.grad = 1.0
    turns = topological_order(output)[::-1]
    for number in turns:
        for source, part in zip(number.depends_on, number.source_grads(number.grad), strict=True):
            source.grad += part
    return [str(number.name or number.num) for number in turns]


def twice() -> tuple[NumberWithGrad, NumberWithGrad, NumberWithGrad]:
    """Compute b = 4a and c = b + b at a = 3."""
    a = NumberWithGrad(3, name="a")
    b = a * 4
    c = b + b
    b.name, c.name = "b", "c"
    return a, b, c


print("\n2. A number that is used twice: b = 4a, c = b + b, so c = 8a and dc/da = 8.")
a, b, c = twice()
book_backward(c, 1.0)
print(f"   the book's walk:  b.grad = {b.grad:g}, a.grad = {a.grad:g}")
print("      c hands 1 to b: b.grad is 1, b hands 4 to a.")
print("      c hands 1 to b: b.grad is 2, b hands 8 to a; but 4 of these a has already.")
a, b, c = twice()
turns = ordered_backward(c)
print(f"   in order:         b.grad = {b.grad:g}, a.grad = {a.grad:g}")
print(f"      {', '.join(turns)}: b waits for both ones, and hands 8 to a, once.")
a, b, c = twice()
c.backward()
print(f"   c.backward():     b.grad = {b.grad:g}, a.grad = {a.grad:g}")

print("\n3. The mistake grows with each level: c = 4a, then ten times c = c + c.")
walks = {"the book's walk": lambda c: book_backward(c, 1.0), "in order": ordered_backward}
for name, walk in walks.items():
    a = NumberWithGrad(3)
    c = a * 4
    for _ in range(10):
        c = c + c
    walk(c)
    print(f"   {name + ':':17} a.grad = {a.grad:g}, where {4 * 2**10} is right")

print("\n4. A graph may be deep: the walk uses a list, not nested calls.")
a = NumberWithGrad(1)
total = a
for _ in range(100_000):
    total = total + a
total.backward()
print(f"   a added up {total.num:g} times: a.grad = {a.grad:g}")


# ---- a network without backward code -------------------------------------------------------------


def predict(w: list[NumberWithGrad], x: float) -> NumberWithGrad:
    """Three tanh neurons, added up: w[2] tanh(w[0] x + w[1]) + w[5] tanh(...) + ... + w[9]."""
    prediction = w[9]
    for i in range(0, 9, 3):
        prediction = prediction + w[i + 2] * (w[i] * x + w[i + 1]).tanh()
    return prediction


print("\n5. A network learns sin(x) on 20 points; nobody wrote its backward pass.")
rng = random.Random(5)
w = [NumberWithGrad(rng.gauss(0, 1)) for _ in range(10)]
points = [(x, math.sin(x)) for x in (-3 + 6 * i / 19 for i in range(20))]
for step in range(401):
    loss = sum((predict(w, x) - y) ** 2 for x, y in points) / len(points)
    if step % 200 == 0:
        print(f"   step {step:3}: mean squared error {loss.num:.4f}")
    loss.zero_grad()
    loss.backward()
    for number in w:
        number.num -= 0.1 * number.grad

print("\n6. And the graph of one neuron's error as a picture, for a browser or a notebook.")
error = ((w[0] * 0.5 + w[1]).tanh() - 0.48) ** 2
error.backward()
print(f"   error.draw() is SVG of {len(topological_order(error))} boxes; .save(path) writes it.")
