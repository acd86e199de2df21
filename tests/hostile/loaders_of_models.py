"""Model files, checkpoints, and weights from PyTorch."""

import json
import math
import tempfile
from collections.abc import Iterator
from operator import index
from pathlib import Path
from typing import Any, final

import numpy as np
from hostile_models import put_together, taken_apart
from loading import Loader
from safetensors import SafetensorError
from safetensors.numpy import load as parse_safetensors
from safetensors.numpy import save as to_safetensors

import diglot
from diglot.callbacks import Checkpoint
from diglot.errors import DataError, ModelFileError, ShapeError, TrainingDiverged
from diglot.interop.torch import load_state_dict, to_state_dict
from diglot.network import NeuralNetwork
from diglot.optimizers import Adam
from diglot.schedules import Cosine
from diglot.trainer import Trainer

LARGEST_TO_RUN = 20_000
"""Networks whose layers give no more numbers than that are run, too."""


def networks() -> Iterator[NeuralNetwork]:
    """Make networks that have every layer and most settings among them."""
    soft = "softmax_cross_entropy"
    network = NeuralNetwork([diglot.Dense(3, "tanh"), diglot.Dense(2)], soft, seed=1)
    network.setup((4,))
    yield network
    images: list[diglot.Layer] = [
        diglot.Conv2D(2, kernel_size=3, padding="same", dilation=2, activation="relu"),
        diglot.Conv2D(2, kernel_size=(2, 1), stride=2, padding=1, groups=2, bias=False),
        diglot.MaxPool2D(2, stride=1, padding=1),
        diglot.AvgPool2D(2),
        diglot.Dropout(0.5),
        diglot.Activation("gelu"),
        diglot.GlobalAvgPool2D(),
        diglot.Flatten(),
        diglot.Dense(2, diglot.LeakyReLU(0.1), weight_init="he"),
    ]
    network = NeuralNetwork(images, "huber", seed=None, dtype=np.float64)
    network.setup((1, 8, 8))
    yield network
    words: list[diglot.Layer] = [
        diglot.Embedding(5, 3),
        diglot.GRU(2, bidirectional=True),
        diglot.LSTM(2, stateful=False, initial_state="learned"),
        diglot.RNN(2, activation="relu", return_sequences=False),
        diglot.Dense(5),
    ]
    network = NeuralNetwork(words, soft, seed=2**70)
    network.setup((4,))
    network.notes = {"vocabulary": "abcde", "more": [1, 2.5, None, {"a": "\ud800"}]}
    yield network


def content_of(network: NeuralNetwork) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        network.save(Path(folder) / "model")
        return (Path(folder) / "model").read_bytes()


def without_checksum(written: bytes) -> bytes:
    """Leave it out, as a forger does, so that what is read after it is tried, too."""
    return put_together(*taken_apart(written))


def assert_equal(one: NeuralNetwork, other: NeuralNetwork) -> None:
    assert one.describe() == other.describe()
    assert repr(one.notes) == repr(other.notes)
    mine, theirs = one.parameters(), other.parameters()
    assert mine.keys() == theirs.keys()
    for name, array in mine.items():
        assert array.dtype == theirs[name].dtype == one.dtype
        assert array.shape == theirs[name].shape
        assert array.tobytes() == theirs[name].tobytes(), name  # NaN, too


@final
class ModelLoader(Loader):
    name, form, refusals, file_name = "model", "safetensors", (ModelFileError,), "a.safetensors"

    def make_seeds(self) -> list[bytes]:
        written = [content_of(network) for network in networks()]
        return [*map(without_checksum, written), written[0]]

    def read(self, path: Path) -> NeuralNetwork:
        return NeuralNetwork.load(path)

    def verify(self, result: NeuralNetwork, path: Path) -> None:
        again = path.with_name("again.safetensors")
        result.save(again)
        assert_equal(result, NeuralNetwork.load(again))
        self._run(result)

    def _run(self, network: NeuralNetwork) -> None:
        """Predict, if that costs little; a network may refuse by itself what it cannot do."""
        shape = network.input_shape or ()
        sizes = [math.prod(shape)]
        for layer in network.layers:
            shape, _ = layer.measure(shape)
            sizes.append(math.prod(shape))
        if max(sizes) > LARGEST_TO_RUN or len(network.layers) > 50:
            return
        kind = np.int64 if network.layers[0].takes_integers else network.dtype
        with np.errstate(all="ignore"):
            prediction = network.predict(np.zeros((1, *network.input_shape), kind))
        assert prediction.shape == (1, *shape)


N, T, D, K = 6, 4, 2, 3
_RNG = np.random.default_rng(0)
X, Y = _RNG.normal(size=(N, T, D)).astype(np.float32), _RNG.integers(K, size=(N, T))


