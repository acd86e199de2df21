"""Texts: the one that is shipped, the one that is downloaded, a user's file, and what is wrong."""

import os
from pathlib import Path

import numpy as np
import pytest

from diglot import datasets
from diglot.datasets import Text, Vocabulary, corpus
from diglot.errors import DataError

SHAKESPEARE = Path(os.environ.get("DIGLOT_DATA", "/nowhere")) / "tinyshakespeare"


class TestAlice:
    def test_is_the_default_and_needs_no_network(self, monkeypatch, tmp_path):
        monkeypatch.setenv("DIGLOT_DATA", str(tmp_path))  # nothing there
        alice = datasets.text()
        assert alice.name == "alice"
        assert len(alice) == 148_425
        assert len(alice.vocabulary) == 70
        assert alice.text.lstrip().startswith("ALICE'S ADVENTURES IN WONDERLAND\n")
        assert alice.text.endswith("THE END\n")
        assert "Alice was beginning to get very tired of sitting by her sister" in alice.text
        assert "\r" not in alice.text

    def test_its_source_and_licence_are_shipped(self):
        notes = (Path(datasets.__file__).parent / "alice" / "README.txt").read_text()
        assert "public domain" in notes
        assert "Lewis Carroll" in notes


class TestTinyShakespeare:
    @pytest.mark.skipif(not SHAKESPEARE.is_dir(), reason="DIGLOT_DATA names no folder with it")
    def test_the_real_one(self):
        plays = datasets.text("tiny_shakespeare")
        assert len(plays) == 1_115_394
        assert len(plays.vocabulary) == 65
        assert plays.text.startswith("First Citizen:\nBefore we proceed")

    def test_another_file_in_its_place_is_refused(self, tmp_path, monkeypatch):
        (tmp_path / "tinyshakespeare").mkdir()
        (tmp_path / "tinyshakespeare" / "input.txt").write_text("To be")
        monkeypatch.setenv("DIGLOT_DATA", str(tmp_path))
        with pytest.raises(DataError, match="is damaged: its sha256 is"):
            datasets.text("tiny_shakespeare")

    def test_a_missing_one(self, tmp_path, monkeypatch):
        monkeypatch.setenv("DIGLOT_DATA", str(tmp_path))
        with pytest.raises(DataError, match=r"tinyshakespeare.input\.txt does not exist"):
            datasets.text("tiny_shakespeare")

    def test_has_several_mirrors_on_other_machines(self):
        mirrors = corpus.TINY_SHAKESPEARE.mirrors
        hosts = {mirror.split("/")[2] for mirror in mirrors}
        assert len(hosts) == len(mirrors) >= 3
        assert all(mirror.startswith("https://") for mirror in mirrors)


class TestFiles:
    @pytest.mark.parametrize("kind", [str, Path])
    def test_a_path(self, tmp_path, kind):
        path = tmp_path / "plays.txt"
        path.write_text("Où est-elle ?\n", encoding="utf-8")
        play = datasets.text(kind(path))
        assert (play.name, play.text) == ("plays.txt", "Où est-elle ?\n")
        assert "ù" in play.vocabulary

    def test_a_file_that_is_called_like_a_text(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("alice").write_text("another Alice")
        assert datasets.text("./alice").text == "another Alice"
        assert datasets.text(Path("alice")).text == "another Alice"
        assert len(datasets.text("alice")) == 148_425

    @pytest.mark.parametrize("raw", [b"a\nb\n", b"a\r\nb\r\n", b"a\rb\r", b"\xef\xbb\xbfa\r\nb\n"])
    def test_the_same_text_from_every_system(self, tmp_path, raw):
        path = tmp_path / "text.txt"
        path.write_bytes(raw)
        assert datasets.text(path).text == "a\nb\n"

    @pytest.mark.parametrize("raw", [b"", b"\xef\xbb\xbf"])
    def test_an_empty_file(self, tmp_path, raw):
        path = tmp_path / "nothing.txt"
        path.write_bytes(raw)
        with pytest.raises(DataError, match=r"nothing\.txt is empty"):
            datasets.text(path)

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"caf\xe9\n", r"byte 0xe9 at position 3 \(line 1\).*Latin-1"),
            (b"\xef\xbb\xbfa\nb\xff", r"byte 0xff at position 6 \(line 2\)"),
            ("naïve".encode("utf-16"), r"byte 0xff at position 0 \(line 1\).*UTF-16"),
            ("naïve".encode()[:3], r"byte 0xc3 at position 2"),  # cut within a character
            (b"ok\n\xed\xa0\x80", r"byte 0xed at position 3 \(line 2\)"),  # half of a UTF-16 pair
        ],
    )
    def test_not_utf_8(self, tmp_path, raw, message):
        path = tmp_path / "old.txt"
        path.write_bytes(raw)
        with pytest.raises(DataError, match=message) as caught:
            datasets.text(path)
        assert "Save it as UTF-8" in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("tinyshakespeare", "did you mean 'tiny_shakespeare'"),
            ("Alice", "did you mean 'alice'"),
            ("hamlte.txt", "did you mean 'hamlet.txt'"),
            ("absent/hamlet.txt", "expected the path of a UTF-8 file, or one of 'alice' and"),
            ("", "cannot be read|is called"),
            ("x" * 5000, "cannot be read"),
            ("nul\0", "cannot be read"),
            (".", "cannot be read: Is a directory; give the path of a file"),
        ],
    )
    def test_a_name_that_leads_nowhere(self, tmp_path, monkeypatch, name, message):
        monkeypatch.chdir(tmp_path)
        Path("hamlet.txt").write_text("To be")
        with pytest.raises(DataError, match=message) as caught:
            datasets.text(name)
        assert len(str(caught.value)) < 400

    @pytest.mark.parametrize("what", [None, 5, b"alice", ["alice"]])
    def test_what_is_no_path(self, what):
        with pytest.raises(DataError, match="expected a path or one of 'alice' and"):
            datasets.text(what)


