"""Rows of the recurrent networks, forward and backward with all gradients, and of the embedding."""

from collections.abc import Mapping

from diglot.bench.work import JAX, NEVER_SLOWER, NUMPY, TORCH, Arguments, Goal, Source, Work

_GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def network(kind: str, N: int, T: int, D: int, H: int, torch: float, jax: float = 1.0) -> Work:
    """Describe a network's whole pass over N rows of T steps.

    Args:
        kind: "rnn", "gru" or "lstm".
        N, T, D, H: rows, steps, features, units.
        torch, jax: how much faster than PyTorch, and than JAX, it should be.
    """
    G = _GATES[kind]

    def draw(source: Source) -> Arguments:
        states = ("h0", "c0") if kind == "lstm" else ("h0",)
        biases = ("b_x", "b_h") if kind == "gru" else ("b",)
        ends = ("dh_n", "dc_n") if kind == "lstm" else ("dh_n",)
        return {
            "x": source.normal(N, T, D),
            "w_x": source.normal(D, G * H) / D**0.5,
            "w_h": source.normal(H, G * H) / H,
            "dy": source.normal(N, T, H),
            **{name: source.normal(N, H) for name in (*states, *ends)},
            **{name: source.normal(G * H) for name in biases},
        }

    products = 2.0 * N * T * (D + H) * G * H  # forward; twice as many backward
    moved = 4.0 * (2 * N * T * (D + H) + 3 * (D + H) * G * H + 2 * N * T * (G + 2) * H)
    return Work(
        name=f"{kind} N{N} T{T} D{D} H{H}, fwd+bwd",
        group="recurrent",
        kind=kind,
        draw=draw,
        flops=3 * products,
        bytes=moved,
        goals=(Goal(torch, TORCH), Goal(jax, JAX), Goal(1.8, NUMPY)),
        label=f"{kind} H{H}",
    )


def embedding(N: int, T: int, V: int, D: int) -> Work:
    """Describe looking up the rows of N x T tokens, and their gradient."""

    def draw(source: Source) -> Arguments:
        return {
            "tokens": source.labels(N * T, V).reshape(N, T),
            "w": source.normal(V, D),
            "dy": source.normal(N, T, D),
        }

    return Work(
        name=f"embedding {N}x{T} of {V}, D{D}, fwd+bwd",
        group="recurrent",
        kind="embedding",
        draw=draw,
        bytes=4.0 * (5 * N * T * D + V * D),
        goals=(Goal(1.0, TORCH), Goal(1.0, JAX), NEVER_SLOWER),
        label="embedding",
    )


_SHAPES: Mapping[str, tuple[int, int, int, int]] = {
    "book": (64, 50, 64, 256),
    "characters": (32, 25, 62, 256),
    "odd": (33, 50, 50, 100),
    "small": (64, 50, 64, 32),
    "large": (64, 20, 128, 512),
    "one row": (1, 100, 64, 256),
}
_GOALS: Mapping[str, tuple[float, ...]] = {  # in the order of the shapes
    "lstm": (1.5, 1.2, 1.4, 1.5, 1.15, 1.5),
    "gru": (2.0, 2.2, 2.5, 2.5, 1.5, 2.5),
    "rnn": (1.8, 1.8, 1.8, 1.8, 1.5, 1.8),
}

WORKS: tuple[Work, ...] = (
    *[
        network(kind, *shape, torch=goal)
        for kind, goals in _GOALS.items()
        for shape, goal in zip(_SHAPES.values(), goals, strict=True)
    ],
    embedding(64, 25, 62, 256),
    embedding(64, 25, 20000, 128),
)
