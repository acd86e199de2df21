"""Compiled modules are removed, cut off and changed; the doctor must see what it is, and live."""

import re
import sys

import pytest

from diglot.doctor import child, choice, modules, sources
from diglot.doctor.child import Answer
from diglot.doctor.installation import BUILDS, Installation
from diglot.doctor.loader import explain
from diglot.kernels import native

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="edits an ELF file")


@pytest.fixture
def examine(package):
    """Look at the modules of the copy; give the findings by name."""

    def look(check=modules.check, **environment):
        installation = Installation(package, environment)
        return {finding.name: finding for finding in check(installation)}

    return look


def test_the_builds_are_those_of_the_switch():
    assert BUILDS == native.BUILDS


def test_a_sound_copy_is_sound(examine, file_of):
    file_of("_native_baseline")
    found = examine()
    assert {finding.state for finding in found.values()} == {"ok"}
    assert "128-bit vectors" in found["build baseline"].found or sys.platform != "linux"


def test_a_missing_module(examine, file_of):
    file_of("_native_baseline").unlink()
    found = examine()["build baseline"]
    assert found.state in ("note", "wrong")  # where it is the only one, nothing is left
    assert "no compiled module _native_baseline is in" in found.found
    assert "install diglot again" in found.action


def test_no_module_at_all(examine, package, file_of):
    file_of("_cpu")
    for path in package.glob("_*.so"):
        path.unlink()
    found = examine()
    assert found["module _cpu"].state == "wrong"
    imported = examine(choice.check)["import diglot"]
    assert imported.state == "wrong"
    assert "could not be imported" in imported.found
    assert "DIGLOT_BACKEND=reference" in imported.action
    assert examine(DIGLOT_BACKEND="reference")["modules"].state == "ok"


def test_a_module_for_another_python(examine, file_of):
    path = file_of("_native_baseline")
    other = path.with_name("_native_baseline.cpython-299-x86_64-linux-gnu.so")
    path.rename(other)
    found = examine()["build baseline"]
    assert f"{other.name} is for another Python" in found.found
    assert sys.executable in found.action


@on_linux
@pytest.mark.parametrize("kept", [0.0, 0.0001, 0.1, 0.5, 0.9])
def test_a_module_that_is_cut_off(examine, file_of, replace, kept):
    path = file_of("_native_baseline")
    content = path.read_bytes()
    replace(path, content[: int(kept * len(content))])
    found = examine()["build baseline"]
    assert found.state == "wrong"
    assert "damaged" in found.found
    assert "install diglot again" in found.action


@on_linux
def test_a_module_that_is_text(examine, file_of, replace):
    replace(file_of("_cpu"), b"<html>404</html>" * 100)
    found = examine()["module _cpu"]
    assert (found.state, "damaged" in found.found) == ("wrong", True)
    assert list(examine()) == ["module _cpu"]  # nobody knows what may be loaded: nothing is


@on_linux
def test_a_module_for_another_processor(examine, file_of, replace):
    path = file_of("_native_baseline")
    content = bytearray(path.read_bytes())
    content[18:20] = (0x15).to_bytes(2, sys.byteorder)  # e_machine: PowerPC
    replace(path, bytes(content))
    found = examine()["build baseline"]
    assert found.state == "wrong"
    assert "it was built for another processor" in found.found


@on_linux
def test_a_missing_library(examine, file_of, replace):
    path = file_of("_native_baseline")
    # A wheel's module holds two names: its own library's, and the one that this has replaced.
    names = rb"(libgomp[-\w.]*\.so[.\d]*)\d\0"
    content, found = re.subn(names, rb"\g<1>7\0", path.read_bytes())
    if not found:
        pytest.skip("compiled without OpenMP of GNU's")
    replace(path, content)
    found = examine()["build baseline"]
    assert found.state == "wrong"
    assert "GNU's OpenMP library (libgomp.so.1) is missing" in found.found
    assert "apt install libgomp1" in found.action


@on_linux
def test_a_damaged_library_on_the_path_is_not_our_module(examine, file_of, tmp_path):
    module = file_of("_native_baseline")
    if module.parent.with_name("diglot.libs").exists():
        pytest.skip("this wheel brings its OpenMP library along")
    if b"libgomp.so.1" not in module.read_bytes():
        pytest.skip("compiled without OpenMP, or with another one")
    library = tmp_path / "libgomp.so.1"
    library.write_bytes(b"")
    found = examine(LD_LIBRARY_PATH=str(tmp_path))["build baseline"]
    assert found.state == "wrong"
    assert f"the library {library} is damaged" in found.found
    assert found.action == "unset LD_LIBRARY_PATH, which leads to that library, or replace it"


@on_linux
def test_a_system_that_is_too_old(examine, file_of, replace):
    path = file_of("_native_baseline")
    version = re.search(rb"\0GLIBC_2\.\d\d(?=\0)", path.read_bytes())[0]
    replace(path, path.read_bytes().replace(version, b"\0GLIBC_2.99"))
    found = examine()["build baseline"]
    assert "it was built for a newer system: GLIBC_2.99 is not here" in found.found
    assert "compile diglot here" in found.action


@on_linux
def test_a_missing_symbol(examine, file_of, replace):
    path = file_of("_native_baseline")
    content = path.read_bytes()
    assert b"\0PyType_Type\0" in content
    replace(path, content.replace(b"\0PyType_Type\0", b"\0PyType_Tipo\0"))
    found = examine()["build baseline"]
    assert found.state == "wrong"
    assert "PyType_Tipo is not here" in found.found


