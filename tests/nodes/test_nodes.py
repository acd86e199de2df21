"""The nodes against finite differences and PyTorch, and what they refuse."""

import numpy as np
import pytest

import diglot
from diglot.errors import ShapeError
from diglot.gradcheck import ArrayCheck, numerical_gradient
from diglot.kernels import reference
from diglot.nodes import GRULayer, GRUNode, LSTMLayer, LSTMNode, RNNLayer, RNNNode

N, T, D, H = 3, 5, 4, 2

# Each: a node, a layer, and how many states they carry.
KINDS = {
    "rnn tanh": (RNNNode, RNNLayer, {"activation": "tanh"}, 1),
    "rnn relu": (RNNNode, RNNLayer, {"activation": "relu"}, 1),
    "gru": (GRUNode, GRULayer, {"reset_after": True}, 1),
    "gru original": (GRUNode, GRULayer, {"reset_after": False}, 1),
    "lstm": (LSTMNode, LSTMLayer, {}, 2),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def draw_params(kind, rng, features=D, hidden_size=H, dtype=np.float64):
    node_class, _, settings, _ = KINDS[kind]
    shapes = node_class(**settings).param_shapes(features, hidden_size)
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def draw_states(kind, rng, rows=N, hidden_size=H, dtype=np.float64):
    return [rng.normal(size=(rows, hidden_size)).astype(dtype) for _ in range(KINDS[kind][3])]


def make_layer(kind, params):
    _, layer_class, settings, _ = KINDS[kind]
    return layer_class(params, **settings)


def assert_slopes_are(value_with, arrays, gradients):
    """Compare each gradient with finite differences of a function of named arrays."""
    for name, array in arrays.items():
        numeric = numerical_gradient(lambda v, name=name: value_with({**arrays, name: v}), array)
        check = ArrayCheck.compare(name, gradients[name], numeric, 100.0)
        assert check.passed, check


@each_kind
def test_a_node_agrees_with_finite_differences(kind, rng):
    node_class, _, settings, count = KINDS[kind]
    params, states = draw_params(kind, rng), draw_states(kind, rng)
    arrays = {"x": rng.normal(size=(N, D)), "h": states[0], **params}
    if count == 2:
        arrays["c"] = states[1]
    output_grads = draw_states(kind, rng)

    def forward(node, a):
        inputs = [a["x"], a["h"], a["c"]][: count + 1] if count == 2 else [a["x"], a["h"]]
        outputs = node.forward(*inputs, {name: a[name] for name in params})
        return outputs if count == 2 else (outputs,)

    def value(a):
        outputs = forward(node_class(**settings), a)
        return float(sum((g * y).sum() for g, y in zip(output_grads, outputs, strict=True)))

    node, gradients = node_class(**settings), {}
    forward(node, arrays)
    backward = node.backward(*output_grads, params, gradients)
    assert_slopes_are(value, arrays, gradients | dict(zip("xhc", backward, strict=False)))


@each_kind
def test_a_layer_agrees_with_finite_differences(kind, rng):
    count = KINDS[kind][3]
    params, states = draw_params(kind, rng), draw_states(kind, rng)
    arrays = {"x": rng.normal(size=(N, T, D)), **dict(zip("hc", states, strict=False)), **params}
    output_grads = [rng.normal(size=(N, T, H)), *draw_states(kind, rng)]

    def value(a):
        layer = make_layer(kind, {name: a[name] for name in params})
        outputs = layer.forward(a["x"], *[a[name] for name in "hc"[:count]])
        return float(sum((g * y).sum() for g, y in zip(output_grads, outputs, strict=True)))

    layer = make_layer(kind, params)
    layer.forward(arrays["x"], *states)
    backward = layer.backward(*output_grads)
    gradients = layer.param_grads | dict(zip("xhc", backward, strict=False))
    assert_slopes_are(value, arrays, gradients)


def torch_module(kind, torch, params, features, hidden_size):
    names = {"rnn tanh": "RNN", "rnn relu": "RNN", "gru": "GRU", "lstm": "LSTM"}
    extra = {"nonlinearity": kind.split()[1]} if kind.startswith("rnn") else {}
    module = getattr(torch.nn, names[kind])(features, hidden_size, batch_first=True, **extra)
    module = module.double()
    with torch.no_grad():
        module.weight_ih_l0[:] = torch.tensor(params["w_x"].T)
        module.weight_hh_l0[:] = torch.tensor(params["w_h"].T)
        module.bias_ih_l0[:] = torch.tensor(params["b_x" if kind == "gru" else "b"])
        module.bias_hh_l0[:] = torch.tensor(params["b_h"]) if kind == "gru" else 0.0
    return module


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "gru original"])
@pytest.mark.parametrize("sizes", [(3, 5, 4, 2), (1, 1, 1, 1), (2, 17, 3, 7)])
def test_a_layer_is_pytorchs(kind, sizes, rng):
    torch = pytest.importorskip("torch")
    rows, steps, features, hidden_size = sizes
    params = draw_params(kind, rng, features, hidden_size)
    x, states = rng.normal(size=(rows, steps, features)), draw_states(kind, rng, rows, hidden_size)
    output_grad = rng.normal(size=(rows, steps, hidden_size))
    state_grads = draw_states(kind, rng, rows, hidden_size)

    module = torch_module(kind, torch, params, features, hidden_size)
    given = [torch.tensor(v, requires_grad=True) for v in (x, *(s[None] for s in states))]
    y, last = module(given[0], tuple(given[1:]) if kind == "lstm" else given[1])
    last = last if kind == "lstm" else (last,)
    loss = (y * torch.tensor(output_grad)).sum()
    for state, grad in zip(last, state_grads, strict=True):
        loss = loss + (state[0] * torch.tensor(grad)).sum()
    loss.backward()

    layer = make_layer(kind, params)
    output, *final_states = layer.forward(x, *states)
    input_grad, *first_grads = layer.backward(output_grad, *state_grads)

    def same(ours, theirs):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-9, atol=1e-11)

    same(output, y)
    same(input_grad, given[0].grad)
    for ours, theirs in zip(final_states, last, strict=True):
        same(ours, theirs[0])
    for ours, theirs in zip(first_grads, given[1:], strict=True):
        same(ours, theirs.grad[0])
    same(layer.param_grads["w_x"].T, module.weight_ih_l0.grad)
    same(layer.param_grads["w_h"].T, module.weight_hh_l0.grad)
    same(layer.param_grads["b_x" if kind == "gru" else "b"], module.bias_ih_l0.grad)
    if kind == "gru":
        same(layer.param_grads["b_h"], module.bias_hh_l0.grad)


