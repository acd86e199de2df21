"""ONNX's operators, said in diglot's: each adapter maps attributes and layouts.

An adapter takes the inputs of a node in order (None for one that is left out), and its attributes
as keywords. One that it does not know is a TypeError, so nothing is ignored silently. It returns
the outputs in order; `outputs` are the names of those that are asked for.
"""

from functools import partial

import numpy as np
from windows import Spread, Windows, as_images

from diglot import kernels, operations, optimizers
from diglot.losses import SoftmaxCrossEntropy
from diglot.operations.sequence import turned_around


def activation(kind, x):
    return kind().forward(x)


def leaky_relu(x, *, alpha=0.01):
    return operations.LeakyReLU(alpha).forward(x)


def gelu(x, *, approximate="none"):
    if approximate != "none":
        raise NotImplementedError(approximate)
    return operations.GELU().forward(x)


def softmax(x, *, axis=-1):
    return np.moveaxis(operations.Softmax().forward(np.moveaxis(x, axis, -1)), -1, axis)


def flatten(x, *, axis=1):
    axis %= x.ndim
    rows = x.reshape(int(np.prod(x.shape[:axis])), *x.shape[axis:])
    return operations.FlattenOp().forward(rows)


def dropout(x, ratio=0.5, training=False, *, outputs, seed=0, **old):
    rate = float(old.pop("ratio", ratio))
    if old:
        raise TypeError(f"attributes {sorted(old)}")
    op = operations.DropoutOp(rate, np.random.default_rng(seed))
    y = op.forward(x, inference=not training)
    kept = op.backward(np.ones_like(x)) != 0
    return (y, kept)[: len(outputs)]


def gather(table, tokens, *, axis=0):
    rows = np.moveaxis(table, axis, 0)
    op = operations.EmbeddingOp(np.ascontiguousarray(rows.reshape(len(rows), -1)))
    found = op.forward(tokens % len(rows))  # ONNX counts negative ones from the end
    found = found.reshape(*tokens.shape, *rows.shape[1:])
    return np.moveaxis(found, range(tokens.ndim), range(axis, axis + tokens.ndim))


def matmul(a, b):
    left, right = np.atleast_2d(a), b[:, None] if b.ndim == 1 else b
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    y = np.empty((*batch, left.shape[-2], right.shape[-1]), a.dtype)
    left = np.broadcast_to(left, (*batch, *left.shape[-2:]))
    right = np.broadcast_to(right, (*batch, *right.shape[-2:]))
    for i in np.ndindex(batch):
        y[i] = kernels.matmul(left[i], right[i])
    y = y[..., 0] if b.ndim == 1 else y
    return y if a.ndim > 1 else y[..., 0] if b.ndim == 1 else y[..., 0, :]


