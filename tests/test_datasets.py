"""Data sets: the real digits, strict IDX files, downloads that fail, and the preparation."""

import gzip
import hashlib
import os
import struct
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest

from diglot import datasets
from diglot.datasets import mnist_family
from diglot.datasets.files import FileSet, locate
from diglot.errors import DataError


def idx_bytes(array: np.ndarray, type_byte: int = 0x08) -> bytes:
    header = struct.pack(">BBBB", 0, 0, type_byte, array.ndim)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


class TestDigits:
    def test_parts(self) -> None:
        x_train, y_train, x_test, y_test = datasets.digits()
        assert x_train.shape == (1442, 1, 8, 8)
        assert x_test.shape == (355, 1, 8, 8)
        assert x_train.dtype == x_test.dtype == np.uint8
        assert y_train.dtype == y_test.dtype == np.int64
        assert x_train.max() == 16
        assert min(np.bincount(y_test)) >= 34  # stratified: about 35 of each digit
        assert max(np.bincount(y_test)) <= 36

    def test_is_the_published_set(self) -> None:
        published = pytest.importorskip("sklearn.datasets").load_digits()
        data = datasets.digits()
        ours = np.concatenate([data.x_train, data.x_test]).reshape(1797, 64)
        labels = np.concatenate([data.y_train, data.y_test])
        order = np.lexsort((*ours.T, labels))
        expected = np.lexsort((*published.data.T, published.target))
        np.testing.assert_array_equal(ours[order], published.data[expected])
        np.testing.assert_array_equal(labels[order], published.target[expected])

    def test_attribution_is_shipped(self) -> None:
        text = (Path(datasets.__file__).parent / "uci" / "README.txt").read_text()
        assert "CC BY 4.0" in text
        assert "Alpaydin" in text


class TestReadIdx:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    @pytest.mark.parametrize(
        ("type_byte", "dtype"),
        [(8, ">u1"), (9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")],
    )
    def test_reads_every_type(self, tmp_path: Path, pack, type_byte: int, dtype: str) -> None:
        array = np.arange(24).reshape(2, 3, 4).astype(dtype)
        path = tmp_path / "array.idx"
        path.write_bytes(pack(idx_bytes(array, type_byte)))
        read = datasets.read_idx(path)
        np.testing.assert_array_equal(read, array)
        assert read.dtype == np.dtype(dtype).newbyteorder("=")
        assert read.flags.writeable
        assert read.flags.c_contiguous

    def test_an_empty_array_is_an_array(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.idx"
        path.write_bytes(idx_bytes(np.zeros((0, 28, 28), np.uint8)))
        assert datasets.read_idx(path).shape == (0, 28, 28)

    GOOD = idx_bytes(np.arange(12, dtype=np.uint8).reshape(3, 4))

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"", "begins with nothing"),
            (GOOD[:3], "not an IDX file"),
            (b"\x01" + GOOD[1:], "not an IDX file"),
            (b"\0\0\x0a\x02" + GOOD[4:], "not an IDX file"),
            (b"\0\0\x08\x00" + GOOD[4:], "claims 0 axes"),
            (b"\0\0\x08\xff" + GOOD[4:], "claims 255 axes"),
            (GOOD[:7], "ends too early"),
            (GOOD[:-1], "ends too early"),
            (GOOD + b"\0", "bytes left over"),
            (b"\0\0\x0e\x04" + b"\xff" * 16 + b"data", "the limit is"),
            (b"\0\0\x08\x01" + struct.pack(">I", 1 << 29) + b"data", "ends too early"),
        ],
    )
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_bad_files(self, tmp_path: Path, pack, raw: bytes, message: str) -> None:
        path = tmp_path / "bad.idx"
        path.write_bytes(pack(raw))
        with pytest.raises(DataError, match=message):
            datasets.read_idx(path)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda packed: packed[:-9],
            lambda packed: packed[:-1],
            lambda packed: packed[:12] + bytes([packed[12] ^ 0xFF]) + packed[13:],
            lambda packed: packed[:-6] + b"\0\0" + packed[-4:],  # the checksum
            lambda packed: packed + b"trailing",
        ],
    )
    def test_damaged_gzip(self, tmp_path: Path, damage) -> None:
        path = tmp_path / "bad.idx.gz"
        path.write_bytes(damage(gzip.compress(self.GOOD)))
        with pytest.raises(DataError, match=r"bad\.idx\.gz"):
            datasets.read_idx(path)

    def test_a_bomb_is_not_unpacked(self, tmp_path: Path) -> None:
        path = tmp_path / "bomb.gz"
        path.write_bytes(gzip.compress(self.GOOD + bytes(50_000_000), 1))
        with pytest.raises(DataError, match="bytes left over"):
            datasets.read_idx(path)

    def test_another_shape_than_expected(self, tmp_path: Path) -> None:
        path = tmp_path / "images.idx"
        path.write_bytes(self.GOOD)
        with pytest.raises(DataError, match=r"shape \(3, 4\), expected \(3, 5\)"):
            datasets.read_idx(path, shape=(3, 5))

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="No such file"):
            datasets.read_idx(tmp_path / "absent.idx")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="cannot be read"):
            datasets.read_idx(tmp_path)


