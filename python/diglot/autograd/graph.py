"""The graph of a computation, and the walk back through it.

The walk knows nothing about numbers: it adds gradients and hands them on. A node for arrays is a
`Node` that holds an `Operation`, whose backward pass is the node's:

    class ArrayNode(Node):
        def __init__(self, operation, source):          # an operation of its own for each node,
            self.operation = operation                  # because it keeps its last input
            self.depends_on = (source,)
            self.output = operation.forward(source.output)
            self.grad = np.zeros_like(self.output)

        def source_grads(self, output_grad):
            return (self.operation.backward(output_grad),)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Node(ABC):
    """One step of a computation: what it was made from, and how gradients go back to that.

    Attributes:
        depends_on: the nodes that it was made from; none for a number that was given. One that was
            used twice stands here twice.
        grad: the gradient of what `backward` was called on with respect to this node.

    Book: chapter 6.
    """

    __slots__ = ("depends_on", "grad")

    depends_on: tuple[Node, ...]
    grad: Any

    @abstractmethod
    def source_grads(self, output_grad: Any) -> tuple[Any, ...]:
        """Turn this node's gradient into what it adds to the gradient of each source.

        Args:
            output_grad: gradient with respect to this node.

        Returns:
            For each node in `depends_on`, in order: output_grad * d(this node) / d(that node).
        """


def topological_order(output: Node) -> list[Node]:
    """Put all nodes that an output depends on in an order in which each follows its sources.

    A stack in place of recursion: a graph may be deeper than Python's calls may be nested.

    Returns:
        Each node once, the output last.
    """
    order: list[Node] = []
    seen: set[int] = set()
    stack = [(output, False)]
    while stack:
        node, sources_are_placed = stack.pop()
        if sources_are_placed:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((source, False) for source in reversed(node.depends_on))
    return order


def send_back(output: Node, output_grad: Any) -> None:
    """Add the gradient of an output to the `grad` of each node that it depends on.

        d output / d node = sum over the node's users of d output / d user * d user / d node

    A node hands its gradient on when the sum is complete, which is when all its users have had
    their turn: users come first in the reversed order. (The book hands on each part of the sum as
    it arrives, together with the parts that came before and were handed on already: erratum E10.)

    The sums of this walk are kept apart from `grad`, so that what earlier walks left there is
    not handed on again.
    """
    arrived = {id(output): output_grad}
    for node in reversed(topological_order(output)):
        node_grad = arrived.pop(id(node))
        node.grad = node.grad + node_grad
        for source, part in zip(node.depends_on, node.source_grads(node_grad), strict=True):
            before = arrived.get(id(source))
            arrived[id(source)] = part if before is None else before + part
