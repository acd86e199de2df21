"""The C++ that is shown is the C++ that was compiled."""

import hashlib

import pytest

from diglot import sources
from diglot.kernels import native


def test_every_source_is_there_and_is_the_one_that_was_compiled():
    names = sources.names()
    assert {"csrc/kernels/conv.cpp", "csrc/ladder/lstm/1_naive.cpp", "csrc/cpu.cpp"} <= set(names)
    for name in names:
        data = (sources.folder() / name).read_bytes()
        assert sources.read(name).encode() == data
        assert hashlib.sha256(data).hexdigest() == native.best_build().source_digests()[name]


def test_all_builds_were_compiled_from_the_same_files():
    builds = [native.load(name) for name in native.available_builds()]
    assert all(build.source_digests() == builds[0].source_digests() for build in builds)


def test_a_file_that_has_changed_since_is_not_shown(tmp_path, monkeypatch):
    name = "csrc/kernels/view.h"
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(sources.read(name).replace("View", "Vieu"), encoding="utf-8")
    monkeypatch.setattr(sources, "folder", lambda: tmp_path)
    with pytest.raises(sources.SourceError, match="has changed since the modules were compiled"):
        sources.read(name)
    path.unlink()
    with pytest.raises(sources.SourceError, match=r"cannot read .*: No such file.*install"):
        sources.read(name)


def test_a_file_that_was_never_compiled_is_unknown():
    with pytest.raises(ValueError, match=r"'csrc/../pyproject.toml'; diglot.sources.names\(\)"):
        sources.read("csrc/../pyproject.toml")
