"""A training in JAX: one jitted step with donated parameters, all data on the device.

Images lie as (N, H, W, C), as in JAX's own libraries: XLA is faster with it.
"""

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from diglot._typing import Array, Shape
from diglot.bench.trainings import Stages
from diglot.bench.work import Arguments, Run

_ACTIVATIONS = {"linear": lambda x: x, "tanh": jnp.tanh, "relu": jax.nn.relu}


def conv2d(
    x: Any, w: Any, b: Any, *, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> Any:
    """Convolve in XLA's own layout: images (N, H, W, C), filters (KH, KW, C/groups, OC)."""
    y = lax.conv_general_dilated(
        x,
        w,
        (stride, stride),
        ((padding, padding), (padding, padding)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
    return y + b


def channels_last(images: Array) -> Array:
    """Bring images to (N, H, W, C)."""
    return images.transpose(0, 2, 3, 1)


def filters_last(w: Array) -> Array:
    """Bring filters to (KH, KW, C/groups, OC)."""
    return w.transpose(2, 3, 1, 0)


def training(arguments: Arguments) -> Run:
    """Make it ready: put data and parameters on the device, in XLA's layout."""
    stages, ours = arguments["stages"], arguments["parameters"]
    step = _step(stages, arguments["lr"], arguments["momentum"])
    x = jnp.asarray(channels_last(arguments["x"]))
    y = jnp.asarray(arguments["y"], jnp.int32)
    shapes = list(_flattened(stages, arguments["x"].shape[1:]))
    parameters = [jnp.array(_theirs(p, s)) for p, s in zip(ours, shapes, strict=True)]
    state = [parameters, [jnp.zeros_like(p) for p in parameters]]
    rng, size = np.random.default_rng(1), arguments["batch_size"]

    def call() -> None:
        for _ in range(arguments["epochs"]):
            key = jax.random.key(int(rng.integers(2**31)))
            order = jnp.asarray(rng.permutation(len(x)).astype(np.int32).reshape(-1, size))
            for i in range(len(order)):
                state[:] = step(*state, x, y, order, i, key)
        jax.block_until_ready(state)

    def outputs(_: Any) -> list[Array]:
        return [_ours(np.asarray(p), s) for p, s in zip(state[0], shapes, strict=True)]

    return Run(call, outputs)


def _flattened(stages: Stages, image: Shape) -> Iterator[Shape]:
    """Yield for each parameter the (C, H, W) that its rows were flattened from, or ()."""
    shape, just_flattened = image, False
    for stage in stages:
        if stage.kind == "flatten":
            just_flattened = True
        elif stage.kind == "pool":
            shape = (shape[0], shape[1] // 2, shape[2] // 2)
        else:
            yield from (shape if just_flattened else (), ())
            shape = (stage.outputs, *shape[1:]) if stage.kind == "conv" else ()
            just_flattened = False


def _theirs(parameter: Array, flattened: Shape) -> Array:
    if parameter.ndim == 4:
        return filters_last(parameter)
    if flattened:
        stacked = parameter.reshape(*flattened, -1).transpose(1, 2, 0, 3)
        return stacked.reshape(parameter.shape)
    return parameter


def _ours(parameter: Array, flattened: Shape) -> Array:
    if parameter.ndim == 4:
        return parameter.transpose(3, 2, 0, 1)
    if flattened:
        C, H, W = flattened
        return parameter.reshape(H, W, C, -1).transpose(2, 0, 1, 3).reshape(parameter.shape)
    return parameter


@cache
def _step(stages: Stages, lr: float, momentum: float) -> Any:
    """Compile one step of one network, once."""

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(parameters: Any, velocity: Any, x: Any, y: Any, order: Any, i: Any, key: Any) -> Any:
        batch = order[i]
        key = jax.random.fold_in(key, i)
        gradients = jax.grad(_loss)(parameters, stages, x[batch], y[batch], key)
        velocity = [momentum * v + lr * g for v, g in zip(velocity, gradients, strict=True)]
        return [p - v for p, v in zip(parameters, velocity, strict=True)], velocity

    return step


def _loss(parameters: Any, stages: Stages, x: Any, labels: Any, key: Any) -> Any:
    remaining = iter(parameters)
    for place, stage in enumerate(stages):
        if stage.kind == "conv":
            x = conv2d(x, next(remaining), next(remaining), padding=stage.k // 2)
        elif stage.kind == "pool":
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        elif stage.kind == "flatten":
            x = x.reshape(len(x), -1)
        else:
            x = x @ next(remaining) + next(remaining)
        x = _ACTIVATIONS[stage.activation](x)
        if stage.dropout:
            keep = 1 - stage.dropout
            mask = jax.random.bernoulli(jax.random.fold_in(key, place), keep, x.shape)
            x = jnp.where(mask, x / keep, 0)
    logs = jax.nn.log_softmax(x)
    return -jnp.take_along_axis(logs, labels[:, None], 1).mean()
