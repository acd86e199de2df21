"""How much of the processors a container may use: its cgroup's quota of time."""

from collections.abc import Callable, Iterator
from pathlib import Path


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Read the quota of this process.

    Args:
        root: where proc and sys are; tests have folders of their own.

    Returns:
        The processors' time that it may use at most: 0.5 is half of one. None without a limit.
    """
    try:
        text = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:  # no Linux
        return None
    limits: list[float] = []
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:  # version 2: one tree for everything
            limits += _walk(root / "sys/fs/cgroup", path, _quota_of_version_2)
        elif "cpu" in controllers.split(","):
            limits += _walk(root / "sys/fs/cgroup" / controllers, path, _quota_of_version_1)
            limits += _walk(root / "sys/fs/cgroup/cpu", path, _quota_of_version_1)
    return min(limits, default=None)


def _walk(tree: Path, path: str, read: Callable[[Path], float | None]) -> Iterator[float]:
    """Read the limits of a group and of all groups that it is in."""
    group = tree / path.lstrip("/")
    for folder in (group, *group.parents):
        try:
            limit = read(folder)
        except (OSError, ValueError, ZeroDivisionError):  # not there, or odd
            limit = None
        if limit is not None and limit > 0:
            yield limit
        if folder == tree:
            return


def _quota_of_version_2(folder: Path) -> float | None:
    quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
    return None if quota == "max" else int(quota) / int(period)


def _quota_of_version_1(folder: Path) -> float | None:
    quota = int((folder / "cpu.cfs_quota_us").read_text(encoding="utf-8"))
    period = int((folder / "cpu.cfs_period_us").read_text(encoding="utf-8"))
    return quota / period if quota > 0 else None
