"""What other programs' messages come to, in one line."""

import re


def brief(error: str) -> str:
    """Shorten a message of many lines to its first sentence, and the reason that ends it.

    Args:
        error: an exception's type and message.
    """
    kind, _, message = error.partition(":")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if len(lines) < 2:
        return ": ".join([kind, *lines])
    telling = [line for line in lines if not line.isupper()] or lines  # NumPy begins with a shout
    sentence = re.match(r"(.+?)[.!?](?:\s+[A-Z(]|$)", " ".join(telling))
    first = " ".join(telling[: 2 if telling[0].endswith(":") else 1])
    reason = re.fullmatch(r"\((.*)\)|.*error was: (.*)", lines[-1])
    ending = f" ({reason[1] or reason[2]})" if reason else ""
    return f"{kind}: {sentence[1] if sentence else first}{ending}"


def complaints(said: str) -> dict[str, str]:
    """Find what GNU's OpenMP does not understand in its variables.

    Args:
        said: what a process has written to its standard error.

    Returns:
        The library's words, by the variables' names.
    """
    # It says "enviroment" in one place.
    found = re.findall(r"^libgomp: (.*\benviron?ment variable (\w+).*)$", said, flags=re.M)
    return {name: words for words, name in found}
