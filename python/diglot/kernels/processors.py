"""How many processors this process may keep busy: its affinity, and its container's quota."""

import os
from math import ceil
from pathlib import Path

from diglot.quota import cpu_quota


def usable_processors(root: Path = Path("/")) -> int:
    """Count the processors that the process may use, at least 1.

    A container's quota (`docker run --cpus 2`) leaves all processors in sight and takes time away
    from whoever uses more of it: with a thread for each of 64 processors, all of them mostly wait.

    Args:
        root: where proc and sys are; tests have folders of their own.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = cpu_quota(root)
    return count if quota is None else min(count, max(1, ceil(quota)))
