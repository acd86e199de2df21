"""A container's share of the processors, as Linux shows it."""

import os

import pytest

from diglot.kernels.processors import usable_processors

HERE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 64 processors; write its files, and count."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)

    def count(groups, files):
        shown = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
        for name, text in {"proc/self/cgroup": groups, **shown}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return usable_processors(tmp_path)

    return count


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", 64),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("1000 100000", 1),
        ("9900000 100000", 64),
        ("", 64),
        ("nonsense", 64),
        ("-1 100000", 64),
        ("100000 0", 64),
    ],
)
def test_version_2(machine, quota, expected):
    assert machine("0::/\n", {"cpu.max": quota}) == expected


def test_a_group_within_a_group_has_the_smaller_share(machine):
    files = {"cpu.max": "max 1", "a/cpu.max": "300000 100000", "a/b/cpu.max": "800000 100000"}
    assert machine("0::/a/b\n", files) == 3


@pytest.mark.parametrize(("quota", "expected"), [("-1", 64), ("250000", 3)])
@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
def test_version_1(machine, folder, quota, expected):
    files = {f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": "100000\n"}
    # The group's name is the host's, which a container does not see.
    assert machine(f"5:devices:/x\n2:{folder}:/docker/1234\n", files) == expected


def test_where_nothing_is_shown(machine, tmp_path):
    assert machine("", {}) == 64
    assert usable_processors(tmp_path / "missing") == 64


def test_odd_lines_are_no_bound(machine):
    assert (
        machine("odd\n0\n:::\n0::/\udcff\n".encode(errors="surrogateescape").decode("latin-1"), {})
        == 64
    )


def test_this_machine():
    assert 1 <= usable_processors() <= HERE
