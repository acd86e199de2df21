"""Are the gradients right? Compare them with finite differences, element by element.

    dL/dx[i]  =~  (L(x + eps * e[i]) - L(x - eps * e[i])) / (2 * eps)

with e[i] = 1 at element i and 0 elsewhere. The backward passes of the book's published code are
wrong in several places (errata E1 to E9), and this comparison finds each of them, provided that the
gradient of the output is random, that there is more than one row, and that images are rectangular.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from diglot._arrays import plain_array, real_array
from diglot._typing import Array, Shape
from diglot.config import positive, real
from diglot.errors import GradientError
from diglot.layers.base import Layer
from diglot.losses import Loss
from diglot.network import NeuralNetwork
from diglot.operations import Operation, ParamOperation, RecurrentOp, TakesLengths
from diglot.sequences import checked_lengths, counted, spread

__all__ = ["ArrayCheck", "GradCheckReport", "gradcheck", "numerical_gradient"]

Subject: TypeAlias = Operation | Layer | Loss | NeuralNetwork


def numerical_gradient(f: Callable[[Array], float], x: Array, eps: float = 1e-6) -> Array:
    """Estimate the gradient of a function of an array by central differences, in float64.

        gradient[i] = (f(x + eps * e[i]) - f(x - eps * e[i])) / (2 * eps)

    Args:
        f: takes an array like x and returns a number.
        x: where the gradient is wanted, any shape; not changed.
        eps: half the distance of the two points, in units of x.

    Returns:
        The gradient, the shape of x. Its error is about 1e-16 * |f| / eps from rounding, and
        eps² * f'''/6 from the curve between the points.

    Book: chapter 1.
    """
    eps = positive("eps", eps)
    x = np.array(x, np.float64)
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + eps
        right = f(x.copy())
        x[index] = value - eps
        left = f(x.copy())
        x[index] = value
        gradient[index] = (right - left) / (2 * eps)
    return gradient


@dataclass(frozen=True)
class ArrayCheck:
    """The comparison of one array's gradient: the element where it differs most.

    Attributes:
        name: whose gradient it is.
        shape: of the array.
        index: of the element.
        analytic: what backward gives there.
        numeric: what finite differences give there.
        allowed: how far apart the two may be.
    """

    name: str
    shape: Shape
    index: tuple[int, ...]
    analytic: float
    numeric: float
    allowed: float

    @classmethod
    def compare(
        cls,
        name: str,
        analytic: Array,
        numeric: Array,
        magnitude: float,
        *,
        eps: float = 1e-6,
        tolerance: float = 1e-6,
    ) -> ArrayCheck:
        """Compare two gradients of one array.

        They may differ by `tolerance` times the largest element, and by what rounding does to the
        differences: some ulps of the function's terms, divided by eps.

        Args:
            name: whose gradient it is.
            analytic: what backward gives.
            numeric: what finite differences give.
            magnitude: the sum of the absolute terms of the function.
            eps: the step of the finite differences.
            tolerance: the allowed difference, as a share of the largest element.

        Raises:
            GradientError: the shapes differ.
        """
        if analytic.shape != numeric.shape:
            raise GradientError(
                f"the gradient of {name} has shape {analytic.shape}, expected that of the array, "
                f"{numeric.shape}"
            )
        rounding = 64 * float(np.finfo(np.float64).eps) * magnitude / eps
        allowed = tolerance * float(np.abs(numeric).max(initial=0.0)) + rounding
        if numeric.size == 0:
            return cls(name, numeric.shape, (), 0.0, 0.0, allowed)
        difference = np.abs(analytic - numeric)
        difference[np.isnan(difference)] = np.inf
        index = tuple(map(int, np.unravel_index(int(difference.argmax()), difference.shape)))
        return cls(
            name, numeric.shape, index, float(analytic[index]), float(numeric[index]), allowed
        )

    @property
    def difference(self) -> float:
        """Give the absolute difference."""
        return abs(self.analytic - self.numeric)

    @property
    def units(self) -> float:
        """Give the difference as a multiple of what is allowed; infinite where one is NaN."""
        if self.analytic == self.numeric:
            return 0.0
        units = self.difference / self.allowed if self.allowed else np.inf
        return np.inf if np.isnan(units) else units

    @property
    def passed(self) -> bool:
        """Tell whether the two gradients agree."""
        return self.units <= 1

    def __str__(self) -> str:
        place = f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name
        return (
            f"{place}: backward gives {self.analytic:.9g}, finite differences {self.numeric:.9g}; "
            f"they differ by {self.difference:.3g}, allowed are {self.allowed:.3g}"
        )


@dataclass(frozen=True)
class GradCheckReport:
    """What `gradcheck` found.

    Attributes:
        subject: the class that was checked.
        arrays: one comparison for the input and one for each parameter.
    """

    subject: str
    arrays: tuple[ArrayCheck, ...]

    @property
    def passed(self) -> bool:
        """Tell whether all gradients agree with finite differences."""
        return all(check.passed for check in self.arrays)

    @property
    def worst(self) -> ArrayCheck:
        """Give the comparison with the largest difference, relative to what is allowed."""
        return max(self.arrays, key=lambda check: check.units)

    def __str__(self) -> str:
        lines = [f"{'ok' if check.passed else 'DIFFERS':7} {check}" for check in self.arrays]
        return "\n".join([f"gradients of {self.subject}:", *lines])


def gradcheck(
    subject: Subject,
    x: Array,
    target: Array | None = None,
    *,
    eps: float = 1e-6,
    tolerance: float = 1e-6,
    seed: int = 0,
    raise_on_failure: bool = True,
    lengths: Array | None = None,
) -> GradCheckReport:
    """Compare the gradients of an operation, a layer, a loss or a network with finite differences.

    The input's gradient and every parameter's are checked, in float64, on a copy: the subject
    itself stays as it is. Integers, such as tokens, have no gradient, only the parameters. A
    recurrent layer begins with the state it has, if it has one. What has no scalar output is
    multiplied with a random output gradient. Dropout keeps one mask throughout. At a kink (ReLU at
    0, equal pixels under a max-pooling) no gradient exists, so the input should have none.

    Args:
        subject: a layer or network that has no parameters yet is given some.
        x: the input, or a loss's prediction.
        target: for a loss; with a network, what its loss is computed from. A network without a
            target is checked without its loss.
        eps: the step of the finite differences, in units of x and the parameters.
        tolerance: the allowed difference, as a share of each gradient's largest element.
        seed: draws the output gradient, and parameters if need be.
        raise_on_failure: raise, rather than return, a report with differences.
        lengths: for recurrent layers, how many steps of each row count, (N,).

    Returns:
        The report: for each array the element that differs most, and by how much.

    Raises:
        GradientError: a gradient differs; the message names the array, the element, both values
            and their difference.
        ValueError: the subject is of another kind, a loss comes without a target, or an operation
            or a layer with one; x is empty or eps not positive, so that nothing would be checked;
            there are lengths, but nothing that takes them.

    Book: chapter 1 (derivatives); errata E1 to E9 are what it finds.
    """
    _require(subject, target)
    eps, tolerance = positive("eps", eps), real("tolerance", tolerance, least=0)
    x = plain_array("x", x) if _takes_integers(subject) else real_array("x", x).astype(np.float64)
    if x.size == 0:
        raise ValueError(f"x has shape {x.shape}: there is nothing to check")
    # One generator for the parameters and dropout, whose state is copied; another one for the rest.
    parameter_rng, weight_rng = np.random.default_rng(seed).spawn(2)
    subject = _in_float64(subject, x, parameter_rng)
    if lengths is not None:
        if not any(isinstance(operation, TakesLengths) for operation in _operations(subject)):
            raise ValueError(f"{type(subject).__name__} takes no lengths: it is not recurrent")
        lengths = checked_lengths(lengths, x)
    function = _Function(subject, target, lengths, weight_rng)
    analytic, magnitude = function.analytic(x)
    checks = tuple(
        ArrayCheck.compare(name, analytic[name], numeric, magnitude, eps=eps, tolerance=tolerance)
        for name, numeric in function.numeric(x, eps).items()
    )
    report = GradCheckReport(type(subject).__name__, checks)
    if raise_on_failure and not report.passed:
        raise GradientError(f"{report.subject}: the gradient differs at {report.worst}")
    return report


def _require(subject: Subject, target: Array | None) -> None:
    name = type(subject).__name__
    if not isinstance(subject, Operation | Layer | Loss | NeuralNetwork):
        raise ValueError(
            f"subject is a {name}, expected an operation, a layer, a loss or a network"
        )
    if isinstance(subject, Loss) and target is None:
        raise ValueError(f"{name} needs a target to be checked, but got none")
    if isinstance(subject, Operation | Layer) and target is not None:
        raise ValueError(f"a target is for a loss or a network, not for {name}")


class _Function:
    """A number that depends on an input and on parameters: the loss, or sum(weights * output).

    Every evaluation starts from a copy, so that random layers draw the same numbers each time.
    """

    def __init__(
        self,
        subject: Subject,
        target: Array | None,
        lengths: Array | None,
        rng: np.random.Generator,
    ) -> None:
        self.subject = subject
        self.target = None if target is None else np.asarray(target)
        self.lengths = lengths
        self.rng = rng
        self.weights = np.empty(0)  # the output's gradient, drawn once its shape is known
        self.loss: Loss | None = None
        if isinstance(subject, Loss):
            self.loss = subject
        elif isinstance(subject, NeuralNetwork) and target is not None:
            self.loss = subject.loss

    def value(self, x: Array, parameters: Mapping[str, Array]) -> float:
        """Evaluate the function, with some parameters replaced."""
        subject = copy.deepcopy(self.subject)
        live = _parameters(subject)
        for name, replacement in parameters.items():
            live[name][...] = replacement
        return self._evaluate(self._forward(subject, x))

    def numeric(self, x: Array, eps: float) -> dict[str, Array]:
        """Give the gradients by finite differences."""
        gradients = {}
        if not _takes_integers(self.subject):
            gradients["input"] = numerical_gradient(lambda other: self.value(other, {}), x, eps)
        for name, parameter in _parameters(self.subject).items():

            def value(changed: Array, name: str = name) -> float:
                return self.value(x, {name: changed})

            gradients[name] = numerical_gradient(value, parameter, eps)
        return gradients

    def analytic(self, x: Array) -> tuple[dict[str, Array], float]:
        """Give the gradients as backward computes them, and the sum of the absolute terms."""
        subject = copy.deepcopy(self.subject)
        output = self._forward(subject, x)
        value = self._evaluate(output)
        if self.loss is not None:
            output_grad = spread(self.loss.backward(), output.shape, self.lengths)
            magnitude = 1 + abs(value)
        else:
            output_grad, magnitude = self.weights, float(np.abs(self.weights * output).sum())
        return _backward(subject, output_grad) | _gradients(subject), magnitude

    def _evaluate(self, output: Array) -> float:
        if self.loss is not None and self.target is not None:
            return self.loss.forward(*counted(output, self.target, self.lengths))
        if self.weights.shape != output.shape:
            self.weights = self.rng.standard_normal(output.shape)
        return float((self.weights * output).sum())

    def _forward(self, subject: Subject, x: Array) -> Array:
        if isinstance(subject, Loss):
            return x
        if isinstance(subject, NeuralNetwork):
            return subject.forward(x, lengths=self.lengths)
        for operation in _operations(subject):
            if isinstance(operation, TakesLengths):
                operation.lengths = self.lengths
        return subject.forward(x)


def _backward(subject: Subject, output_grad: Array) -> dict[str, Array]:
    """Run backward, and give the gradient of the input, if it has one."""
    if isinstance(subject, Loss):
        return {"input": output_grad}
    if _takes_integers(subject):
        if isinstance(subject, NeuralNetwork):
            subject.backward(output_grad)
        elif isinstance(subject, Layer | ParamOperation):
            subject.backward_params(output_grad)
        return {}
    if isinstance(subject, NeuralNetwork):
        return {"input": np.asarray(subject.backward(output_grad, needs_input_grad=True))}
    return {"input": subject.backward(output_grad)}


def _takes_integers(subject: Subject) -> bool:
    if isinstance(subject, NeuralNetwork):
        return subject.layers[0].takes_integers
    return isinstance(subject, Operation | Layer) and subject.takes_integers


def _operations(subject: Subject) -> list[Operation]:
    if isinstance(subject, Operation):
        return [subject]
    if isinstance(subject, Layer):
        return list(subject.operations)
    if isinstance(subject, NeuralNetwork):
        return [operation for layer in subject.layers for operation in layer.operations]
    return []


def _parameters(subject: Subject) -> dict[str, Array]:
    if isinstance(subject, Layer | NeuralNetwork):
        return subject.parameters()
    return subject.params if isinstance(subject, ParamOperation) else {}


def _gradients(subject: Subject) -> dict[str, Array]:
    if isinstance(subject, Layer | NeuralNetwork):
        return subject.gradients()
    return subject.param_grads if isinstance(subject, ParamOperation) else {}


def _in_float64(subject: Subject, x: Array, rng: np.random.Generator) -> Subject:
    """Copy a subject, set it up if need be, and widen its parameters."""
    subject = copy.deepcopy(subject)
    if isinstance(subject, NeuralNetwork):
        subject.dtype = np.dtype(np.float64)
        subject.setup(x.shape[1:])
    elif isinstance(subject, Layer) and subject.input_shape is None:
        subject.setup(x.shape[1:], rng=rng, dtype=np.float64)
    for operation in _operations(subject):
        if isinstance(operation, ParamOperation):
            for name, parameter in operation.params.items():
                operation.params[name] = parameter.astype(np.float64)
        if isinstance(operation, RecurrentOp) and operation.state is not None:
            operation.state = tuple(part.astype(np.float64) for part in operation.state)
    return subject
