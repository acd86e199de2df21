"""Two recurrent operations that read the same sequence from both ends."""

from dataclasses import InitVar, dataclass
from typing import final

import numpy as np

from diglot._typing import Array
from diglot.operations.base import ParamOperation
from diglot.operations.recurrent import RecurrentOp
from diglot.operations.sequence import TakesLengths, turned_around

REVERSE = "reverse_"
"""Begins the names of the parameters of the direction that starts at the end."""


@final
@dataclass(eq=False, repr=False)
class Bidirectional(TakesLengths, ParamOperation):
    """Go along each row in both directions: (N, T, D) -> (N, T, 2H).

        output_t = [ahead(x)_t, turned(back(turned(x)))_t]

    Args:
        ahead: from the first step to the last.
        back: from each row's last step to its first.

    Source: Schuster & Paliwal 1997, "Bidirectional recurrent neural networks".
    """

    ahead: InitVar[RecurrentOp]
    back: InitVar[RecurrentOp]

    def __post_init__(self, ahead: RecurrentOp, back: RecurrentOp) -> None:
        self.directions = ahead, back
        self.params = ahead.params | {REVERSE + name: p for name, p in back.params.items()}
        self.flops_per_output = ahead.flops_per_output

    def _output(self) -> Array:
        ahead, back = self.directions
        # Who replaces a parameter does so in `self.params`.
        ahead.params = {name: self.params[name] for name in ahead.params}
        back.params = {name: self.params[REVERSE + name] for name in back.params}
        ahead.lengths = back.lengths = self._lengths = self.lengths
        there = ahead.forward(self.input_, self.inference)  # first: it checks the shapes
        turned = back.forward(turned_around(self.input_, self._lengths), self.inference)
        return np.concatenate([there, turned_around(turned, self._lengths)], axis=2)

    def _param_grad(self, output_grad: Array) -> tuple[Array, ...]:
        ahead, back = self.directions
        ahead_grad, back_grad = np.split(output_grad, [ahead.hidden_size], axis=2)
        turned = back.backward(turned_around(back_grad, self._lengths))
        self._x_grad = ahead.backward(np.ascontiguousarray(ahead_grad))
        self._x_grad += turned_around(turned, self._lengths)
        return (*ahead.param_grads.values(), *back.param_grads.values())

    def _input_grad(self, output_grad: Array) -> Array:
        return self._x_grad
