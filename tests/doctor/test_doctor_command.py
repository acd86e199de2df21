"""The whole of it, as a user calls it: in a sound installation, and in broken ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from doctor_calls import doctor, found_by

from diglot import cli
from diglot.doctor.examine import examine
from diglot.doctor.finding import Finding, cause, note, ok, wrong
from diglot.doctor.installation import Installation
from diglot.doctor.report import as_json, healthy, print_line, print_verdict
from diglot.doctor.start import is_called
from diglot.kernels.cases import CASES


def test_a_sound_installation(package, file_of):
    file_of("_native_baseline")
    done = doctor(package.parent, "--json", DIGLOT_DATA="/no/such/folder")
    found = found_by(done)
    assert [name for name, finding in found.items() if finding["state"] == "wrong"] == []
    assert f"{len(CASES)} agree in" in found["kernels"]["found"]
    assert "backend" in found["import diglot"]["found"]
    assert found["numbers"]["state"] == "ok"
    assert "threads" in found
    assert found["DIGLOT_DATA"]["state"] == "note"
    assert str(package) in found["package"]["found"]  # the copy, not this process's own
    assert json.loads(done.stdout)["environment"]["DIGLOT_DATA"] == "/no/such/folder"


@pytest.mark.skipif(sys.platform != "linux", reason="cuts an ELF file")
def test_modules_that_end_the_process(package, file_of, replace):
    path = file_of("_native_baseline")
    sound = Installation(package, {}).sound
    content = path.read_bytes()
    for build in sound:
        replace(file_of(f"_native_{build}"), content[: len(content) // 2])
    done = doctor(package.parent, PYTHONIOENCODING="ascii", COLUMNS="50")
    assert done.returncode == 1
    assert done.stderr == ""
    assert f"wrong  build {sound[0]}: " in done.stdout
    assert "-> install diglot again" in done.stdout
    assert "DIGLOT_BACKEND=reference" in done.stdout
    assert f"{len(sound) + 1} things are wrong" in done.stdout
    assert done.stdout.isascii()
    assert max(map(len, done.stdout.splitlines())) < 50 + len(str(package))  # a path is not cut


def test_without_numpy_and_rich(package, tmp_path):
    broken = tmp_path / "broken"
    for name in ("numpy", "rich"):
        (broken / name).mkdir(parents=True)
        (broken / f"{name}-9.dist-info").mkdir()  # it is installed, and hides nothing
        (broken / name / "__init__.py").write_text("raise ImportError('it is broken')")
    done = doctor(package.parent, "--json", PYTHONPATH=str(broken))
    assert done.stderr == ""
    found = found_by(done)
    assert "it is broken" in found["NumPy"]["found"]
    assert "rich: ImportError: it is broken" in found["libraries"]["found"]
    assert found["import diglot"]["action"] == "do what is said of NumPy"
    assert "kernels" not in found  # there is nothing to compare them with


def test_a_package_without_its_files(package):
    for name in ("trainer.py", "kernels/native.py", "cli/__init__.py", "__main__.py"):
        (package / name).unlink()
    found = found_by(doctor(package.parent, "--json", DIGLOT_BACKEND="nonsense"))
    assert found["DIGLOT_BACKEND"]["state"] == "wrong"
    found = found_by(doctor(package.parent, "--json", DIGLOT_BACKEND="reference"))
    assert found["import diglot"]["state"] == "wrong"


def test_a_wrong_argument_is_one_line(package):
    done = doctor(package.parent, "--jason")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unrecognized arguments: --jason" in done.stderr


def test_a_broken_import_sends_to_the_doctor(package):
    for path in package.glob("_*.so"):
        path.unlink()
    code = "import diglot"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=package.parent,
        env={k: v for k, v in os.environ.items() if k != "DIGLOT_BACKEND"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "python -m diglot doctor" in done.stderr


@pytest.mark.parametrize(
    ("argv", "whole", "called"),
    [
        (["-m", "doctor"], ["python", "-m", "diglot", "doctor"], True),
        (["-m", "doctor", "--json"], ["python", "-I", "-m", "diglot", "doctor", "--json"], True),
        (["-m", "doctor"], ["python", "-mdiglot", "doctor"], True),
        (["-m", "doctor"], ["python", "-m", "house", "doctor"], False),
        (["/usr/bin/diglot", "doctor"], ["python", "/usr/bin/diglot", "doctor"], True),
        (["/usr/bin/diglot", "info"], ["python", "/usr/bin/diglot", "info"], False),
        (["who.py", "doctor"], ["python", "who.py", "doctor"], False),
        (["diglot"], ["diglot"], False),
    ],
)
def test_only_its_own_command_line_calls_it(argv, whole, called):
    assert is_called(argv, whole) is called


def test_a_program_with_an_argument_of_that_name_is_left_alone(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import diglot; print(diglot.Trainer.__name__)")
    done = subprocess.run(
        [sys.executable, program, "doctor"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "Trainer\n"


# ---- how it is shown -----------------------------------------------------------------------------


def test_a_program_may_call_it_too(capsys, monkeypatch):
    monkeypatch.setattr("diglot.doctor.examine.CHECKS", (one_of_each,))
    assert cli.main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "ok     first: 1"
    assert "1 thing is wrong, 1 note." in out
    assert cli.main(["doctor", "--json"]) == 1


def one_of_each(installation):
    yield ok("first", "1")
    yield note("second", "2", "do this")
    yield wrong("third", "3", "do that")


def test_a_cause_is_what_the_rest_points_to(monkeypatch):
    def check(installation):
        yield wrong("before", "1", "install it")
        yield cause("the cause", "2", "rename it")
        yield wrong("after", "3", "install it")
        yield wrong("besides", "4", "unset it")

    monkeypatch.setattr("diglot.doctor.examine.CHECKS", (check,))
    actions = [finding.action for finding in examine(Installation(environment={}))]
    first = "first do what is said of the cause; if that does not help: "
    assert actions == ["install it", "rename it", f"{first}install it", f"{first}unset it"]


def test_a_check_that_fails_does_not_hide_the_rest(capsys, monkeypatch):
    def fails(installation):
        raise RuntimeError("no idea")
        yield

    monkeypatch.setattr("diglot.doctor.examine.CHECKS", (fails, one_of_each))
    cli.main(["doctor"])
    out = capsys.readouterr().out
    assert "could not be looked at: RuntimeError: no idea" in out
    assert "third: 3" in out


def test_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    print_line(wrong("somewhere", "something is wrong " * 5, "do one thing after another " * 3))
    print_verdict([wrong("a", "b", "c"), note("a", "b", "c"), note("a", "b", "c")])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) < 40
    assert "1 thing is wrong, 2 notes." in out
    print_verdict([ok("a", "b")])
    assert capsys.readouterr().out == "\nnothing is wrong\n"


def test_a_report_can_be_made_public():
    home = str(Path("/home/somebody"))
    installation = Installation(environment={"HOME": home, "OMP_NUM_THREADS": "2", "KEY": "s3cret"})
    finding = Finding("data", "note", f"{home}/.cache is full", "make room")
    text = as_json(installation, [finding])
    assert "somebody" not in text
    assert "s3cret" not in text
    report = json.loads(text)
    assert report["environment"] == {"OMP_NUM_THREADS": "2"}
    assert report["findings"][0]["found"] == "~/.cache is full"
    assert healthy([finding])


def test_a_home_that_is_a_link_is_left_out_by_both_names(tmp_path):
    home = tmp_path / "disks" / "somebody"
    home.mkdir(parents=True)
    link = tmp_path / "home"
    link.symlink_to(home)
    found = f"{home}/a, {link}/b, {home}, {home}2/c, {home}-x/d"
    text = as_json(Installation(environment={"HOME": f"{link}/"}), [ok("data", found)])
    assert json.loads(text)["findings"][0]["found"] == f"~/a, ~/b, ~, {home}2/c, {home}-x/d"
