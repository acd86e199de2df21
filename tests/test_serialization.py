import json
import os
import pickle
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import diglot
from diglot import serialization
from diglot.errors import ModelFileError
from diglot.network import NeuralNetwork
from model_files import craft, refusal, small, sound


def every_layer(dtype=np.float32):
    network = NeuralNetwork(
        [
            diglot.Conv2D(4, (3, 2), "tanh", padding="same", stride=2, groups=2, dropout=0.1),
            diglot.MaxPool2D(2, 1, 1),
            diglot.Conv2D(3, 2, diglot.LeakyReLU(0.3), dilation=2, padding=1, bias=False),
            diglot.AvgPool2D((2, 1)),
            diglot.Activation("gelu"),
            diglot.Dropout(0.2),
            diglot.Flatten(),
            diglot.Dense(6, diglot.Sigmoid, weight_init=diglot.He(uniform=True)),
            diglot.Dense(2, weight_init="orthogonal", bias_init=diglot.Standard(0.1)),
        ],
        diglot.Huber(0.5),
        seed=7,
        dtype=dtype,
    )
    network.setup((2, 9, 11))
    return network


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


class TestRoundTrip:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_everything_comes_back(self, rng, path, dtype):
        network = every_layer(dtype)
        x = rng.normal(size=(4, 2, 9, 11))
        network.save(path)
        loaded = NeuralNetwork.load(path)
        assert repr(loaded) == repr(network)
        assert loaded.input_shape == network.input_shape
        assert loaded.parameters().keys() == network.parameters().keys()
        for name, parameter in network.parameters().items():
            other = loaded.parameters()[name]
            assert other.dtype == dtype
            assert other.dtype.isnative
            assert other.flags.writeable
            np.testing.assert_array_equal(other, parameter)
        np.testing.assert_array_equal(loaded.predict(x), network.predict(x))
        assert np.isfinite(loaded.train_batch(x, np.zeros((4, 2))))

    def test_global_average_pooling(self, path):
        network = NeuralNetwork([diglot.GlobalAvgPool2D()], "binary_cross_entropy", seed=0)
        network.setup((3, 4, 5))
        network.save(path)
        assert repr(NeuralNetwork.load(path)) == repr(network)

    def test_a_network_without_a_seed(self, path):
        for seed in (None, np.random.default_rng(3)):
            network = NeuralNetwork([diglot.Dense(2)], "huber", seed=seed)
            network.setup((3,))
            network.save(path)
            assert NeuralNetwork.load(path).seed is None

    def test_other_programs_can_read_it(self, path):
        network = every_layer()
        network.save(str(path))
        loaded = safetensors.numpy.load_file(path)
        assert loaded.keys() == network.parameters().keys()
        for name, parameter in network.parameters().items():
            np.testing.assert_array_equal(loaded[name], parameter)
        with safetensors.safe_open(path, "numpy") as file:
            metadata = file.metadata()
        assert metadata["format"] == "diglot"
        architecture = json.loads(metadata["architecture"])
        assert architecture["input_shape"] == [2, 9, 11]
        assert architecture["layers"][1] == {
            "type": "MaxPool2D",
            "kernel_size": 2,
            "stride": 1,
            "padding": 1,
        }

    def test_memory_of_any_layout_is_written_row_by_row(self, path):
        network = small()
        parameter = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(3, 2))
        network.layers[0].operations[0].params["weight"] = parameter
        network.save(path)
        np.testing.assert_array_equal(NeuralNetwork.load(path).parameters()["0.weight"], parameter)

    def test_special_numbers_survive(self, path):
        network = small()
        special = [[np.nan, np.inf], [-np.inf, -0.0], [1e-45, 3.4e38]]
        network.parameters()["0.weight"][...] = special
        network.save(path)
        loaded = NeuralNetwork.load(path).parameters()["0.weight"]
        assert loaded.tobytes() == np.array(special, np.float32).tobytes()