@each_kind
@pytest.mark.parametrize("sizes", [(3, 5, 4, 2), (1, 1, 1, 1), (2, 17, 3, 7)])
def test_a_layer_is_the_kernel(kind, sizes, rng):
    rows, steps, features, hidden_size = sizes
    family, settings, count = kind.split()[0], KINDS[kind][2], KINDS[kind][3]
    params = draw_params(kind, rng, features, hidden_size)
    x, states = rng.normal(size=(rows, steps, features)), draw_states(kind, rng, rows, hidden_size)
    output_grads = [rng.normal(size=(rows, steps, hidden_size))]
    output_grads += draw_states(kind, rng, rows, hidden_size)

    *expected, saved = getattr(reference, f"{family}_forward")(
        x, *states, *params.values(), **settings
    )
    expected_grads = getattr(reference, f"{family}_backward")(
        *output_grads, x, *states, params["w_x"], params["w_h"], saved, **settings
    )
    layer = make_layer(kind, params)
    outputs = layer.forward(x, *states)
    grads = [*layer.backward(*output_grads), *layer.param_grads.values()]
    assert len(outputs) == len(expected) == 1 + count
    for ours, kernels in zip([*outputs, *grads], [*expected, *expected_grads], strict=True):
        np.testing.assert_allclose(ours, kernels, rtol=1e-9, atol=1e-11)


