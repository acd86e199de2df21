"""Model files that somebody has made to do harm: each is refused, and costs next to nothing."""

import copy
import json
import os
import tracemalloc

import numpy as np
import pytest

from diglot.network import NeuralNetwork
from model_files import craft, refusal, small, sound, without_checksum


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def sound_file(tmp_path_factory):
    return sound(tmp_path_factory.mktemp("sound") / "model.safetensors")


@pytest.fixture
def good(sound_file):
    """Give the header and the numbers of a sound model file, to be changed."""
    return copy.deepcopy(sound_file)


class TestEvilHeaders:
    @pytest.mark.parametrize(
        ("header", "message"),
        [
            ("[]", "the header is not a JSON object"),
            ("7", "the header is not a JSON object"),
            ("", "the header is not JSON"),
            ("{", "the header is not JSON"),
            ("{}", "not written by diglot"),
            ("{} {}", "the header is not JSON"),
            (b"\xff\xfe{}", "the header is not JSON"),
            (b"\xef\xbb\xbf{}", "the header is not JSON"),
            ('{"a": 1, "a": 2}', "the header has a key twice"),
            ('{"a": {"b": 1, "b": 2}}', "the header has a key twice"),
            ('{"a": NaN}', "the header has NaN, which is not JSON"),
            ('{"a": -Infinity}', "the header has -Infinity, which is not JSON"),
            ("[" * 200_000, "the header has 200000 lists and objects, the limit is 100000"),
            ("[" * 100_000, "the header is nested too deeply"),
            ('{"a":' * 100_000, "the header is nested too deeply"),
            ('{"a": 1' + "0" * 5000 + "}", "integer string"),
            ({"__metadata__": None}, "not written by diglot"),
            ({"__metadata__": {}}, "not written by diglot"),
            ({"__metadata__": {"format": "pt"}}, "not written by diglot"),
            ({"__metadata__": {"format": "diglot"}}, "version None, this diglot reads version 1"),
            ({"__metadata__": {"format": "diglot", "version": "2"}}, "the file has version '2'"),
            ({"__metadata__": {"format": "diglot", "version": 1}}, "the file has version 1"),
            ({"__metadata__": {"format": "diglot", "version": "1"}}, "the metadata must hold"),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_no_model(self, path, header, message):
        craft(path, header)
        assert message in refusal(path)

    @pytest.mark.parametrize(
        ("length", "message"),
        [(2**63, "cut off"), (2**64 - 1, "cut off"), (10**6, "cut off"), (5, "not JSON")],
    )
    def test_lengths_that_are_not_true(self, path, good, length, message):
        craft(path, *good, length=length)
        assert message in refusal(path)

    @pytest.mark.parametrize(
        ("name", "change", "message"),
        [
            ("0.weight", None, "the header's entry of '0.weight' is malformed"),
            ("0.weight", [], "malformed"),
            ("0.weight", {}, "malformed"),
            ("0.weight", {"more": 1}, "malformed"),
            ("0.weight", {"dtype": "F16"}, "'0.weight' has dtype 'F16', expected F32 or F64"),
            ("0.weight", {"dtype": "O"}, "has dtype 'O'"),
            ("0.weight", {"dtype": ["F32"]}, r"has dtype ['F32']"),
            ("0.weight", {"dtype": "F64"}, "which is not its shape (3, 2) in float64"),
            ("0.weight", {"shape": None}, "malformed"),
            ("0.weight", {"shape": 6}, "malformed"),
            ("0.weight", {"shape": [3, -2]}, "malformed"),
            ("0.weight", {"shape": [3, 2.0]}, "malformed"),
            ("0.weight", {"shape": [3, True]}, "malformed"),
            ("0.weight", {"shape": ["3", 2]}, "malformed"),
            ("0.weight", {"shape": [3, 2**64]}, "malformed"),
            ("0.weight", {"shape": [2, 3]}, "0.weight has shape (2, 3), the architecture says (3"),
            ("0.weight", {"shape": [6]}, "0.weight has shape (6,), the architecture says (3, 2)"),
            ("0.weight", {"shape": [3, 2, 1]}, "0.weight has shape (3, 2, 1), the architecture"),
            ("0.weight", {"shape": [3, 3]}, "which is not its shape (3, 3)"),
            ("0.weight", {"shape": [2**62, 2**62, 4]}, "which is not its shape"),
            ("0.weight", {"data_offsets": [0, 24, 48]}, "malformed"),
            ("0.weight", {"data_offsets": [-8, 16]}, "malformed"),
            ("0.weight", {"data_offsets": "0-24"}, "malformed"),
            ("0.weight", {"data_offsets": [2**40, 0]}, "arrays overlap or leave a gap"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_entries(self, path, good, name, change, message):
        header, numbers = good
        header[name] = change if not change else header[name] | change
        craft(path, header, numbers)
        assert message in refusal(path)

    def test_names(self, path, good):
        header, numbers = good
        for new in ("0.Weight", "2.weight", "../../etc/passwd", "", "0.weight\0"):
            changed = {k if k != "0.weight" else new: v for k, v in header.items()}
            craft(path, changed, numbers)
            assert f"missing are '0.weight', unknown are {new!r}" in refusal(path)
        craft(path, {k: v for k, v in header.items() if k == "__metadata__"})
        assert "missing are '0.bias', '0.weight', '1.bias', and 1 more" in refusal(path)
        empty = {"dtype": "F32", "shape": [0], "data_offsets": [len(numbers)] * 2}
        craft(path, header | {"more": empty}, numbers)
        assert "missing are none, unknown are 'more'" in refusal(path)

    def test_arrays_that_share_bytes(self, path, good):
        header, numbers = good
        same = header["0.bias"]["data_offsets"]
        other = [k for k in header if k != "0.bias" and header[k].get("shape") == [2, 1]]
        header[other[0]]["data_offsets"] = same
        craft(path, header, numbers)
        assert "overlap or leave a gap" in refusal(path)

    def test_a_hole_between_the_arrays(self, path, good):
        header, numbers = good
        for entry in header.values():
            if "data_offsets" in entry:
                entry["data_offsets"] = [offset + 4 for offset in entry["data_offsets"]]
        craft(path, header, b"evil" + numbers)
        assert "begins at byte 4, expected 0" in refusal(path)

    def test_the_dtype_must_be_the_architectures(self, path):
        small(dtype=np.float64).save(path)
        header, numbers = without_checksum(path.read_bytes())
        craft(path, json.dumps(header).replace(r"\"float64\"", r"\"float32\""), numbers)
        assert "has dtype float64, the architecture says float32" in refusal(path)

    def test_a_header_padded_with_blanks_is_sound(self, path, good):
        header, numbers = good
        craft(path, json.dumps(header) + " " * 13, numbers)
        assert repr(NeuralNetwork.load(path)) == repr(small())


def change_layer(**change):
    return lambda architecture: architecture["layers"][0].update(change)


class TestEvilArchitectures:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda a: a.pop("seed"), "the architecture has ['dtype', 'input_shape', 'layers', "),
            (lambda a: a.update(extra=1), "the architecture has"),
            (lambda a: a.update(layers={}), "layers and input_shape must be lists"),
            (lambda a: a.update(layers=[]), "layers is empty"),
            (lambda a: a.update(layers=[3]), "layer is 3, expected a description"),
            (lambda a: a["layers"].pop(), "unknown are '1.bias', '1.weight'"),
            (lambda a: a["layers"].append(a["layers"][1]), "missing are '2.bias', '2.weight'"),
            (lambda a: a.update(input_shape=3), "must be lists"),
            (lambda a: a.update(input_shape=[4]), "the architecture says (4, 2)"),
            (lambda a: a.update(input_shape=[2**40]), "the architecture says (1099511627776, 2)"),
            (lambda a: a.update(input_shape=[2**70]), ""),
            (lambda a: a.update(input_shape=[0]), "layer 0"),
            (lambda a: a.update(input_shape=[3.0]), "input_shape is 3.0, expected an integer"),
            (lambda a: a.update(input_shape=["3"]), "input_shape is '3'"),
            (lambda a: a.update(dtype="float16"), "neither float32 nor float64"),
            (lambda a: a.update(dtype=["float32"]), "neither float32 nor float64"),
            (lambda a: a.update(dtype="f4,(1000000,1000000)f4"), "neither float32 nor float64"),
            (lambda a: a.update(seed="1"), "seed is '1'"),
            (lambda a: a.update(seed=-1), "seed is -1"),
            (lambda a: a.update(seed=[1]), "seed is [1]"),
            (lambda a: a.update(loss="huber"), "loss is 'huber', expected a description"),
            (lambda a: a.update(loss={"type": "Dense", "neurons": 3}), "loss 'Dense' is unknown"),
            (lambda a: a.update(loss={"type": "Huber", "delta": 0}), "delta is 0.0"),
            (change_layer(type="os.system"), "layer 'os.system' is unknown"),
            (change_layer(type="NeuralNetwork"), "is unknown"),
            (change_layer(type=None), "expected a description with a 'type'"),
            (change_layer(operations=[]), "Dense has no argument 'operations'"),
            (change_layer(__class__="x"), "Dense has no argument '__class__'"),
            (change_layer(neurons=3), "0.weight has shape (3, 2), the architecture says (3, 3)"),
            (change_layer(neurons=2**40), "the architecture says (3, 1099511627776)"),
            (change_layer(neurons=2**61), ""),
            (change_layer(neurons=2**70), ""),
            (change_layer(neurons=-1), "neurons is -1, expected at least 1"),
            (change_layer(neurons="2"), "neurons is '2'"),
            (change_layer(bias=False), "unknown are '0.bias'"),
            (change_layer(dropout=2), "dropout is 2.0"),
            (change_layer(activation="tanh.evil"), "activation 'tanh.evil' is unknown"),
            (change_layer(activation={"type": "Dropout", "rate": 0.5}), "is unknown"),
            (change_layer(weight_init={"type": "Standard", "std": "x"}), "std is 'x'"),
            (change_layer(weight_init={"type": "Tanh"}), "weight_init 'Tanh' is unknown"),
        ],
    )
    def test_is_refused(self, path, good, change, message):
        header, numbers = good
        architecture = json.loads(header["__metadata__"]["architecture"])
        change(architecture)
        header["__metadata__"]["architecture"] = json.dumps(architecture)
        craft(path, header, numbers)
        assert message in refusal(path)

    @pytest.mark.parametrize(
        ("architecture", "message"),
        [
            ("", "the architecture is not JSON"),
            ("[]", "the architecture is not a JSON object"),
            ('{"a": 1, "a": 1}', "the architecture has a key twice"),
            ('{"a": Infinity}', "the architecture has Infinity"),
            ("[" * 90_000, "nested too deeply"),
        ],
        ids=lambda value: value[:20],
    )
    def test_is_json(self, path, good, architecture, message):
        header, numbers = good
        header["__metadata__"]["architecture"] = architecture
        craft(path, header, numbers)
        assert message in refusal(path)

    def test_a_duplicate_layer_setting_is_refused(self, path, good):
        header, numbers = good
        text = header["__metadata__"]["architecture"]
        header["__metadata__"]["architecture"] = text.replace(
            '"neurons": 2', '"neurons": 2, "neurons": 2'
        )
        craft(path, header, numbers)
        assert "has a key twice" in refusal(path)


class TestMemory:
    def peak(self, path):
        refusal(path)  # once without counting: what is imported lazily does not count
        tracemalloc.start()
        try:
            refusal(path)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def test_claims_cost_nothing(self, path, good):
        header, numbers = good
        header["0.weight"]["shape"] = [2**20, 2**20]
        header["0.weight"]["data_offsets"] = [0, 2**42]
        craft(path, header, numbers)
        assert self.peak(path) < 1e6

    def test_a_truly_large_file_is_not_read(self, path, good):
        header, _ = good
        entry = {"dtype": "F32", "shape": [2**31], "data_offsets": [0, 2**33]}
        craft(path, {"__metadata__": header["__metadata__"], "0.weight": entry})
        os.truncate(path, path.stat().st_size + 2**33)  # sparse: no such space is used
        assert "missing are" in refusal(path)
        assert self.peak(path) < 1e6

    def test_a_truly_large_header_is_not_read(self, path):
        craft(path, b"", length=2**32)
        os.truncate(path, 2**33)
        assert "the header claims 4294967296 bytes, more than the limit" in refusal(path)
        assert self.peak(path) < 1e6

    def test_an_architecture_without_bounds(self, path, good):
        header, numbers = good
        architecture = json.loads(header["__metadata__"]["architecture"])
        pool = {"type": "MaxPool2D", "kernel_size": 1}
        architecture.update(input_shape=[1, 2**30, 2**30], layers=[pool, *architecture["layers"]])
        header["__metadata__"]["architecture"] = json.dumps(architecture)
        craft(path, header, numbers)
        assert self.peak(path) < 1e6

    def test_many_layers_take_no_long_time(self, path, good):
        header, numbers = good
        architecture = json.loads(header["__metadata__"]["architecture"])
        architecture["layers"] = [{"type": "Flatten"}] * 20_000
        header["__metadata__"]["architecture"] = json.dumps(architecture)
        craft(path, header, numbers)
        assert "missing are none, unknown are '0.bias'" in refusal(path)