class Custom(diglot.operations.Activation):
    def _output(self):
        return self.input_

    def _input_grad(self, output_grad):
        return output_grad


class CustomLayer(diglot.Layer):
    def _setup(self, input_shape, create, rng):
        return [], input_shape


class TestSaving:
    def test_what_no_file_may_name_is_not_saved(self, path):
        for layer, message in [
            (diglot.Dense(2, Custom), "layer 1 cannot be saved: activation 'Custom' is unknown"),
            (CustomLayer(), "layer 1 cannot be saved: layer 'CustomLayer' is unknown"),
        ]:
            network = NeuralNetwork([diglot.Flatten(), layer], "huber")
            network.setup((3,))
            with pytest.raises(ValueError, match=message):
                network.save(path)
        assert not path.exists()

    @pytest.mark.parametrize("function", ["fsync", "replace"])
    @pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
    def test_a_failure_leaves_the_old_file(self, monkeypatch, path, function, error):
        small().save(path)
        before = path.read_bytes()

        def fail(*arguments):
            raise error

        network = small()
        network.parameters()["0.weight"][...] = 0
        monkeypatch.setattr(os, function, fail)
        with pytest.raises(type(error)):
            network.save(path)
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == [path.name]

    def test_the_file_is_complete_before_it_gets_its_name(self, monkeypatch, path):
        small().save(path)
        old = path.read_bytes()
        seen = []

        def watch(source, target, replace=os.replace):
            assert Path(target) == path
            assert Path(source).parent == path.parent
            assert Path(source).name.startswith(f"{path.name}.tmp.{os.getpid()}")
            assert path.read_bytes() == old
            seen.append(Path(source).read_bytes())
            replace(source, target)

        monkeypatch.setattr(os, "replace", watch)
        every_layer().save(path)
        assert seen == [path.read_bytes()]

    def test_places_that_cannot_be_written(self, tmp_path):
        with pytest.raises(FileNotFoundError) as raised:
            small().save(tmp_path / "nowhere" / "model.safetensors")
        assert raised.value.filename == str(tmp_path / "nowhere" / "model.safetensors")
        (tmp_path / "folder").mkdir()
        with pytest.raises(OSError, match="folder"):
            small().save(tmp_path / "folder")
        assert os.listdir(tmp_path) == ["folder"]

    def test_a_link_is_followed(self, tmp_path):
        target, link = tmp_path / "real", tmp_path / "link"
        target.write_text("old")
        link.symlink_to(target)
        small().save(link)
        assert link.is_symlink()
        assert repr(NeuralNetwork.load(target)) == repr(NeuralNetwork.load(link)) == repr(small())

    def test_notes_come_back(self, path):
        network = small()
        network.notes = {"vocabulary": "\n äß😀", "trained": [1, 2.5, None]}
        network.save(path)
        assert NeuralNetwork.load(path).notes == network.notes
        small().save(path)
        assert NeuralNetwork.load(path).notes == {}

    def test_notes_that_could_not_be_read_again_are_refused(self, path):
        network = small()
        network.save(path)
        for notes in (5, ["a"], {1: "a"}, {"a": {1: "b", "1": "c"}}):
            network.notes = notes
            with pytest.raises(ValueError, match="the notes"):
                network.save(path)
        assert NeuralNetwork.load(path).notes == {}  # what was there before still is

    @pytest.mark.parametrize("note", [{1, 2}, np.float32(1), float("nan")])
    def test_notes_that_are_no_json_are_refused(self, path, note):
        network = small()
        network.notes = {"note": note}
        with pytest.raises(ValueError, match=r"JSON"):
            network.save(path)
        assert not path.exists()

    def test_too_many_layers_for_a_header(self, path, monkeypatch):
        monkeypatch.setattr(serialization, "HEADER_LIMIT", 100)
        with pytest.raises(ValueError, match="too long for a header of 100 bytes"):
            small().save(path)
        assert not path.exists()


