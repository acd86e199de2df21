"""`diglot train-text` and `diglot write`: from a text to more text."""

import re

import numpy as np
import pytest

import diglot
from diglot import cli
from diglot.cli import train_text
from diglot.network import NeuralNetwork
from diglot.optimizers import Adam


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder; give its exit status, output and errors."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "abc.txt"
    path.write_text("the cat sat on the mat; the dog sat on the log.\n" * 60, encoding="utf-8")
    return path


SMALL = ["--layers", "gru:24,lstm:16", "--embedding", 8, "--batch-size", 8, "--bptt", 16]


def test_a_text_is_learned_and_written(run, corpus):
    status, out, err = run(
        "train-text", "--corpus", corpus, *SMALL, "--epochs", 12, "--lr", 0.02, "--sample", 30
    )
    assert (status, err) == (0, "")
    assert "Embedding(16, dimensions=8)" in out
    losses = [float(nats) for nats in re.findall(r"([\d.]+) in validation", out)]
    assert len(losses) == 12
    assert losses[-1] < 0.5 < losses[0] < 2.8  # nats; a uniform guess has log(16) = 2.8
    perplexity, bits = re.findall(r"perplexity ([\d.]+), ([\d.]+) bits", out)[-1]
    assert float(perplexity) == pytest.approx(np.exp(losses[-1]), abs=0.01)
    assert float(bits) == pytest.approx(losses[-1] / np.log(2), abs=0.01)
    assert "diglot write model.safetensors" in out

    command = ["write", "model.safetensors", "--prompt", "the c", "--length", 40]
    status, out, err = run(*command, "--temperature", 0)
    assert (status, err) == (0, "")
    assert out.startswith("the c")
    assert len(out) == 5 + 40 + 1
    once, again = (run(*command, "--seed", 3, "--top-k", 3, "--top-p", 0.9) for _ in range(2))
    assert once == again


def test_ctrl_c_keeps_what_was_learned(run, corpus, monkeypatch):
    step, count = Adam.step, 0

    def interrupted(self, *arguments):
        nonlocal count
        count += 1
        step(self, *arguments)
        if count == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Adam, "step", interrupted)
    status, out, _ = run("train-text", "--corpus", corpus, *SMALL, "--epochs", 2)
    assert status == 0
    assert "interrupted; what was learned is in model.safetensors" in out
    assert NeuralNetwork.load("model.safetensors").notes["vocabulary"].startswith("\n .;")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "lstm"], "'lstm' is no layer such as lstm:256; the cells are rnn, gru, lstm"),
        (["--layers", "lstm:0"], "'lstm:0' is no layer"),
        (["--dropout", "1"], "'1' is no number from 0 to below 1"),
        (["--lr", "0"], "'0' is no number above 0"),
        (["--lr", "nan"], "'nan' is no number above 0"),
        (["--corpus", "missing.txt"], "missing.txt"),
        (["--out", "no-folder/model.safetensors"], "--out: there is no folder"),
        (["--out", "."], "is a folder, expected the name of a file"),
        (["--batch-size", "1000000"], "1000000 streams"),
        (["--validation", "0"], "'0' is no number above 0 and below 1"),
    ],
)
def test_what_cannot_be_trained_is_refused(run, arguments, message):
    status, out, err = run("train-text", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("diglot: error: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_sample_is_printed_as_it_was_written(run, corpus, monkeypatch):
    written = "[/b] :cat: " + "x " * 200
    monkeypatch.setattr(train_text, "generate", lambda *_, **settings: iter(written))
    _, out, _ = run("train-text", "--corpus", corpus, *SMALL, "--epochs", 1)
    assert written in out


def test_a_text_that_is_too_short_is_refused(run, tmp_path):
    (tmp_path / "short.txt").write_text("a b", encoding="utf-8")
    status, out, err = run("train-text", "--corpus", "short.txt")
    assert (status, out) == (2, "")
    assert "diglot: error: " in err


def test_write_needs_a_language_model_and_its_characters(run, corpus):
    assert run("train-text", "--corpus", corpus, *SMALL, "--epochs", 1, "--sample", 0)[0] == 0
    status, out, err = run("write", "model.safetensors", "--prompt", "Äh")
    assert (status, out) == (2, "")
    assert "Ä" in err
    network = NeuralNetwork.load("model.safetensors")
    network.notes = {}
    network.save("other.safetensors")
    status, _, err = run("write", "other.safetensors")
    assert status == 2
    assert "has no vocabulary" in err
    assert run("write", "missing.safetensors")[0] == 2


def test_write_refuses_in_one_line_what_no_model_can_do(run, corpus):
    assert run("train-text", "--corpus", corpus, *SMALL, "--epochs", 1, "--sample", 0)[0] == 0
    network = NeuralNetwork.load("model.safetensors")
    network.notes["vocabulary"] = "ab"
    network.save("other.safetensors")
    for arguments, message in [
        (["model.safetensors", "--top-k", 1000], "top_k is 1000, expected 1 to 16"),
        (["model.safetensors", "--top-p", 1.5], "top_p is 1.5, expected above 0 and at most 1"),
        (["other.safetensors"], "the network predicts (1, 1, 16) for a row of tokens"),
    ]:
        status, out, err = run("write", *arguments)
        assert (status, out) == (2, "")
        assert err.startswith(f"diglot: error: {arguments[0]} cannot write: ")
        assert message in err


def test_a_model_cannot_command_the_terminal(run):
    """Escape begins a command, and a lone surrogate cannot be printed."""
    characters = "\n\x1ba\x9b\u200d\ud800"
    layers = [diglot.Embedding(6, 2), diglot.GRU(2), diglot.Dense(6)]
    network = NeuralNetwork(layers, "softmax_cross_entropy", seed=1)
    network.setup((4,))
    network.notes = {"vocabulary": characters}
    network.save("model.safetensors")
    status, out, err = run(
        "write", "model.safetensors", "--prompt", "a", "--length", 200, "--seed", 1
    )
    assert (status, err) == (0, "")
    assert set("\x1b\x9b\ud800").isdisjoint(out)
    for shown in ("\n", "a", r"\x1b", r"\x9b", "\u200d", r"\ud800"):
        assert shown in out
