"""What has a pair, under which names, and that nothing unequal is ever shown."""

import re
import subprocess
import sys

import numpy as np
import pytest

import diglot
from diglot import kernels, pairs
from diglot.kernels import native
from diglot.kernels.cases import CASES
from diglot.layers import LAYERS
from diglot.losses import LOSSES
from diglot.pairs import agreement, leads
from diglot.pairs.leads import kernels_of, operations_of


@pytest.fixture
def unequal(monkeypatch):
    """Let one native kernel be wrong by a little."""
    name = kernels.available_builds()[-1]
    module = native.load(name)
    right = module.leaky_relu_forward

    def wrong(x, **settings):
        return right(x, **settings) * (1 + 1e-3)

    agreement._checks.cache_clear()
    monkeypatch.setattr(module, "leaky_relu_forward", wrong)
    yield name
    agreement._checks.cache_clear()


def test_every_kernel_has_a_pair_and_so_has_every_class_that_calls_one():
    names = pairs.names()
    assert len(set(names)) == len(names)
    assert set(CASES) <= set(names)
    assert set(names) - set(CASES) == {
        name for name, (_, cls) in leads.CLASSES.items() if kernels_of(cls)
    }
    # What is left out leads to no kernel: NumPy alone does it.
    assert set(LAYERS) - set(names) == {"Flatten"}
    assert set(LOSSES) - set(names) == {"MeanSquaredError", "MeanAbsoluteError", "Huber"}
    assert {"LSTMOp", "DenseOp", "Adam", "Tanh", "SoftmaxCrossEntropy"} <= set(names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Dense", ["dense_forward", "matmul", "dense_backward_weight"]),
        ("Conv2D", ["conv2d_forward", "conv2d_backward_input", "conv2d_backward_weight"]),
        ("LSTM", ["lstm_forward", "lstm_backward"]),
        ("Dropout", ["dropout_forward", "dropout_backward"]),
        ("GlobalAvgPool2D", ["avg_pool2d_forward", "avg_pool2d_backward"]),
        ("WeightMultiply", ["matmul"]),
        ("BinaryCrossEntropy", ["sigmoid_forward"]),
        ("AdamW", ["adam_inplace"]),
    ],
)
def test_the_kernels_of_a_class_are_read_from_its_source(name, expected):
    assert list(kernels_of(leads.CLASSES[name][1])) == expected
    assert list(pairs.find(name).kernels) == expected


def test_a_layer_leads_to_what_its_forward_and_backward_really_call(monkeypatch):
    called = []
    for name in CASES:
        real = getattr(kernels, name)

        def spy(*args, real=real, name=name, **settings):
            called.append(name)
            return real(*args, **settings)

        monkeypatch.setitem(vars(kernels), name, spy)
    network = diglot.NeuralNetwork(
        [diglot.Conv2D(2, kernel_size=3), diglot.MaxPool2D(2), diglot.Flatten(), diglot.Dense(3)],
        loss=diglot.SoftmaxCrossEntropy(),
        seed=1,
    )
    x = np.random.default_rng(1).standard_normal((4, 1, 8, 8), dtype=np.float32)
    trainer = diglot.Trainer(network, diglot.Adam(lr=0.1))
    trainer.fit(x, np.arange(4) % 3, epochs=1, batch_size=4, progress=False)
    told = {
        kernel
        for name in ("Conv2D", "MaxPool2D", "Dense", "SoftmaxCrossEntropy", "Adam")
        for kernel in kernels_of(leads.CLASSES[name][1])
    }
    assert set(called) <= told
    assert {"conv2d_forward", "max_pool2d_backward", "dense_backward_weight"} <= set(called)


def test_the_layer_comes_before_its_operations_and_they_before_the_kernels():
    pair = pairs.find("Dense")
    labels = [part.label for part in pair.parts]
    order = [
        "the layer Dense",
        "the operation DenseOp",
        "DenseOp._output calls dense_forward",
        "DenseOp._input_grad calls matmul",
        "dense_forward: what it computes",
        "dense_forward: the inner loop: a tile of sums in registers",
        "matmul: what it computes",
    ]
    assert [labels.index(label) for label in order] == sorted(labels.index(o) for o in order)
    assert "class Dense(Layer):" in pair.parts[0].left.text
    call = pair.parts[labels.index(order[2])]
    assert "kernels.dense_forward(" in call.left.text
    assert "void dense_forward(" in call.right.text
    shown = [side for part in pair.parts for side in (part.left, part.right) if side]
    assert len(set(shown)) == len(shown)  # once each, though three kernels share their loops
    assert operations_of(diglot.Dense) == [diglot.operations.DenseOp]


@pytest.mark.parametrize("name", [n for n, (_, cls) in leads.CLASSES.items() if kernels_of(cls)])
def test_a_class_is_shown_whole(name):
    _, cls = leads.CLASSES[name]
    text = "".join(part.left.text for part in pairs.find(name).parts if part.left)
    for line in leads.inspect.getsource(cls).splitlines():
        assert line in text


