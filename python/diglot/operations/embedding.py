"""What an embedding layer does: look up a row for each token."""

from dataclasses import InitVar, dataclass
from typing import ClassVar, final

import numpy as np

from diglot import kernels
from diglot._typing import Array
from diglot.errors import DataError, ShapeError
from diglot.operations.base import ParamOperation


def require_tokens(tokens: Array, vocabulary_size: int) -> None:
    """Refuse tokens that are not in the vocabulary.

    Args:
        tokens: integers, any shape.
        vocabulary_size: how many there are; they are 0..vocabulary_size-1.

    Raises:
        DataError: one lies elsewhere.
    """
    if tokens.size and not (tokens.min() >= 0 and tokens.max() < vocabulary_size):
        raise DataError(
            f"tokens lie in {tokens.min()}..{tokens.max()}, expected 0..{vocabulary_size - 1}: "
            "those of the vocabulary"
        )


@final
@dataclass(eq=False, repr=False)
class EmbeddingOp(ParamOperation):
    """Replace each token by its row of a table: the product of a one-hot row and a matrix.

        output[..., d] = weight[input_[...], d]

    Its input are integers, which have no gradient: only `backward_params` makes sense.

    Args:
        weight: (vocabulary size, dimensions).

    Source: Bengio et al. 2003, "A neural probabilistic language model".
    """

    takes_integers: ClassVar[bool] = True
    flops_per_output = 0
    weight: InitVar[Array]

    def __post_init__(self, weight: Array) -> None:
        if weight.ndim != 2:
            raise ShapeError(f"weight has shape {weight.shape}, expected (vocabulary, dimensions)")
        self.params = {"weight": weight}

    def _output(self) -> Array:
        require_tokens(self.input_, len(self.param))
        self._tokens = self.input_.astype(np.int64, copy=False)
        output: Array = kernels.embedding_forward(self._tokens, self.param)
        return output

    def _input_grad(self, output_grad: Array) -> Array:
        raise ValueError("tokens are integers and have no gradient: only the parameters have one")

    def _param_grad(self, output_grad: Array) -> Array:
        grad: Array = kernels.embedding_backward(
            output_grad, self._tokens, vocabulary_size=len(self.param)
        )
        return grad
