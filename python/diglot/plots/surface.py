"""The loss as a landscape: what it is around a network's parameters, along two directions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diglot._typing import Array
from diglot.config import brief, integer, positive
from diglot.datasets import batches
from diglot.errors import DataError, ShapeError
from diglot.layers import Embedding
from diglot.network import NeuralNetwork
from diglot.observation import twin
from diglot.plots.figure import empty_figure, finished

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Parameters = Mapping[str, Array]


class Surface(NamedTuple):
    """The loss at the points of a grid.

    Attributes:
        a: how far along the first direction, (A,).
        b: how far along the second, (B,).
        loss: (B, A); not finite where the network overflows.
        places: what lies where, by name: (a, b).
    """

    a: Array
    b: Array
    loss: Array
    places: dict[str, tuple[float, float]]


def loss_surface(
    network: NeuralNetwork,
    x: Array,
    y: Array,
    *,
    toward: tuple[Parameters, Parameters] | None = None,
    seed: int = 0,
    reach: float = 1.0,
    points: int = 15,
    batch_size: int = 256,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the loss around a network's parameters, as contours over two directions.

    The directions are random ones, which are comparable between networks (see `measure_surface`),
    or lead to two other sets of parameters. The colours are logarithmic where the loss varies by
    more than a factor of 20.

    Healthy: one wide bowl with the network at its bottom. A narrow ravine wants a smaller learning
    rate; a plateau means that nothing is learned there. Two dimensions of many thousands are
    drawn: a dent that is not seen may still be there.

    Args:
        network: set up; it is not changed.
        x, y: data that the loss is computed on, as for training; a few hundred rows will do.
        toward, seed, reach, points, batch_size: see `measure_surface`.
        path: where to write the picture.

    Returns:
        The figure: the map, and the scale of its colours.

    Raises:
        DataError: the loss is finite nowhere; and as `measure_surface` raises.
        ValueError, ShapeError: as `measure_surface` raises them.
        ImportError: matplotlib is missing.

    Source: Li et al. 2018, arXiv:1712.09913.
    """
    figure = empty_figure(5.6, 4.6)  # first: without matplotlib there is nothing to measure for
    surface = measure_surface(
        network, x, y, toward=toward, seed=seed, reach=reach, points=points, batch_size=batch_size
    )
    panel = figure.subplots()
    values = np.ma.masked_invalid(surface.loss)
    if values.count() == 0:
        raise DataError("the loss is not finite anywhere: has the training diverged?")
    low, high = float(values.min()), float(values.max())
    log = low > 0 and high > 20 * low
    if high <= low:
        high = low + 1e-6 * (abs(low) or 1.0)
    levels = np.geomspace(low, high, 20) if log else np.linspace(low, high, 20)
    from matplotlib.colors import LogNorm, Normalize

    norm = LogNorm(low, high) if log else Normalize(low, high)
    drawn = panel.contourf(
        surface.a, surface.b, values, levels, norm=norm, cmap="viridis", extend="both"
    )
    panel.contour(
        surface.a, surface.b, values, levels, norm=norm, colors="white", linewidths=0.4, alpha=0.6
    )
    for name, (a, b) in surface.places.items():
        panel.plot(a, b, "o", color="#D55E00", markeredgecolor="white", markersize=8)
        panel.annotate(
            name, (a, b), (8, 6), textcoords="offset points", color="white", fontweight="bold"
        )
    bar = figure.colorbar(drawn, ax=panel, label="loss", format="{x:.3g}")
    bar.minorticks_off()
    bar.set_ticks(list(levels[:: (len(levels) - 1) // 4 or 1]))
    along = "random direction" if toward is None else "share of the way to"
    panel.set_xlabel(f"first {along}" if toward is None else f"{along} the first")
    panel.set_ylabel(f"second {along}" if toward is None else f"{along} the second")
    panel.locator_params(nbins=6)
    panel.set_aspect("equal")
    return finished(figure, path)


def measure_surface(
    network: NeuralNetwork,
    x: Array,
    y: Array,
    *,
    toward: tuple[Parameters, Parameters] | None = None,
    seed: int = 0,
    reach: float = 1.0,
    points: int = 15,
    batch_size: int = 256,
) -> Surface:
    """Compute the loss on a grid of parameters.

        loss(θ + a d₁ + b d₂)

    Random directions are normalised filter by filter: each filter, and each unit's weights, of d
    gets the length of those of θ, and biases stay as they are. So a step of 1 replaces a filter by
    noise of its own size, whatever its scale. All is computed on a copy: whatever ends it, an
    error or Ctrl-C, the network has kept its parameters. Dropout is off.

    Args:
        network: set up, with θ as its parameters.
        x, y: data that the loss is computed on.
        toward: two sets of parameters, as `copy_parameters` gives them: d₁ and d₂ lead there from
            θ, and the grid covers all three; reach is not used.
        seed: fixes random directions.
        reach: a and b go from -reach to reach.
        points: of the grid on each side; an odd number has θ among them.
        batch_size: rows at a time.

    Returns:
        The grid and its losses.

    Raises:
        ValueError: the network is not set up, or a setting is out of its range.
        DataError: `toward` holds other parameters than the network's, or leads nowhere.
        ShapeError: data or parameters do not fit.

    Source: Li et al. 2018, arXiv:1712.09913.
    """
    reach, points = positive("reach", reach), integer("points", points, least=2)
    batch_size = integer("batch_size", batch_size)
    if not isinstance(network, NeuralNetwork):
        raise DataError(f"network is {brief(network)}, expected a NeuralNetwork")
    origin = network.copy_parameters()
    places = {"here": (0.0, 0.0)}
    if toward is None:
        rng = np.random.default_rng(integer("seed", seed, least=0))
        first, second = (_random_direction(network, origin, rng) for _ in range(2))
        side = np.linspace(-reach, reach, points)
    else:
        if not isinstance(toward, tuple | list) or len(toward) != 2:
            raise DataError(f"toward is {brief(toward)}, expected two sets of parameters")
        first, second = (_difference(origin, there) for there in toward)
        side = np.linspace(-0.25, 1.25, points)
        places |= {"first": (1.0, 0.0), "second": (0.0, 1.0)}
    copy = twin(network)
    loss = np.empty((points, points))
    with np.errstate(all="ignore"):  # far out, a network may overflow: the loss is not finite there
        for i, b in enumerate(side):
            for j, a in enumerate(side):
                copy.load_parameters(
                    {name: origin[name] + a * first[name] + b * second[name] for name in origin}
                )
                loss[i, j] = _loss(copy, x, y, batch_size)
    return Surface(side, side, loss, places)


def _random_direction(
    network: NeuralNetwork, origin: Parameters, rng: np.random.Generator
) -> dict[str, Array]:
    """Draw a direction whose filters are as long as those of the parameters."""
    direction = {}
    for name, values in origin.items():
        if values.ndim < 2:
            direction[name] = np.zeros(values.shape)
            continue
        # A filter is what one unit reads by: all but the axis of the units.
        rows = values.ndim > 2 or isinstance(network.layers[int(name.partition(".")[0])], Embedding)
        unit = 0 if rows else values.ndim - 1
        others = tuple(axis for axis in range(values.ndim) if axis != unit)
        noise = rng.normal(size=values.shape)
        length = np.sqrt(np.sum(np.square(values, dtype=np.float64), axis=others, keepdims=True))
        direction[name] = noise * length / np.sqrt((noise**2).sum(axis=others, keepdims=True))
    return direction


def _difference(origin: Parameters, there: Parameters) -> dict[str, Array]:
    if not isinstance(there, Mapping) or there.keys() != origin.keys():
        raise DataError(
            f"toward holds {brief(sorted(there) if isinstance(there, Mapping) else there)}, "
            f"expected parameters named {brief(sorted(origin))}"
        )
    for name, values in origin.items():
        if np.shape(there[name]) != values.shape:
            shape = np.shape(there[name])
            raise ShapeError(f"toward: {name} has shape {shape}, expected {values.shape}")
    way = {name: np.asarray(there[name], np.float64) - values for name, values in origin.items()}
    if not any(step.any() for step in way.values()):
        raise DataError("toward leads nowhere: a set of parameters is the network's own")
    return way


def _loss(network: NeuralNetwork, x: Array, y: Array, batch_size: int) -> float:
    """Compute the mean loss of all rows, in inference mode."""
    total = 0.0
    for x_batch, y_batch in batches(x, y, max(min(batch_size, len(x)), 1)):
        network.reset_state()
        total += network.loss.forward(network.forward(x_batch, True), y_batch) * len(x_batch)
    return total / len(x)
