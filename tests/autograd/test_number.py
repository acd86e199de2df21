"""Derivatives of numbers: known ones, finite differences, PyTorch, and what is refused."""

import math
import operator

import numpy as np
import pytest

from diglot.autograd import NumberWithGrad
from diglot.gradcheck import ArrayCheck, numerical_gradient


def derivatives(function, *values):
    """Give a function's value and its derivative in each argument, by a walk through its graph."""
    numbers = [NumberWithGrad(value) for value in values]
    output = function(*numbers)
    output.backward()
    return output.num, [number.grad for number in numbers]


# Each is a function of two numbers, and differentiable at (0.7, 1.3).
FUNCTIONS = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "a ** b": lambda a, b: a**b,
    "-a + +b": lambda a, b: -a + +b,
    "a + 2": lambda a, b: a + 2,
    "2 + a": lambda a, b: 2 + a,
    "a - 2": lambda a, b: a - 2,
    "2 - a": lambda a, b: 2 - a,
    "a * 3": lambda a, b: a * 3,
    "3 * a": lambda a, b: 3 * a,
    "a / 3": lambda a, b: a / 3,
    "3 / a": lambda a, b: 3 / a,
    "a ** 3": lambda a, b: a**3,
    "a ** -0.5": lambda a, b: a**-0.5,
    "(-a) ** 3": lambda a, b: (-a) ** 3,
    "a ** 0": lambda a, b: a**0 * b,
    "3 ** a": lambda a, b: 3**a,
    "a ** a": lambda a, b: a**a,
    "a - a": lambda a, b: a - a,
    "a / a": lambda a, b: a / a,
    "exp": lambda a, b: (a * b).exp(),
    "log": lambda a, b: (a * b).log(),
    "tanh": lambda a, b: (a * b).tanh(),
    "relu above 0": lambda a, b: (a * b).relu() * a,
    "relu below 0": lambda a, b: (-a * b).relu() * a,
    "shared": lambda a, b: ((c := a * b) + c) * c.exp() / (c + b),
    "the sigmoid": lambda a, b: 1 / (1 + (-a * b).exp()),
    "numpy on the left": lambda a, b: np.float64(2) * a + np.float32(0.5) / b - np.int64(3) ** a,
}


def on_floats(function, a, b):
    """Evaluate with fresh numbers, of which no gradient is asked."""
    return function(NumberWithGrad(a), NumberWithGrad(b)).num


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_derivatives_agree_with_finite_differences(name):
    function, x = FUNCTIONS[name], np.array([0.7, 1.3])
    value, gradient = derivatives(function, *x)
    numeric = numerical_gradient(lambda changed: on_floats(function, *changed), x)
    check = ArrayCheck.compare(name, np.array(gradient), numeric, abs(value) + 1)
    assert check.passed, check


@pytest.mark.parametrize(
    ("symbol", "compute"),
    [
        ("+", operator.add),
        ("-", operator.sub),
        ("*", operator.mul),
        ("/", operator.truediv),
        ("**", operator.pow),
    ],
)
def test_the_values_are_those_of_floats(symbol, compute):
    a, b = NumberWithGrad(0.7), NumberWithGrad(1.3)
    for result in (compute(a, b), compute(0.7, b), compute(a, 1.3)):
        assert result.num == compute(0.7, 1.3)
        assert result.creation_op.startswith(symbol)


def test_a_number_used_twice_is_counted_twice_and_not_three_times():
    a = NumberWithGrad(3)
    b = a * 4
    c = b + b
    c.backward()
    assert (c.grad, b.grad, a.grad) == (1.0, 2.0, 8.0)


def test_the_books_example():
    a = NumberWithGrad(3)
    b = a * 4
    c = b + 3
    d = c * (a + 2)
    d.backward()
    assert d.num == 75
    assert a.grad == 35  # d = (4a + 3)(a + 2), so 8a + 11


def test_a_second_backward_adds_the_same_once_more():
    a = NumberWithGrad(3)
    b = a * 4
    c = b * b
    c.backward()
    first = (c.grad, b.grad, a.grad)
    assert first == (1, 24, 96)
    c.backward()  # what b has from the first walk is not handed on again
    assert (c.grad, b.grad, a.grad) == (2, 48, 192)
    c.zero_grad()
    assert (c.grad, b.grad, a.grad) == (0, 0, 0)
    c.backward()
    assert (c.grad, b.grad, a.grad) == first


def test_the_gradients_of_two_outputs_add_up():
    a = NumberWithGrad(2)
    (a * 5).backward()
    (a**2).backward()
    assert a.grad == 5 + 4


def test_the_output_gradient_is_multiplied_in():
    a = NumberWithGrad(2)
    (a * 5).backward(-0.5)
    assert a.grad == -2.5


def test_what_the_output_does_not_depend_on_is_left_alone():
    a, b = NumberWithGrad(2), NumberWithGrad(3)
    unused = a * b
    (a + 1).backward()
    assert (b.grad, unused.grad) == (0, 0)


def test_a_chain_may_be_longer_than_pythons_stack_is_deep():
    a = NumberWithGrad(1)
    total = a
    for _ in range(100_000):
        total = total + a
    total.backward()
    assert (total.num, a.grad) == (100_001, 100_001)
    total.zero_grad()
    assert a.grad == 0


