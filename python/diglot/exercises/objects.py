"""The questions to answers without a case table: an operation, and the walk through a graph."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from diglot._typing import Array, DType
from diglot.autograd.graph import send_back
from diglot.autograd.number import NumberWithGrad
from diglot.exercises.checks import verdict
from diglot.exercises.messages import describe, explain, explain_exception
from diglot.exercises.report import Report, Row
from diglot.gradcheck import gradcheck, numerical_gradient
from diglot.kernels.tolerance import Outputs, Truth
from diglot.operations import ParamOperation, WeightMultiply

__all__ = ["about_operation", "about_walk"]

# ---- an operation --------------------------------------------------------------------------------

_SHAPES = {
    "a square": ((3, 3), 3),
    "rows": ((5, 4), 3),
    "one row": ((1, 4), 2),
    "rows and steps": ((2, 3, 4), 5),
    "images": ((2, 3, 2, 4), 3),
    "no rows": ((0, 4), 3),
}


def about_operation(
    answer: Callable[..., ParamOperation], path: str, report: Report
) -> Iterator[Row]:
    """Compare an operation with the library's, and its gradients with finite differences.

    Raises:
        NotImplementedError: the answer says that it is still to be written.
    """
    for dtype in (np.dtype(np.float64), np.dtype(np.float32)):
        complaints = []
        for name in _SHAPES:
            report.at(f"parity, {name}, {dtype}")
            complaints.append(_operation_complaint(answer, path, name, dtype))
        yield verdict(f"parity, {dtype}", complaints, "cases")
    complaints = []
    for name, (shape, columns) in _SHAPES.items():
        if 0 in shape:
            continue
        report.at(f"gradcheck, {name}")
        rng = np.random.default_rng(7)
        x, weight = rng.standard_normal(shape), rng.standard_normal((shape[-1], columns))
        try:
            found = gradcheck(answer(weight), x, raise_on_failure=False)
            wrong = "" if found.passed else f"The gradient differs at {found.worst}."
        except Exception as error:
            wrong = explain_exception(error, path)
        text = describe(name, {"input_": x, "weight": weight})
        complaints.append(f"{text}\n{wrong}" if wrong else "")
    yield verdict("gradient", complaints, "cases, by finite differences (gradcheck)")


def _operation_complaint(
    answer: Callable[..., ParamOperation], path: str, name: str, dtype: DType
) -> str:
    shape, columns = _SHAPES[name]
    rng = np.random.default_rng(5)
    x, weight = rng.standard_normal(shape), rng.standard_normal((shape[-1], columns))
    dy = rng.standard_normal((*shape[:-1], columns))
    arrays = [array.astype(dtype) for array in (x, weight, dy)]
    wide = [array.astype(np.float64) for array in arrays]
    values = _three(WeightMultiply, *wide)
    terms = 8 * max(columns, x.size) * float(np.finfo(dtype).eps)
    scales = _three(WeightMultiply, *map(abs, wide))
    expected = Truth(dtype, values, {key: terms * scale for key, scale in scales.items()})
    arguments = dict(zip(("input_", "weight", "output_grad"), arrays, strict=True))
    before = {key: array.copy() for key, array in arguments.items()}
    try:
        wrong = explain(_three(answer, *arrays), expected, list(values), arguments)
    except NotImplementedError:
        raise
    except Exception as error:
        wrong = explain_exception(error, path)
    changed = [key for key, array in arguments.items() if not np.array_equal(array, before[key])]
    if not wrong and changed:
        wrong = f"{changed[0]} was changed."
    return f"{describe(name, arguments)}\n{wrong}" if wrong else ""


def _three(make: Callable[..., ParamOperation], x: Array, weight: Array, dy: Array) -> Outputs:
    """Run an operation forward and back; give its output and both gradients."""
    operation = make(weight)
    output = operation.forward(x)
    if output is None:
        raise ValueError("_output returned None: does it end with `return`?")
    input_grad = operation.backward(dy)
    return {
        "output": output,
        "input_grad": input_grad,
        "gradient of the weight": operation.param_grad,
    }


# ---- the walk ------------------------------------------------------------------------------------

_Walk = Callable[[NumberWithGrad, Any], None]
_Numbers = Mapping[str, NumberWithGrad]


def _product(n: _Numbers) -> NumberWithGrad:
    return n["a"] * n["b"] + n["c"]


def _square(n: _Numbers) -> NumberWithGrad:
    return n["a"] * n["a"]


def _diamond(n: _Numbers) -> NumberWithGrad:
    total = n["a"] + n["b"]
    return total * 3 + total * n["c"]


def _reused(n: _Numbers) -> NumberWithGrad:
    middle = n["a"] * n["b"]
    return (middle + n["a"]) * middle + middle.tanh() / n["c"]


def _deep(n: _Numbers) -> NumberWithGrad:
    number = n["a"]
    for _ in range(5000):
        number = number * 0.999 + n["b"]
    return number


_GRAPHS = {
    "a * b + c": (_product, ""),
    "a * a": (_square, "a was used twice: both parts are to be added."),
    "s = a + b; s * 3 + s * c": (
        _diamond,
        "s has two users: it may hand on its gradient only when both have had their turn, and the "
        "sum once (erratum E10).",
    ),
    "m = a * b; (m + a) * m + tanh(m) / c": (
        _reused,
        "Numbers have users at several distances from the output: an order in which each node "
        "follows its sources is needed.",
    ),
    "5000 steps": (_deep, "Recursion is not deep enough for this one: use a loop."),
}


def about_walk(walk: _Walk, path: str, report: Report) -> Iterator[Row]:
    """Compare the gradients that a walk leaves with the library's, and with finite differences.

    Raises:
        NotImplementedError: the answer says that it is still to be written.
    """
    complaints = []
    for name in _GRAPHS:
        for again in (False, True):
            report.at(f"parity, {name}")
            complaints.append(_walk_complaint(walk, path, name, again))
    yield verdict("parity", complaints, "graphs")
    report.at("gradient")
    start = np.array([0.3, -1.2, 2.5])

    def value(x: Array) -> float:
        return _reused(_numbers(*x)).num

    numbers = _numbers(*start)
    try:
        walk(_reused(numbers), 1.0)
    except Exception as error:
        yield Row("gradient", False, "it failed", explain_exception(error, path))
        return
    numeric = numerical_gradient(value, start)
    mine = np.array([number.grad for number in numbers.values()])
    near = bool(np.allclose(mine, numeric, rtol=1e-6))
    text = f"The gradients of a, b, c are {mine}, finite differences give {numeric}."
    yield Row("gradient", near, "by finite differences", "" if near else text)


def _walk_complaint(walk: _Walk, path: str, name: str, again: bool) -> str:
    """Walk through one graph, once or twice."""
    make, why = _GRAPHS[name]
    mine, own = _numbers(0.5, -1.5, 2.0), _numbers(0.5, -1.5, 2.0)
    output, expected = make(mine), make(own)
    grads = (1.0, -2.5) if again else (1.0,)
    try:
        for grad in grads:
            walk(output, grad)
            send_back(expected, grad)
    except NotImplementedError:
        raise
    except Exception as error:
        return f"Graph {name}:\n{explain_exception(error, path)}\n{why}".rstrip()
    pairs = [(key, mine[key].grad, own[key].grad) for key in own]
    pairs.append(("the output", output.grad, expected.grad))
    for key, found, right in pairs:
        if not np.isclose(found, right, rtol=1e-9, atol=0):
            text = f"{key}.grad is {found:.7g}, expected {right:.7g}."
            twice = "after a second walk, whose gradients add to those of the first, " * again
            what = "what earlier walks left in grad is not to be handed on again." * again
            return f"Graph {name}: {twice}{text}\n{what or why}".rstrip()
    return ""


def _numbers(*values: float) -> dict[str, NumberWithGrad]:
    return {n: NumberWithGrad(v, name=n) for n, v in zip("abc", map(float, values), strict=True)}
