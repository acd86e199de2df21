"""Chapter 2: from a straight line to a network, every gradient by hand.

You fit a linear model to noisy data by walking downhill, and see that you arrive where the closed
formula says. The data is curved, so a line leaves an error that is not noise; a network with one
hidden layer does better. Its gradients are written out by hand, and measured (three things went
wrong in the book's code here: docs/errata.md, E9). At the end a list of diglot's operations gives
the very same numbers.
"""

import numpy as np
import numpy.typing as npt

import diglot
from diglot import datasets, operations
from diglot.metrics import root_mean_squared_error as rmse

Array = npt.NDArray[np.float64]
Parameters = dict[str, Array]

# ---- data: 400 rows of 3 features, a curved truth, and noise that no model can predict ----------

rng = np.random.default_rng(2)
x = rng.normal(size=(400, 3))
truth = 4 + x @ [[2.0], [-1.0], [0.5]] + 3 * np.sin(1.5 * x[:, :1])
y = truth + rng.normal(scale=0.5, size=truth.shape)
x_train, x_test, y_train, y_test = datasets.train_test_split(x, y, test_size=0.3, seed=1)
print(f"{len(x_train)} rows to learn from, {len(x_test)} to test with; the noise is 0.5.\n")


# ---- a line: P = X W + B, loss = mean of (P - y)² -----------------------------------------------


def line_gradients(x: Array, y: Array, p: Parameters) -> Parameters:
    """dL/dP = 2 (P - y) / rows; then as in chapter 1, through the sum and the product."""
    prediction = x @ p["W"] + p["B"]
    dL_dP = 2 * (prediction - y) / len(y)
    return {"W": x.T @ dL_dP, "B": dL_dP.sum(axis=0, keepdims=True)}


line: Parameters = {"W": np.zeros((3, 1)), "B": np.zeros((1, 1))}
for _ in range(200):
    for name, gradient in line_gradients(x_train, y_train, line).items():
        line[name] -= 0.05 * gradient

with_ones = np.hstack([x_train, np.ones((len(x_train), 1))])
exact = np.linalg.lstsq(with_ones, y_train, rcond=None)[0]
print(f"A line, 200 steps downhill: W = {line['W'].ravel().round(4)}, B = {line['B'].item():.4f}")
print(f"A line, by least squares:   W = {exact[:3].ravel().round(4)}, B = {exact[3].item():.4f}")
print(f"Its error on the test rows: {rmse(x_test @ line['W'] + line['B'], y_test):.3f}\n")


# ---- a network: N = X W1 + B1, H = sigmoid(N), P = H W2 + B2 ------------------------------------


def network_forward(x: Array, p: Parameters) -> tuple[Array, Array]:
    """Return the hidden layer and the prediction."""
    hidden = 1 / (1 + np.exp(-(x @ p["W1"] + p["B1"])))
    return hidden, hidden @ p["W2"] + p["B2"]


def network_gradients(x: Array, y: Array, p: Parameters) -> Parameters:
    """The chain rule from the loss back to each parameter."""
    hidden, prediction = network_forward(x, p)
    dL_dP = 2 * (prediction - y) / len(y)  # (rows, 1)
    dL_dH = dL_dP @ p["W2"].T  # (rows, hidden)
    dL_dN = dL_dH * hidden * (1 - hidden)  # (rows, hidden)
    return {
        "W1": x.T @ dL_dN,
        "B1": dL_dN.sum(axis=0, keepdims=True),  # one number for each hidden neuron
        "W2": hidden.T @ dL_dP,
        "B2": dL_dP.sum(axis=0, keepdims=True),
    }


network: Parameters = {
    "W1": rng.normal(size=(3, 13)),
    "B1": rng.normal(size=(1, 13)),
    "W2": rng.normal(size=(13, 1)) / np.sqrt(13),
    "B2": np.zeros((1, 1)),
}
start = {name: value.copy() for name, value in network.items()}


def loss_when(name: str, index: tuple[int, int], change: float) -> float:
    """Compute the mean squared error with one parameter moved."""
    moved = {**network, name: network[name].copy()}
    moved[name][index] += change
    return float(np.mean((network_forward(x_train, moved)[1] - y_train) ** 2))


print("Believe no gradient that has not been measured:")
gradients = network_gradients(x_train, y_train, network)
for name, index in (("W1", (1, 4)), ("B1", (0, 4)), ("W2", (4, 0)), ("B2", (0, 0))):
    slope = (loss_when(name, index, 1e-5) - loss_when(name, index, -1e-5)) / 2e-5
    by_rule = gradients[name][index]
    print(f"   {name}{list(index)}: by the chain rule {by_rule:+.6f}, measured {slope:+.6f}")

for _ in range(3000):
    for name, gradient in network_gradients(x_train, y_train, network).items():
        network[name] -= 0.1 * gradient
error = rmse(network_forward(x_test, network)[1], y_test)
print(f"\nAfter 3000 steps, the network's error on the test rows: {error:.3f}\n")

# ---- the same network as a list of operations ---------------------------------------------------

learned = {
    "W1": operations.WeightMultiply(start["W1"]),
    "B1": operations.BiasAdd(start["B1"].ravel()),
    "W2": operations.WeightMultiply(start["W2"]),
    "B2": operations.BiasAdd(start["B2"].ravel()),
}
steps = [learned["W1"], learned["B1"], diglot.Sigmoid(), learned["W2"], learned["B2"]]
loss = diglot.MeanSquaredError()

flowing = x_train
for step in steps:
    flowing = step.forward(flowing)
loss.forward(flowing, y_train)
flowing = loss.backward()
for step in reversed(steps):
    flowing = step.backward(flowing)

print("The same gradients from diglot's operations, forward through the list and back:")
for name, operation in learned.items():
    source = f"{type(operation).__name__}.param_grad"
    difference = np.abs(operation.param_grad - gradients[name]).max()
    print(f"   {name} from {source:25} differs by {difference:.1e}")
print("Nothing above knew what the other steps were. Chapter 3 makes layers and networks of them.")
