"""Each kind of work in JAX: one jitted function, its gradients through vjp, arrays on the device.

Images lie as (N, H, W, C), as in JAX's own libraries: XLA is faster with it.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from diglot._typing import Array
from diglot.bench.peers.jax_training import channels_last, conv2d, filters_last, training
from diglot.bench.work import Arguments, Run

VERSION = jax.__version__


def _arrays(result: Any) -> list[Array]:
    parts = result if isinstance(result, tuple | list) else (result,)
    return [np.asarray(part) for part in parts]


def _run(function: Any, *arrays: Array) -> Run:
    on_device = [jnp.asarray(array) for array in arrays]
    return Run(lambda: jax.block_until_ready(function(*on_device)), _arrays)


def _jitted(function: Callable[..., Any], *names: str) -> Callable[[Arguments], Run]:
    """Make work of a function of the arrays that are named."""
    compiled = jax.jit(function)
    return lambda a: _run(compiled, *(a[name] for name in names))


@cache
def _product(transpose_a: bool, transpose_b: bool) -> Any:
    return jax.jit(lambda a, b: jnp.matmul(a.mT if transpose_a else a, b.mT if transpose_b else b))


def _matmul(a: Arguments) -> Run:
    return _run(_product(a["transpose_a"], a["transpose_b"]), a["a"], a["b"])


def _dense(x: Any, w: Any, b: Any, dy: Any) -> Any:
    y, backward = jax.vjp(lambda x, w, b: x @ w + b, x, w, b)
    return y, *backward(dy)


@cache
def _convolution(s: int, p: int, d: int, groups: int, differentiated: bool) -> Any:
    def forward(x: Any, w: Any, b: Any) -> Any:
        return conv2d(x, w, b, stride=s, padding=p, dilation=d, groups=groups)

    def both(x: Any, w: Any, b: Any, dy: Any) -> Any:
        y, backward = jax.vjp(forward, x, w, b)
        return y, *backward(dy)

    return jax.jit(both if differentiated else forward)


def _conv2d_forward(a: Arguments) -> Run:
    function = _convolution(a["stride"], a["padding"], a["dilation"], a["groups"], False)
    run = _run(function, channels_last(a["x"]), filters_last(a["w"]), a["b"])
    return Run(run.call, lambda y: [_channels_first(y)])


def _conv2d(a: Arguments) -> Run:
    function = _convolution(*a["settings"].values(), True)
    x, dy = channels_last(a["x"]), channels_last(a["dy"])
    run = _run(function, x, filters_last(a["w"]), a["b"], dy)

    def outputs(result: Any) -> list[Array]:
        y, dx, dw, db = result
        dw = np.asarray(dw).transpose(3, 2, 0, 1)
        return [_channels_first(y), _channels_first(dx), dw, np.asarray(db)]

    return Run(run.call, outputs)


def _channels_first(images: Any) -> Array:
    return np.asarray(images).transpose(0, 3, 1, 2)


@cache
def _pooling(largest: bool, k: int, s: int, p: int) -> Any:
    window: dict[str, Any] = {
        "window_dimensions": (1, k, k, 1),
        "window_strides": (1, s, s, 1),
        "padding": ((0, 0), (p, p), (p, p), (0, 0)),
    }

    def forward(x: Any) -> Any:
        if largest:
            return lax.reduce_window(x, -jnp.inf, lax.max, **window)
        return lax.reduce_window(x, 0.0, lax.add, **window) / (k * k)

    def both(x: Any, dy: Any) -> Any:
        y, backward = jax.vjp(forward, x)
        return y, *backward(dy)

    return jax.jit(both)


def _pool(largest: bool) -> Callable[[Arguments], Run]:
    def prepare(a: Arguments) -> Run:
        function = _pooling(largest, *a["settings"].values())
        run = _run(function, channels_last(a["x"]), channels_last(a["dy"]))
        return Run(run.call, lambda result: [_channels_first(part) for part in result])

    return prepare


def _cross_entropy(logits: Any, labels: Any) -> Any:
    logs = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(logs, labels[:, None], 1).mean()


@cache
def _dropout_of(rate: float) -> Any:
    def both(x: Any, dy: Any, key: Any) -> Any:
        mask = jax.random.bernoulli(key, 1 - rate, x.shape)
        return jnp.where(mask, x / (1 - rate), 0), jnp.where(mask, dy / (1 - rate), 0)

    return jax.jit(both)


def _dropout(a: Arguments) -> Run:
    function, key = _dropout_of(a["rate"]), jax.random.key(a["seed"])
    x, dy = jnp.asarray(a["x"]), jnp.asarray(a["dy"])
    return Run(lambda: jax.block_until_ready(function(x, dy, key)), _arrays)


def _gelu_backward(dy: Any, x: Any) -> Any:
    return jax.vjp(lambda v: jax.nn.gelu(v, approximate=False), x)[1](dy)[0]


# ---- recurrent networks --------------------------------------------------------------------------


def _rnn_cell(p: Any, state: Any, z: Any) -> Any:
    h = jnp.tanh(z + state[0] @ p["w_h"])
    return (h,), h


def _gru_cell(p: Any, state: Any, z: Any) -> Any:
    x_r, x_z, x_n = jnp.split(z, 3, axis=1)
    h_r, h_z, h_n = jnp.split(state[0] @ p["w_h"] + p["b_h"], 3, axis=1)
    r, u = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    h = (1 - u) * jnp.tanh(x_n + r * h_n) + u * state[0]
    return (h,), h


def _lstm_cell(p: Any, state: Any, z: Any) -> Any:
    i, f, g, o = jnp.split(z + state[0] @ p["w_h"], 4, axis=1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def _recurrent(cell: Any, states: tuple[str, ...], bias: str) -> Callable[[Arguments], Run]:
    """Make a scan over the steps ready; the input's products are made before it."""
    biases = ("b_x", "b_h") if bias == "b_x" else ("b",)
    inputs = ("x", *states, "w_x", "w_h", *biases)
    grads = ("dy", *(f"d{state[0]}_n" for state in states))

    def forward(p: Any) -> Any:
        z = (p["x"] @ p["w_x"] + p[bias]).swapaxes(0, 1)
        begin = tuple(p[state] for state in states)
        ends, y = lax.scan(lambda state, z_t: cell(p, state, z_t), begin, z)
        return y.swapaxes(0, 1), *ends

    def both(*arrays: Any) -> Any:
        p = dict(zip(inputs, arrays, strict=False))
        outputs, backward = jax.vjp(forward, p)
        (d,) = backward(tuple(arrays[len(inputs) :]))
        return *outputs, *(d[name] for name in inputs)

    return _jitted(both, *inputs, *grads)


