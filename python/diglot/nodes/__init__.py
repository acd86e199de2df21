"""Recurrent networks one step at a time, as chapter 6 builds them: to be read, and to check with.

A node makes one step: from an input and the state before it to the state after it. A layer here is
a chain of nodes along a sequence, and goes back through them in reverse order, which is all that
"backpropagation through time" means. `diglot.kernels` computes the same in one call for a whole
sequence, many times faster.

Letters: N rows, T steps, D features, H numbers in a state. The weights of a node's gates lie side
by side: w_x is (D, gates*H), w_h is (H, gates*H).

Book: chapter 6.
"""

from diglot.nodes.base import Node
from diglot.nodes.gru import GRUNode
from diglot.nodes.layers import GRULayer, LSTMLayer, RNNLayer
from diglot.nodes.lstm import LSTMNode
from diglot.nodes.rnn import RNNNode

__all__ = ["GRULayer", "GRUNode", "LSTMLayer", "LSTMNode", "Node", "RNNLayer", "RNNNode"]
