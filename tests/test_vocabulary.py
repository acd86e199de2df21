"""The vocabulary: a character's number, and the way back, for any text and any mistake."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diglot.datasets import Vocabulary
from diglot.errors import DataError, ShapeError

ABC = Vocabulary("abc")


class TestCharacters:
    def test_are_sorted_by_code_point(self):
        assert Vocabulary.from_text("To be, or not to be\n").characters == "\n ,Tbenort"
        assert Vocabulary.from_text("z\U0001f600éA\uffff").characters == "Azé\uffff\U0001f600"

    def test_do_not_depend_on_the_order_of_sets(self):
        code = "from diglot.datasets import Vocabulary as V; print(V.from_text('seeds').characters)"
        runs = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
                capture_output=True,
                check=True,
            ).stdout
            for seed in ("1", "2")
        }
        assert runs == {b"des\n"}

    def test_are_counted_and_looked_up(self):
        assert len(ABC) == 3
        assert "a" in ABC
        for absent in ("d", "ab", "", 1, None):
            assert absent not in ABC

    def test_make_two_vocabularies_equal(self):
        assert Vocabulary.from_text("cab") == ABC
        assert hash(Vocabulary.from_text("cab")) == hash(ABC)
        assert Vocabulary("ab") != ABC
        assert ABC != "abc"

    def test_cannot_be_changed(self):
        with pytest.raises(AttributeError):
            ABC.characters = "abcd"

    def test_are_shown(self):
        assert repr(ABC) == "Vocabulary('abc')"

    @pytest.mark.parametrize(
        ("characters", "message"),
        [
            ("", "at least one character"),
            ("acb", r"'b' at position 2 follows 'c'.*from_text"),
            ("abb", r"'b' at position 2 follows 'b'"),
            (["a", "b"], r"\['a', 'b'\], expected a str"),
            (None, "None, expected a str"),
        ],
    )
    def test_must_be_sorted_and_different(self, characters, message):
        with pytest.raises(DataError, match=message):
            Vocabulary(characters)

    @pytest.mark.parametrize(
        ("text", "message"), [("", "the text is empty"), (b"a", "expected a str")]
    )
    def test_must_come_from_a_text(self, text, message):
        with pytest.raises(DataError, match=message):
            Vocabulary.from_text(text)


class TestEncode:
    def test_gives_the_positions(self):
        tokens = ABC.encode("cabba")
        np.testing.assert_array_equal(tokens, [2, 0, 1, 1, 0])
        assert tokens.dtype == np.int64

    def test_of_nothing_is_nothing(self):
        assert ABC.encode("").shape == (0,)
        assert ABC.encode("").dtype == np.int64

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("abé", "'é' at position 2 is not in the vocabulary of 3 characters, 'abc'"),
            ("a\nb", r"'\\n' at position 1"),
            ("\U0001f600", "'\U0001f600' at position 0"),
            ("ab\udc80", r"'\\udc80' at position 2"),  # what a broken file name holds
            ("d!", "'d' at position 0"),  # one above the last code point
            (b"ab", "b'ab', expected a str"),
            (None, "None, expected a str"),
        ],
    )
    def test_says_what_it_does_not_know_and_where(self, text, message):
        with pytest.raises(DataError, match=message):
            ABC.encode(text)

    def test_a_long_vocabulary_is_not_printed(self):
        with pytest.raises(DataError) as caught:
            Vocabulary("".join(map(chr, range(1000, 9000)))).encode("a")
        assert len(str(caught.value)) < 300

    def test_a_megabyte(self):
        text = "To be, or not to be: that is the question.\n" * 25_000
        vocabulary = Vocabulary.from_text(text)
        numbers = {character: i for i, character in enumerate(vocabulary.characters)}
        tokens = vocabulary.encode(text)
        np.testing.assert_array_equal(tokens, [numbers[character] for character in text])
        assert vocabulary.decode(tokens) == text


class TestDecode:
    @given(st.text(st.characters(exclude_categories=[]), min_size=1))
    def test_undoes_encode(self, text):
        vocabulary = Vocabulary.from_text(text)
        assert vocabulary.decode(vocabulary.encode(text)) == text

    @pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, ">i4", np.uint64])
    def test_takes_any_integers(self, dtype):
        assert ABC.decode(np.array([2, 0, 1], dtype)) == "cab"

    def test_takes_a_list_and_nothing(self):
        assert ABC.decode([2, 0]) == "ca"
        assert ABC.decode([]) == ""

    @pytest.mark.parametrize(
        ("tokens", "message"),
        [
            ([0, 3, 9], r"the token 3 at position 1 is outside 0\.\.2"),
            ([0, 0, -1], r"the token -1 at position 2 is outside 0\.\.2"),
            ([0.0], "dtype float64, expected integers"),
            ([True], "dtype bool"),
            (["a"], "expected integers"),
            (np.ma.array([1, 2], mask=[0, 1]), "masked"),
        ],
    )
    def test_says_what_is_outside_and_where(self, tokens, message):
        with pytest.raises(DataError, match=message):
            ABC.decode(tokens)

    @pytest.mark.parametrize("tokens", [np.zeros((2, 3), int), np.array(1)])
    def test_takes_one_row(self, tokens):
        with pytest.raises(ShapeError, match=r"expected \(N,\)"):
            ABC.decode(tokens)


class TestFiles:
    @pytest.mark.parametrize("characters", ["abc", "\n é\u2028", "a\ud800", '"\\', "\U0001f600"])
    def test_come_back(self, tmp_path, characters):
        path = tmp_path / "vocabulary.json"
        Vocabulary(characters).save(path)
        assert Vocabulary.load(path) == Vocabulary(characters)
        assert path.read_bytes().isascii()
        assert [entry.name for entry in tmp_path.iterdir()] == ["vocabulary.json"]

    def test_a_description_is_plain_json(self):
        assert ABC.config() == {"type": "Vocabulary", "characters": "abc"}
        assert Vocabulary.from_config(json.loads(json.dumps(ABC.config()))) == ABC

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "not JSON"),
            (b"\xff", "not JSON"),
            (b"[" * 100_000, "nested too deeply"),
            (b"[]", r"vocabulary is \[\]"),
            (b'{"characters": "abc"}', "with a 'type'"),
            (b'{"type": "Dense", "characters": "abc"}', "'Dense' is unknown"),
            (b'{"type": "Vocabulary"}', "lacks its argument 'characters'"),
            (b'{"type": "Vocabulary", "characters": 5}', "characters are 5, expected a str"),
            (b'{"type": "Vocabulary", "characters": "cab"}', "sorted and different"),
            (b'{"type": "Vocabulary", "characters": "a", "size": 1}', "no argument 'size'"),
        ],
    )
    def test_a_wrong_file_is_refused(self, tmp_path, content, message):
        path = tmp_path / "vocabulary.json"
        path.write_bytes(content)
        with pytest.raises(DataError, match=message) as caught:
            Vocabulary.load(path)
        assert str(path) in str(caught.value)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(DataError, match=r"absent\.json cannot be read: No such file"):
            Vocabulary.load(tmp_path / "absent.json")

    @pytest.mark.parametrize("config", [None, "abc", {}, {"type": "Vocabulary", "characters": ""}])
    def test_a_wrong_description_is_refused(self, config):
        with pytest.raises(ValueError, match=r"expected a description|at least one character"):
            Vocabulary.from_config(config)
