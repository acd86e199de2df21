"""Each kind of work in PyTorch: eager mode, as its users write it, gradients through autograd."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - its usual name

from diglot._typing import Array
from diglot.bench.peers.torch_training import training
from diglot.bench.work import Arguments, Run

VERSION = torch.__version__
aten = torch.ops.aten


def set_threads(count: int) -> None:
    """Use so many threads within an operation."""
    torch.set_num_threads(count)


def _arrays(result: Any) -> list[Array]:
    parts = result if isinstance(result, tuple | list) else (result,)
    return [part.detach().numpy() for part in parts]


def _tensors(a: Arguments) -> dict[str, Any]:
    return {n: torch.from_numpy(v) if hasattr(v, "dtype") else v for n, v in a.items()}


def _plain(function: Callable[[dict[str, Any]], Any]) -> Callable[[Arguments], Run]:
    """Make work of a function of tensors; no gradients are asked for."""

    def prepare(arguments: Arguments) -> Run:
        a = _tensors(arguments)
        return Run(lambda: function(a), _arrays)

    return prepare


def _differentiated(
    function: Callable[[dict[str, Any]], Any], *inputs: str
) -> Callable[[Arguments], Run]:
    """Make work of a function and its gradients with respect to some of its arguments."""

    def prepare(arguments: Arguments) -> Run:
        a = _tensors(arguments)
        wanted = [a[name].requires_grad_() for name in inputs]

        def call() -> Any:
            y = function(a)
            return y, *torch.autograd.grad(y, wanted, a.get("dy"))

        return Run(call, _arrays)

    return prepare


def _matmul(arguments: Arguments) -> Run:
    a, b = torch.from_numpy(arguments["a"]), torch.from_numpy(arguments["b"])
    a = a.mT if arguments["transpose_a"] else a
    b = b.mT if arguments["transpose_b"] else b
    return Run(lambda: torch.matmul(a, b), _arrays)


def _conv2d(a: dict[str, Any]) -> Any:
    s = a.get("settings", a)
    return F.conv2d(a["x"], a["w"], a["b"], s["stride"], s["padding"], s["dilation"], s["groups"])


def _max_pool2d(a: dict[str, Any]) -> Any:
    return F.max_pool2d(a["x"], **a["settings"])


def _avg_pool2d(a: dict[str, Any]) -> Any:
    return F.avg_pool2d(a["x"], **a["settings"])


def _embedding(a: dict[str, Any]) -> Any:
    return F.embedding(a["tokens"], a["w"])


def _recurrent(kind: str) -> Callable[[Arguments], Run]:
    """Make a module of torch.nn ready, with our weights: its gates stand in the same order."""

    def prepare(arguments: Arguments) -> Run:
        a = _tensors(arguments)
        module = getattr(torch.nn, kind)(len(a["w_x"]), len(a["w_h"]), batch_first=True)
        bias = a["b_x"] if kind == "GRU" else a["b"]
        values = (a["w_x"].T, a["w_h"].T, bias, a.get("b_h", torch.zeros_like(bias)))
        with torch.no_grad():
            for parameter, value in zip(module.parameters(), values, strict=True):
                parameter.copy_(value)
        x = a["x"].requires_grad_()
        states = [a[name][None].requires_grad_() for name in ("h0", "c0") if name in a]
        grads = [a["dy"], *(a[name][None] for name in ("dh_n", "dc_n") if name in a)]
        wanted = [x, *states, *module.parameters()]

        def call() -> Any:
            y, ends = module(x, tuple(states) if len(states) > 1 else states[0])
            outputs = [y, *(ends if isinstance(ends, tuple) else (ends,))]
            return outputs, torch.autograd.grad(outputs, wanted, grads)

        def arrays(result: Any) -> list[Array]:
            (y, *ends), (dx, *rest) = result
            ends = [end[0] for end in ends]
            d_states, (dw_x, dw_h, *db) = rest[: len(states)], rest[len(states) :]
            d_states = [d[0] for d in d_states]
            biases = db if kind == "GRU" else db[:1]
            return _arrays([y, *ends, dx, *d_states, dw_x.T, dw_h.T, *biases])

        return Run(call, arrays)

    return prepare


def _optimizer(kind: Any, **names: str) -> Callable[[Arguments], Run]:
    """Make a step of torch.optim ready; `names` are its words for our settings."""

    def prepare(arguments: Arguments) -> Run:
        settings = {
            names.get(n, n): v
            for n, v in arguments.items()
            if not hasattr(v, "dtype") and n != "step"
        }
        param = torch.from_numpy(arguments["param"].copy()).requires_grad_()
        param.grad = torch.from_numpy(arguments["grad"])
        step = kind([param], **settings).step
        return Run(step, lambda _: [param.detach().numpy()])

    return prepare


PREPARE: Mapping[str, Callable[[Arguments], Run]] = {
    "matmul": _matmul,
    "dense": _differentiated(lambda a: torch.addmm(a["b"], a["x"], a["w"]), "x", "w", "b"),
    "conv2d_forward": _plain(_conv2d),
    "conv2d": _differentiated(_conv2d, "x", "w", "b"),
    "max_pool2d": _differentiated(_max_pool2d, "x"),
    "avg_pool2d": _differentiated(_avg_pool2d, "x"),
    "sigmoid_forward": _plain(lambda a: torch.sigmoid(a["x"])),
    "sigmoid_backward": _plain(lambda a: aten.sigmoid_backward(a["dy"], a["y"])),
    "tanh_forward": _plain(lambda a: torch.tanh(a["x"])),
    "tanh_backward": _plain(lambda a: aten.tanh_backward(a["dy"], a["y"])),
    "relu_forward": _plain(lambda a: torch.relu(a["x"])),
    "relu_backward": _plain(lambda a: aten.threshold_backward(a["dy"], a["y"], 0)),
    "leaky_relu_forward": _plain(lambda a: F.leaky_relu(a["x"])),
    "leaky_relu_backward": _plain(lambda a: aten.leaky_relu_backward(a["dy"], a["y"], 0.01, True)),
    "gelu_forward": _plain(lambda a: F.gelu(a["x"])),
    "gelu_backward": _plain(lambda a: aten.gelu_backward(a["dy"], a["x"])),
    "softmax_forward": _plain(lambda a: torch.softmax(a["x"], -1)),
    "softmax_backward": _plain(
        lambda a: aten._softmax_backward_data(a["dy"], a["y"], -1, torch.float32)
    ),
    "softmax_cross_entropy": _differentiated(
        lambda a: F.cross_entropy(a["logits"], a["labels"]), "logits"
    ),
    "rnn": _recurrent("RNN"),
    "gru": _recurrent("GRU"),
    "lstm": _recurrent("LSTM"),
    "embedding": _differentiated(_embedding, "w"),
    "dropout": _differentiated(lambda a: F.dropout(a["x"], a["rate"]), "x"),
    "sgd_inplace": _optimizer(torch.optim.SGD),
    "sgd_momentum_inplace": _optimizer(torch.optim.SGD),
    "adagrad_inplace": _optimizer(torch.optim.Adagrad),
    "rmsprop_inplace": _optimizer(torch.optim.RMSprop),
    "adam_inplace": _optimizer(torch.optim.Adam),
    "training": training,
}
"""By kind of work: what makes it ready."""
