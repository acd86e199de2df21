"""A training in PyTorch: nn.Sequential, SGD and the loop of its tutorials, on tensors in memory."""

import math
from typing import Any

import torch
from torch import nn

from diglot._typing import Array
from diglot.bench.trainings import Stages, parameter_shapes
from diglot.bench.work import Arguments, Run

_ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}


def training(arguments: Arguments) -> Run:
    """Make it ready: build the model and the optimizer, and turn the data into tensors."""
    model = _model(arguments["stages"], arguments["parameters"], arguments["x"].shape[1:])
    optimizer = torch.optim.SGD(
        model.parameters(), lr=arguments["lr"], momentum=arguments["momentum"]
    )
    loss_function = nn.CrossEntropyLoss()
    images, labels = torch.from_numpy(arguments["x"]), torch.from_numpy(arguments["y"])
    size = arguments["batch_size"]

    def call() -> None:
        model.train()
        for _ in range(arguments["epochs"]):
            for batch in torch.randperm(len(images)).split(size):
                optimizer.zero_grad(set_to_none=True)
                loss_function(model(images[batch]), labels[batch]).backward()
                optimizer.step()

    return Run(call, lambda _: [_as_ours(parameter) for parameter in model.parameters()])


def _model(stages: Stages, parameters: list[Array], image: tuple[int, ...]) -> Any:
    layers: list[Any] = []
    shapes = parameter_shapes(stages, image)
    for stage in stages:
        if stage.kind == "conv":
            _, C, k, _ = next(shapes)
            layers.append(nn.Conv2d(C, stage.outputs, k, padding=k // 2))
            next(shapes)
        elif stage.kind == "pool":
            layers.append(nn.MaxPool2d(2))
        elif stage.kind == "flatten":
            layers.append(nn.Flatten())
        else:
            *inputs, _ = next(shapes)
            layers.append(nn.Linear(math.prod(inputs), stage.outputs))
            next(shapes)
        if stage.activation in _ACTIVATIONS:
            layers.append(_ACTIVATIONS[stage.activation]())
        if stage.dropout:
            layers.append(nn.Dropout(stage.dropout))
    model = nn.Sequential(*layers)
    with torch.no_grad():
        for mine, ours in zip(model.parameters(), parameters, strict=True):
            mine.copy_(torch.from_numpy(ours.T if ours.ndim == 2 else ours))
    return model


def _as_ours(parameter: Any) -> Array:
    """Turn a dense layer's weights, which are (out, in) there."""
    array: Array = parameter.detach().numpy()
    return array.T if array.ndim == 2 else array
