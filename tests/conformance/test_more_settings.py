"""What the node tests leave out, against ONNX's own evaluator.

They have no recurrent network with lengths of rows or a first state (but the one with peepholes),
no GRU whose reset gate acts after the product, and no Adam after its first step.
"""

import numpy as np
import pytest
from adapters import ADAPTERS, GATES, recurrent

pytest.importorskip("onnx", reason="onnx is not installed (the extra conformance brings it)")

N, T, D, H = 3, 4, 2, 5
LENGTHS = np.array([4, 1, 3])
DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


def evaluate(kind, inputs, outputs, domain="", version=14, **attributes):
    """Run one node with onnx."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    node = helper.make_node(kind, list(inputs), outputs, domain=domain, **attributes)
    values = [helper.make_tensor_value_info(name, 1, None) for name in inputs if name]
    results = [helper.make_tensor_value_info(name, 1, None) for name in outputs]
    graph = helper.make_graph([node], kind, values, results)
    model = helper.make_model(graph, opset_imports=[helper.make_operatorsetid(domain, version)])
    return ReferenceEvaluator(model).run(None, {n: a for n, a in inputs.items() if n})


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("kind", "after"), [("RNN", 0), ("GRU", 0), ("GRU", 1), ("LSTM", 0)])
def test_lengths_and_first_states(kind, after, direction, rng):
    ways, columns = DIRECTIONS[direction], len(GATES[kind]) * H

    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    x, w, r = draw(T, N, D), draw(ways, columns, D), draw(ways, columns, H)
    b, starts = draw(ways, 2 * columns), [draw(ways, N, H) for _ in range(1 + (kind == "LSTM"))]
    attributes = {"hidden_size": H, "direction": direction}
    if kind == "GRU":
        attributes["linear_before_reset"] = after
    names = ["Y", "Y_h", "Y_c"][: 1 + len(starts)]
    found = recurrent(kind, x, w, r, b, LENGTHS, *starts, outputs=names, **attributes)

    # onnx's evaluator does not read lengths: it gets each row by itself, cut off at its end.
    for row, length in enumerate(LENGTHS):
        one = slice(row, row + 1)
        inputs = {"X": x[:length, one], "W": w, "R": r, "B": b, "": None, "h": starts[0][:, one]}
        if kind == "LSTM":
            inputs["c"] = starts[1][:, one]
        y, *states = evaluate(kind, inputs, names, **attributes)
        np.testing.assert_allclose(found[0][:length, :, one], y, rtol=1e-4, atol=1e-6)
        assert not found[0][length:, :, row].any()
        for part, state in zip(found[1:], states, strict=True):
            np.testing.assert_allclose(part[:, one], state, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize(
    ("kind", "memories", "attributes"),
    [
        ("Adam", 2, {"alpha": 0.9, "beta": 0.99, "epsilon": 0.1, "norm_coefficient": 0.01}),
        ("Adagrad", 1, {"decay_factor": 0.1, "epsilon": 0.1, "norm_coefficient": 0.01}),
        (
            "Momentum",
            1,
            {"alpha": 0.9, "beta": 0.3, "norm_coefficient": 0.01, "mode": "standard"},
        ),
        (
            "Momentum",
            1,
            {"alpha": 0.9, "beta": 1.0, "norm_coefficient": 0.01, "mode": "nesterov"},
        ),
    ],
)
def test_a_step_of_an_optimizer(kind, memories, attributes, step, rng):
    arrays = {name: rng.random(6, np.float32) for name in "XGVH"[: 2 + memories]}
    inputs = {"R": np.float32(0.1), "T": np.array(step), **arrays}
    outputs = ["X_new", "V_new", "H_new"][: 1 + memories]
    expected = evaluate(kind, inputs, outputs, "ai.onnx.preview.training", 1, **attributes)
    found = ADAPTERS[kind](*inputs.values(), **attributes)
    for array, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-5, atol=1e-6)
