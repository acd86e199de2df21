"""Rows of the convolution: the book's, and those that common networks are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from diglot.bench.work import JAX, NUMPY, ONE_THREAD, TORCH, Arguments, Goal, Source, Work

_REFERENCE = Goal(5.0, NUMPY, "any")
_EQUAL = (Goal(1.0, TORCH),)
_BETTER = (Goal(1.1, TORCH),)


@final
@dataclass(frozen=True)
class Convolution:
    """N images of C x H x H and OC filters of k x k: a forward row, and one with both gradients."""

    N: int
    C: int
    H: int
    OC: int
    k: int
    padding: int = 0
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    forward: tuple[Goal, ...] = _EQUAL
    both: tuple[Goal, ...] = _EQUAL
    what: str = ""

    @property
    def OH(self) -> int:  # noqa: N802 - a size
        """Compute the height, and width, of the output."""
        span = self.dilation * (self.k - 1) + 1
        return (self.H + 2 * self.padding - span) // self.stride + 1

    @property
    def sizes(self) -> str:
        """Write down what tells this convolution from others."""
        text = f"N{self.N} C{self.C} {self.H}² OC{self.OC} k{self.k}"
        for letter, value, usual in (
            ("p", self.padding, 0),
            ("s", self.stride, 1),
            ("d", self.dilation, 1),
            ("g", self.groups, 1),
        ):
            text += f" {letter}{value}" if value != usual else ""
        return text

    def works(self) -> Iterator[Work]:
        """Give both rows."""
        settings = {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }
        N, C, H, OC, k, OH = self.N, self.C, self.H, self.OC, self.k, self.OH
        w_shape = (OC, C // self.groups, k, k)

        def forward(source: Source) -> Arguments:
            x, w, b = source.normal(N, C, H, H), source.normal(*w_shape), source.normal(OC)
            return {"x": x, "w": w, "b": b, **settings}

        def both(source: Source) -> Arguments:
            x, w, b = source.normal(N, C, H, H), source.normal(*w_shape), source.normal(OC)
            return {
                "x": x,
                "w": w,
                "b": b,
                "dy": source.normal(N, OC, OH, OH),
                "settings": settings,
            }

        flops = 2.0 * N * OC * OH * OH * w_shape[1] * k * k
        moved = 4.0 * (N * C * H * H + OC * w_shape[1] * k * k + N * OC * OH * OH)
        always = (_REFERENCE, Goal(1.8, ONE_THREAD))
        label = self.what or f"{k}x{k} C{C} {H}²"
        yield Work(
            name=f"conv2d {self.sizes}",
            group="conv2d",
            kind="conv2d_forward",
            draw=forward,
            flops=flops,
            bytes=moved,
            goals=(*self.forward, *always),
            label=label,
        )
        yield Work(
            name=f"conv2d {self.sizes}, fwd+bwd",
            group="conv2d",
            kind="conv2d",
            draw=both,
            flops=3 * flops,
            bytes=3 * moved,
            goals=(*self.both, *always),
            label="",
        )


CONVOLUTIONS = (
    Convolution(32, 1, 28, 32, 5, 2, forward=(Goal(1.3, TORCH),), both=_BETTER, what="book, N32"),
    Convolution(
        60,
        1,
        28,
        32,
        5,
        2,
        both=(Goal(3.0, TORCH), Goal(3.0, JAX)),
        what="book",
    ),
    Convolution(32, 32, 28, 64, 3, 1, both=_BETTER),
    Convolution(8, 256, 14, 256, 3, 1, both=_BETTER),
    Convolution(32, 64, 56, 64, 3, 1, both=_BETTER),
    Convolution(8, 3, 224, 64, 7, 3, 2, what="ResNet stem"),
    Convolution(8, 64, 56, 128, 3, 1, 2, what="3x3 s2"),
    Convolution(8, 64, 56, 256, 1, what="1x1 C64"),
    Convolution(8, 256, 56, 64, 1, what="1x1 C256"),
    Convolution(8, 256, 56, 512, 1, 0, 2, what="1x1 s2"),
    Convolution(8, 1024, 14, 256, 1, what="1x1 C1024"),
    Convolution(8, 96, 112, 96, 3, 1, 1, groups=96, what="depthwise 112²"),
    Convolution(8, 96, 112, 96, 3, 1, 2, groups=96, what="depthwise 112² s2"),
    Convolution(8, 384, 14, 384, 3, 1, groups=384, what="depthwise 14²"),
    Convolution(8, 128, 28, 128, 3, 1, groups=32, what="32 groups"),
    Convolution(4, 128, 28, 128, 3, 2, dilation=2, what="dilated"),
)

WORKS = tuple(work for convolution in CONVOLUTIONS for work in convolution.works())
