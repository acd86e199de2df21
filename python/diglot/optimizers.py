"""From gradients to better parameters, one rule per class; formulas in kernels/reference/optim.py.

An optimizer belongs to one network: what it remembers (velocities, mean squares) it keeps per
parameter name, from one fit to the next.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, final

import numpy as np

from diglot import kernels
from diglot._arrays import require_dtype, require_floating
from diglot._typing import Array
from diglot.config import Configured, boolean, positive, real
from diglot.errors import ShapeError
from diglot.flat import FlatArrays
from diglot.schedules import Schedule


@dataclass(eq=False, repr=False)
class Optimizer(Configured, ABC):
    """Update parameters in place from their gradients; a new one writes only `_update`.

    Args:
        lr: the learning rate, a number or a `Schedule`.
        weight_decay: adds weight_decay * parameter to each gradient, the gradient of
            weight_decay/2 * |parameter|²; it acts on biases too.
        clip_value: first bounds every element of the gradients to ±clip_value.
        clip_norm: then scales all gradients together, so that their common Euclidean norm is at
            most clip_norm.

    Book: chapters 3 and 4.
    """

    lr: float | Schedule
    weight_decay: float = field(default=0.0, kw_only=True)
    clip_value: float | None = field(default=None, kw_only=True)
    clip_norm: float | None = field(default=None, kw_only=True)

    memories: ClassVar[tuple[str, ...]] = ()
    """The names of what is remembered for each parameter, an array of its shape."""

    elementwise: ClassVar[bool] = False
    """Whether `_update` treats each number by itself, so that it may get small arrays as one."""

    def __post_init__(self) -> None:
        if not isinstance(self.lr, Schedule):
            self.lr = real("lr", self.lr, least=0)
        for name in _CHECKS.keys() & vars(self).keys():
            value = getattr(self, name)
            if value is not None or not name.startswith("clip"):
                setattr(self, name, _CHECKS[name](name, value))
        self._steps = 0
        self._memory: dict[tuple[str, str], Array] = {}
        self._layout: FlatArrays | None = None  # the parameters of the last step, if packed
        self._flat_memory: dict[str, FlatArrays] = {}  # with views in _memory, by name

    def step(
        self, params: Mapping[str, Array], grads: Mapping[str, Array], lr: float | None = None
    ) -> None:
        """Update every parameter, in place; the gradients are left as they are.

        Args:
            params: the arrays to update, by name. Small ones that lie in one buffer (FlatArrays)
                are updated by one call of the kernel, which gives the same bits (with clip_norm, up
                to the rounding of the norm).
            grads: their gradients, by the same names.
            lr: this step's learning rate; None takes the optimizer's own, if it is a number.

        Raises:
            ValueError: the names differ, a gradient has not its parameter's dtype, or a schedule is
                asked for a value outside a training; then nothing has been changed.
            ShapeError: a gradient has not its parameter's shape, or the optimizer remembers
                another network's; likewise.
            MemoryError: likewise, if `_update` needs no memory beside that of `memories`.
        """
        if lr is None:
            if isinstance(self.lr, Schedule):
                raise ValueError(f"lr is {self.lr!r}: give step() the value that it has now")
            lr = self.lr
        flat = params if isinstance(params, FlatArrays) else None
        arrays = params if flat is None else flat.arrays
        if arrays.keys() != grads.keys():
            raise ValueError(
                f"parameters and gradients have different names: {sorted(arrays)}, {sorted(grads)}"
            )
        for name, param in arrays.items():
            _check_fit(name, param, grads[name])
        if flat is not None and self.elementwise:
            arrays, grads = self._pack(flat, grads)
        if self.clip_value is not None:
            grads = {n: np.clip(g, -self.clip_value, self.clip_value) for n, g in grads.items()}
        if self.clip_norm is not None:
            grads = _clip_norm(grads, self.clip_norm)
        rate = float(lr)  # a NumPy scalar would widen float32 arithmetic
        # What can fail comes before the first update: a kernel would copy what is not contiguous.
        grads = {name: np.asarray(grads[name], order="C") for name in arrays}
        for name, param in arrays.items():
            for memory in self.memories:
                self._remembered(memory, name, param)
        self._steps += 1
        for name, param in arrays.items():
            self._update(name, param, grads[name], rate)

    def state(self) -> dict[str, Array | int]:
        """Copy what the optimizer remembers: "steps", and e.g. "velocity.0.weight"."""
        arrays = {f"{memory}.{name}": a.copy() for (memory, name), a in self._memory.items()}
        return {"steps": self._steps, **arrays}

    def load_state(self, state: Mapping[str, Array | int]) -> None:
        """Take over the `state()` of another optimizer of this class.

        Raises:
            ValueError: something is missing or is not remembered by this class.
        """
        steps = state.get("steps")
        if not isinstance(steps, int) or steps < 0:
            raise ValueError(f"the state's 'steps' is {steps!r}, expected an integer >= 0")
        memory = {}
        for key, value in state.items():
            kind, _, name = key.partition(".")
            if key == "steps":
                continue
            if kind not in self.memories or not isinstance(value, np.ndarray):
                raise ValueError(
                    f"{type(self).__name__} has no use for {key!r} ({type(value).__name__}); it "
                    f"remembers arrays named {[f'{kind}.…' for kind in self.memories]}"
                )
            memory[kind, name] = value.copy()
        self._steps, self._memory, self._flat_memory = steps, memory, {}

    @abstractmethod
    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        """Update one parameter in place."""

    def _pack(
        self, params: FlatArrays, grads: Mapping[str, Array]
    ) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        """Make one of all small parameters, and copy their gradients to one as well."""
        if params is not self._layout:
            self._layout, self._flat_memory, self._grads = params, {}, params.like()
        for name, place in self._grads.small.items():
            place[...] = grads[name]
        large_grads = {name: grads[name] for name in params.large}
        return {_SMALL: params.packed, **params.large}, {_SMALL: self._grads.packed, **large_grads}

    def _remembered(self, memory: str, name: str, param: Array) -> Array:
        """Look up what is remembered about a parameter; it begins with zeros."""
        if name == _SMALL and self._layout is not None:
            return self._remembered_of_small(memory, self._layout)
        array = self._memory.get((memory, name))
        if array is None:
            array = self._memory[memory, name] = np.zeros(param.shape, param.dtype)
        elif array.shape != param.shape:
            raise ShapeError(
                f"{name} has shape {param.shape}, but this optimizer remembers a {memory} of shape "
                f"{array.shape}: it belongs to another network, make a new one"
            )
        return array

    def _remembered_of_small(self, memory: str, layout: FlatArrays) -> Array:
        """Look up what is remembered about the small parameters, laid out as they are."""
        flat = self._flat_memory.get(memory)
        if flat is None:
            flat = layout.like()
            for name, place in flat.small.items():
                place[...] = self._remembered(memory, name, place)
            for name, place in flat.small.items():
                self._memory[memory, name] = place
            self._flat_memory[memory] = flat
        return flat.packed


@final
@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    """Stochastic gradient descent: a step down the slope.

        w -= lr * g

    Book: chapter 3.
    """

    lr: float | Schedule = 0.01

    elementwise = True

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        kernels.sgd_inplace(param, grad, lr=lr, weight_decay=self.weight_decay)


@final
@dataclass(eq=False, repr=False)
class SGDMomentum(Optimizer):
    """Gradient descent that keeps rolling.

        v = momentum * v + lr * g
        w -= v                          with nesterov: w -= momentum * v + lr * g

    Args:
        momentum: the share of the velocity that is kept, in [0, 1).
        nesterov: use the gradient ahead.

    Book: chapter 4. Source: Sutskever et al. 2013.
    """

    lr: float | Schedule = 0.01
    momentum: float = 0.9
    nesterov: bool = False

    memories = ("velocity",)
    elementwise = True

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        kernels.sgd_momentum_inplace(
            param,
            grad,
            self._remembered("velocity", name, param),
            lr=lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )


@final
@dataclass(eq=False, repr=False)
class AdaGrad(Optimizer):
    """Small steps for parameters whose gradients have been large.

        s += g²
        w -= lr * g / (sqrt(s) + eps)

    Book: chapter 6. Source: Duchi, Hazan & Singer 2011.
    """

    lr: float | Schedule = 0.01
    eps: float = 1e-10

    memories = ("sum_squares",)
    elementwise = True

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        sum_squares = self._remembered("sum_squares", name, param)
        kernels.adagrad_inplace(
            param, grad, sum_squares, lr=lr, eps=self.eps, weight_decay=self.weight_decay
        )


@final
@dataclass(eq=False, repr=False)
class RMSProp(Optimizer):
    """AdaGrad that forgets.

        s = decay * s + (1 - decay) * g²
        w -= lr * g / (sqrt(s) + eps)

    Source: Hinton's Coursera lecture 6e, 2012.
    """

    lr: float | Schedule = 0.01
    decay: float = 0.99
    eps: float = 1e-8

    memories = ("mean_squares",)
    elementwise = True

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        kernels.rmsprop_inplace(
            param,
            grad,
            self._remembered("mean_squares", name, param),
            lr=lr,
            decay=self.decay,
            eps=self.eps,
            weight_decay=self.weight_decay,
        )


@final
@dataclass(eq=False, repr=False)
class Adam(Optimizer):
    """Momentum and RMSProp together, both corrected for their start at zero.

        m = beta1 * m + (1 - beta1) * g         s = beta2 * s + (1 - beta2) * g²
        w -= lr * m/(1 - beta1^t) / (sqrt(s/(1 - beta2^t)) + eps)         t counts from 1

    Source: Kingma & Ba 2015, arXiv:1412.6980.
    """

    lr: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    memories = ("mean", "mean_squares")
    elementwise = True

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        kernels.adam_inplace(
            param,
            grad,
            self._remembered("mean", name, param),
            self._remembered("mean_squares", name, param),
            step=self._steps,
            lr=lr,
            beta1=self.beta1,
            beta2=self.beta2,
            eps=self.eps,
            weight_decay=self.weight_decay,
        )


@final
@dataclass(eq=False, repr=False)
class AdamW(Optimizer):
    """Adam whose weight decay shrinks the parameters themselves, not through the gradient.

        w -= lr * weight_decay * w              then as Adam, on the bare gradient

    Source: Loshchilov & Hutter 2019, arXiv:1711.05101.
    """

    lr: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = field(default=0.01, kw_only=True)

    memories = ("mean", "mean_squares")
    elementwise = True

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        kernels.adam_inplace(
            param,
            grad,
            self._remembered("mean", name, param),
            self._remembered("mean_squares", name, param),
            step=self._steps,
            lr=lr,
            beta1=self.beta1,
            beta2=self.beta2,
            eps=self.eps,
            weight_decay=self.weight_decay,
            decoupled=True,
        )


_SMALL = "the small parameters"
"""How `_update` sees their buffer named."""


def _check_fit(name: str, param: Array, grad: Array) -> None:
    require_floating(name, param)
    if type(grad) is np.ndarray and grad.dtype == param.dtype and grad.shape == param.shape:
        return
    require_dtype(f"the gradient of {name}", grad, param.dtype)
    if grad.shape != param.shape:
        raise ShapeError(f"the gradient of {name} has shape {grad.shape}, expected {param.shape}")


def _clip_norm(grads: Mapping[str, Array], bound: float) -> Mapping[str, Array]:
    norm = math.sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in grads.values()))
    if norm <= bound:
        return grads
    return {name: grad * grad.dtype.type(bound / norm) for name, grad in grads.items()}


_share = partial(real, least=0, below=1)

_CHECKS: dict[str, Callable[[str, object], object]] = {
    "weight_decay": partial(real, least=0),
    "clip_value": positive,
    "clip_norm": positive,
    "eps": positive,
    "momentum": _share,
    "decay": _share,
    "beta1": _share,
    "beta2": _share,
    "nesterov": boolean,
}
