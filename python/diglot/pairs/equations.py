"""x."""

EQUATIONS: dict[str, str] = {}
