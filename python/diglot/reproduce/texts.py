"""The text of chapters 6 and 7."""

from functools import cache

from diglot.datasets import Text, text


@cache
def load_text(length: int | None = None) -> Text:
    """Load tiny Shakespeare, or its beginning.

    Args:
        length: characters; None takes all.
    """
    return text("tiny_shakespeare", length=length)