NAMES = tuple(mnist_family.MNIST.sha256)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileSet:
    """Write four small IDX files into tmp_path/data/mnist and return their description."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    digests = {}
    for name, rows in zip(NAMES, (6, 6, 4, 4), strict=True):
        array = rng.integers(0, 10, (rows, 28, 28) if "images" in name else rows, np.uint8)
        packed = gzip.compress(idx_bytes(array))
        (folder / name).write_bytes(packed)
        digests[name] = hashlib.sha256(packed).hexdigest()
    monkeypatch.setenv("DIGLOT_DATA", str(tmp_path / "data"))
    return FileSet("mnist", (), digests)


class TestLocalFiles:
    def test_published_file(self, fake: FileSet, tmp_path: Path) -> None:
        for name in NAMES:
            assert locate(fake, name) == tmp_path / "data" / "mnist" / name

    def test_wrong_number_of_images(self, fake: FileSet, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mnist_family, "MNIST", fake)
        with pytest.raises(DataError, match=r"\(6, 28, 28\), expected \(60000, 28, 28\)"):
            datasets.mnist()

    def test_damaged_file(self, fake: FileSet, tmp_path: Path) -> None:
        path = tmp_path / "data" / "mnist" / NAMES[0]
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(DataError, match="is damaged: its sha256 is") as caught:
            locate(fake, NAMES[0])
        todo = "put the published file there, or unset the variable to download it"
        assert str(path) in str(caught.value)
        assert str(caught.value).endswith(todo)

    @pytest.mark.parametrize("load", [datasets.mnist, datasets.fashion_mnist])
    def test_missing_file(self, load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DIGLOT_DATA", str(tmp_path))
        with pytest.raises(DataError, match="unset the variable to download"):
            load()

    @pytest.mark.skipif(
        not (Path(os.environ.get("DIGLOT_DATA", "/nowhere")) / "mnist").is_dir(),
        reason="DIGLOT_DATA names no folder with MNIST",
    )
    def test_real_mnist(self) -> None:
        x_train, y_train, x_test, y_test = datasets.mnist()
        assert x_train.shape == (60_000, 1, 28, 28)
        assert x_test.shape == (10_000, 1, 28, 28)
        assert list(y_train[:5]) == [5, 0, 4, 1, 9]
        assert list(y_test[:5]) == [7, 2, 1, 0, 4]
        assert x_train.mean() == pytest.approx(33.318, abs=1e-3)


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve tmp_path on this machine; the cache is in tmp_path too."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(pooch.get_logger(), "disabled", True)
    httpd = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_QuietHandler, directory=os.fspath(tmp_path))
    )
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


class TestDownloads:
    NAME = NAMES[1]

    def serve(self, fake: FileSet, tmp_path: Path, monkeypatch, *mirrors: str) -> FileSet:
        monkeypatch.delenv("DIGLOT_DATA")
        bad = tmp_path / "bad"
        bad.mkdir()
        (bad / self.NAME).write_bytes(b"<html>moved</html>")
        return fake._replace(mirrors=mirrors)

    def test_the_next_mirror_helps(self, fake, server, tmp_path, monkeypatch) -> None:
        mirrors = (server + "absent/", server + "bad/", server + "data/mnist/")
        files = self.serve(fake, tmp_path, monkeypatch, *mirrors)
        path = locate(files, self.NAME)
        assert path == tmp_path / "cache" / "diglot" / "mnist" / self.NAME
        assert path.read_bytes() == (tmp_path / "data" / "mnist" / self.NAME).read_bytes()

    def test_a_second_time_needs_no_network(self, fake, server, tmp_path, monkeypatch) -> None:
        files = self.serve(fake, tmp_path, monkeypatch, server + "data/mnist/")
        first = locate(files, self.NAME)
        (tmp_path / "data" / "mnist" / self.NAME).unlink()
        assert locate(files, self.NAME) == first

    def test_a_mirror_with_another_name_for_the_file(
        self, fake, server, tmp_path, monkeypatch
    ) -> None:
        files = self.serve(fake, tmp_path, monkeypatch, server + "bad/", server + "renamed.gz")
        content = (tmp_path / "data" / "mnist" / self.NAME).read_bytes()
        (tmp_path / "renamed.gz").write_bytes(content)
        path = locate(files, self.NAME)
        assert path.name == self.NAME
        assert path.read_bytes() == content

    def test_all_mirrors_fail(self, fake, server, tmp_path, monkeypatch) -> None:
        mirrors = (server + "absent/", server + "bad/")
        files = self.serve(fake, tmp_path, monkeypatch, *mirrors)
        cached = tmp_path / "cache" / "diglot" / "mnist" / self.NAME
        cached.parent.mkdir(parents=True)
        cached.write_bytes(b"damaged on the disk")
        with pytest.raises(DataError, match="no mirror served") as caught:
            locate(files, self.NAME)
        assert all(mirror in str(caught.value) for mirror in mirrors)
        assert not cached.exists()
        assert list(cached.parent.iterdir()) == []


class TestStandardize:
    @pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
    def test_mean_and_deviation(self, dtype: type) -> None:
        rng = np.random.default_rng(1)
        train = (rng.random((3000, 2, 5)) * 200).astype(dtype)
        other = (rng.random((7, 2, 5)) * 200).astype(dtype)
        scaled, scaled_other = datasets.standardize(train, other)
        assert scaled.dtype == scaled_other.dtype == np.float32
        assert scaled.mean() == pytest.approx(0, abs=1e-5)
        assert scaled.std() == pytest.approx(1, abs=1e-5)
        expected = (other - train.mean(dtype=float)) / train.std(dtype=float)
        np.testing.assert_allclose(scaled_other, expected, rtol=1e-5, atol=1e-6)

    def test_a_large_offset_keeps_its_digits(self) -> None:
        (scaled,) = datasets.standardize(1e8 + np.arange(10.0))
        assert scaled.std() == pytest.approx(1, abs=1e-6)

    @pytest.mark.parametrize(
        ("train", "message"),
        [
            (np.zeros((0, 3)), "empty"),
            (np.full((4, 3), 0.1), "all values"),
            (np.array([1.0, np.nan]), "NaN or infinity"),
            (np.array([-np.inf, np.inf]), "NaN or infinity"),
            (np.array(["a", "b"]), "expected real numbers"),
            (np.array([1j, 2]), "expected real numbers"),
        ],
    )
    def test_bad_data(self, train: np.ndarray, message: str) -> None:
        with pytest.raises(DataError, match=message):
            datasets.standardize(train)


class TestOneHot:
    def test_rows(self) -> None:
        rows = datasets.one_hot(np.array([2, 0], np.uint8))
        np.testing.assert_array_equal(rows, [[0, 0, 1], [1, 0, 0]])
        assert rows.dtype == np.float32

    def test_leading_axes_and_empty(self) -> None:
        assert datasets.one_hot(np.zeros((4, 7), int), 5).shape == (4, 7, 5)
        assert datasets.one_hot(np.zeros(0, int), 10).shape == (0, 10)

    @pytest.mark.parametrize(
        ("labels", "message"),
        [([0, 3], r"0\.\.3, expected 0\.\.2"), ([-1, 0], "-1"), ([0.0, 1.0], "integers")],
    )
    def test_bad_labels(self, labels: list[float], message: str) -> None:
        with pytest.raises(DataError, match=message):
            datasets.one_hot(np.array(labels), 3)

    def test_rows_that_would_fill_the_memory_are_refused(self) -> None:
        with pytest.raises(DataError, match="4 labels of 1000000000000 classes are more than"):
            datasets.one_hot(np.arange(4), 10**12)
        with pytest.raises(DataError, match="encode a batch at a time"):
            datasets.one_hot(np.array([2**40]))


class TestSplit:
    def test_sizes_are_the_books(self) -> None:
        x, y = np.arange(506 * 2).reshape(506, 2), np.arange(506)
        x_train, x_test, y_train, y_test = datasets.train_test_split(x, y, test_size=0.3, seed=3)
        assert (len(x_train), len(x_test)) == (354, 152)
        assert sorted([*y_train, *y_test]) == list(range(506))
        np.testing.assert_array_equal(x_test[:, 0], 2 * y_test)
        np.testing.assert_array_equal(x_train[:, 0], 2 * y_train)

    def test_the_seed_decides(self) -> None:
        rows = np.arange(50)
        first, again, other = (datasets.train_test_split(rows, seed=s)[0] for s in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize(
        ("lengths", "test_size", "message"),
        [
            ((), 0.3, "no arrays"),
            ((3, 4), 0.3, "lengths differ: 3 and 4"),
            ((0,), 0.3, "empty"),
            ((1,), 0.3, "too few"),
            ((9,), 1.0, "test_size is 1.0"),
        ],
    )
    def test_bad_input(self, lengths, test_size: float, message: str) -> None:
        with pytest.raises(DataError, match=message):
            datasets.train_test_split(*map(np.zeros, lengths), test_size=test_size)

    @pytest.mark.parametrize("test_size", ["a", None, True, float("nan")])
    def test_a_size_that_is_no_number(self, test_size) -> None:
        with pytest.raises(ValueError, match=r"test_size is .*, expected a (finite )?number"):
            datasets.train_test_split(np.zeros(9), test_size=test_size)

    def test_a_seed_that_is_none(self) -> None:
        with pytest.raises(ValueError, match="seed is 'a', expected an integer"):
            datasets.train_test_split(np.zeros(9), seed="a")


class TestBatches:
    def test_in_order_with_a_short_last_batch(self) -> None:
        x, y = np.arange(14).reshape(7, 2), np.arange(7)
        parts = list(datasets.batches(x, y, 3))
        assert [len(part) for part, _ in parts] == [3, 3, 1]
        np.testing.assert_array_equal(np.concatenate([part for part, _ in parts]), x)
        assert all(np.shares_memory(part, x) for part, _ in parts)

    def test_shuffled(self) -> None:
        x, y = np.arange(14).reshape(7, 2), np.arange(7)
        parts = list(datasets.batches(x, y, 3, rng=np.random.default_rng(0)))
        labels = np.concatenate([part for _, part in parts])
        assert sorted(labels) == list(range(7))
        assert list(labels) != list(range(7))
        for x_batch, y_batch in parts:
            np.testing.assert_array_equal(x_batch[:, 0], 2 * y_batch)

    @pytest.mark.parametrize(
        ("rows", "labels", "batch_size", "message"),
        [(0, 0, 1, "empty"), (3, 4, 1, "lengths differ"), (3, 3, 4, "is 4")],
    )
    def test_complains_at_once(self, rows, labels, batch_size, message) -> None:
        with pytest.raises(DataError, match=message):
            datasets.batches(np.zeros((rows, 2)), np.zeros(labels), batch_size)

    @pytest.mark.parametrize("batch_size", [2.5, "2", True, None, 0, -1])
    def test_a_batch_size_is_an_integer_above_zero(self, batch_size) -> None:
        with pytest.raises(ValueError, match=r"batch_size is .*, expected (an integer|at least 1)"):
            datasets.batches(np.zeros((3, 2)), np.zeros(3), batch_size)

    def test_a_number_has_no_rows(self) -> None:
        with pytest.raises(DataError, match="rows"):
            datasets.batches(np.array(1.0), np.array(1.0), 1)