def test_steps_downhill_find_a_minimum():
    w = NumberWithGrad(4)
    for _ in range(100):
        loss = (w - 1.5) ** 2
        loss.zero_grad()
        loss.backward()
        w.num -= 0.1 * w.grad
    assert w.num == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda a: a.relu(), 0),
        (lambda a: a**0, 0),
        (lambda a: a**1, 1),
        (lambda a: a**2, 0),
        (lambda a: a**0.5, math.inf),
        (lambda a: a**1.5, 0),
    ],
)
def test_slopes_at_zero(function, slope):
    assert derivatives(function, 0.0)[1] == [slope]


def test_large_and_small_numbers():
    assert derivatives(NumberWithGrad.tanh, 1000.0) == (1, [0])
    value, gradient = derivatives(lambda a, b: a / b, 1e-150, 1e-200)  # b² is zero
    assert value == pytest.approx(1e50)
    assert gradient == pytest.approx([1e200, -1e250])
    assert math.isnan(NumberWithGrad(math.nan).relu().num)
    with pytest.raises(OverflowError):
        NumberWithGrad(1000).exp()


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda a: a / 0, ZeroDivisionError, "division by zero"),
        (lambda a: 1 / (a - a), ZeroDivisionError, "division by zero"),
        (lambda a: (a - a) ** -1, ZeroDivisionError, "negative power"),
        (lambda a: (a - 5).log(), ValueError, r"log of -2: expected a positive number"),
        (lambda a: (a - a).log(), ValueError, r"log of 0"),
        (lambda a: (-a) ** 0.5, ValueError, r"-3 \*\* 0.5 is not a real number"),
        (lambda a: (-a) ** a, ValueError, r"-3 \*\* 3: the base must be positive"),
        (lambda a: 0**a, ValueError, r"0 \*\* 3: the base must be positive"),
        (lambda a: a + "1", TypeError, "unsupported operand"),
        (lambda a: [1] * a, TypeError, "can't multiply"),
        (lambda a: None - a, TypeError, "unsupported operand"),
        (lambda a: a ** (1j), TypeError, "unsupported operand"),
        (lambda a: np.ones(2) * a, TypeError, "unsupported operand"),
        (lambda a: a / np.ones(2), TypeError, "operand"),
        (lambda a: a < "3", TypeError, "not supported"),
        (lambda a: math.sin(a), TypeError, "real number"),
        (lambda a: {a: 1}, TypeError, "unhashable"),
        (lambda a: NumberWithGrad("3"), TypeError, "num is a str, expected a real number"),
        (lambda a: NumberWithGrad(a), TypeError, "num is a NumberWithGrad"),
    ],
)
def test_what_cannot_be_computed_is_refused(function, error, words):
    with pytest.raises(error, match=words):
        function(NumberWithGrad(3))


def test_comparisons_are_by_value():
    a, b = NumberWithGrad(2), NumberWithGrad(3)
    assert a < b
    assert a <= 2
    assert b > 2
    assert b >= a
    assert a == 2.0
    assert a == NumberWithGrad(2)
    assert a != b
    assert a != "2"
    assert max(a, b) is b
    assert NumberWithGrad(1)
    assert not NumberWithGrad(0)


def test_the_repr_tells_the_value_the_name_and_the_gradient():
    a = NumberWithGrad(2, name="a")
    assert repr(a) == "NumberWithGrad(2.0, name='a', grad=0.0)"
    assert repr(a * 3) == "NumberWithGrad(6.0, grad=0.0)"


# ---- random graphs, and PyTorch as the judge -----------------------------------------------------

UNARY = ("tanh", "exp of tanh", "log of square", "relu", "neg", "cube", "reciprocal")
BINARY = (operator.add, operator.sub, operator.mul, "divide", "power")


def unary(name, x):
    if name == "exp of tanh":
        return x.tanh().exp()
    if name == "log of square":
        return (x**2 + 1).log()
    if name == "neg":
        return 1 - x
    if name == "cube":
        return (0.5 * x) ** 3
    if name == "reciprocal":
        return 2 / (x * x + 1)
    return getattr(x, name)()


def binary(name, a, b):
    if name == "divide":
        return a / (b * b + 0.5)
    if name == "power":
        return (a.tanh() + 1.5) ** b.tanh()
    return name(a, b)


def random_graph(seed, given):
    """Build on some numbers, of any kind that computes; any of them may be used several times."""
    rng = np.random.default_rng(seed)
    numbers = list(given)
    for _ in range(25):
        i, j = rng.integers(len(numbers), size=2)
        if rng.random() < 0.5:
            result = unary(UNARY[rng.integers(len(UNARY))], numbers[i])
        else:
            result = binary(BINARY[rng.integers(len(BINARY))], numbers[i], numbers[j])
        numbers.append(result.tanh() if rng.random() < 0.3 else result)
    total = numbers[-1]
    for number in numbers[-6:-1]:
        total = total + number.tanh()
    return total


@pytest.mark.parametrize("seed", range(30))
def test_random_graphs_have_pytorchs_derivatives(seed):
    torch = pytest.importorskip("torch")
    values = np.random.default_rng([seed, 1]).normal(size=4)
    ours = [NumberWithGrad(value) for value in values]
    theirs = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]
    output, expected = random_graph(seed, ours), random_graph(seed, theirs)
    assert output.num == pytest.approx(expected.item(), rel=1e-12)
    for _ in range(2):  # the second walk adds to the first, there and here
        output.backward()
        expected.backward(retain_graph=True)
    gradients = [0.0 if number.grad is None else number.grad.item() for number in theirs]
    assert [number.grad for number in ours] == pytest.approx(gradients, rel=1e-9, abs=1e-9)