def _embedding(tokens: Any, w: Any, dy: Any) -> Any:
    y, backward = jax.vjp(lambda w: w[tokens], w)
    return y, *backward(dy)


# ---- optimizers ----------------------------------------------------------------------------------


def _sgd(lr: Any, p: Any, g: Any) -> Any:
    return (p - lr * g,)


def _sgd_momentum(lr: Any, p: Any, g: Any, velocity: Any) -> Any:
    velocity = 0.9 * velocity + lr * g
    return p - velocity, velocity


def _adagrad(lr: Any, p: Any, g: Any, squares: Any) -> Any:
    squares = squares + g * g
    return p - lr * g / (jnp.sqrt(squares) + 1e-10), squares


def _rmsprop(lr: Any, p: Any, g: Any, squares: Any) -> Any:
    squares = 0.99 * squares + 0.01 * g * g
    return p - lr * g / (jnp.sqrt(squares) + 1e-8), squares


def _adam(lr: Any, p: Any, g: Any, mean: Any, squares: Any) -> Any:
    mean, squares = 0.9 * mean + 0.1 * g, 0.999 * squares + 0.001 * g * g
    step = lr * (mean / 0.1) / (jnp.sqrt(squares / 0.001) + 1e-8)  # of the first step
    return p - step, mean, squares


def _optimizer(function: Callable[..., Any], *state: str) -> Callable[[Arguments], Run]:
    donated = (1, *range(3, 3 + len(state)))
    compiled = jax.jit(function, donate_argnums=donated)

    def prepare(a: Arguments) -> Run:
        grad, lr = jnp.asarray(a["grad"]), a["lr"]
        current = [jnp.array(a[name]) for name in ("param", *state)]

        def call() -> None:
            current[:] = compiled(lr, current[0], grad, *current[1:])
            jax.block_until_ready(current)

        return Run(call, lambda _: _arrays(current[0]))

    return prepare


PREPARE: Mapping[str, Callable[[Arguments], Run]] = {
    "matmul": _matmul,
    "dense": _jitted(_dense, "x", "w", "b", "dy"),
    "conv2d_forward": _conv2d_forward,
    "conv2d": _conv2d,
    "max_pool2d": _pool(largest=True),
    "avg_pool2d": _pool(largest=False),
    "sigmoid_forward": _jitted(jax.nn.sigmoid, "x"),
    "sigmoid_backward": _jitted(lambda dy, y: dy * y * (1 - y), "dy", "y"),
    "tanh_forward": _jitted(jnp.tanh, "x"),
    "tanh_backward": _jitted(lambda dy, y: dy * (1 - y * y), "dy", "y"),
    "relu_forward": _jitted(jax.nn.relu, "x"),
    "relu_backward": _jitted(lambda dy, y: jnp.where(y > 0, dy, 0), "dy", "y"),
    "leaky_relu_forward": _jitted(lambda x: jnp.where(x > 0, x, 0.01 * x), "x"),
    "leaky_relu_backward": _jitted(lambda dy, y: jnp.where(y > 0, dy, 0.01 * dy), "dy", "y"),
    "gelu_forward": _jitted(lambda x: jax.nn.gelu(x, approximate=False), "x"),
    "gelu_backward": _jitted(_gelu_backward, "dy", "x"),
    "softmax_forward": _jitted(jax.nn.softmax, "x"),
    "softmax_backward": _jitted(
        lambda dy, y: y * (dy - (dy * y).sum(-1, keepdims=True)), "dy", "y"
    ),
    "softmax_cross_entropy": _jitted(jax.value_and_grad(_cross_entropy), "logits", "labels"),
    "rnn": _recurrent(_rnn_cell, ("h0",), "b"),
    "gru": _recurrent(_gru_cell, ("h0",), "b_x"),
    "lstm": _recurrent(_lstm_cell, ("h0", "c0"), "b"),
    "embedding": _jitted(_embedding, "tokens", "w", "dy"),
    "dropout": _dropout,
    "sgd_inplace": _optimizer(_sgd),
    "sgd_momentum_inplace": _optimizer(_sgd_momentum, "velocity"),
    "adagrad_inplace": _optimizer(_adagrad, "sum_squares"),
    "rmsprop_inplace": _optimizer(_rmsprop, "mean_squares"),
    "adam_inplace": _optimizer(_adam, "mean", "mean_squares"),
    "training": training,
}
"""By kind of work: what makes it ready."""
