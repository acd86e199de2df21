"""What the doctor thinks of machines that are not this one."""

import os
import shutil
import sys

import pytest

from diglot.doctor import arithmetic, interpreter, parallel, places, runtimes
from diglot.doctor.child import Answer
from diglot.doctor.installation import Installation
from diglot.quota import cpu_quota

A_PYTHON = {
    "version": (3, 12, 1),
    "bits": 64,
    "machine": "x86_64",
    "built_for": "linux-x86_64",
    "libc": "glibc 2.36",
    "translated": False,
}


@pytest.mark.parametrize(
    ("facts", "state", "action"),
    [
        ({}, "ok", ""),
        ({"version": (3, 10, 9)}, "wrong", "use Python 3.11 or newer"),
        ({"bits": 32}, "note", "64-bit"),
        ({"built_for": "macosx-11.0-x86_64", "translated": True}, "note", "for this processor"),
        ({"machine": "ARM64", "built_for": "win-amd64"}, "note", "for this processor"),
        ({"machine": "arm64", "built_for": "macosx-11.0-arm64"}, "ok", ""),
        ({"libc": "musl"}, "note", "compile diglot here"),
    ],
)
def test_pythons(facts, state, action):
    found = interpreter.judge(**A_PYTHON | facts)
    assert found.state == state
    assert action in found.action


# ---- threads -------------------------------------------------------------------------------------


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        (  # the narrowest of all groups around it counts
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
            },
            1.5,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/1\n3:memory:/docker/1\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "odd\n"}, None),
    ],
)
def test_a_containers_quota(tmp_path, files, expected):
    write(tmp_path, files)
    assert cpu_quota(tmp_path) == expected


@pytest.mark.parametrize(
    ("numbers", "state", "action"),
    [
        ((64, 64, 64, None), "ok", ""),
        ((2, 2, 64, None), "ok", ""),
        ((64, 64, 64, 0.5), "note", "set_num_threads(1)"),
        ((64, 64, 64, 3.2), "note", "OMP_NUM_THREADS=4"),
        ((8, 2, 8, None), "note", "set_num_threads(2)"),
        ((1, 64, 64, 0.5), "ok", ""),
    ],
)
def test_numbers_of_threads(numbers, state, action):
    found = parallel.count(*numbers)
    assert found.state == state
    assert action in found.action


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, []),
        ({"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive", "OMP_PROC_BIND": "false"}, []),
        ({"OMP_NUM_THREADS": "many"}, ["OMP_NUM_THREADS"]),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ["OMP_WAIT_POLICY"]),
        ({"OMP_PROC_BIND": "true"}, ["OMP_PROC_BIND"]),
        ({"OMP_PROC_BIND": "spread,close"}, ["OMP_PROC_BIND"]),
        ({"OMP_PROC_BIND": "banana"}, []),
        ({"OMP_PROC_BIND": "primary", "OMP_PLACES": "cores(2)"}, ["OMP_PROC_BIND", "OMP_PLACES"]),
        ({"OMP_PLACES": "{0:2},{2:2}"}, ["OMP_PLACES"]),
        ({"OMP_PLACES": "apples", "GOMP_CPU_AFFINITY": "all"}, []),
        ({"GOMP_CPU_AFFINITY": "0 3-5,1"}, ["GOMP_CPU_AFFINITY"]),
        ({"KMP_AFFINITY": "disabled"}, []),
        ({"KMP_AFFINITY": "granularity=fine,compact"}, ["KMP_AFFINITY"]),
        ({"OMP_THREAD_LIMIT": "1", "OMP_DYNAMIC": "true"}, ["OMP_THREAD_LIMIT", "OMP_DYNAMIC"]),
    ],
)
def test_variables_of_openmp(variables, named):
    found = list(parallel.variables(variables, threads=2, usable=2))
    assert [finding.name for finding in found] == named
    assert all(finding.state == "note" and "unset it" in finding.action for finding in found)


def test_a_second_thread_that_gains_nothing_is_a_note():
    assert parallel.gain(2.0, 1.1).state == "ok"
    assert parallel.gain(2.0, 2.0).state == "note"


