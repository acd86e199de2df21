"""A number that remembers how it was made."""

from __future__ import annotations

from numbers import Real
from typing import TypeAlias, cast, final

from diglot.autograd import rules
from diglot.autograd.drawing import draw
from diglot.autograd.graph import Node, send_back, topological_order
from diglot.svg import Drawing

Operand: TypeAlias = "NumberWithGrad | float"


@final
class NumberWithGrad(Node):
    """A number that remembers how it was made, so that it can tell its derivatives.

        d output / d number = sum over ways from the number to the output
                              of the product of the slopes along the way

    It computes as a float does: + - * / ** with another one or a plain number on either side, the
    methods exp, log, tanh and relu, and comparisons by value (so it is no key of a dict). A plain
    number becomes a node of its own, save for an exponent. What is done by other means (math.sin,
    float) is not remembered, and refused. To go a step downhill, change `num` and compute again:

        w.num -= lr * w.grad

    Args:
        num: its value.
        name: what a drawing calls it; may be given later.

    Attributes:
        num: its value, a float.
        grad: the derivative, with respect to this number, of what `backward` was called on; 0.0
            at first. Each `backward` adds to it, as in PyTorch; `zero_grad` begins again.
        depends_on: the numbers that it was made from.
        creation_op: how it was made of them, as "+" or "tanh"; "" for a number that was given.

    Raises:
        TypeError: num is no real number.

    Book: chapter 6.
    """

    __slots__ = ("_slopes", "creation_op", "name", "num")
    __array_ufunc__ = None  # NumPy's numbers leave `np.float64(2) * number` to us

    depends_on: tuple[NumberWithGrad, ...]
    grad: float
    num: float
    name: str
    creation_op: str
    _slopes: tuple[float, ...]

    def __init__(self, num: float, *, name: str = "") -> None:
        if not isinstance(num, Real):
            raise TypeError(f"num is a {type(num).__name__}, expected a real number")
        self.num = float(num)
        self.name = name
        self.grad = 0.0
        self.depends_on = ()
        self.creation_op = ""
        self._slopes = ()

    # ---- backward --------------------------------------------------------------------------------

    def backward(self, grad: float = 1.0) -> None:
        """Add the derivative of this number to the `grad` of all that it depends on, and its own.

        A second call adds once more, as in PyTorch: what two losses add up to has the sum of
        their gradients. Call `zero_grad` in between to begin again.

        Args:
            grad: the derivative of something else with respect to this number, which is multiplied
                into all others; 1 if this number is what is to be differentiated.
        """
        send_back(self, float(grad))

    def zero_grad(self) -> None:
        """Set `grad` to 0.0 here and in all that this number depends on."""
        for node in topological_order(self):
            node.grad = 0.0

    def source_grads(self, output_grad: float) -> tuple[float, ...]:
        """Multiply the gradient by the slope in each source: the chain rule."""
        return tuple(output_grad * slope for slope in self._slopes)

    def draw(self) -> Drawing:
        """Draw how this number was made; a notebook shows the drawing, `save` writes it."""
        order = [cast(NumberWithGrad, node) for node in topological_order(self)]
        place = {id(node): i for i, node in enumerate(order)}
        sources = [[place[id(source)] for source in node.depends_on] for node in order]
        return draw([_texts(node) for node in order], sources)

    # ---- forward ---------------------------------------------------------------------------------

    def __add__(self, other: Operand) -> NumberWithGrad:
        return _binary("+", rules.add, self, other)

    def __radd__(self, other: float) -> NumberWithGrad:
        return _binary("+", rules.add, other, self)

    def __sub__(self, other: Operand) -> NumberWithGrad:
        return _binary("-", rules.subtract, self, other)

    def __rsub__(self, other: float) -> NumberWithGrad:
        return _binary("-", rules.subtract, other, self)

    def __mul__(self, other: Operand) -> NumberWithGrad:
        return _binary("*", rules.multiply, self, other)

    def __rmul__(self, other: float) -> NumberWithGrad:
        return _binary("*", rules.multiply, other, self)

    def __truediv__(self, other: Operand) -> NumberWithGrad:
        return _binary("/", rules.divide, self, other)

    def __rtruediv__(self, other: float) -> NumberWithGrad:
        return _binary("/", rules.divide, other, self)

    def __pow__(self, other: Operand) -> NumberWithGrad:
        if isinstance(other, Real):
            exponent = float(other)
            return _made(f"** {exponent:g}", rules.power(self.num, exponent), self)
        return _binary("**", rules.power_of_two_numbers, self, other)

    def __rpow__(self, other: float) -> NumberWithGrad:
        return _binary("**", rules.power_of_two_numbers, other, self)

    def __neg__(self) -> NumberWithGrad:
        return _made("neg", rules.negative(self.num), self)

    def __pos__(self) -> NumberWithGrad:
        return self

    def exp(self) -> NumberWithGrad:
        """Give e ** number; an OverflowError if that is too large for a float."""
        return _made("exp", rules.exp(self.num), self)

    def log(self) -> NumberWithGrad:
        """Give the natural logarithm; a ValueError unless the number is positive."""
        return _made("log", rules.log(self.num), self)

    def tanh(self) -> NumberWithGrad:
        """Give the hyperbolic tangent."""
        return _made("tanh", rules.tanh(self.num), self)

    def relu(self) -> NumberWithGrad:
        """Give the number if it is positive, else 0; the slope at 0 is 0."""
        return _made("relu", rules.relu(self.num), self)

    # ---- comparisons: by value -------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        value = _value(other)
        return NotImplemented if value is None else self.num == value

    def __lt__(self, other: Operand) -> bool:
        value = _value(other)
        return NotImplemented if value is None else self.num < value

    def __le__(self, other: Operand) -> bool:
        value = _value(other)
        return NotImplemented if value is None else self.num <= value

    def __gt__(self, other: Operand) -> bool:
        value = _value(other)
        return NotImplemented if value is None else self.num > value

    def __ge__(self, other: Operand) -> bool:
        value = _value(other)
        return NotImplemented if value is None else self.num >= value

    __hash__ = None  # type: ignore[assignment]  # equal today, and perhaps not after num changes

    def __bool__(self) -> bool:
        return self.num != 0

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"NumberWithGrad({self.num!r}{name}, grad={self.grad!r})"


