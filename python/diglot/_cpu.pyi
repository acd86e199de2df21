"""Which native builds can this processor, and its operating system, run?"""

def runnable_builds() -> list[str]:
    """List the names of the builds, the fastest first."""
