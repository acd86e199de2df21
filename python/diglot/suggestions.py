"""Did you mean …? Known names that are like one that is not."""

from collections.abc import Iterable


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """List known names that differ from a name in few letters, and those that hold it.

    Args:
        name: what was typed; upper and lower case are the same.
        known: all that it could have been.
        most: how many of the first kind.
    """
    import difflib  # here: few names are wrong

    word = name.lower()
    by_lower: dict[str, list[str]] = {}
    for one in known:
        by_lower.setdefault(one.lower(), []).append(one)
    close = difflib.get_close_matches(word, by_lower, most, 0.7)
    inside = [lower for lower in by_lower if len(word) > 2 and word in lower]
    return [one for lower in dict.fromkeys([*close, *inside]) for one in by_lower[lower]]
