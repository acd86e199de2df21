"""The mathematics of every kernel can be drawn, and says what the plain text says."""

import re

import pytest

from diglot import pairs
from diglot.kernels.cases import CASES
from diglot.pairs import page
from diglot.pairs.equations import EQUATIONS

# Words of the plain text (as expressions), and the symbols that stand for them.
SYMBOLS = {
    "lr": r"\eta",
    "weight_decay": r"\lambda",
    "momentum": r"\mu",
    "eps": r"\epsilon",
    "param": r"\theta",
    "sqrt": r"\sqrt",
    r"sum_(?!squares)": r"\sum",
    "max": r"\max",
    r"mean_\{": r"\sum",
    "tanh": r"\tanh",
    "sigmoid": r"\sigma",
    r"exp\(": "e^",
    "floor": r"\lfloor",
    r"log\b": r"\log",
    "Phi": r"\Phi",
    "phi": r"\varphi",
    "beta1": r"\beta_1",
    "beta2": r"\beta_2",
    "velocity": "v",
    "erfc": "erfc",
    "mask": "mask",
    "labels": "labels",
    "tokens": "tokens",
    "indices": "indices",
    r"w_h\^T": r"w_h^\top",
    "nesterov": "nesterov",
    "decoupled": "decoupled",
    "reset_after": "reset",
}


def test_every_kernel_has_latex():
    assert set(EQUATIONS) == set(CASES)
    assert all(pairs.find(name).latex == EQUATIONS[name] for name in CASES)


@pytest.mark.parametrize("name", CASES)
def test_latex_has_what_the_docstring_has(name):
    plain, latex = pairs.find(name).equation, EQUATIONS[name]
    for word, symbol in SYMBOLS.items():
        if re.search(rf"\b{word}", plain):
            assert symbol in latex, f"{word} is in the docstring of {name}"
    left = set(re.findall(r"^\s*(\w+?)(?:_t|')?(?:\[[^=]*\])? \+?= ", plain, flags=re.M))
    for symbol in left - {"velocity", "sum_squares", "mean_squares", "mean", "param", "m"}:
        assert symbol in re.sub(r"\\(?:mathrm|text)\{ ?(\w+)[^}]*\}", r"\1", latex), symbol


@pytest.mark.parametrize("name", CASES)
def test_latex_becomes_mathml(name):
    pytest.importorskip("latex2mathml")
    drawn = page.mathml(EQUATIONS[name])
    assert drawn.startswith('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">')
    assert "\\" not in drawn  # every command was understood
    assert "&amp;" not in drawn  # and every alignment
    assert len(re.findall(r"<m[ion]\b", drawn)) > 3
