"""The progress bar: on a terminal, and nowhere else."""

import io

import pytest
from rich.console import Console

from diglot.progress import TrainingProgress


def run(*, terminal: bool, show: bool, monkeypatch: pytest.MonkeyPatch) -> str:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=120)
    monkeypatch.setattr("rich.console.Console", lambda stderr: console)
    with TrainingProgress(2, 3, show=show) as bar:
        for epoch in (1, 2):
            bar.begin(epoch)
            for batch in (1, 2, 3):
                bar.step(batch, 0.25)
            bar.evaluated(0.125, {"loss": 0.5, "accuracy [%]": 75.0} if epoch == 2 else {})
        bar.say("stopped [early]")
    return text.getvalue()


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(terminal=True, show=True, monkeypatch=monkeypatch)
    assert "epoch 2/2" in text
    assert "loss 0.1250" in text
    assert "validation loss 0.5  accuracy [%] 75" in text
    assert "stopped [early]" in text


@pytest.mark.parametrize(("terminal", "show"), [(True, False), (False, True)])
def test_silent(terminal: bool, show: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(terminal=terminal, show=show, monkeypatch=monkeypatch) == ""
