# %% [markdown]
# # Chapter 2: from a straight line to a network, by hand
#
# You fit a line to noisy data by walking downhill, and arrive where the closed formula says. The
# data is curved, so a line leaves an error that is not noise. A network with one hidden layer does
# better; its gradients are written out by hand, and measured. At the end a list of diglot's
# operations gives the very same numbers.
#
# On Colab, or on a machine of your own, install first: `pip install "diglot[plots]"`

# %%
import matplotlib.pyplot as plt
import numpy as np

import diglot
from diglot import datasets, operations
from diglot.metrics import root_mean_squared_error as rmse

# %% [markdown]
# ## 1. The data
#
# 400 rows of three features. The truth has a straight part and a wave along the first feature; the
# noise on top has a standard deviation of 0.5, and no model can predict it. A part of the rows is
# put aside: what was never learnt from tells how good a model is.

# %%
rng = np.random.default_rng(2)
x = rng.normal(size=(400, 3))
truth = 4 + x @ [[2.0], [-1.0], [0.5]] + 3 * np.sin(1.5 * x[:, :1])
y = truth + rng.normal(scale=0.5, size=truth.shape)
x_train, x_test, y_train, y_test = datasets.train_test_split(x, y, test_size=0.3, seed=1)
print(f"{len(x_train)} rows to learn from, {len(x_test)} to test with; the noise is 0.5.")

# %% [markdown]
# ## 2. A line
#
# $X$ is (rows, 3), $W$ is (3, 1), and $B$, one number, is added to every row. The loss is the mean
# of the squared errors:
#
# $$ P = X W + B, \qquad L = \frac{1}{N} \sum_i (P_i - y_i)^2 $$
#
# Backward, as in chapter 1. $B$ is used by every row, so its gradient is a sum over the rows:
#
# $$ \frac{dL}{dP} = \frac{2 (P - y)}{N}, \qquad \frac{dL}{dW} = X^T \frac{dL}{dP},
# \qquad \frac{dL}{dB} = \sum_i \frac{dL}{dP_i} $$


# %%
def line_gradients(x, y, p):
    """Give the gradient of the loss for each parameter of the line."""
    dL_dP = 2 * (x @ p["W"] + p["B"] - y) / len(y)  # (rows, 1)
    return {"W": x.T @ dL_dP, "B": dL_dP.sum(axis=0, keepdims=True)}


def walk(gradients, parameters, steps, lr):
    """Step against the gradient, all rows at once; return the error on the test rows per step."""
    errors = []
    for _ in range(steps):
        errors.append(rmse(predict(x_test, parameters), y_test))
        for name, gradient in gradients(x_train, y_train, parameters).items():
            parameters[name] -= lr * gradient
    return errors


def predict(x, p):
    """Predict with a line, or with the network of section 3."""
    return x @ p["W"] + p["B"] if "W" in p else network_forward(x, p)[1]


line = {"W": np.zeros((3, 1)), "B": np.zeros((1, 1))}
line_errors = walk(line_gradients, line, steps=200, lr=0.05)

with_ones = np.hstack([x_train, np.ones((len(x_train), 1))])
exact = np.linalg.lstsq(with_ones, y_train, rcond=None)[0]
print(f"A line, 200 steps downhill: W = {line['W'].ravel().round(4)}, B = {line['B'].item():.4f}")
print(f"A line, by least squares:   W = {exact[:3].ravel().round(4)}, B = {exact[3].item():.4f}")
print(f"Its error on the test rows: {rmse(predict(x_test, line), y_test):.3f}")
np.testing.assert_allclose(np.vstack([line["W"], line["B"]]), exact, atol=1e-4)

# %% [markdown]
# How long should a step be? Too short, and many of them do not arrive. Too long, and each one lands
# higher up on the other side of the valley. The **learning rate** is the first thing to try out in
# any training.

# %%
fig, ax = plt.subplots(figsize=(6, 3.4))
for lr in (0.003, 0.05, 0.5, 1.02):
    start = {"W": np.zeros((3, 1)), "B": np.zeros((1, 1))}
    ax.plot(walk(line_gradients, start, steps=60, lr=lr), label=f"learning rate {lr}")
ax.set(yscale="log", ylim=(1, 100), xlabel="steps", ylabel="error on the test rows (rmse)")
ax.set_title("Too short, right, right as well, too long")
ax.legend(fontsize=8)
fig.tight_layout()

# %% [markdown]
# ## 3. A network
#
# Between the features and the prediction we put 13 neurons. Each is a line of its own, bent by a
# sigmoid; the prediction is a weighted sum of them.
#
# $$ N = X W_1 + B_1, \qquad H = \sigma(N), \qquad P = H W_2 + B_2 $$
#
# | | $X$ | $W_1$ | $B_1$ | $N$, $H$ | $W_2$ | $B_2$ | $P$ |
# |---|---|---|---|---|---|---|---|
# | shape | (rows, 3) | (3, 13) | (1, 13) | (rows, 13) | (13, 1) | (1, 1) | (rows, 1) |
#
# Backward, the chain rule walks the same way in reverse. Every gradient has the shape of what it
# belongs to.