@each_kind
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_results_have_the_inputs_dtype(kind, dtype, rng):
    layer = make_layer(kind, draw_params(kind, rng, dtype=dtype))
    outputs = layer.forward(rng.normal(size=(N, T, D)).astype(dtype))
    grads = layer.backward(outputs[0])
    assert {a.dtype for a in (*outputs, *grads, *layer.param_grads.values())} == {np.dtype(dtype)}


@each_kind
def test_a_sequence_in_two_pieces_is_the_sequence(kind, rng):
    """E15: what is carried on is each row's own state, and gradients flow back through it."""
    params, states = draw_params(kind, rng), draw_states(kind, rng)
    x, output_grad = rng.normal(size=(N, T, D)), rng.normal(size=(N, T, H))
    state_grads = draw_states(kind, rng)
    whole, first, second = (make_layer(kind, params) for _ in range(3))
    y, *last = whole.forward(x, *states)
    y1, *between = first.forward(x[:, :2], *states)
    y2, *end = second.forward(x[:, 2:], *between)
    for ours, expected in zip([np.hstack([y1, y2]), *end], [y, *last], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)

    expected_grads = whole.backward(output_grad, *state_grads)
    dx2, *between_grads = second.backward(output_grad[:, 2:], *state_grads)
    dx1, *first_grads = first.backward(output_grad[:, :2], *between_grads)
    for ours, expected in zip([np.hstack([dx1, dx2]), *first_grads], expected_grads, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)
    for name, grad in whole.param_grads.items():
        parts = first.param_grads[name] + second.param_grads[name]
        np.testing.assert_allclose(parts, grad, rtol=1e-9, atol=1e-12)


@each_kind
def test_a_row_knows_nothing_of_the_other_rows(kind, rng):
    """E15: the mean over the batch would let each row see all others."""
    layer, x = make_layer(kind, draw_params(kind, rng)), rng.normal(size=(N, T, D))
    states = draw_states(kind, rng)
    together = layer.forward(x, *states)
    for row in range(N):
        alone = layer.forward(x[row : row + 1], *(state[row : row + 1] for state in states))
        for ours, expected in zip(alone, together, strict=True):
            np.testing.assert_allclose(ours[0], expected[row], rtol=1e-12)


@pytest.mark.parametrize("kind", ["gru", "gru original"])
def test_each_gate_has_weights_of_its_own(kind, rng):
    """E6: the update gate was computed from the reset gate's weights."""
    params, x, h = draw_params(kind, rng), rng.normal(size=(N, D)), rng.normal(size=(N, H))
    before = GRUNode(**KINDS[kind][2]).forward(x, h, params)
    for gate in range(3):
        changed = {name: param.copy() for name, param in params.items()}
        changed["w_x"][:, gate * H : (gate + 1) * H] += 1
        assert not np.allclose(GRUNode(**KINDS[kind][2]).forward(x, h, changed), before)
    # Kept at z = 1, the state stays as it is; at z = 0 it is the candidate alone.
    for bias, expected in ((50, h), (-50, None)):
        extreme = {name: param.copy() for name, param in params.items()}
        extreme["b_x"][H : 2 * H] = bias
        after = GRUNode(**KINDS[kind][2]).forward(x, h, extreme)
        if expected is None:
            assert np.abs(after).max() < 1  # a tanh
        else:
            np.testing.assert_allclose(after, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["gru", "gru original"])
def test_gradients_flow_back_through_time_to_every_gate(kind, rng):
    """E7: the gradients of the recurrent weights were exactly zero."""
    layer = make_layer(kind, draw_params(kind, rng))
    layer.forward(rng.normal(size=(N, T, D)))
    output_grad = np.zeros((N, T, H))
    output_grad[:, -1] = 1  # only the last step counts
    input_grad, _ = layer.backward(output_grad)
    for gate in range(3):
        assert np.abs(layer.param_grads["w_h"][:, gate * H : (gate + 1) * H]).min() > 0
    assert np.abs(input_grad[:, 0]).min() > 0


