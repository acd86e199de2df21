"""Every mistake is caught, no right code is blamed, and training shows what the gallery says."""

import inspect
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diglot.mistakes import BEYOND, Caught, Mistake, Training, find, gallery
from diglot.mistakes import training as trainings

ROOT = Path(__file__).parents[2]
GALLERY = gallery()

each = pytest.mark.parametrize("mistake", GALLERY, ids=lambda one: one.id)


# ---- what is in it -------------------------------------------------------------------------------


def test_each_erratum_is_there_and_many_mistakes_beyond_the_book():
    seen = [one.seen for one in GALLERY]
    assert {f"E{number}" for number in range(1, 17)} == set(seen) - {BEYOND}
    assert seen.count(BEYOND) >= 12


def test_the_books_come_first_in_their_order():
    numbers = [int(one.seen[1:]) if one.seen != BEYOND else 99 for one in GALLERY]
    assert numbers == sorted(numbers)


def test_ids_are_unique_and_short():
    ids = [one.id for one in GALLERY]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) and len(name) <= 24 for name in ids)


@each
def test_an_entry_explains_itself(mistake):
    assert mistake.title[0].isupper()
    assert not mistake.title.endswith(".")
    assert len(mistake.text.split()) >= 30
    assert mistake.text.endswith((".", ".)"))
    assert len(mistake.title) <= 85


@each
def test_the_source_that_is_shown_is_the_one_that_runs(mistake):
    for shown, things in (
        (mistake.wrong_source, mistake.wrong_code or (mistake.wrong,)),
        (mistake.right_source, mistake.right_code or (mistake.right,)),
    ):
        compile(shown, mistake.id, "exec")
        assert all(re.search(rf"^(class|def) {one.__name__}\b", shown, re.M) for one in things)
    assert not mistake.wrong_code or mistake.wrong in mistake.wrong_code
    assert mistake.wrong_source != mistake.right_source


@each
def test_the_right_code_is_the_librarys(mistake):
    """A class or function of the library, or one of the gallery that does nothing but call it."""
    things = mistake.right_code or (mistake.right,)
    modules = {inspect.getmodule(thing).__name__ for thing in things}
    if mistake.id.startswith("batchnorm"):  # the library has none
        assert modules == {"diglot.mistakes.normalisation"}
    elif all(module.startswith("diglot.mistakes") for module in modules):
        assert len(mistake.right_source.splitlines()) < 16


# ---- the checks ----------------------------------------------------------------------------------


@each
def test_the_check_catches_the_mistake(mistake):
    verdict = mistake.judge_wrong()
    assert verdict.caught, f"{mistake.check.__name__} says: {verdict.message}"
    assert len(verdict.message) > 20


@each
def test_the_check_passes_the_right_code(mistake):
    verdict = mistake.judge_right()
    assert not verdict.caught, verdict.message
    assert len(verdict.message) > 20


def test_a_check_that_breaks_for_another_reason_has_caught_nothing():
    def check(subject):
        raise TypeError("a mistake in the check")

    mistake = find("relu-mask")
    broken = Mistake(**{**vars(mistake), "check": check})
    with pytest.raises(TypeError):
        broken.judge_wrong()


# ---- training ------------------------------------------------------------------------------------


@each
def test_training_shows_what_the_gallery_says(mistake):
    training = mistake.training()
    assert training.effect == mistake.effect, (training.wrong, training.right)
    ends = [curve[-1] for curve in training.right]
    assert all(map(math.isfinite, ends)), "with the right code training goes well"
    if mistake.figure == "test accuracy":
        assert min(ends) > 0.6
    assert {len(curve) for curve in training.wrong + training.right} == {len(training.right[0])}


def test_a_training_is_the_same_each_time():
    for name in ("relu-mask", "dropout-unscaled", "state-mean"):
        assert repr(find(name).training()) == repr(find(name).training())


@pytest.mark.parametrize(
    ("wrong", "right", "higher", "effect"),
    [
        ((0.5, 0.6), (0.9, 0.9), True, "ends worse"),
        ((0.9, 0.9), (0.5, 0.6), True, "looks better"),
        ((0.9, 0.5), (0.6, 0.9), True, "no difference"),  # the seeds disagree
        ((0.895, 0.895), (0.9, 0.9), True, "no difference"),  # by half a point
        ((2.0, 2.0), (1.0, 1.0), False, "ends worse"),
        ((1.02, 1.02), (1.0, 1.0), False, "no difference"),
        ((0.5, 0.5), (1.0, 1.0), False, "looks better"),
        ((math.nan, 0.9), (0.9, 0.9), True, "breaks"),
        ((math.inf, 1.0), (1.0, 1.0), False, "breaks"),
    ],
)
def test_the_figures_decide(wrong, right, higher, effect):
    curves = [tuple((0.1, end) for end in ends) for ends in (wrong, right)]
    assert Training("figure", higher, *curves).effect == effect


def test_the_mean_of_curves_is_taken_point_by_point():
    assert Training.mean(((1.0, 2.0), (3.0, 6.0))) == [2.0, 4.0]


# ---- some claims of the texts --------------------------------------------------------------------


def test_the_loss_with_the_wrong_gradient_trains_to_the_same_bits():
    training = find("binary-form-loss").training()
    assert np.allclose(training.wrong, training.right, atol=0.01)


def test_the_networks_that_early_stopping_left_differ():
    with pytest.raises(Caught, match=r"the caller's network.*other labels in the test part"):
        trainings._the_caller_has_the_best_epoch(trainings.fit_and_keep_the_best_here)


def test_recurrent_gradients_are_exactly_zero_in_erratum_7():
    assert "backward gives 0," in find("E7").judge_wrong().message


def test_layers_of_different_widths_that_share_an_activation_stop_with_an_error():
    from diglot.errors import ShapeError
    from diglot.network import NeuralNetwork

    make = find("E12").wrong
    network = NeuralNetwork([make(5), make(3)], "mean_squared_error", seed=0)
    with pytest.raises(ShapeError):
        network.train_batch(np.ones((4, 6)), np.ones((4, 3)))


# ---- finding one ---------------------------------------------------------------------------------


def test_find_takes_ids_and_errata():
    assert find("relu-mask") is find("E4") is find("e4")
    assert find("RELU-mask").id == "relu-mask"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("relumask", "relu-mask"),
        ("dropout", "dropout-unscaled"),
        ("xyz", "diglot mistakes"),
        ("transformer", "diglot mistakes"),
    ],
)
def test_a_near_miss_is_named(name, near):
    with pytest.raises(ValueError, match=near):
        find(name)


def test_the_library_does_not_load_the_gallery():
    code = "import diglot, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "diglot.mistakes" not in done.stdout.split()


# ---- the pages -----------------------------------------------------------------------------------


def test_the_page_lists_the_gallery():
    text = (ROOT / "docs" / "mistakes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+?)` \| (.*?) \| (.+?) \| (.+?) \| (.+?) \|$", text, flags=re.M)
    assert rows == [
        (one.id, "" if one.seen == BEYOND else one.seen, one.title, one.caught_by, one.effect)
        for one in GALLERY
    ]


def test_each_erratum_names_its_entry():
    text = (ROOT / "docs" / "errata.md").read_text(encoding="utf-8")
    for one in GALLERY:
        if one.seen != BEYOND:
            entry = re.search(rf"^\*\*{one.seen}\. .*?(?=^\*\*E|^## |\Z)", text, flags=re.M | re.S)
            assert entry, f"docs/errata.md lacks {one.seen}"
            assert f"`diglot mistakes {one.id}`" in entry[0], f"{one.seen} does not name {one.id}"
