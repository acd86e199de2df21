"""What a network shows of itself: its drawing, a notebook's view, what goes on inside.

What draws and observes is imported when it is asked for: `import diglot` stays quick.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from diglot._typing import Array, Shape
from diglot.layers import Layer
from diglot.losses import Loss
from diglot.summary import Summary

if TYPE_CHECKING:
    from diglot.observation import Observation
    from diglot.svg import Drawing


class Displayed(ABC):
    """What there is to see of a network. Nothing here changes it."""

    layers: Sequence[Layer]
    loss: Loss
    input_shape: Shape | None

    @abstractmethod
    def summary(self, input_shape: Shape | None = None) -> Summary:
        """Make a table of the layers."""

    def draw(self, input_shape: Shape | None = None) -> Drawing:
        """Draw the layers from the input down to the loss, as SVG text.

        Each box is a layer with its settings, and its share of the parameters beside it; the
        arrows say in which shape a batch of N samples goes on. A loop at a layer is a state that
        goes from step to step.

        Args:
            input_shape: of one sample, without the batch axis; by default the one that the network
                was set up for.

        Returns:
            The drawing: a notebook shows it, `.save(path)` writes it, `.svg` is the text.

        Raises:
            ShapeError: a layer cannot take what comes.
            ValueError: there is no input_shape.
        """
        from diglot.diagram import draw

        return draw(self.layers, self.loss, self.summary(input_shape))

    def observe(
        self, x: Array, y: Array | None = None, *, lengths: Array | None = None
    ) -> Observation:
        """Send a batch through a copy of the network, and keep what came out at every step.

        Dropout is off and recurrent layers begin with a fresh state. The network itself keeps its
        parameters, gradients, generator and state.

        Args:
            x: inputs, (N, *input_shape).
            y: targets, as the loss takes them; with them there are gradients.
            lengths: see `forward`.

        Returns:
            What each operation of each layer has given, and the gradient that came back to it.

        Raises:
            ValueError: the batch does not fit; a ShapeError if it is its shape.
        """
        from diglot.observation import observe

        return observe(self, x, y, lengths)

    def _repr_html_(self) -> str:
        from diglot.diagram import html

        if self.input_shape is None:
            return html(repr(self), None, None)
        return html(repr(self), self.draw(), self.summary())