def test_the_two_kinds_of_gru_differ_by_where_the_reset_gate_acts(rng):
    params, x, h = draw_params("gru", rng), rng.normal(size=(N, D)), rng.normal(size=(N, H))
    after, before = GRUNode(True).forward(x, h, params), GRUNode(False).forward(x, h, params)
    assert not np.allclose(after, before)
    no_reset = {name: param.copy() for name, param in params.items()}
    no_reset["b_x"][:H] = 50  # r = 1
    after, before = GRUNode(True).forward(x, h, no_reset), GRUNode(False).forward(x, h, no_reset)
    np.testing.assert_allclose(after, before, rtol=1e-12)


@each_kind
def test_gradients_are_added_to_those_that_are_there(kind, rng):
    node_class, _, settings, _ = KINDS[kind]
    params, states = draw_params(kind, rng), draw_states(kind, rng)
    node = node_class(**settings)
    node.forward(rng.normal(size=(N, D)), *states, params)
    once, twice = {}, {}
    node.backward(*states, params, once)
    kept = {name: grad.copy() for name, grad in once.items()}
    twice.update(once)
    node.backward(*states, params, twice)
    for name in params:
        np.testing.assert_array_equal(once[name], kept[name])  # no array is changed in place
        np.testing.assert_allclose(twice[name], 2 * once[name])


@each_kind
def test_both_backends_agree(kind, rng):
    params, x = draw_params(kind, rng), rng.normal(size=(N, T, D))
    native = make_layer(kind, params).forward(x)[0]
    with diglot.use_backend("reference"):
        np.testing.assert_allclose(make_layer(kind, params).forward(x)[0], native, rtol=1e-12)


@each_kind
def test_what_does_not_fit_is_refused(kind, rng):
    params, x = draw_params(kind, rng), rng.normal(size=(N, T, D))
    node_class, _, settings, _ = KINDS[kind]
    layer, states = make_layer(kind, params), draw_states(kind, rng)

    with pytest.raises(ValueError, match="run forward before backward"):
        layer.backward(rng.normal(size=(N, T, H)))
    with pytest.raises(ValueError, match="run forward before backward"):
        node_class(**settings).backward(*states, params, {})
    with pytest.raises(ShapeError, match=r"hidden has shape \(1, 2\), expected \(3, 2\)"):
        layer.forward(x, states[0].mean(axis=0, keepdims=True))  # the book's mean over the batch
    with pytest.raises(ShapeError, match=r"expected \(3, 2\)"):
        node_class(**settings).forward(x[:, 0], *[state[:1] for state in states], params)
    with pytest.raises(ShapeError, match=r"expected \(N, T, D\)"):
        layer.forward(x[:, 0])
    with pytest.raises(ShapeError, match="T at least 1"):
        layer.forward(x[:, :0])
    with pytest.raises(ShapeError, match="w_x has shape"):
        layer.forward(x[:, :, :3])
    with pytest.raises(ValueError, match="float32"):
        layer.forward(x.astype(np.float32))
    with pytest.raises(ValueError, match="float32 or float64"):
        layer.forward(x.astype(int))
    with pytest.raises(ValueError, match="params has"):
        make_layer(kind, {"w_x": params["w_x"]})

    layer.forward(x, *states)
    with pytest.raises(ShapeError, match=r"output_grad has shape \(3, 4, 2\)"):
        layer.backward(np.ones((N, T - 1, H)))
    with pytest.raises(ShapeError, match="expected"):
        layer.backward(np.ones((N, T, H + 1)))
    with pytest.raises(ShapeError, match=r"hidden_grad has shape \(1, 2\)"):
        layer.backward(np.ones((N, T, H)), np.ones((1, H)))


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="'sigmoid', expected 'tanh' or 'relu'"):
        RNNNode("sigmoid")
