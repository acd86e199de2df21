"""PyTorch's weights here, and ours there: the same outputs and gradients."""

import numpy as np
import pytest

import diglot
from diglot.errors import ShapeError
from diglot.interop.torch import load_state_dict, to_state_dict

torch = pytest.importorskip("torch")
nn = torch.nn

DTYPES = {np.dtype(np.float32): torch.float32, np.dtype(np.float64): torch.float64}
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def assert_near(ours, theirs, dtype):
    theirs = theirs.detach().numpy()
    tolerance = 2e-4 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(1, abs(theirs).max()))


def agree(network, module, x, dtype, names=None, run=None):
    """Load the module's weights; compare outputs, gradients of parameters, and of the input."""
    module = module.to(DTYPES[dtype])
    state = module.state_dict()
    load_state_dict(network, state, names)
    tensor = torch.from_numpy(x)
    if tensor.is_floating_point():
        tensor.requires_grad_()
    expected = (run or module)(tensor)
    actual = network.forward(x)
    assert_near(actual, expected, dtype)

    grad = np.random.default_rng(1).normal(size=actual.shape).astype(dtype)
    expected.backward(torch.from_numpy(grad))
    input_grad = network.backward(grad, needs_input_grad=tensor.is_floating_point())
    if tensor.is_floating_point():
        assert_near(input_grad, tensor.grad, dtype)
    twin = diglot.NeuralNetwork([*map(copy_of, network.layers)], network.loss, dtype=dtype)
    twin.setup(network.input_shape)
    load_state_dict(twin, {n: p.grad for n, p in module.named_parameters()}, names)
    for (name, ours), theirs in zip(
        network.gradients().items(), twin.parameters().values(), strict=True
    ):
        single = ours if not summed(network, name) else 2 * ours  # both biases get the gradient
        assert_near(single, torch.from_numpy(theirs.copy()), dtype)

    written = to_state_dict(network, names)
    assert written.keys() == state.keys()
    again = {name: torch.from_numpy(array) for name, array in written.items()}
    module.load_state_dict(again)
    assert_near(actual, (run or module)(tensor), dtype)


def copy_of(layer):
    return diglot.layers.LAYERS[type(layer).__name__](
        **{k: v for k, v in vars(layer).items() if k in type(layer).__dataclass_fields__}
    )


def summed(network, name):
    position, _, parameter = name.partition(".")
    layer = network.layers[int(position)]
    return isinstance(layer, diglot.RNN | diglot.LSTM) and parameter.endswith("bias")


def build(*layers, shape, dtype):
    network = diglot.NeuralNetwork(layers, diglot.MeanSquaredError(), dtype=dtype)
    network.setup(shape)
    return network


@each_dtype
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(
    ("ours", "theirs", "settings"),
    [
        (diglot.RNN, nn.RNN, {}),
        (diglot.RNN, nn.RNN, {"activation": "relu"}),
        (diglot.GRU, nn.GRU, {}),
        (diglot.LSTM, nn.LSTM, {}),
        (diglot.LSTM, nn.LSTM, {"bias": False}),
    ],
)
def test_stacked_recurrent_layers(rng, ours, theirs, settings, bidirectional, dtype):
    names = {"activation": "nonlinearity"}
    there = {names.get(name, name): value for name, value in settings.items()}
    module = nn.ModuleDict(
        {
            "cells": theirs(
                5, 6, num_layers=2, batch_first=True, bidirectional=bidirectional, **there
            ),
            "head": nn.Linear(12 if bidirectional else 6, 3),
        }
    )
    cells = [ours(6, bidirectional=bidirectional, **settings) for _ in range(2)]
    network = build(*cells, diglot.Dense(3), shape=(7, 5), dtype=dtype)
    x = rng.normal(size=(4, 7, 5)).astype(dtype)
    agree(
        network, module, x, dtype, ["cells", "cells", "head"],
        lambda x: module["head"](module["cells"](x)[0]),
    )  # fmt: skip


@each_dtype
def test_convolutions_with_groups(rng, dtype):
    module = nn.Sequential(
        nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(6 * 4 * 4, 5, bias=False),
    )
    network = build(
        diglot.Conv2D(6, (3, 2), "tanh", stride=2, padding=1, groups=2),
        diglot.Flatten(),
        diglot.Dense(5, bias=False),
        shape=(4, 7, 6),
        dtype=dtype,
    )
    agree(network, module, rng.normal(size=(3, 4, 7, 6)).astype(dtype), dtype, ["0", "3"])


