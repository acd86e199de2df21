"""The sizes that recurrent networks and embeddings are judged on.

One list serves every network, forward and backward: single rows, steps and units, odd sizes, sizes
at which the native kernels share their work in another way, and none at all. The weights between
the states are so small that rounding fades from step to step, as it does in a network that learns.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from diglot._typing import Array, Shape
from diglot.kernels import reference
from diglot.kernels.draw import Arguments, Case, Draw, Fill

_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


@dataclass(frozen=True)
class Recurrent:
    """A recurrent network's sizes, and the cases of the two kernels that belong to it."""

    kind: str  # rnn, gru, lstm
    sizes: tuple[int, int, int, int]  # N, T, D, H
    settings: Arguments
    fill: Fill = Draw.normal  # of x, and of dy
    smooth: bool = False

    def _inputs(self, draw: Draw, fill: Fill) -> Arguments:
        (N, T, D, H), G = self.sizes, _GATES[self.kind]
        states = ("h0", "c0") if self.kind == "lstm" else ("h0",)
        biases = ("b_x", "b_h") if self.kind == "gru" else ("b",)
        return {
            "x": fill(draw, N, T, D),
            **{state: draw.normal(N, H) for state in states},
            "w_x": draw.normal(D, G * H) / draw.dtype.type(max(D, 1) ** 0.5),
            "w_h": draw.normal(H, G * H) / draw.dtype.type(max(H, 1)),
            **{bias: draw.normal(G * H) for bias in biases},
        }

    def _backward_arguments(self, draw: Draw) -> Arguments:
        N, T, _, H = self.sizes
        a = self._inputs(draw, Draw.normal)
        saved = getattr(reference, f"{self.kind}_forward")(**a, **self.settings)[-1]
        ends = ("dh_n", "dc_n") if self.kind == "lstm" else ("dh_n",)
        return {
            "dy": self.fill(draw, N, T, H),
            **{end: draw.normal(N, H) for end in ends},
            **{name: value for name, value in a.items() if not name.startswith("b")},
            "saved": saved,
        }

    def _case(self, terms: int, make: Callable[[Draw], Arguments]) -> Case:
        N, T, D, H = self.sizes
        text = "".join(f", {name}={value}" for name, value in self.settings.items())
        numbers = "" if self.fill == Draw.normal else f", {self.fill.__name__}"
        return Case(
            f"N{N} T{T} D{D} H{H}{text}{numbers}",
            lambda draw: make(draw) | self.settings,
            terms,
            smooth=self.smooth,
        )

    def forward(self) -> Case:
        """Give the case of the forward kernel."""
        _, _, D, H = self.sizes
        return self._case(D + H + 4, lambda draw: self._inputs(draw, self.fill))

    def backward(self) -> Case:
        """Give the case of the backward kernel."""
        (N, T, _, H), G = self.sizes, _GATES[self.kind]
        return self._case(G * H + N * T + 4, self._backward_arguments)


_SIZES = [
    (3, 4, 5, 6),
    (1, 1, 1, 1),
    (2, 1, 3, 2),
    (1, 5, 3, 40),
    (5, 6, 1, 1),
    (1, 3, 7, 300),
    (2, 3, 5, 130),
    (33, 9, 20, 100),
    (17, 20, 31, 48),
    (2, 70, 10, 17),
    (300, 3, 5, 9),
    (0, 3, 2, 4),
    (3, 0, 2, 4),
    (2, 3, 0, 4),
    (2, 3, 4, 0),
]


def networks(kind: str, *settings: Arguments) -> list[Recurrent]:
    """List a network's sizes: all with its first settings, some with each of the others.

    Args:
        kind: "rnn", "gru" or "lstm".
        settings: the arguments that are no arrays.
    """
    first, *others = settings
    cases = [Recurrent(kind, sizes, first, smooth=sizes == _SIZES[0]) for sizes in _SIZES]
    cases.append(Recurrent(kind, (4, 6, 5, 7), first, Draw.special))
    for other in others:
        cases += [
            Recurrent(kind, sizes, other, smooth=sizes == _SIZES[0])
            for sizes in (*_SIZES[:6], *_SIZES[7:9], *_SIZES[-4:])
        ]
    return cases


RECURRENT: dict[str, list[Recurrent]] = {
    "rnn": networks("rnn", {}, {"activation": "relu"}),
    "gru": networks("gru", {}, {"reset_after": False}),
    "lstm": networks("lstm", {}),
}

_TOKENS: list[tuple[Shape, int, int]] = [  # the tokens' shape, V, D
    ((2, 3), 5, 4),
    ((1,), 1, 1),
    ((4, 25), 62, 33),
    ((1600,), 62, 48),
    ((300,), 5000, 17),
    ((2, 3, 4), 3, 200),
    ((0,), 3, 2),
    ((2, 0), 3, 2),
    ((3,), 3, 0),
]


def embeddings(backward: bool) -> Iterable[Case]:
    """List the cases of one of the embedding's kernels."""
    dtypes = ("int64", "int32", "uint8", "int16", "uint64")

    def one(place: int, fill: Fill) -> Case:
        shape, V, D = _TOKENS[place]

        def make(draw: Draw) -> Arguments:
            tokens: Array = draw.rng.integers(0, min(V, 128), shape)
            tokens = tokens.astype(dtypes[place % len(dtypes)])
            if backward:
                dy = fill(draw, *shape, D)
                more: dict[str, Any] = {"tokens": tokens, "vocabulary_size": V}
                return {"dy": dy} | more
            return {"tokens": tokens, "w": fill(draw, V, D)}

        count = 1
        for extent in shape:
            count *= extent
        name = f"{shape} of {V}, D{D}, {fill.__name__}"
        return Case(name, make, max(count, 1) if backward else 1, smooth=place == 0)

    yield from (one(place, Draw.normal) for place in range(len(_TOKENS)))
    yield from (one(2, fill) for fill in (Draw.special, Draw.subnormal))
