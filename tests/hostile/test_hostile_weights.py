"""Weights from PyTorch whose numbers are of another kind than a network's."""

import numpy as np
import pytest

import diglot
from diglot.interop.torch import load_state_dict, to_state_dict


def lstm_and_its_state():
    network = diglot.NeuralNetwork([diglot.LSTM(2)], "mean_squared_error", seed=1)
    network.setup((3, 2))
    return network, to_state_dict(network, ["lstm"])


@pytest.mark.parametrize("dtype", ["V2", "c8", "O", "U3", "M8[s]"])
def test_numbers_of_another_kind_are_refused(dtype):
    """NumPy has no bfloat16: what safetensors makes of it are two bytes."""
    network, state = lstm_and_its_state()
    before = network.copy_parameters()
    state["lstm.bias_hh_l0"] = np.ones(8, dtype)
    with pytest.raises(ValueError, match=r"lstm\.bias_hh_l0 has dtype .*, expected real numbers"):
        load_state_dict(network, state)
    for name, array in network.parameters().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(("dtype", "value"), [("u1", 200), ("?", 1), ("i1", 100), ("f2", 60_000)])
def test_two_biases_are_added_as_numbers(dtype, value):
    network, state = lstm_and_its_state()
    for name in ("lstm.bias_ih_l0", "lstm.bias_hh_l0"):
        state[name] = np.full(8, value, dtype)
    load_state_dict(network, state)
    expected = np.full(8, 2 * np.float32(np.array(value, dtype)))
    np.testing.assert_array_equal(network.parameters()["0.bias"], expected)