def gemm(a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    scale, x, w = np.float32, a.T if transA else a, b.T if transB else b
    if c is not None and (c.ndim < 2 or len(c) == 1):  # one bias for each column: a dense layer
        bias = np.broadcast_to(scale(beta) * c.reshape(-1), w.shape[1:])
        return operations.DenseOp(scale(alpha) * w, bias.copy()).forward(x)
    y = kernels.matmul(a, scale(alpha) * b, transpose_a=bool(transA), transpose_b=bool(transB))
    return y if c is None else y + scale(beta) * c


def conv(x, w, b=None, *, group=1, kernel_shape=None, **settings):
    x, w = as_images(x), as_images(w)
    windows = Windows(x.shape[2:], w.shape[2:], **settings)
    op = operations.Conv2DOp(w, b, windows.strides, 0, windows.dilations, group)
    return op.forward(windows.pad(x))


def conv_transpose(x, w, b=None, *, group=1, kernel_shape=None, **settings):
    """The way back through a convolution: its gradient with respect to its input."""
    flat, x, w = x.ndim == 3, as_images(x), as_images(w)
    spread = Spread(x.shape[2:], w.shape[2:], **settings)
    op = operations.Conv2DOp(w, None, spread.strides, 0, spread.dilations, group)
    op.forward(np.zeros((len(x), w.shape[1] * group, *spread.size), x.dtype))
    y = op.backward(x)[:, :, *spread.kept]
    y = y if b is None else y + b[:, None, None]
    return y[:, :, 0] if flat else y


def max_pool(x, *, outputs, kernel_shape, storage_order=0, **settings):
    flat, images = x.ndim == 3, as_images(x)
    windows = Windows(images.shape[2:], kernel_shape, **settings)
    windows.require_dense()
    padding = windows.even_padding()
    if padding is None:  # -inf never wins either
        op = operations.MaxPool2DOp(windows.kernel, windows.strides)
        y = op.forward(windows.pad(images, -np.inf))
    else:
        op = operations.MaxPool2DOp(windows.kernel, windows.strides, padding)
        y = op.forward(images)
    if len(outputs) == 1:
        return y[:, :, 0] if flat else y
    if padding is None:
        raise NotImplementedError("where the winners are in an image with uneven padding")
    N, C, H, W = images.shape
    _, at = kernels.max_pool2d_forward(
        images, kernel_size=windows.kernel, stride=windows.strides, padding=padding
    )
    at = at % W * H + at // W if storage_order else at  # counted by columns
    return y, at + np.arange(N * C).reshape(N, C, 1, 1) * H * W


def max_unpool(x, indices, output_shape=None, *, kernel_shape, strides):
    size = [(n - 1) * s + k for n, s, k in zip(x.shape[2:], strides, kernel_shape, strict=True)]
    at = (indices % (size[0] * size[1])).astype(np.int32)
    y = kernels.max_pool2d_backward(x, at, input_size=tuple(size))
    if output_shape is None:
        return y
    rows, columns = (int(n) - s for n, s in zip(output_shape[2:], size, strict=True))
    return operations.Pad2DOp((0, rows), (0, columns)).forward(y)


def average_pool(x, *, kernel_shape, count_include_pad=0, **settings):
    """The mean of a padded window, divided by the share of it that counts."""
    flat, x = x.ndim == 3, as_images(x)
    windows = Windows(x.shape[2:], kernel_shape, **settings)
    windows.require_dense()
    op = operations.AvgPool2DOp(windows.kernel, windows.strides)
    counts = windows.pad(np.ones_like(x), border=float(count_include_pad))
    y = op.forward(windows.pad(x)) / op.forward(counts)
    return y[:, :, 0] if flat else y


def global_average_pool(x):
    return operations.GlobalAvgPool2DOp().forward(x)[:, :, None, None]


def global_max_pool(x):
    return operations.MaxPool2DOp(x.shape[2:]).forward(x)


def softmax_cross_entropy(x, labels, weight=None, *, outputs, reduction="mean", ignore_index=None):
    """Rows that are ignored are left out; a row of its own gives a loss of its own."""
    loss, K = SoftmaxCrossEntropy(), x.shape[1]
    logits, classes = np.moveaxis(x, 1, -1).reshape(-1, K), labels.reshape(-1)
    counts = classes != ignore_index
    if reduction == "none" or weight is not None:
        each = np.zeros(len(classes), x.dtype)
        for i in np.flatnonzero(counts):
            each[i] = loss.forward(logits[i : i + 1], classes[i : i + 1])
        shares = counts.astype(x.dtype)
        if weight is not None:
            shares[counts] = weight[classes[counts]]
        z = (each * shares).reshape(labels.shape)
        if reduction != "none":
            z = z.sum() / (shares.sum() if reduction == "mean" else 1)
    else:
        z = loss.forward(logits[counts], classes[counts])
        z *= 1 if reduction == "mean" else counts.sum()
    z = np.asarray(z, x.dtype)
    return (z, np.log(softmax(x, axis=1)))[: len(outputs)]


GATES = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 2, 3, 1]}
"""Where diglot's gates (r z n; i f g o) are among ONNX's (z r h; i o f c)."""


def recurrent(
    kind, x, w, r, b=None, lengths=None, h0=None, c0=None, *, outputs, hidden_size,
    direction="forward", layout=0, linear_before_reset=0,
):  # fmt: skip
    """ONNX's (T, N, D) and (directions, gates*H, D) become (N, T, D) and (D, gates*H)."""
    if layout:
        h0, c0 = (a if a is None else a.swapaxes(0, 1) for a in (h0, c0))
    else:
        x = np.ascontiguousarray(x.swapaxes(0, 1))
    cells = [_cell(kind, *parts, linear_before_reset) for parts in _directions(w, r, b)]
    for i, cell in enumerate(cells):
        starts = [np.ascontiguousarray(a[i]) for a in (h0, c0) if a is not None]
        cell.state = tuple(starts) or None
    op = cells[0] if len(cells) == 1 else operations.Bidirectional(*cells)
    op.lengths = lengths
    turned = partial(turned_around, lengths=lengths)
    y = turned(op.forward(turned(x))) if direction == "reverse" else op.forward(x)
    y = y.reshape(*y.shape[:2], len(cells), hidden_size)
    states = [np.stack(parts) for parts in zip(*(cell.final_state for cell in cells), strict=True)]
    if layout:
        found = (y, *(state.swapaxes(0, 1) for state in states))
    else:
        found = (y.transpose(1, 2, 0, 3), *states)
    return tuple(array for array, name in zip(found, outputs, strict=False) if name)