@final
class CheckpointLoader(Loader):
    """A recurrent network in the middle of an epoch: every part of a checkpoint is there."""

    name, form, file_name = "checkpoint", "safetensors", "step-00000007.safetensors"
    refusals = (ModelFileError,)

    def make_seeds(self) -> list[bytes]:
        with tempfile.TemporaryDirectory() as folder:
            callback = Checkpoint(folder, every_batches=1, keep=99)
            self._fit(self._subject(), callbacks=callback)
            files = [Path(folder) / f"step-{step:08}.safetensors" for step in (1, 4, 7, 12)]
            written = [file.read_bytes() for file in files]
            return [*map(without_checksum, written), written[0]]

    def _subject(self) -> Trainer:
        layers = [diglot.LSTM(2, dropout=0.2), diglot.GRU(2), diglot.Dense(K)]
        network = NeuralNetwork(layers, "softmax_cross_entropy", seed=1)
        network.setup((T, D))
        return Trainer(network, Adam(Cosine(0.05, per="batch")))

    def _fit(self, subject: Trainer, **settings: Any) -> None:
        subject.fit(
            X, Y, validation=(X, Y), epochs=3, batch_size=3, bptt=2, early_stopping=2,
            seed=5, progress=False, **settings,
        )  # fmt: skip

    _fresh: Trainer | None = None

    def read(self, path: Path) -> tuple[Trainer, bool]:
        """Go on with the training to its end, on a trainer that no refusal has changed so far."""
        subject = self._subject() if self._fresh is None else self._fresh
        before, self._fresh = _everything(subject), None
        begun = _Begun()
        try:
            self._fit(subject, resume_from=path, callbacks=begun)
        except TrainingDiverged:
            assert begun.steps is not None
            return subject, False
        except ValueError:
            assert begun.steps is None, "the checkpoint was taken, and the training failed"
            assert _everything(subject) == before
            self._fresh = subject
            raise
        return subject, True

    def verify(self, result: tuple[Trainer, bool], path: Path) -> None:
        subject, ended = result
        history, network = subject.history, subject.network
        rows = {len(column) for column in (history.loss, history.seconds, history.learning_rate)}
        assert rows == {len(history)}
        assert history.best_epoch is None or 1 <= history.best_epoch <= len(history)
        assert subject.steps >= 0
        assert all(isinstance(note, str) for note in history.notes)
        assert all(np.isfinite(array).all() for array in network.parameters().values()) or not ended
        again = path.with_name("again.safetensors")
        network.save(again)
        assert_equal(network, NeuralNetwork.load(again))


class _Begun:
    """Notes that a checkpoint was taken."""

    steps: int | None = None

    def on_fit_begin(self, fit: Any) -> None:
        self.steps = fit.trainer.steps


def _everything(trainer: Trainer) -> str:
    """Put down all that a refusal must not change."""
    network = trainer.network
    arrays = {name: array.tobytes() for name, array in network.parameters().items()}
    memory = [getattr(value, "tobytes", lambda v=value: v)() for value in
              trainer.optimizer.state().values()]  # fmt: skip
    drawn = [generator.bit_generator.state for generator in network.generators()]
    rest = (trainer.steps, trainer.schedule_length, trainer.history.to_dict(), network.get_state())
    return repr((arrays, memory, drawn, rest))


_KINDS = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "U8": "u1", "BOOL": "?", "C64": "c8",
    "F8_E4M3": "V1", "BF16": "V2", "str": "U3", "object": "O", "date": "M8[s]",
}  # fmt: skip


def _state_of(content: bytes) -> dict[str, Any]:
    """Parse safetensors; what its parser refuses is read loosely, for arrays of odd kinds."""
    try:
        return dict(parse_safetensors(content))
    except Exception as error:  # by a SafetensorError, mostly
        refusal = error
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        return {
            name: np.ones(entry["shape"], _KINDS.get(entry["dtype"], "f4"))
            for name, entry in header.items()
            if name != "__metadata__" and math.prod(map(index, entry["shape"])) < 10_000
        }
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise SafetensorError(f"safetensors refuses it: {refusal!r}") from None


@final
class StateDictLoader(Loader):
    """PyTorch's weights, by way of safetensors, whose parser refuses by an error of its own."""

    name, form = "state dict", "safetensors"
    refusals = (ValueError, DataError, ShapeError, SafetensorError)

    def __init__(self) -> None:
        layers = [diglot.Embedding(5, 3), diglot.LSTM(2), diglot.GRU(2), diglot.Dense(5)]
        self._network = NeuralNetwork(layers, "softmax_cross_entropy", seed=1)
        self._network.setup((4,))

    def make_seeds(self) -> list[bytes]:
        state = to_state_dict(self._network)
        others = {name: array.astype(np.float16) for name, array in state.items()}
        return [to_safetensors(state), to_safetensors(others, {"format": "pt"})]

    def read(self, path: Path) -> NeuralNetwork:
        network = self._network
        before = [array.tobytes() for array in network.parameters().values()]
        try:
            state = _state_of(path.read_bytes())
            load_state_dict(network, state, names=["0", "1", "2", "3"])
        except Exception:
            assert [array.tobytes() for array in network.parameters().values()] == before
            raise
        return network

    def check_message(self, error: Exception, path: Path) -> None:
        """A state dict has no path."""
        assert 8 < len(str(error)) < 2000

    def verify(self, result: NeuralNetwork, path: Path) -> None:
        state = to_state_dict(result)
        before = result.copy_parameters()
        load_state_dict(result, state, names=["0", "1", "2", "3"])
        for name, array in result.parameters().items():
            np.testing.assert_array_equal(array, before[name])