def test_a_module_under_a_wrong_name(examine, file_of, replace):
    replace(file_of("_native_baseline"), file_of("_cpu").read_bytes())
    found = examine()["build baseline"]
    assert found.state == "wrong"
    assert "another module" in found.found


def test_the_import_says_how_to_live_with_a_broken_build(examine, file_of, package):
    file_of("_native_baseline")
    sound = Installation(package, {}).sound
    if len(sound) < 2:
        pytest.skip("one build runs here")
    path = file_of(f"_native_{sound[0]}")
    path.unlink()
    path.write_bytes(b"")
    found = examine(choice.check)["import diglot"]
    assert found.state == "wrong"
    assert f"DIGLOT_ISA={sound[1]}" in found.action


@pytest.mark.parametrize(
    ("variables", "name", "text"),
    [
        ({"DIGLOT_BACKEND": "nonsense"}, "DIGLOT_BACKEND", "'nonsense' is no backend"),
        ({"DIGLOT_ISA": "avx9"}, "DIGLOT_ISA", "'avx9' is no build"),
    ],
)
def test_variables_that_choose_nothing(examine, file_of, variables, name, text):
    file_of("_native_baseline")
    found = examine(choice.check, **variables)
    assert list(found) == [name]
    assert (found[name].state, text in found[name].found) == ("wrong", True)
    assert "baseline" in found[name].action


def test_an_empty_variable_is_as_good_as_none(examine, file_of):
    file_of("_native_baseline")
    found = examine(choice.check, DIGLOT_BACKEND="", DIGLOT_ISA="")
    assert "the fastest that is installed" in found["import diglot"].found


def test_a_variable_with_a_wrong_name(examine, file_of):
    file_of("_native_baseline")
    found = examine(choice.check, DIGLOT_ISSA="baseline")
    assert list(found) == ["DIGLOT_ISSA", "import diglot"]
    assert found["DIGLOT_ISSA"].state == "note"
    assert "it reads DIGLOT_BACKEND, DIGLOT_DATA, DIGLOT_ISA" in found["DIGLOT_ISSA"].found


def test_a_build_that_the_processor_lacks(package, file_of):
    file_of("_cpu")
    installation = Installation(package, {"DIGLOT_ISA": "x86_64_v4"})
    installation.cpu = Answer({"runnable": ["baseline"]})
    found = list(choice.check(installation))
    assert "cannot run the build x86_64_v4" in found[0].found
    assert not set(installation.builds) - {"baseline"}  # what it cannot run is never loaded


def test_changed_sources(examine, file_of, replace, package):
    file_of("_native_baseline")
    assert examine(sources.check)["sources"].state == "ok"
    replace(package / "csrc" / "kernels" / "gemm.cpp", b"// other")
    found = examine(sources.check)["sources"]
    assert found.state == "wrong"
    assert found.found == "damaged or missing: csrc/kernels/gemm.cpp"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (0xC000001D, "an instruction that this processor does not have"),
        (0xC0000005, "loading it ends the process"),
        (-4, "an instruction that this processor does not have"),
    ],
)
def test_how_a_process_ended_is_explained(status, meaning):
    assert meaning in explain(Answer({}, child._ending(status, "")))[0]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        ("the process was ended by SIGILL", "an instruction that this processor does not have"),
        ("the process was ended by SIGSEGV", "loading it ends the process"),
        ("did not end within 60 s", "loading it does not end"),
        ("ImportError: x.so: wrong ELF class: ELFCLASS32", "another processor"),
        ("ImportError: dlopen(x.so): (mach-o file, but is an incompatible architecture", "another"),
        ("ImportError: dlopen(x.so): Library not loaded: @rpath/libomp.dylib", "LLVM's OpenMP"),
        ("ImportError: DLL load failed while importing x: not found", "a DLL"),
        ("ImportError: x.so: failed to map segment from shared object", "forbids running"),
        ("ImportError: libstdc++.so.6: version `GLIBCXX_3.4.32' not found", "GLIBCXX_3.4.32 is"),
        ("ImportError: libfoo.so.3: cannot open shared object file", "the library libfoo.so.3 is"),
        ("ImportError: Error loading shared library libgomp.so.1: No such file", "GNU's OpenMP"),
        ("ImportError: symbol not found in flat namespace '__PyX'", "(__PyX is not here)"),
        ("ImportError: dlopen(x.so): Symbol not found: _PyX", "(_PyX is not here)"),
        ("ImportError: /usr/lib/libgomp.so.1: file too short", "library /usr/lib/libgomp.so.1 is"),
        ("ImportError: /x/_cpu.cpython.so: file too short", "the file is damaged"),
        ("ImportError: /x/diglot.libs/libgomp-1.so.1: file too short", "the file is damaged"),
        ("ImportError: /x/libz.so.1: Permission denied", "the library /x/libz.so.1 may not be"),
        (
            "ImportError: libgomp.so.1: cannot open shared object file: Permission denied",
            "the file may not be read",
        ),
        ("something else", "something else"),
    ],
)
def test_what_loaders_say_is_explained(error, meaning):
    found, action = explain(Answer({}, error))
    assert meaning in found
    assert action
    assert error.removeprefix("ImportError: ") in found  # in the loader's own words, too