class TestLength:
    def test_takes_the_beginning_and_its_vocabulary(self):
        part = datasets.text(length=1000)
        assert part.text == datasets.text().text[:1000]
        assert part.vocabulary == Vocabulary.from_text(part.text)

    def test_a_text_that_is_shorter(self):
        with pytest.raises(
            DataError, match="alice has 148425 characters, fewer than length=200000"
        ):
            datasets.text(length=200_000)
        assert len(datasets.text(length=148_425)) == 148_425

    @pytest.mark.parametrize("length", [0, -1, 2.5, "10", True])
    def test_is_an_integer_above_zero(self, length):
        with pytest.raises(ValueError, match="length is"):
            datasets.text(length=length)


class TestText:
    def test_tokens_are_the_text(self):
        play = Text("play", "to be")
        assert play.vocabulary.characters == " beot"
        np.testing.assert_array_equal(play.tokens, [4, 3, 0, 1, 2])
        assert play.tokens is play.tokens
        assert repr(play) == "Text('play', 5 characters, 5 different)"

    def test_cannot_be_changed(self):
        play = Text("play", "to be")
        with pytest.raises(AttributeError):
            play.text = "not to be"
        with pytest.raises(ValueError, match="read-only"):
            play.tokens[0] = 0

    def test_with_the_vocabulary_of_another(self):
        model = Vocabulary("abc")
        np.testing.assert_array_equal(Text("mine", "cab", model).tokens, [2, 0, 1])
        with pytest.raises(DataError, match="'d' at position 1"):
            Text("mine", "adb", model)

    @pytest.mark.parametrize(("text", "message"), [("", "mine is empty"), (b"a", "expected a str")])
    def test_needs_a_text(self, text, message):
        with pytest.raises(DataError, match=message):
            Text("mine", text)


class TestSplit:
    def test_is_by_position(self):
        whole = Text("play", "to be or not")
        train, validation = whole.split(0.75)
        assert (train.text, validation.text) == ("to be or ", "not")
        assert train.vocabulary == validation.vocabulary == whole.vocabulary
        np.testing.assert_array_equal(
            np.concatenate([train.tokens, validation.tokens]), whole.tokens
        )

    def test_the_books_fifth(self):
        train, validation = datasets.text().split(0.8)
        assert (len(train), len(validation)) == (118_740, 29_685)

    @pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5])
    def test_a_fraction_that_is_none(self, fraction):
        with pytest.raises(DataError, match=r"fraction is .*, expected a share between 0"):
            datasets.text().split(fraction)

    @pytest.mark.parametrize("fraction", ["half", None, True, float("nan")])
    def test_a_fraction_that_is_no_number(self, fraction):
        with pytest.raises(ValueError, match="fraction is"):
            datasets.text().split(fraction)

    @pytest.mark.parametrize(("text", "fraction"), [("a", 0.5), ("ab", 0.1)])
    def test_a_part_without_characters(self, text, fraction):
        with pytest.raises(DataError, match="too few"):
            Text("short", text).split(fraction)
