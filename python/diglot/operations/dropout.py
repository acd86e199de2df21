"""Dropout: train a different part of the network at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from diglot import kernels
from diglot._typing import Array
from diglot.config import real
from diglot.operations.base import Operation


@final
@dataclass(eq=False, repr=False)
class DropoutOp(Operation):
    """Replace a random share of the numbers by zero, and scale up the rest.

        output = input_ * mask / (1 - rate) in training, input_ at inference

    So the expected output is the input. (The book scales down at inference instead.)

    Args:
        rate: the share that is dropped, 0 <= rate < 1.
        rng: draws a new mask for every forward in training.

    Book: chapter 4. Source: Srivastava et al. 2014, JMLR 15.
    """

    rate: float
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.rate = real("rate", self.rate, least=0, below=1)

    def _output(self) -> Array:
        if self.inference:
            return self.input_
        seed = int(self.rng.integers(2**64, dtype=np.uint64))
        output: Array
        output, self._mask = kernels.dropout_forward(self.input_, rate=self.rate, seed=seed)
        return output

    def _input_grad(self, output_grad: Array) -> Array:
        if self.inference:
            return output_grad
        return kernels.dropout_backward(output_grad, self._mask, rate=self.rate)