def library(kind, name):
    return {"kind": kind, "file": f"/usr/lib/{name}", "threads": None}


def test_several_openmp_libraries():
    one = [library("openmp", "libgomp.so.1"), library("blas", "libopenblas.so.0")]
    (found,) = runtimes.judge(one)
    assert found.state == "ok"
    (found,) = runtimes.judge([*one, library("openmp", "libgomp-a34b3233.so.1")])
    assert (found.state, "threads of its own" in found.found) == ("note", True)
    (found,) = runtimes.judge([*one, library("openmp", "libiomp5.so")])
    assert (found.state, "of different makers" in found.found) == ("note", True)
    assert list(runtimes.judge([])) == []


def test_the_variable_that_hides_them():
    installation = Installation(environment={"KMP_DUPLICATE_LIB_OK": "TRUE"})
    installation.imported = Answer({}, "not asked")
    (found,) = runtimes.check(installation)
    assert (found.name, found.state) == ("KMP_DUPLICATE_LIB_OK", "note")


def test_a_variable_that_a_library_has_set_is_not_the_users(monkeypatch):
    if not os.path.exists("/proc/self/environ"):
        pytest.skip("the system does not tell")
    monkeypatch.setenv("KMP_DUPLICATE_LIB_OK", "True")  # as `import sklearn` does
    installation = Installation()
    installation.imported = Answer({}, "not asked")
    assert list(runtimes.check(installation)) == []
    assert installation.given["PATH"]


# ---- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numpy", "imported", "text"),
    [
        (Answer({}, "ModuleNotFoundError: No module named 'numpy'"), Answer({}, "x"), "No module"),
        (Answer({"version": "1.21.3", "right": True}), Answer({}, "x"), "1.21.3 is too old"),
        (Answer({"version": "2.4.6", "right": False}), Answer({}, "x"), "multiplies"),
        (
            Answer({"version": "2.4.6", "right": True}),
            Answer({"subnormals": False, "long_double": True}),
            "1e-40 becomes 0",
        ),
        (
            Answer({"version": "2.4.6", "right": True}),
            Answer({"subnormals": True, "long_double": False}),
            "long double does not work",
        ),
    ],
)
def test_numbers_that_are_spoiled(numpy, imported, text):
    installation = Installation(environment={})
    installation.numpy, installation.imported = numpy, imported
    installation.libraries = Answer({"libraries": {}, "cache": ""})
    faults = [finding for finding in arithmetic.check(installation) if finding.state != "ok"]
    assert len(faults) == 1
    assert faults[0].state == "wrong"
    assert text in faults[0].found
    assert faults[0].action


def test_a_library_that_ends_the_process():
    installation = Installation(environment={})
    installation.numpy = Answer({"version": "2.4.6", "right": True})
    installation.imported = Answer({}, "x")
    installation.libraries = Answer({}, "the process was ended by SIGSEGV", True, "safetensors")
    found = list(arithmetic.check(installation))[-1]
    assert found.state == "wrong"
    assert found.action == "pip install --force-reinstall safetensors"


# ---- places --------------------------------------------------------------------------------------


def test_a_data_folder_that_is_not_there(tmp_path):
    assert places.given(tmp_path).state == "ok"
    assert places.given(tmp_path / "none").state == "note"


def test_a_cache_folder(tmp_path, monkeypatch):
    target = tmp_path / "not" / "yet"
    assert places.kept(target).state in ("ok", "note")
    assert not target.parent.exists()  # looking leaves nothing behind
    full = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    assert "1 MB are free" in places.kept(target).found
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # a read-only file system
    assert f"{tmp_path} is not writable" in places.kept(target).found


def test_no_home_directory():
    found = places.kept(places.Path("~/.cache/diglot"))
    assert (found.state, "no home directory" in found.found) == ("note", True)


@pytest.mark.parametrize(
    ("encoding", "state"), [("utf-8", "ok"), ("ascii", "note"), ("latin-1", "note"), ("?", "note")]
)
def test_terminals(encoding, state):
    assert places.terminal(encoding).state == state


def test_this_python_is_looked_at():
    (found,) = interpreter.check(Installation(environment={}))
    assert ".".join(map(str, sys.version_info[:3])) in found.found