def test_a_pair_says_what_it_is():
    pair = pairs.find("lstm_forward")
    assert (pair.kind, pair.family) == ("kernel", "recurrent")
    assert pair.title == "Run long short-term memory along a sequence."
    assert (
        pair.equation.splitlines()[0] == "i = sigmoid(x w_xi + h w_hi + b_i)      what is written"
    )
    assert pair.equation.splitlines()[-1] == "h' = o * tanh(c')"
    assert pairs.find("Adam").kind == "optimizer"
    assert pairs.kind("Tanh") == "operation"
    assert pairs.title("matmul") == pairs.find("matmul").title
    members = [name for family in pairs.families().values() for name in family]
    assert sorted(members) == sorted(pairs.names())
    assert "conv2d_forward" in pairs.families()["conv"]
    for name in CASES:
        assert pairs.find(name).equation, f"the docstring of {name} has no equation"


def test_text_and_repr():
    pair = pairs.find("relu_forward")
    text = str(pair)
    for part in pair.parts:
        assert part.label in text
        for side in (part.left, part.right):
            assert side is None or f"{side.path}:{side.first_line}\n\n{side.text.rstrip()}" in text
    assert repr(pair).startswith("Pair('relu_forward', 3 parts, relu_forward: equal in 12 cases")
    assert str(diglot.pair("relu_forward")) == repr(diglot.pair("relu_forward")) == text


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("CONV2D_FORWARD", "conv2d_forward"),
        ("Matmul", "matmul"),
        ("DENSE", "Dense"),
        ("lstmop", "LSTMOp"),
    ],
)
def test_case_does_not_matter_where_there_is_no_choice(typed, meant):
    assert pairs.find(typed).name == meant


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("conv2d", ["conv2d_forward", "conv2d_backward_input", "conv2d_backward_weight", "Conv2D"]),
        ("lstm", ["lstm_forward", "lstm_backward", "LSTM"]),
        ("matmull", ["matmul"]),
        ("conv2d_foward", ["conv2d_forward"]),
        ("maxpool", ["MaxPool2D"]),
        ("Sigmoid_", ["Sigmoid"]),
        ("dence", ["Dense"]),
        ("lstn", ["LSTM"]),
        ("crossentropy", ["SoftmaxCrossEntropy", "BinaryCrossEntropy"]),
    ],
)
def test_near_misses_are_listed(typed, near):
    with pytest.raises(pairs.UnknownPairError) as error:
        pairs.find(typed)
    listed = str(error.value).partition("near it: ")[2].split(", ")
    assert set(near) <= set(listed)
    assert len(listed) < 12
    assert all(name in pairs.names() for name in listed)


@pytest.mark.parametrize("typed", ["zzz", "nonsense", "tensor", "attention", "transformer"])
def test_what_is_nowhere_near_is_told_so(typed):
    with pytest.raises(ValueError, match=f"no pair is called '{typed}'; `diglot pair` lists all"):
        pairs.find(typed)


def test_what_has_no_pair_is_told_so():
    with pytest.raises(ValueError, match="lists all"):
        pairs.find("")
    with pytest.raises(ValueError, match=r"Flatten calls no kernel.*diglot/layers/shape.py"):
        pairs.find("Flatten")


# ---- nothing unequal is shown --------------------------------------------------------------------


def test_what_was_compared_is_told():
    told = pairs.find("Dense").agreement
    assert told.kernels == ("dense_forward", "matmul", "dense_backward_weight")
    assert told.cases == sum(len(CASES[name]) for name in told.kernels)
    assert told.builds == tuple(kernels.available_builds())
    assert 0 < told.units <= 1
    assert re.search(r"equal in \d+ cases, .* 1 to 3 threads; largest difference 0\.\d+", str(told))


@pytest.mark.parametrize("name", ["leaky_relu_forward", "LeakyReLU", "Activation"])
def test_a_kernel_that_differs_is_not_shown_nor_is_what_calls_it(unequal, name):
    with pytest.raises(pairs.PairDiffersError, match=rf"parity, {unequal}, float32\) DIFFERS"):
        pairs.find(name)
    with pytest.raises(pairs.PairDiffersError):
        diglot.pair(name)
    assert pairs.find("relu_forward")


def test_threads_that_differ_are_found_too(monkeypatch):
    agreement._checks.cache_clear()
    build = kernels.available_builds()[0]
    module = native.load(build)
    right = module.leaky_relu_forward

    def wrong(x, **settings):
        y = right(x, **settings)
        return y * (1 + 1e-7 * (diglot.get_num_threads() == 3)) if y.dtype == "float64" else y

    monkeypatch.setattr(module, "leaky_relu_forward", wrong)
    with pytest.raises(pairs.PairDiffersError, match="differs between 1 and 3 threads"):
        pairs.find("leaky_relu_forward")
    agreement._checks.cache_clear()


@pytest.mark.parametrize("found", [[], ImportError("nothing is compiled")])
def test_without_a_build_there_is_nothing_to_show(monkeypatch, found):
    def builds():
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(kernels, "available_builds", builds)
    with pytest.raises(pairs.PairDiffersError, match=r"no native build|nothing is compiled"):
        pairs.find("matmul")


def test_the_top_level_name_is_imported_when_it_is_asked_for():
    code = (
        "import sys, diglot; assert 'diglot.pairs' not in sys.modules; diglot.pair; "
        "assert 'diglot.pairs' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'pear'"):
        diglot.pear  # noqa: B018
