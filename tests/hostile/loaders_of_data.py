"""Arrays, texts, vocabularies, tables, logs and notes."""

import gzip
import hashlib
import io
import json
import shutil
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any, final

import numpy as np
from loading import Loader, put

from diglot import datasets
from diglot.callbacks import CSVLog, JSONLinesLog
from diglot.errors import DataError
from diglot.exercises.catalogue import EXERCISES
from diglot.exercises.passed import NAME, note_passed, standing
from diglot.history import History
from diglot.reproduce.regression import read_housing

_CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx_bytes(array: np.ndarray) -> bytes:
    """Write an array as IDX."""
    code = _CODES[array.dtype.str[1:]]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@final
class IdxLoader(Loader):
    """IDX as it is, or packed by gzip."""

    refusals, file_name = (DataError,), "array.idx"
    most = 1 << 30  # bytes of an array

    def __init__(self, *, packed: bool) -> None:
        self._packed = packed
        self.name, self.form = ("idx.gz", "gzip") if packed else ("idx", "idx")

    def make_seeds(self) -> list[bytes]:
        arrays = [np.arange(24).reshape(2, 3, 4).astype(kind) for kind in _CODES]
        arrays += [np.zeros((0, 28, 28), np.uint8), np.arange(200, dtype=np.uint8)]
        plain = [idx_bytes(array) for array in arrays]
        return [gzip.compress(one, mtime=0) for one in plain] if self._packed else plain

    def read(self, path: Path) -> np.ndarray:
        return datasets.read_idx(path, max_bytes=self.most)

    def verify(self, result: np.ndarray, path: Path) -> None:
        assert result.flags.writeable
        assert result.flags.c_contiguous
        assert result.dtype.isnative
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        assert idx_bytes(result) == content


@final
class TextLoader(Loader):
    name, form, refusals, file_name = "text", "text", (DataError,), "text.txt"

    def make_seeds(self) -> list[bytes]:
        return [
            b"To be, or not to be:\nthat is the question.\n",
            "\ufeffnaïve — \U0001f600\r\n\0\u2028x\ry\n".encode(),
        ]

    def read(self, path: Path) -> datasets.Text:
        return datasets.text(path)

    def verify(self, result: datasets.Text, path: Path) -> None:
        content = path.read_bytes().decode("utf-8-sig")
        assert result.text == content.replace("\r\n", "\n").replace("\r", "\n")
        assert result.vocabulary.decode(result.tokens) == result.text
        assert result.vocabulary == datasets.Vocabulary.from_text(result.text)
        assert result.tokens.dtype == np.int64


@final
class VocabularyLoader(Loader):
    name, form, refusals, file_name = "vocabulary", "json", (DataError,), "vocabulary.json"

    def make_seeds(self) -> list[bytes]:
        texts = ("abc", "\n é\u2028\U0001f600", "\0a\ud800", '"\\{}[]')
        return [json.dumps(datasets.Vocabulary.from_text(text).config()).encode() for text in texts]

    def read(self, path: Path) -> datasets.Vocabulary:
        return datasets.Vocabulary.load(path)

    def verify(self, result: datasets.Vocabulary, path: Path) -> None:
        again = path.with_name("again.json")
        result.save(again)
        assert datasets.Vocabulary.load(again) == result
        tokens = result.encode(result.characters)
        np.testing.assert_array_equal(tokens, np.arange(len(result)))


@final
class HousingLoader(Loader):
    name, form, refusals, file_name = "housing table", "text", (DataError,), "housing.csv"

    def make_seeds(self) -> list[bytes]:
        rows = np.random.default_rng(0).integers(0, 99, (506, 14))
        lines = [",".join(map(str, row)) for row in rows]
        return ["\n".join(["a,b", *lines, ""]).encode()]

    def read(self, path: Path) -> Any:
        return read_housing(path)

    def verify(self, result: Any, path: Path) -> None:
        assert result.x_train.shape[1] == result.x_test.shape[1] == 13
        assert len(result.x_train) + len(result.x_test) == 506
        for part in (result.x_train, result.x_test, result.y_train, result.y_test):
            assert np.isfinite(part).all()


@final
class LogLoader(Loader):
    """The log that a training finds where it is to write its own."""

    form, refusals = "text", (ValueError,)

    def __init__(self, kind: type[CSVLog] | type[JSONLinesLog]) -> None:
        self._kind = kind
        self.name, self.file_name = (
            ("CSV log", "log.csv") if kind is CSVLog else ("JSON log", "log.jsonl")
        )

    def make_seeds(self) -> list[bytes]:
        log = self._kind("log")
        log._columns = ["epoch", "step", "loss", "learning_rate", "seconds", "validation_loss", "m"]
        rows = [dict.fromkeys(log._columns) | {"epoch": i, "step": 2 * i, "loss": 1.5 / i,
                "m": 1e-7} for i in (1, 2, 3)]  # fmt: skip
        return [(log._head() + "".join(map(log._format, rows))).encode()]

    def read(self, path: Path) -> str:
        """Begin a training that has made two epochs; the third one's row is another's."""
        history = History(epoch=[1, 2], loss=[1.0, 1.0])
        trainer = SimpleNamespace(metrics={"m": None}, history=history, steps=4)
        fit = SimpleNamespace(trainer=trainer, resumed=True)
        before = _digest(path)
        try:
            self._kind(path).on_fit_begin(fit)  # type: ignore[arg-type]
        except Exception:
            assert _digest(path) == before
            assert [one.name for one in path.parent.glob("*.tmp*")] == []
            raise
        return path.read_text(encoding="utf-8")

    def verify(self, result: str, path: Path) -> None:
        rows = self._kind(path)._parse(iter(io.StringIO(result)))
        assert all(int(row["step"]) <= 4 and int(row["epoch"]) <= 2 for row in rows)
        assert self.read(path) == result  # a second time, nothing is changed


def _digest(path: Path) -> str:
    """Recognise a file without having it in memory."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@final
class PassedLoader(Loader):
    """The note of the exercises that were passed; one that is damaged says nothing."""

    name, form, refusals, file_name = "passed", "json", (), NAME
    _exercise = EXERCISES[0]

    def make_seeds(self) -> list[bytes]:
        return [json.dumps({self._exercise.file_name: "0" * 64, "b.py": "1" * 64}).encode()]

    def read(self, path: Path) -> str:
        if not (answer := path.with_name(self._exercise.file_name)).exists():
            put(answer, b"pass\n")
        return standing(self._exercise, path.parent)

    def verify(self, result: str, path: Path) -> None:
        if result == "passed":  # a fuzzer reads the digest off the comparison
            answer = path.with_name(self._exercise.file_name)
            assert _digest(answer).encode() in path.read_bytes()
        else:
            assert result == "started"
        if path.is_file():
            content = path.read_bytes()
            note_passed(self._exercise, path.with_name(self._exercise.file_name))
            assert standing(self._exercise, path.parent) == "passed"
            put(path, content)
        elif path.is_dir():
            shutil.rmtree(path)
