"""Does the reference agree with PyTorch, kernel by kernel, over the case table?"""

import numpy as np
import pytest

from diglot.kernels import reference
from diglot.kernels.cases import CASES
from diglot.kernels.tolerance import call, largest_difference, truth

torch = pytest.importorskip("torch")
F = torch.nn.functional
aten = torch.ops.aten


def images(a):
    return {k: a[k] for k in ("stride", "padding", "dilation", "groups") if k in a}


def conv2d_forward(a):
    return F.conv2d(a["x"], a["w"], a["b"], **images(a))


def conv2d_backward_input(a):
    N, _, H, W = a["dy"].shape[0], None, *a["input_size"]
    C = a["w"].shape[1] * a.get("groups", 1)
    return torch.nn.grad.conv2d_input((N, C, H, W), a["w"], a["dy"], **images(a))


def conv2d_backward_weight(a):
    w_shape = (a["dy"].shape[1], a["x"].shape[1] // a.get("groups", 1), *a["kernel_size"])
    dw = torch.nn.grad.conv2d_weight(a["x"], w_shape, a["dy"], **images(a))
    return dw, a["dy"].sum((0, 2, 3))


def max_pool2d_forward(a):
    y, indices = F.max_pool2d(
        a["x"], a["kernel_size"], a["stride"], a["padding"], return_indices=True
    )
    return y, indices.to(torch.int32)


def max_pool2d_backward(a):
    N, C = a["dy"].shape[:2]
    dx = torch.zeros(N, C, a["input_size"][0] * a["input_size"][1], dtype=a["dy"].dtype)
    dx.scatter_add_(2, a["indices"].long().flatten(2), a["dy"].flatten(2))
    return dx.reshape(N, C, *a["input_size"])


def avg_pool2d_forward(a):
    return F.avg_pool2d(a["x"], a["kernel_size"], a["stride"], a["padding"])


def avg_pool2d_backward(a):
    x = torch.zeros(*a["dy"].shape[:2], *a["input_size"], dtype=a["dy"].dtype, requires_grad=True)
    avg_pool2d_forward(a | {"x": x}).backward(a["dy"])
    return x.grad


def cross_entropy_forward(a):
    loss = F.cross_entropy(a["logits"], a["labels"].long())
    return loss.double(), torch.softmax(a["logits"], 1)


def cross_entropy_backward(a):
    logits = a["probabilities"].log().requires_grad_()
    F.cross_entropy(logits, a["labels"].long()).backward()
    return logits.grad


TORCH = {
    "matmul": lambda a: (
        (a["a"].mT if a["transpose_a"] else a["a"]) @ (a["b"].mT if a["transpose_b"] else a["b"])
    ),
    "dense_forward": lambda a: F.linear(a["x"], a["w"].T, a["b"]),
    "dense_backward_weight": lambda a: (a["x"].T @ a["dy"], a["dy"].sum(0)),
    "conv2d_forward": conv2d_forward,
    "conv2d_backward_input": conv2d_backward_input,
    "conv2d_backward_weight": conv2d_backward_weight,
    "max_pool2d_forward": max_pool2d_forward,
    "max_pool2d_backward": max_pool2d_backward,
    "avg_pool2d_forward": avg_pool2d_forward,
    "avg_pool2d_backward": avg_pool2d_backward,
    "sigmoid_forward": lambda a: torch.sigmoid(a["x"]),
    "sigmoid_backward": lambda a: aten.sigmoid_backward(a["dy"], a["y"]),
    "tanh_forward": lambda a: torch.tanh(a["x"]),
    "tanh_backward": lambda a: aten.tanh_backward(a["dy"], a["y"]),
    "relu_forward": lambda a: torch.relu(a["x"]),
    "relu_backward": lambda a: aten.threshold_backward(a["dy"], a["y"], 0),
    "leaky_relu_forward": lambda a: F.leaky_relu(a["x"], a.get("negative_slope", 0.01)),
    "leaky_relu_backward": lambda a: aten.leaky_relu_backward(
        a["dy"], a["y"], a.get("negative_slope", 0.01), True
    ),
    "gelu_forward": lambda a: F.gelu(a["x"]),
    "gelu_backward": lambda a: aten.gelu_backward(a["dy"], a["x"]),
    "softmax_forward": lambda a: torch.softmax(a["x"], -1),
    "softmax_backward": lambda a: aten._softmax_backward_data(a["dy"], a["y"], -1, a["y"].dtype),
    "embedding_forward": lambda a: F.embedding(a["tokens"].long(), a["w"]),
    "embedding_backward": lambda a: aten.embedding_dense_backward(
        a["dy"], a["tokens"].long(), a["vocabulary_size"], -1, False
    ),
    "dropout_backward": lambda a: aten.native_dropout_backward(
        a["dy"], a["mask"], 1 / (1 - a["rate"])
    ),
    "softmax_cross_entropy_forward": cross_entropy_forward,
    "softmax_cross_entropy_backward": cross_entropy_backward,
}

OPTIMIZERS = {
    "sgd_inplace": (torch.optim.SGD, {}),
    "sgd_momentum_inplace": (torch.optim.SGD, {}),
    "adagrad_inplace": (torch.optim.Adagrad, {}),
    "rmsprop_inplace": (torch.optim.RMSprop, {"decay": "alpha"}),
    "adam_inplace": (torch.optim.Adam, {}),
}


def asked(kernel, case):
    """Leave out the cases in which PyTorch goes its own way."""
    if "gelu" in kernel:  # gelu(inf) is NaN there, and its erf loses the left tail: see below
        return False
    if case.name in (
        "many NaN",
        "squares with NaN",
        "no channels",
    ):  # takes the last of several NaN; refuses
        return False
    # It starts from logits, and special numbers are no probabilities.
    return not (kernel == "softmax_cross_entropy_backward" and "special" in case.name)


EVERY_CASE = [
    pytest.param(kernel, case, id=f"{kernel}-{case.name}")
    for kernel in TORCH
    for case in CASES[kernel]
    if asked(kernel, case)
]


def tensors(arguments):
    def tensor(value):
        if not isinstance(value, np.ndarray):
            return value
        return torch.tensor(value.astype(np.int64) if value.dtype.kind == "u" else value)

    return {name: tensor(value) for name, value in arguments.items()}


def test_every_kernel_has_its_counterpart():
    # Dropout's random bits are our own; test_definitions.py checks them. test_recurrent.py compares
    # the recurrent networks.
    recurrent = {
        f"{kind}_{way}" for kind in ("rnn", "gru", "lstm") for way in ("forward", "backward")
    }
    assert {*TORCH, *OPTIMIZERS, *recurrent, "dropout_forward"} == set(reference.__all__)


@pytest.mark.parametrize(("kernel", "case"), EVERY_CASE)
def test_the_reference_agrees_with_torch(kernel, case):
    arguments = case.arguments(np.float64)
    result = TORCH[kernel](tensors(arguments))
    result = result if isinstance(result, tuple) else (result,)
    expected = truth(kernel, case, arguments, np.dtype(np.float64))
    actual = dict(zip(expected.values, (part.numpy() for part in result), strict=True))
    worst = largest_difference(actual, expected)
    assert worst.units <= 1, str(worst)


@pytest.mark.parametrize("kernel", ["gelu_forward", "gelu_backward"])
def test_gelu_agrees_with_torch_up_to_its_left_tail(kernel, rng):
    arguments = {"x": 4 * rng.standard_normal(1000)}
    if kernel == "gelu_backward":
        arguments["dy"] = rng.standard_normal(1000)
    actual = getattr(reference, kernel)(**arguments)
    expected = TORCH[kernel](tensors(arguments)).numpy()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("kernel", OPTIMIZERS)
def test_five_steps_from_the_beginning_agree_with_torch(kernel):
    for case in CASES[kernel]:
        if case.calls == 1:
            continue
        a = case.arguments(np.float64)
        if "step" in a:
            a["step"] = 1
        settings = {k: v for k, v in a.items() if not isinstance(v, np.ndarray) and k != "step"}
        kind, names = OPTIMIZERS[kernel]
        settings = {names.get(k, k): v for k, v in settings.items()}
        if "beta1" in settings:
            settings["betas"] = (settings.pop("beta1"), settings.pop("beta2"))
        if settings.pop("decoupled", False):
            kind = torch.optim.AdamW
        param = torch.tensor(a["param"], requires_grad=True)
        optimizer = kind([param], **settings)
        for _ in range(case.calls):
            param.grad = torch.tensor(a["grad"])
            optimizer.step()
        actual = call(getattr(reference, kernel), a, case.calls)["param"]
        np.testing.assert_allclose(actual, param.detach().numpy(), rtol=1e-11, atol=1e-14)
