"""Files in the current folder, or on PYTHONPATH, that have the name of what diglot imports."""

import subprocess
import sys

import pytest
from doctor_calls import doctor, found_by

from diglot.doctor import shadows
from diglot.doctor.standard import is_standard

NUMPY, RANDOM = "the library numpy", "Python's own module random"


@pytest.mark.parametrize(
    ("name", "text", "whose", "place"),
    [
        ("numpy.py", "", NUMPY, "current"),
        ("random.py", "print(42)", RANDOM, "current"),
        ("random.py", "", RANDOM, "PYTHONPATH"),
        ("typing.py", "raise KeyError", "Python's own module typing", "current"),
        ("pathlib/__init__.py", "", "Python's own module pathlib", "PYTHONPATH"),
    ],
)
def test_a_name_that_stands_in(package, tmp_path, name, text, whose, place):
    folder = package.parent if place == "current" else tmp_path / "other"
    file = folder / name
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(text)
    variables = {} if place == "current" else {"PYTHONPATH": str(folder)}
    done = doctor(package.parent, "--json", DIGLOT_BACKEND="reference", **variables)
    assert done.stderr == ""
    found = found_by(done)
    top = name.split("/")[0]
    shadow = found[top]
    assert shadow["state"] == "wrong"
    assert f"{folder / top} is imported in place of {whose}" in shadow["found"]
    assert shadow["action"].startswith("give it another name, or ")
    assert ("PYTHONPATH" in shadow["action"]) == (place == "PYTHONPATH")
    rest = [one for one in found.values() if one["state"] == "wrong" and one is not shadow]
    assert rest  # NumPy, or diglot, cannot be imported because of it
    first = f"first do what is said of {top}; if that does not help: "
    assert all(one["action"].startswith(first) for one in rest)


def test_a_name_that_diglot_can_live_with_is_a_note(package):
    (package.parent / "chess.py").write_text("")  # no name of Python's
    for name in ("this.py", "argparse.py"):  # the doctor itself imports the second
        (package.parent / name).write_text("raise KeyError")
    found = found_by(doctor(package.parent, "--json", DIGLOT_BACKEND="reference"))
    assert found["this.py"]["state"] == found["argparse.py"]["state"] == "note"
    assert "chess.py" not in found


def test_what_is_found_before_any_file_is_not_hidden(tmp_path):
    for name in ("os.py", "sys.py", "io.py", "random.txt", "calendar.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "json").mkdir()  # without __init__.py, Python prefers its own
    assert list(shadows.find([str(tmp_path), *sys.path])) == ["calendar"]
    assert shadows.find([*filter(is_standard, sys.path), str(tmp_path)]) == {}


def test_an_installed_library_is_no_shadow(tmp_path):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("")
    assert list(shadows.find([str(tmp_path)], ["numpy"])) == ["numpy"]
    (tmp_path / "numpy-exercises").mkdir()  # somebody's own
    assert list(shadows.find([str(tmp_path)], ["numpy"])) == ["numpy"]
    (tmp_path / "numpy-2.4.6.dist-info").mkdir()
    assert shadows.find([str(tmp_path)], ["numpy"]) == {}


def test_the_way_in_imports_nothing_that_can_be_hidden(package):
    spy = """
import sys
class Spy:
    def find_spec(name, path=None, target=None):
        print(name)
        if name == "diglot.doctor.command":
            sys.exit()
sys.argv = ["diglot", "doctor"]
sys.meta_path.insert(0, Spy)
import diglot
"""
    command = [sys.executable, "-c", spy]
    done = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, check=True)
    doctor = [f"diglot.doctor.{name}" for name in ("start", "standard", "command")]
    assert done.stdout.split() == [
        "diglot",
        "diglot.doctor",
        *doctor[:2],
        "diglot.settings",
        doctor[2],
    ]


def test_a_folder_may_be_written_in_several_ways():
    (library, *_) = filter(is_standard, sys.path)
    assert is_standard(f"{library}/../{library.rpartition('/')[2]}" if "/" in library else library)
    assert not is_standard("")
