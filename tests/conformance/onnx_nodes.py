"""The node tests that the onnx wheel carries, for the operators that diglot has."""

import importlib
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from skipped import SKIPPED

MODULES = {
    "Conv": "conv", "ConvTranspose": "convtranspose", "MaxPool": "maxpool",
    "MaxUnpool": "maxunpool", "AveragePool": "averagepool",
    "GlobalAveragePool": "globalaveragepool", "GlobalMaxPool": "globalmaxpool",
    "Gemm": "gemm", "MatMul": "matmul", "Relu": "relu",
    "LeakyRelu": "leakyrelu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Gelu": "gelu",
    "Softmax": "softmax", "SoftmaxCrossEntropyLoss": "softmax_cross_entropy_loss",
    "NegativeLogLikelihoodLoss": "negativeloglikelihoodloss", "RNN": "rnn", "GRU": "gru",
    "LSTM": "lstm", "Gather": "gather", "Dropout": "dropout", "Flatten": "flatten",
    "Adagrad": "adagrad", "Adam": "adam", "Momentum": "momentum",
}  # fmt: skip
"""The operators, and where onnx makes their tests."""


@dataclass(frozen=True)
class NodeTest:
    """One node: what goes in, what must come out, and how near."""

    name: str
    operator: str
    attributes: dict
    inputs: list
    output_names: list
    outputs: list
    rtol: float
    atol: float

    @property
    def reason(self):
        """Why it is skipped, or None."""
        return next((why for like, why in SKIPPED.items() if fnmatchcase(self.name, like)), None)


def node_tests():
    """Make the tests.

    `collect_testcases(None)` makes those of all two hundred operators, which takes twice as long;
    importing a module makes its own, in the same list.
    """
    node = importlib.import_module("onnx.backend.test.case.node")
    for module in MODULES.values():
        importlib.import_module(f"{node.__name__}.{module}")
    cases = {case.name: case for case in node._NodeTestCases}.values()
    # An operator that is made of others is also given as a graph of those: not ours to run.
    ours = [case for case in cases if _operator(case) in MODULES]
    return [_node_test(case) for case in sorted(ours, key=_place)]


def _operator(case):
    nodes = case.model.graph.node
    return nodes[0].op_type if len(nodes) == 1 else None


def _place(case):
    return list(MODULES).index(_operator(case))


def _node_test(case):
    import onnx

    (node,), ((inputs, outputs),) = case.model.graph.node, case.data_sets
    given = iter(inputs)
    return NodeTest(
        name=case.name,
        operator=node.op_type,
        attributes={a.name: _plain(onnx.helper.get_attribute_value(a)) for a in node.attribute},
        inputs=[np.asarray(next(given)) if name else None for name in node.input],
        output_names=list(node.output),
        outputs=[np.asarray(output) for output in outputs],
        rtol=case.rtol,
        atol=case.atol,
    )


def _plain(value):
    return value.decode() if isinstance(value, bytes) else value
