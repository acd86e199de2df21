"""The table's rows of model files and checkpoints, each a change of one that is right."""

import json
import struct
from collections.abc import Callable
from typing import Any

Change = Callable[[bytes], bytes]

NAN, INFINITY = struct.pack("<f", float("nan")), struct.pack("<f", float("inf"))
NAN_64 = struct.pack("<d", float("nan"))


def taken_apart(good: bytes) -> tuple[dict[str, Any], bytes]:
    """Give the header and the numbers; a forger leaves the checksums out."""
    length = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + length])
    for name in ("crc32", "crc32.parameters", "crc32.training"):
        header["__metadata__"].pop(name, None)
    return header, good[8 + length :]


def put_together(header: object, numbers: bytes, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    return length.to_bytes(8, "little") + text + numbers


def header(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change the header."""

    def make(good: bytes) -> bytes:
        found, numbers = taken_apart(good)
        change(found)
        return put_together(found, numbers)

    return make


def inside(part: str, change: Callable[[dict[str, Any]], object]) -> Change:
    """Change the architecture, or the training, which are JSON within the header's."""

    def edit(found: dict[str, Any]) -> None:
        inner = json.loads(found["__metadata__"][part])
        change(inner)
        found["__metadata__"][part] = json.dumps(inner)

    return header(edit)


def architecture(**values: Any) -> Change:
    return inside("architecture", lambda a: a.update(values))


def first_layer(**values: Any) -> Change:
    return inside("architecture", lambda a: a["layers"][0].update(values))


def raw_architecture(text: str) -> Change:
    return header(lambda h: h["__metadata__"].update(architecture=text))


def training(change: Callable[[dict[str, Any]], object]) -> Change:
    return inside("training", change)


def position(**values: Any) -> Change:
    return training(lambda t: t["position"].update(values))


def entry(name: str, **values: Any) -> Change:
    return header(lambda h: h[name].update(values))


def renamed(old: str, new: str) -> Change:
    return header(lambda h: h.update({new: h.pop(old)}))


def numbers(name: str, first: bytes) -> Change:
    """Overwrite the first number of an array."""

    def make(good: bytes) -> bytes:
        found, data = taken_apart(good)
        begin = found[name]["data_offsets"][0]
        return put_together(found, data[:begin] + first + data[begin + len(first) :])

    return make


def huge(name: str, shape: list[int], size: int) -> Change:
    """Let an array claim a size that the file has not."""
    return entry(name, shape=shape, data_offsets=[0, size])


def whole(text: bytes) -> Change:
    return lambda good: put_together(text, b"")


FILES: dict[str, tuple[Change, str]] = {
    "empty": (lambda good: b"", "cut off (0 bytes)"),
    "half a length": (lambda good: good[:5], "cut off (5 bytes)"),
    "a length alone": (lambda good: good[:8], "cut off (8 bytes)"),
    "half a header": (lambda good: good[:99], "cut off"),
    "a header alone": (lambda good: good[: 8 + int.from_bytes(good[:8], "little")], "the header"),
    "a byte too few": (lambda good: good[:-1], "bytes of numbers, the header says"),
    "a byte too many": (lambda good: good + b"\0", "bytes of numbers, the header says"),
    "a length of 2^63": (lambda good: put_together(*taken_apart(good), 2**63), "cut off"),
    "a length of 2^64 - 1": (lambda good: put_together(*taken_apart(good), 2**64 - 1), "cut off"),
    "a length of 0": (lambda good: put_together(*taken_apart(good), 0), "not JSON"),
    "a length that is one too small": (
        lambda good: put_together(*taken_apart(good), int.from_bytes(good[:8], "little") - 1),
        "not JSON",
    ),
    "no JSON": (whole(b"\x80\x04K\x01."), "not JSON"),
    "not UTF-8": (whole(b'{"\xff": 1}'), "not JSON"),
    "a list": (whole(b"[]"), "not a JSON object"),
    "nested deeply": (whole(b'{"a":' * 50_000), "nested too deeply"),
    "a megabyte of nested lists": (whole((b"[" * 500 + b"]" * 500 + b",") * 1000), "lists and obj"),
    "a megabyte of objects": (whole(b"[" + b'{"":0},' * 140_000), "lists and objects"),
    "a megabyte of floats": (whole(b"[" + b"1.5," * 250_000 + b"0]"), "not a JSON object"),
    "a huge integer": (whole(b'{"a": ' + b"9" * 5000 + b"}"), "digits"),
    "1e400": (whole(b'{"a": 1e400}'), "the number 1e400"),
    "NaN": (whole(b'{"a": NaN}'), "NaN, which is not JSON"),
    "a key twice": (whole(b'{"a": 1, "a": 1}'), "a key twice"),
    "no metadata": (header(lambda h: h.pop("__metadata__")), "not written by diglot"),
    "another version": (header(lambda h: h["__metadata__"].update(version="9")), "version '9'"),
    "unknown metadata": (header(lambda h: h["__metadata__"].update(more="")), "and no more"),
    "metadata of another type": (header(lambda h: h["__metadata__"].update(notes=1)), "must hold"),
    "an unknown dtype": (entry("0.bias", dtype="F8_E4M3"), "expected F32 or F64"),
    "a dtype that is none": (entry("0.bias", dtype=None), "expected F32 or F64"),
    "another dtype": (entry("0.bias", dtype="F64"), "which is not its shape"),
    "a shape of 4 TB": (huge("0.bias", [2**40], 2**42), "overlap or leave a gap"),
    "a negative size": (entry("0.bias", shape=[-3]), "malformed"),
    "a size of 2^64": (entry("0.bias", shape=[2**64]), "malformed"),
    "a product beyond 2^64": (entry("0.bias", shape=[2**62, 2**62]), "which is not its shape"),
    "a product that is 0 modulo 2^64": (entry("0.bias", shape=[2**32, 2**32]), "not its shape"),
    "half a million axes": (entry("0.bias", shape=[9] * 300_000), "has 300000 axes"),
    "an unknown field": (entry("0.bias", more=1), "malformed"),
    "offsets backwards": (entry("0.bias", data_offsets=[8, 0]), "'0.bias'"),
    "offsets beyond the file": (entry("0.bias", data_offsets=[0, 2**62]), "'0.bias'"),
    "a missing name": (header(lambda h: h.pop("0.bias")), "overlap or leave a gap"),
    "another name": (renamed("0.bias", "0.bos"), "unknown are '0.bos'"),
    "a name with a path in it": (renamed("0.bias", "../../0.bias"), "unknown are '../../0.bias'"),
    "a name with a NUL": (renamed("0.bias", "0.bias\0"), "unknown are '0.bias\\x00'"),
    "a name that is no text": (renamed("0.bias", "\ud800"), "unknown are '\\ud800'"),
    "a name of 900 KB": (renamed("0.bias", "x" * 900_000), "unknown are 'xxx"),
}
"""For models and checkpoints."""

ONLY_MODELS: dict[str, tuple[Change, str]] = {
    "a layer of 10^9 neurons": (first_layer(neurons=10**9), "the architecture says (4, 1000000000"),
    "a layer of 2^62 neurons": (first_layer(neurons=2**62), "more bytes than 2**63"),
    "a layer of 10^400 neurons": (first_layer(neurons=10**400), "expected less than 2**63"),
    "an input of 2^62": (architecture(input_shape=[2**62]), "more bytes than 2**63"),
    "an input of many axes": (architecture(input_shape=[9] * 300_000), "300000 axes"),
    "a stride of 2^32": (
        architecture(layers=[{"type": "AvgPool2D", "kernel_size": 1, "stride": 2**32}]),
        "stride is 4294967296, expected less than 2147483648",
    ),
    "no layers": (architecture(layers=[]), "layers is empty"),
    "an unknown layer": (first_layer(type="os.system"), "'os.system' is unknown"),
    "a layer that is none": (architecture(layers=[None]), "expected a description"),
    "an unknown setting": (first_layer(__class__=1), "no argument '__class__'"),
    "a seed that is none": (architecture(seed=-1), "seed is -1"),
    "another dtype in it": (architecture(dtype="float64"), "the architecture says float64"),
    "an architecture nested deeply": (raw_architecture("[" * 50_000), "nested too deeply"),
    "an architecture of lists": (raw_architecture("[[]," * 50_001), "lists and objects"),
    "an architecture with NaN": (raw_architecture('{"a": NaN}'), "NaN, which is not JSON"),
    "an architecture with 1e400": (raw_architecture('{"a": 1e400}'), "the number 1e400"),
    "an architecture with a key twice": (raw_architecture('{"a": 1, "a": 1}'), "a key twice"),
    "forty thousand layers": (architecture(layers=[{"type": "Flatten"}] * 40_000), "unknown are"),
    "forty thousand dropouts": (
        architecture(layers=[{"type": "Dropout", "rate": 0.5}] * 22_000),
        "unknown are",
    ),
    "thousands of recurrent layers": (
        architecture(layers=[{"type": "GRU", "hidden_size": 9}] * 20_000),
        "layer 0",
    ),
    "an image of 2^62 pixels": (
        architecture(
            input_shape=[1, 2**31, 2**31],
            layers=[{"type": "Conv2D", "channels": 2**15, "kernel_size": 2**15}],
        ),
        "the parameters are not those",
    ),
}

ONLY_CHECKPOINTS: dict[str, tuple[Change, str]] = {
    "no training": (header(lambda h: h["__metadata__"].pop("training")), "a model without"),
    "a parameter that is NaN": (numbers("0.bias", NAN), "holds NaN or infinity"),
    "a parameter that is infinite": (numbers("0.bias", INFINITY), "holds NaN or infinity"),
    "a memory that is NaN": (numbers("training.optimizer.mean.0.bias", NAN), "holds NaN"),
    "a best parameter that is NaN": (numbers("training.best.0.bias", NAN), "holds NaN"),
    "a state that is NaN": (numbers("training.state.0.0", NAN), "holds NaN"),
    "a loss that is NaN": (numbers("training.history.loss", NAN_64), "no number"),
    "a history with gaps": (numbers("training.history.loss:known", bytes(8)), "has gaps"),
    "half known": (numbers("training.history.seconds:known", NAN_64), "no number"),
    "a history of two axes": (
        entry("training.history.loss", shape=[1, 1]),
        "expected (epochs,)",
    ),
    "columns of other lengths": (
        entry("training.history.seconds", shape=[1, 1]),
        "has shape (1, 1)",
    ),
    "a memory of another shape": (
        entry("training.optimizer.mean.0.bias", shape=[1, 8]),
        "has shape (1, 8)",
    ),
    "an array that nobody needs": (
        renamed("training.optimizer.mean.0.bias", "training.more"),
        "no use for the array 'more'",
    ),
    "a memory of another kind": (
        renamed("training.optimizer.mean.0.bias", "training.optimizer.velocity.0.bias"),
        "no use for the array",
    ),
    "a missing best parameter": (
        renamed("training.best.0.bias", "training.optimizer.mean_squares.0.bos"),
        "lacks the array 'best.0.bias'",
    ),
    "a best epoch of none": (
        training(lambda t: t["best"].update(epoch=None)),
        "no use for the array 'best.",
    ),
    "a best epoch to come": (training(lambda t: t["best"].update(epoch=99)), "epoch is 99"),
    "a best loss that is a text": (training(lambda t: t["best"].update(loss="x")), "loss is 'x'"),
    "negative patience": (training(lambda t: t["best"].update(waited=-1)), "waited is -1"),
    "no best": (training(lambda t: t.update(best=None)), "the best is None"),
    "a history of another best": (training(lambda t: t["history"].update(best_epoch=7)), "is 7"),
    "notes that are numbers": (training(lambda t: t["history"].update(notes=[1])), "notes are [1]"),
    "a metric twice": (training(lambda t: t["history"].update(metrics=["a", "a"])), "metric twice"),
    "a schedule of no steps": (training(lambda t: t["schedule_length"].update(batch=0)), "is 0"),
    "a schedule of a half": (training(lambda t: t["schedule_length"].update(epoch=0.5)), "0.5"),
    "endless steps": (training(lambda t: t.update(steps=10**400)), "expected less than"),
    "endless steps of Adam": (training(lambda t: t.update(optimizer_steps=10**400)), "less than"),
    "steps that are true": (training(lambda t: t.update(steps=True)), "steps is True"),
    "a batch to come": (position(batch=10**6), "batch is 1000000"),
    "an epoch to come": (position(epochs_done=10**6), "epochs_done is 1000000"),
    "a stop that is a number": (position(stopped_early=1), "stopped_early is 1"),
    "a rate below zero": (position(forced_lr=-1), "forced_lr is -1"),
    "a rate that is a text": (position(learning_rate="nan"), "learning_rate is 'nan'"),
    "time that runs backwards": (position(seconds=-1), "seconds is -1"),
    "a state where an epoch begins": (position(batch=0), "null where an epoch begins"),
    "a state of too many parts": (training(lambda t: t.update(state=[10**9, 1])), "1000000000 p"),
    "a state of other rows": (entry("training.state.0.0", shape=[2, 3]), "has shape (2, 3)"),
    "states of layers that are not there": (training(lambda t: t.update(state=[])), "expected 2"),
    "no generators": (training(lambda t: t.update(generators=[])), "draws from"),
    "a generator of another kind": (
        training(lambda t: t["generators"][0].update(bit_generator="MT19937")),
        "bit_generator is 'MT19937'",
    ),
    "a generator beyond its bits": (
        training(lambda t: t["generators"][0]["state"].update(state=1 << 128)),
        "expected less than",
    ),
    "an order that is a list": (training(lambda t: t.update(order=[])), "the order is []"),
    "an order nested deeply": (
        training(lambda t: t["order"].update(state=json.loads("[" * 400 + "]" * 400))),
        "no state of a PCG64",
    ),
    "other data": (training(lambda t: t["settings"].update(data=None)), "of another training"),
    "another network": (
        inside("architecture", lambda a: a["layers"][0].update(hidden_size=3)),
        "of another network",
    ),
}

MODELS = FILES | ONLY_MODELS
CHECKPOINTS = FILES | ONLY_CHECKPOINTS
