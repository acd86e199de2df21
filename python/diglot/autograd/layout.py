"""Where the boxes of a graph stand: in columns, from what is given on the left to the output.

An arrow that passes over a column has a waypoint in it, which takes room as a small box does. So
arrows only bend between columns, and cross no box.

Source: Sugiyama, Tagawa & Toda 1981, "Methods for visual understanding of hierarchical system
structures".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias, final

_SWEEPS = 12

_Neighbours: TypeAlias = list[list[tuple[int, float]]]
"""For each item its neighbours on one side, and how much lower its own end of the arrow is then,
in heights of a box."""


@final
@dataclass(frozen=True)
class Layout:
    """Where things stand. Items are the nodes, in the order given, and then the waypoints.

    Attributes:
        column: of each item, counted from the left.
        y: the middle of each item, in pixels.
        routes: each arrow as the items it visits: source, waypoints, node. First all arrows into
            node 0, in the order of its sources, then those into node 1, ...
        ports: where each arrow ends, in heights of a box below the middle of its node; two arrows
            into one box end apart.
    """

    column: list[int]
    y: list[float]
    routes: list[list[int]]
    ports: list[float]


def layered(
    sources: Sequence[Sequence[int]], *, height: float, waypoint: float, gap: float
) -> Layout:
    """Lay out a graph.

    Args:
        sources: for each node, the numbers of the nodes that it was made from; all are smaller
            than its own.
        height: of a box, in pixels.
        waypoint: the room that a passing arrow gets, in pixels.
        gap: the room between two items of a column, in pixels.
    """
    column = _columns(sources)
    routes: list[list[int]] = []
    ports: list[float] = []
    for node, its_sources in enumerate(sources):
        for k, source in enumerate(its_sources):
            passed = range(column[source] + 1, column[node])
            waypoints = range(len(column), len(column) + len(passed))
            column.extend(passed)
            routes.append([source, *waypoints, node])
            ports.append((k + 1) / (len(its_sources) + 1) - 0.5)
    before: _Neighbours = [[] for _ in column]
    after: _Neighbours = [[] for _ in column]
    for route, port in zip(routes, ports, strict=True):
        for left, right in pairwise(route):
            offset = port if right == route[-1] else 0.0
            before[right].append((left, -offset))
            after[left].append((right, offset))
    needs = [height] * len(sources) + [waypoint] * (len(column) - len(sources))
    y = _heights(_order(column, before, after), before, after, height, [n + gap for n in needs])
    return Layout(column, y, routes, ports)


def _columns(sources: Sequence[Sequence[int]]) -> list[int]:
    """Put a node one column to the right of its last source, and what is given beside its user."""
    column = [0] * len(sources)
    users: list[list[int]] = [[] for _ in sources]
    for node, its_sources in enumerate(sources):
        column[node] = 1 + max((column[source] for source in its_sources), default=-1)
        for source in its_sources:
            users[source].append(node)
    for node, its_sources in enumerate(sources):
        if not its_sources and users[node]:
            column[node] = min(column[user] for user in users[node]) - 1
    return column


def _order(column: list[int], before: _Neighbours, after: _Neighbours) -> list[list[int]]:
    """Order each column from top to bottom by the mean place of its neighbours, back and forth."""
    columns: list[list[int]] = [[] for _ in range(max(column) + 1)]
    for item, its_column in enumerate(column):
        columns[its_column].append(item)
    place = [0.0] * len(column)  # from 0, the top of the column, to 1
    for sweep in range(_SWEEPS):
        neighbours, walk = (before, columns) if sweep % 2 == 0 else (after, columns[::-1])
        for items in walk:
            wanted = dict.fromkeys(items, 0.0)
            for item in items:
                ends = [place[n] + port / len(columns[column[n]]) for n, port in neighbours[item]]
                wanted[item] = _mean(ends, place[item])
            items.sort(key=wanted.__getitem__)
            for i, item in enumerate(items):
                place[item] = (i + 0.5) / len(items)
    return columns


def _heights(
    columns: list[list[int]],
    before: _Neighbours,
    after: _Neighbours,
    height: float,
    needs: list[float],
) -> list[float]:
    """Move each item towards the mean of its neighbours, as far as the others let it."""
    y = [0.0] * len(needs)
    for sweep in range(_SWEEPS):
        for items in columns if sweep % 2 == 0 else columns[::-1]:
            wanted = []
            for item in items:
                ends = [y[n] + port * height for n, port in before[item] + after[item]]
                wanted.append(_mean(ends, y[item]))
            for item, place in zip(items, _apart(wanted, [needs[i] for i in items]), strict=True):
                y[item] = place
    return y


def _apart(wanted: list[float], needs: list[float]) -> list[float]:
    """Find the places nearest to the wanted ones (least squares) at which nothing overlaps.

    Without the needed room, places only have to rise: isotonic regression, which pools neighbours
    that stand in each other's way and gives them their mean.
    """
    offsets = [0.0]
    for above, below in pairwise(needs):
        offsets.append(offsets[-1] + (above + below) / 2)
    pools: list[tuple[float, int]] = []  # mean, how many
    for want, offset in zip(wanted, offsets, strict=True):
        mean, count = want - offset, 1
        while pools and pools[-1][0] > mean:
            other, others = pools.pop()
            mean, count = (other * others + mean * count) / (others + count), others + count
        pools.append((mean, count))
    flat = [mean for mean, count in pools for _ in range(count)]
    return [place + offset for place, offset in zip(flat, offsets, strict=True)]


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default