# %%
def network_forward(x, p):
    """Return the hidden layer and the prediction."""
    hidden = 1 / (1 + np.exp(-(x @ p["W1"] + p["B1"])))
    return hidden, hidden @ p["W2"] + p["B2"]


def network_gradients(x, y, p):
    """Apply the chain rule from the loss back to each parameter."""
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


start = {
    "W1": rng.normal(size=(3, 13)),
    "B1": rng.normal(size=(1, 13)),
    "W2": rng.normal(size=(13, 1)) / np.sqrt(13),
    "B2": np.zeros((1, 1)),
}

# %% [markdown]
# Believe no gradient that has not been measured. Move one element of each parameter, and look how
# far the loss moves.


# %%
def loss_when(name, index, change):
    """Compute the mean squared error with one parameter moved."""
    moved = {**start, name: start[name].copy()}
    moved[name][index] += change
    return np.mean((network_forward(x_train, moved)[1] - y_train) ** 2)


gradients = network_gradients(x_train, y_train, start)
for name, index in (("W1", (1, 4)), ("B1", (0, 4)), ("W2", (4, 0)), ("B2", (0, 0))):
    slope = (loss_when(name, index, 1e-5) - loss_when(name, index, -1e-5)) / 2e-5
    by_rule = gradients[name][index]
    print(f"{name}{list(index)}: by the chain rule {by_rule:+.6f}, measured {slope:+.6f}")
    np.testing.assert_allclose(slope, by_rule, rtol=1e-5)

# %% [markdown]
# The book's code for this page fails that check (erratum **E9**). It sums the gradient of $B_1$
# over the rows, and then once more over the neurons: all neurons get the same number. And it leaves
# out the factor $2/N$. Does training tell? We train with the right gradients, and with the first of
# these mistakes.


# %%
def with_shared_bias_gradient(x, y, p):
    """Make the book's mistake: every hidden bias gets the sum over all of them."""
    right = network_gradients(x, y, p)
    return {**right, "B1": np.full_like(right["B1"], right["B1"].sum())}


def copy_of(parameters):
    """Copy each array, because a walk changes them in place."""
    return {name: value.copy() for name, value in parameters.items()}


network, mistaken = copy_of(start), copy_of(start)
errors = walk(network_gradients, network, steps=3000, lr=0.1)
mistaken_errors = walk(with_shared_bias_gradient, mistaken, steps=3000, lr=0.1)
error, mistaken_error = (rmse(predict(x_test, p), y_test) for p in (network, mistaken))
print(f"After 3000 steps, the network's error on the test rows: {error:.3f}")
print(f"With E9's gradient of the hidden biases:                {mistaken_error:.3f}")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6))
left.loglog(line_errors, "C0", label="line")
left.loglog(mistaken_errors, "C1--", label="network, E9's mistake")
left.loglog(errors, "C2", label="network")
left.axhline(0.5, color="grey", ls=":", label="the noise")
left.set(xlabel="steps", ylabel="error on the test rows (rmse)", title="Learning")
left.legend(fontsize=8)

along = np.zeros((200, 3))  # the first feature moves, the others stay at zero
along[:, 0] = np.linspace(-2.5, 2.5, 200)
right.plot(along[:, 0], 4 + 2 * along[:, 0] + 3 * np.sin(1.5 * along[:, 0]), "k:", label="truth")
right.plot(along[:, 0], predict(along, line), "C0", label="line")
right.plot(along[:, 0], predict(along, network), "C2", label="network")
right.set(xlabel="first feature", ylabel="prediction", title="What was learnt")
right.legend(fontsize=8)
fig.tight_layout()

# %% [markdown]
# The two curves of the network lie on each other, and the mistaken one even ends a little lower
# here. On other data it ends worse. Either way, no curve could have told you which gradient is
# right; the four measured slopes did.
#
# ## 4. The same network as a list of operations
#
# Each line of the forward pass becomes an object that knows its own way back. Forward goes through
# the list, backward through its reverse, and none of them knows what the others are.

# %%
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

for name, operation in learned.items():
    source = f"{type(operation).__name__}.param_grad"
    difference = np.abs(operation.param_grad - gradients[name]).max()
    print(f"{name} from {source:25} differs by {difference:.1e}")
    assert difference < 1e-12

# %% [markdown]
# ## What you have learnt
#
# * Training is: predict, measure the error, go back to the gradients, take a small step. Repeat.
# * What is used by many rows, such as a bias, collects its gradient from all of them.
# * A hidden layer bends the line. It cannot get below the noise, and it should not.
# * A wrong gradient still learns something. Only a measurement finds it.
#
# **Go on.** `diglot mistakes two-layers-by-hand` is E9 as code that runs, and a check that finds
# it. `diglot pair dense_backward_weight` shows the gradients of $W$ and $B$ in NumPy and in C++.
# `diglot exercise start dense_backward_weight` lets you write them. Chapter 3 makes layers and
# networks of the list.
