"""Automatic differentiation: numbers that remember how they were made.

    a = diglot.autograd.NumberWithGrad(3, name="a")
    b = a * 4 + a ** 2
    b.backward()        # a.grad is db/da = 4 + 2a = 10
    b.draw()            # the graph as SVG, in a notebook or for a file

Nobody writes a backward pass: each step of the computation becomes a node that knows its slopes
(`rules`), and a walk through the nodes multiplies them (`graph`).

Book: chapter 6.
"""

from diglot.autograd.graph import Node, topological_order
from diglot.autograd.number import NumberWithGrad
from diglot.svg import Drawing

__all__ = ["Drawing", "Node", "NumberWithGrad", "topological_order"]
