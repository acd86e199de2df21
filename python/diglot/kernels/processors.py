"""How many processors this process may keep busy: its affinity, and its container's quota."""

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path

_FILES = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def usable_processors(files: Path = _FILES, own: Path = _OWN) -> int:
    """Count the processors that the process may use, at least 1.

    A container's quota (`docker run --cpus 2`) leaves all processors in sight and takes time away
    from whoever uses more of it: with a thread for each of 64 processors, all of them mostly wait.

    Args:
        files: where Linux shows its control groups.
        own: where it says which of them this process belongs to.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quotas = [max(1, ceil(share)) for share in _shares(files, own)]
    return min([count, *quotas])


def _shares(files: Path, own: Path) -> Iterator[float]:
    """Processors' worth of time, in each control group with a bound that this process is in."""
    try:
        lines = own.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:  # version 2: one tree for everything
            tree = files
        elif "cpu" in controllers.split(","):
            tree = files / controllers
            tree = tree if tree.is_dir() else files / "cpu"
        else:
            continue
        group = tree / path.lstrip("/")
        for place in (group, *group.parents):
            share = _share(place)
            if share is not None:
                yield share
            if place == tree:
                break


def _share(group: Path) -> float | None:
    """The share of one control group; None where there is no bound, or no such group."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((group / name).read_text() for name in names).split()
            if int(quota) > 0 and int(period) > 0:
                return int(quota) / int(period)
        except (OSError, ValueError):  # "max" is no number
            continue
    return None