def _directions(w, r, b):
    return zip(w, r, [None] * len(w) if b is None else b, strict=True)


def _cell(kind, w, r, b, linear_before_reset):
    gates = GATES[kind]

    def ours(array):  # (gates*H, ...) in ONNX's order to (..., gates*H) in diglot's
        blocks = np.split(array, len(gates))
        return np.ascontiguousarray(np.concatenate([blocks[g] for g in gates]).T)

    weights = {"input_weight": ours(w), "recurrent_weight": ours(r)}
    if b is not None:
        of_input, of_state = (ours(part) for part in np.split(b, 2))
        if kind == "GRU":
            weights |= {"bias": of_input, "recurrent_bias": of_state}
        else:
            weights["bias"] = of_input + of_state
    if kind == "GRU":
        return operations.GRUOp(weights, reset_after=bool(linear_before_reset))
    return {"RNN": operations.RNNOp, "LSTM": operations.LSTMOp}[kind](weights)


def adagrad(rate, t, *arrays, decay_factor=0.0, epsilon=0.0, norm_coefficient=0.0):
    lr = float(rate / (1 + t * decay_factor))
    rule = optimizers.AdaGrad(lr, eps=epsilon, weight_decay=norm_coefficient)
    return _step(rule, t, arrays)


def adam(rate, t, *arrays, alpha=0.9, beta=0.999, epsilon=0.0, norm_coefficient=0.0):
    """ONNX adds epsilon before the correction, diglot after it; and T = 0 means no correction."""
    steps = int(t) or 10**9  # so late that nothing is left to correct
    epsilon = epsilon / np.sqrt(1 - beta**steps)
    rule = optimizers.Adam(float(rate), alpha, beta, float(epsilon), weight_decay=norm_coefficient)
    return _step(rule, steps - 1, arrays)


def momentum(rate, t, *arrays, alpha, beta, mode, norm_coefficient):
    """diglot's velocity holds the learning rate, ONNX's does not."""
    rate, share = float(rate), beta if t > 0 else 1.0
    nesterov = mode == "nesterov"
    if nesterov and share != 1:
        raise NotImplementedError("nesterov with a share of the gradient")
    rule = optimizers.SGDMomentum(rate * share, alpha, nesterov, weight_decay=norm_coefficient)
    return _step(rule, t, arrays, unit=rate)


def _step(rule, steps, arrays, unit=1.0):
    """Take one step of parameters, gradients and what is remembered about them, so many of each."""
    kinds = np.arange(len(arrays)).reshape(2 + len(rule.memories), -1)
    params, grads, *memories = (
        {str(i): arrays[k].copy() for i, k in enumerate(of)} for of in kinds
    )
    state = {
        f"{memory}.{name}": (array * unit).astype(array.dtype)
        for memory, those in zip(rule.memories, memories, strict=True)
        for name, array in those.items()
    }
    rule.load_state({"steps": int(steps), **state})
    rule.step(params, grads)
    remembered = rule.state()
    return *params.values(), *(remembered[key] / np.float32(unit) for key in state)


ADAPTERS = {
    "Relu": partial(activation, operations.ReLU), "LeakyRelu": leaky_relu,
    "Sigmoid": partial(activation, operations.Sigmoid),
    "Tanh": partial(activation, operations.Tanh),
    "Gelu": gelu, "Softmax": softmax, "SoftmaxCrossEntropyLoss": softmax_cross_entropy,
    "Flatten": flatten, "Dropout": dropout, "Gather": gather, "MatMul": matmul, "Gemm": gemm,
    "Conv": conv, "ConvTranspose": conv_transpose,
    "MaxPool": max_pool, "MaxUnpool": max_unpool, "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool, "GlobalMaxPool": global_max_pool,
    **{kind: partial(recurrent, kind) for kind in GATES},
    "Adagrad": adagrad, "Adam": adam, "Momentum": momentum,
}  # fmt: skip