@each_dtype
def test_an_embedding(rng, dtype):
    module = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3))
    network = build(diglot.Embedding(9, 4), diglot.Dense(3), shape=(6,), dtype=dtype)
    agree(network, module, rng.integers(0, 9, (5, 6)), dtype)


@each_dtype
def test_lengths_are_packed_sequences(rng, dtype):
    cell = nn.LSTM(3, 4, batch_first=True, bidirectional=True).to(DTYPES[dtype])
    network = build(diglot.LSTM(4, bidirectional=True), shape=(6, 3), dtype=dtype)
    load_state_dict(network, cell.state_dict())
    x, lengths = rng.normal(size=(4, 6, 3)).astype(dtype), [6, 2, 5, 1]
    packed = nn.utils.rnn.pack_padded_sequence(
        torch.from_numpy(x), lengths, batch_first=True, enforce_sorted=False
    )
    output, (h, c) = cell(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
    assert_near(network.forward(x, lengths=np.array(lengths)), expected, dtype)
    for i, direction in enumerate(network.layers[0].operations[0].directions):
        for ours, theirs in zip(direction.final_state, (h[i], c[i]), strict=True):
            assert_near(ours, theirs, dtype)
    grad = rng.normal(size=(4, 6, 8)).astype(dtype)
    expected.backward(torch.from_numpy(grad))
    network.backward(grad)
    assert_near(network.gradients()["0.input_weight"].T, cell.weight_ih_l0.grad, dtype)
    assert_near(
        network.gradients()["0.reverse_recurrent_weight"].T, cell.weight_hh_l0_reverse.grad, dtype
    )


@each_dtype
def test_a_state_is_what_pytorch_passes_on(rng, dtype):
    cell = nn.LSTM(3, 4, batch_first=True).to(DTYPES[dtype])
    network = build(diglot.LSTM(4), shape=(6, 3), dtype=dtype)
    load_state_dict(network, cell.state_dict())
    x, state = rng.normal(size=(2, 6, 3)).astype(dtype), rng.normal(size=(2, 2, 4)).astype(dtype)
    network.set_state([tuple(state)])
    start = tuple(torch.from_numpy(part)[None] for part in state)
    with network.carrying_state():
        for piece in (x[:, :4], x[:, 4:]):
            expected, start = cell(torch.from_numpy(piece), start)
            assert_near(network.forward(piece), expected, dtype)


def test_what_does_not_fit_is_refused_and_nothing_changes():
    network = build(diglot.LSTM(4), diglot.Dense(2), shape=(6, 3), dtype=np.float32)
    before = network.copy_parameters()
    state = to_state_dict(network, ["lstm", "head"])
    assert [*state] == [
        "lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0",
        "head.weight", "head.bias",
    ]  # fmt: skip
    state["lstm.weight_ih_l0"] = state["lstm.weight_ih_l0"] + 1
    missing = {name: array for name, array in state.items() if name != "lstm.bias_hh_l0"}
    for wrong, error, message in [
        (missing, ValueError, r"no lstm.bias_hh_l0, for 0.bias of LSTM\(4\)"),
        (state | {"lstm.weight_hr_l0": np.ones(3)}, ValueError, "has lstm.weight_hr_l0, which no"),
        (
            state | {"norm.weight": np.ones(3)},
            ValueError,
            "the state has 3 layers, lstm, head, nor",
        ),
        (
            state | {"head.weight": np.ones((4, 2))},
            ShapeError,
            r"head.weight has shape \(4, 2\), expected \(2, 4\) for 1.weight",
        ),
    ]:
        with pytest.raises(error, match=message):
            load_state_dict(network, wrong)
    for name, array in network.parameters().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (diglot.LSTM(2, initial_state="learned"), "no learned state"),
        (diglot.GRU(2, reset_after=False), "resets after the product only"),
    ],
)
def test_what_pytorch_cannot_do_is_refused(layer, message):
    network = build(layer, shape=(6, 3), dtype=np.float32)
    with pytest.raises(ValueError, match=message):
        to_state_dict(network)
    with pytest.raises(ValueError, match=message):
        load_state_dict(network, {"weight_ih_l0": np.ones((6, 3))})


def test_names_are_a_list_of_the_right_length():
    network = build(diglot.Dense(2), shape=(3,), dtype=np.float32)
    with pytest.raises(ValueError, match="expected a list of names"):
        to_state_dict(network, "head")
    with pytest.raises(ValueError, match="names has 2 entries, expected 1"):
        to_state_dict(network, ["a", "b"])
    with pytest.raises(ValueError, match="has no parameters yet"):
        to_state_dict(diglot.NeuralNetwork([diglot.Dense(2)], "MeanSquaredError"))