def _value(operand: object) -> float | None:
    """Give a number's value, or None if it is no number."""
    if isinstance(operand, NumberWithGrad):
        return operand.num
    return float(operand) if isinstance(operand, Real) else None


def _texts(node: NumberWithGrad) -> list[str]:
    """Give the three lines of a number's box in a drawing."""
    made_by = f"({node.creation_op})" if node.creation_op else ""
    title = " ".join(part for part in (node.name, made_by) if part) or "number"
    return [title, f"num {node.num:.6g}", f"grad {node.grad:.6g}"]


def _binary(creation_op: str, rule: rules.Binary, a: Operand, b: Operand) -> NumberWithGrad:
    """Apply a rule to two numbers; Python turns NotImplemented into a TypeError."""
    if not isinstance(a, NumberWithGrad | Real) or not isinstance(b, NumberWithGrad | Real):
        return NotImplemented  # type: ignore[no-any-return]
    first = a if isinstance(a, NumberWithGrad) else NumberWithGrad(a)
    second = b if isinstance(b, NumberWithGrad) else NumberWithGrad(b)
    return _made(creation_op, rule(first.num, second.num), first, second)


def _made(creation_op: str, result: rules.Result, *depends_on: NumberWithGrad) -> NumberWithGrad:
    """Make the node of a result, which remembers where it comes from."""
    value, slopes = result
    node = NumberWithGrad(value)
    node.depends_on = depends_on
    node.creation_op = creation_op
    node._slopes = slopes
    return node
