"""A language model's training in PyTorch: nn.Embedding, nn.LSTM, nn.Linear, as in its tutorials."""

from typing import Any

import torch
from torch import nn

from diglot._typing import Array
from diglot.bench.language import Model
from diglot.bench.work import Arguments, Run


def language(arguments: Arguments) -> Run:
    """Make it ready: build the modules and the optimizer, and turn the tokens into tensors."""
    model: Model = arguments["model"]
    modules = _modules(model, arguments["parameters"])
    parameters = [p for p in modules.parameters() if p.requires_grad]
    optimizer: Any = (torch.optim.Adam if model.adam else torch.optim.SGD)(parameters, lr=model.lr)
    loss_function = nn.CrossEntropyLoss()
    x, y = torch.from_numpy(arguments["x"]), torch.from_numpy(arguments["y"])
    steps = arguments["steps"]

    def call() -> None:
        modules.train()
        states: list[Any] = [None] * len(model.hidden)
        for start in range(0, x.shape[1], steps):
            optimizer.zero_grad(set_to_none=True)
            output = x[:, start : start + steps]
            if model.embedding:
                output = modules["embedding"](output)
            for i in range(len(states)):
                output, state = modules[f"lstm{i}"](output, states[i])
                states[i] = tuple(part.detach() for part in state)
                output = modules["dropout"](output)
            scores = modules["dense"](output)
            loss_function(scores.flatten(0, 1), y[:, start : start + steps].flatten()).backward()
            if model.adam:
                nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()

    return Run(
        call, lambda _: [_as_ours(p, n) for n, p in modules.named_parameters() if _learns(n)]
    )


def _modules(model: Model, ours: list[Array]) -> Any:
    modules = nn.ModuleDict()
    if model.embedding:
        modules["embedding"] = nn.Embedding(model.vocabulary, model.embedding)
    features = model.embedding or model.vocabulary
    for i, size in enumerate(model.hidden):
        modules[f"lstm{i}"] = nn.LSTM(features, size, batch_first=True)
        features = size
    modules["dense"] = nn.Linear(features, model.vocabulary)
    modules["dropout"] = nn.Dropout(model.dropout)
    remaining = iter(ours)
    with torch.no_grad():
        for name, parameter in modules.named_parameters():
            if _learns(name):
                parameter.copy_(torch.from_numpy(_as_theirs(next(remaining), name)))
            else:
                parameter.zero_()
                parameter.requires_grad_(False)
    return modules


def _learns(name: str) -> bool:
    """Tell whether we have this parameter, too: an LSTM has a second bias there."""
    return "bias_hh" not in name


def _as_theirs(array: Array, name: str) -> Array:
    """Transpose a matrix of weights, which is (out, in) there."""
    return array if array.ndim < 2 or name.startswith("embedding") else array.T


def _as_ours(parameter: Any, name: str) -> Array:
    return _as_theirs(parameter.detach().numpy(), name)
