"""The definitions: every kernel in NumPy, written to be read beside its formula.

Evaluated in float64 they are the truth that the native kernels are tested against. They check
nothing: shapes and values are the business of the operations above them; "Raises (native)" says
what a native kernel refuses, which must not read memory that is not its own. They follow IEEE
arithmetic without a word, as C++ does (infinity - infinity is NaN, and no warning).
"""

from diglot.kernels.reference.activations import (
    gelu_backward,
    gelu_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    softmax_backward,
    softmax_forward,
    tanh_backward,
    tanh_forward,
)
from diglot.kernels.reference.conv import (
    conv2d_backward_input,
    conv2d_backward_weight,
    conv2d_forward,
)
from diglot.kernels.reference.dense import dense_backward_weight, dense_forward, matmul
from diglot.kernels.reference.dropout import dropout_backward, dropout_forward
from diglot.kernels.reference.embedding import embedding_backward, embedding_forward
from diglot.kernels.reference.losses import (
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)
from diglot.kernels.reference.optim import (
    adagrad_inplace,
    adam_inplace,
    rmsprop_inplace,
    sgd_inplace,
    sgd_momentum_inplace,
)
from diglot.kernels.reference.pool import (
    avg_pool2d_backward,
    avg_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from diglot.kernels.reference.recurrent import (
    gru_backward,
    gru_forward,
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_forward,
)

__all__ = (
    "adagrad_inplace",
    "adam_inplace",
    "avg_pool2d_backward",
    "avg_pool2d_forward",
    "conv2d_backward_input",
    "conv2d_backward_weight",
    "conv2d_forward",
    "dense_backward_weight",
    "dense_forward",
    "dropout_backward",
    "dropout_forward",
    "embedding_backward",
    "embedding_forward",
    "gelu_backward",
    "gelu_forward",
    "gru_backward",
    "gru_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "lstm_backward",
    "lstm_forward",
    "matmul",
    "max_pool2d_backward",
    "max_pool2d_forward",
    "relu_backward",
    "relu_forward",
    "rmsprop_inplace",
    "rnn_backward",
    "rnn_forward",
    "sgd_inplace",
    "sgd_momentum_inplace",
    "sigmoid_backward",
    "sigmoid_forward",
    "softmax_backward",
    "softmax_cross_entropy_backward",
    "softmax_cross_entropy_forward",
    "softmax_forward",
    "tanh_backward",
    "tanh_forward",
)
