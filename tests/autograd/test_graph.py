"""The walk through a graph, and that a framework's operations can be nodes of one."""

import numpy as np
import pytest

import diglot
from diglot.autograd import Node, NumberWithGrad, topological_order
from diglot.autograd.graph import send_back
from diglot.gradcheck import ArrayCheck, numerical_gradient
from diglot.operations import WeightMultiply


def test_each_number_stands_once_and_after_what_it_was_made_from():
    a, b = NumberWithGrad(1), NumberWithGrad(2)
    c = a * b
    d = c + a
    e = (d * c + d) ** c
    order = topological_order(e)
    places = {id(node): i for i, node in enumerate(order)}
    assert len(order) == len(places) == 7
    assert order[-1] is e
    for node in order:
        assert all(places[id(source)] < places[id(node)] for source in node.depends_on)


def test_the_order_of_a_number_that_was_given_is_itself():
    a = NumberWithGrad(1)
    assert [id(node) for node in topological_order(a)] == [id(a)]


def test_a_ladder_of_shared_numbers_takes_as_many_steps_as_it_has_nodes():
    number = a = NumberWithGrad(1)
    for _ in range(60):  # 2**60 ways lead from the output to a
        number = number + number
    number.backward()
    assert a.grad == 2.0**60


class Given(Node):
    """An array that was given."""

    def __init__(self, output):
        self.depends_on = ()
        self.output = output
        self.grad = np.zeros_like(output)

    def source_grads(self, output_grad):
        return ()


class Applied(Node):
    """An operation of the framework, as the docstring of diglot.autograd.graph has it."""

    def __init__(self, operation, source):
        self.operation = operation
        self.depends_on = (source,)
        self.output = operation.forward(source.output)
        self.grad = np.zeros_like(self.output)

    def source_grads(self, output_grad):
        return (self.operation.backward(output_grad),)


class Sum(Node):
    """The sum of two arrays."""

    def __init__(self, a, b):
        self.depends_on = (a, b)
        self.output = a.output + b.output
        self.grad = np.zeros_like(self.output)

    def source_grads(self, output_grad):
        return (output_grad, output_grad)


def test_an_operation_can_be_a_node(rng):
    first, second = rng.normal(size=(4, 4)), rng.normal(size=(4, 4))

    def network(x):
        hidden = Applied(diglot.Tanh(), Applied(WeightMultiply(first), x))
        both = Sum(hidden, Applied(WeightMultiply(second), hidden))  # a way round, as in a ResNet
        return Sum(both, x)

    x, output_grad = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    given = Given(x)
    output = network(given)
    send_back(output, output_grad)
    numeric = numerical_gradient(lambda v: float((network(Given(v)).output * output_grad).sum()), x)
    check = ArrayCheck.compare("x", given.grad, numeric, float(np.abs(output.output).sum()))
    assert check.passed, check


def test_a_node_that_gives_too_few_gradients_is_found(rng):
    class Forgetful(Node):
        def __init__(self, a, b):
            self.depends_on = (a, b)
            self.grad = 0.0

        def source_grads(self, output_grad):
            return (output_grad,)

    a = NumberWithGrad(1)
    with pytest.raises(ValueError, match="shorter"):
        send_back(Forgetful(a, a), 1.0)
