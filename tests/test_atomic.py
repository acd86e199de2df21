"""Are files written whole, or not at all, and do errors name the path that was given?"""

import os

import pytest

import diglot
from diglot.atomic import write_atomically


def test_the_old_content_gives_way_to_the_new(tmp_path):
    path = tmp_path / "file"
    for content in (b"old", b"new"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_named_once_with_what_to_do(tmp_path):
    folder = tmp_path / "models" / "folder"
    folder.mkdir(parents=True)
    with pytest.raises(IsADirectoryError) as caught:
        write_atomically(folder, b"content")
    assert str(caught.value).endswith(f"Is a directory; give the name of a file: {str(folder)!r}")
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("name", ["", ".", "folder"])
def test_a_network_is_not_saved_as_a_folder(name, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    network = diglot.NeuralNetwork([diglot.Dense(2)], "huber", seed=0)
    network.setup((3,))
    with pytest.raises(IsADirectoryError, match="give the name of a file"):
        network.save(name)


def test_a_missing_folder_is_that_of_the_path_that_was_given(tmp_path):
    path = tmp_path / "missing" / "file"
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(path, b"content")
    assert str(caught.value) == f"[Errno 2] No such file or directory: {str(path)!r}"


def test_a_name_that_is_too_long_is_the_one_that_was_given(tmp_path):
    path = tmp_path / ("x" * 250)  # the temporary one is longer
    with pytest.raises(OSError, match="too long") as caught:
        write_atomically(path, b"content")
    assert caught.value.filename == str(path)


def test_what_fails_last_names_one_path_and_leaves_nothing(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(13, "Permission denied", os.fspath(source), None, os.fspath(target))

    monkeypatch.setattr("diglot.atomic.os.replace", refuse)
    with pytest.raises(PermissionError) as caught:
        write_atomically(tmp_path / "file", b"content")
    assert str(caught.value) == f"[Errno 13] Permission denied: {str(tmp_path / 'file')!r}"
    assert not list(tmp_path.iterdir())
