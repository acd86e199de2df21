"""pip's list of the files is compared with the files, and with what `import` would take."""

import base64
import hashlib
import json
from importlib.machinery import EXTENSION_SUFFIXES

import pytest

from diglot.doctor import files
from diglot.doctor.installation import Installation

VERSION = files.written_version(Installation().package)


@pytest.fixture
def installed(package):
    """Write what pip knows of the copy, as it does when it installs a wheel."""

    def write(version=VERSION, about=None):
        info = package.parent / f"diglot-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: diglot\nVersion: {version}\n")
        lines = []
        for path in sorted(package.rglob("*.py")):
            digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest())
            name = path.relative_to(package.parent).as_posix()
            size = path.stat().st_size
            lines.append(f"{name},sha256={digest.decode().rstrip('=')},{size}")
        (info / "RECORD").write_text("\n".join(lines))
        if about:
            (info / "direct_url.json").write_text(json.dumps(about))

    return write


def look(package):
    return {finding.name: finding for finding in files.check(Installation(package, {}))}


def test_all_files_are_there(package, installed):
    installed()
    found = look(package)["package"]
    assert found.state == "ok"
    assert "files as installed" in found.found


def test_files_are_gone_or_changed(package, installed, replace):
    installed()
    (package / "svg.py").unlink()
    replace(package / "trainer.py", b"")
    found = look(package)["package"]
    assert found.state == "wrong"
    assert "missing: diglot/svg.py" in found.found
    assert "changed since it was installed: diglot/trainer.py" in found.found


def test_files_of_another_version(package, installed):
    installed("99.1")
    found = look(package)["package"]
    assert found.state == "wrong"
    assert f"the files of diglot {VERSION}, but pip has installed 99.1" in found.found


def test_an_editable_install(package, installed):
    source = package.parent
    installed(about={"url": source.as_uri(), "dir_info": {"editable": True}})
    (source / f"diglot-{VERSION}.dist-info" / "RECORD").rename(source / "RECORD")
    moved = source / "site"
    moved.mkdir()
    (source / f"diglot-{VERSION}.dist-info").rename(moved / f"diglot-{VERSION}.dist-info")
    installation = Installation(package, {})
    installation.path = [str(moved)]
    (found, *_) = files.check(installation)
    assert (found.state, "an editable install" in found.found) == ("ok", True)


def test_another_copy_than_pips(package, installed, tmp_path):
    installed()
    other = Installation(package, {})
    other.package = tmp_path / "other" / "diglot"
    other.package.mkdir(parents=True)
    (other.package / "__init__.py").write_text('__version__ = "7.0"')
    (found, *_) = files.check(other)
    assert (found.state, found.is_cause) == ("wrong", True)  # the sources of a repository
    assert f"pip has installed another one in {package}" in found.found
    assert "no compiled modules" in found.found
    suffix = EXTENSION_SUFFIXES[0]
    (other.package / f"_cpu{suffix}").touch()
    (found, *_) = files.check(other)
    assert (found.state, found.is_cause) == ("note", False)


def test_an_init_that_is_empty(package, installed, replace):
    installed()
    replace(package / "__init__.py", b"")
    found = look(package)["package"]
    assert found.state == "wrong"
    assert f"{package / '__init__.py'} is damaged or missing" in found.found


def test_pip_knows_nothing(package):
    installation = Installation(package, {})
    installation.path = [str(package.parent)]
    (found, *_) = files.check(installation)
    assert (found.state, "pip does not know of it" in found.found) == ("note", True)


@pytest.mark.parametrize("name", ["diglot/__init__.py", "diglot.py"])
def test_something_here_hides_it(package, tmp_path, monkeypatch, name):
    here = tmp_path / "here"
    (here / name).parent.mkdir(parents=True)
    (here / name).touch()
    monkeypatch.chdir(here)
    found = look(package)["this folder"]
    assert (found.state, str(here) in found.found) == ("note", True)
    monkeypatch.chdir(package.parent)
    assert "this folder" not in look(package)