class TestDamagedFiles:
    def test_cut_off_anywhere(self, path):
        small().save(path)
        content = path.read_bytes()
        for length in [*range(0, len(content), 5), *range(len(content) - 9, len(content))]:
            path.write_bytes(content[:length])
            refusal(path)
        path.write_bytes(content + b"\0")
        assert "bytes of numbers, the header says" in refusal(path)

    def test_any_byte_changed(self, path):
        network = small()
        network.notes = {"of": "mine"}
        network.save(path)
        content = path.read_bytes()
        refused = 0
        for i in range(len(content)):
            new = content[i] ^ (1 << i % 8)
            path.write_bytes(content[:i] + bytes([new]) + content[i + 1 :])
            try:
                found = NeuralNetwork.load(path)
            except ModelFileError:
                refused += 1
            else:  # a blank between two of the header's words, say
                assert (found.describe(), found.notes) == (network.describe(), network.notes)
                for name, array in network.parameters().items():
                    np.testing.assert_array_equal(found.parameters()[name], array)
        assert refused > 0.99 * len(content)

    def test_a_changed_number_is_told_by_the_checksum(self, path):
        small().save(path)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert re.match(
            "the file is damaged: the checksum of what it holds is .{8},", refusal(path)
        )

    def test_a_file_without_checksum_is_read(self, path):
        craft(path, *sound(path))
        np.testing.assert_array_equal(
            NeuralNetwork.load(path).parameters()["0.weight"], small().parameters()["0.weight"]
        )

    def test_a_model_of_many_pieces_keeps_its_checksum(self, path):
        network = NeuralNetwork([diglot.Dense(300)], "mean_squared_error", seed=1)
        network.setup((200,))
        network.save(path)
        assert path.stat().st_size > 3 << 16
        np.testing.assert_array_equal(
            NeuralNetwork.load(path).parameters()["0.weight"], network.parameters()["0.weight"]
        )

    def test_a_damaged_model_costs_little_memory(self, path):
        network = NeuralNetwork([diglot.Dense(1000)], "mean_squared_error", seed=1)
        network.setup((1000,))
        network.save(path)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        tracemalloc.start()
        try:
            refusal(path)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 1 << 20 < len(content)

    def test_any_byte_of_a_header_without_checksum_changed(self, path):
        craft(path, *sound(path))
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        refused = 0
        for i in range(8 + length):
            new = (content[i] ^ 1, content[i] ^ 0x80, ord("0"), ord('"'))[i % 4]
            path.write_bytes(content[:i] + bytes([new]) + content[i + 1 :])
            try:
                NeuralNetwork.load(path)  # another seed, for one, is another sound model
            except ModelFileError:
                refused += 1
        assert refused > 0.7 * length

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\0" * 8,
            b"\0" * 1000,
            b"\xff" * 1000,
            b"not a model at all, but a text of some length",
            pickle.dumps({"0.weight": 1}),
            b"PK\x03\x04" + b"\0" * 100,
        ],
        ids=lambda content: repr(content[:8]),
    )
    def test_other_files(self, path, content):
        path.write_bytes(content)
        refusal(path)

    def test_what_is_no_file(self, tmp_path):
        assert refusal(tmp_path / "missing") == "No such file or directory"
        assert refusal(tmp_path) == "Is a directory; give the path of a file"

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has neither")
    def test_what_never_ends(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        assert refusal(tmp_path / "pipe") == "this is no regular file"
        assert refusal("/dev/zero") == "this is no regular file"

    def test_a_file_that_becomes_shorter(self, path, monkeypatch):
        network = NeuralNetwork([diglot.Dense(100)], "huber")
        network.setup((100,))
        network.save(path)
        read = serialization.ModelFile.read

        def shorten(self, name):
            os.truncate(path, path.stat().st_size - 1)
            return read(self, name)

        monkeypatch.setattr(serialization.ModelFile, "read", shorten)
        assert "the file ends within 0." in refusal(path)
