# %% [markdown]
# # Chapter 3: from operations to a framework
#
# Chapter 2 wrote out a network's gradients. Another network would need other formulas. But look
# again: each step knew nothing of the others. It took what came, and could say how its input
# should change.
#
# You make classes of that: an operation, a layer, a network, a loss and a trainer, in NumPy, on one
# page. Then you meet the same classes in the library, and get the same numbers. At the end you
# write an operation of your own.
#
# This page runs on its own: as a script, or as a notebook. On Colab, begin with a cell that says
# `!pip install "diglot[plots]"`.

# %%
import matplotlib.pyplot as plt
import numpy as np

import diglot
from diglot import datasets, operations, plots
from diglot.gradcheck import numerical_gradient

# %% [markdown]
# ## 1. An operation
#
# One array in, one array out. On the way back it gets the gradient of its output, and gives that
# of its input:
#
# $$ y = f(x) \qquad \frac{\partial L}{\partial x} =
# \frac{\partial y}{\partial x} \; \frac{\partial L}{\partial y} $$
#
# One with a parameter w gives the parameter's gradient as well. All keep what they have seen:
# slopes are needed at the place where the forward pass has been.


# %%
class Multiply:
    """y = x W: (N, in) -> (N, out)."""

    def __init__(self, w):
        self.param = w

    def forward(self, x):
        """Multiply each row by the weights."""
        self.x = x
        return x @ self.param

    def backward(self, dy):
        """Give dL/dx, and keep dL/dW."""
        self.grad = self.x.T @ dy
        return dy @ self.param.T


class Add:
    """y = x + b: a number for each column."""

    def __init__(self, b):
        self.param = b

    def forward(self, x):
        """Add the biases."""
        return x + self.param

    def backward(self, dy):
        """Give dL/dx, and keep dL/db: all rows were moved by the same b."""
        self.grad = dy.sum(axis=0)
        return dy


class Squash:
    """y = 1 / (1 + e^-x)."""

    def forward(self, x):
        """Squash each number into (0, 1)."""
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, dy):
        """Give dL/dx."""
        return dy * self.y * (1 - self.y)


# %% [markdown]
# ## 2. A network
#
# A chain of operations: forward through the list, backward through the list reversed. That is the
# chain rule of chapter 1, for a chain of any length. A layer is a shorter chain; and a loss is an
# operation with a number at its end.


# %%
class Network:
    """A chain of operations, and the mean squared error."""

    def __init__(self, operations):
        self.operations = operations

    def predict(self, x):
        """Send a batch through all operations."""
        for operation in self.operations:
            x = operation.forward(x)
        return x

    def train_batch(self, x, y):
        """Compute the loss, and the gradient of each parameter."""
        difference = self.predict(x) - y
        grad = 2 * difference / difference.size
        for operation in reversed(self.operations):
            grad = operation.backward(grad)
        return np.mean(difference**2)

    def learning(self):
        """List the operations that have a parameter."""
        return [operation for operation in self.operations if hasattr(operation, "param")]


def fit(network, x, y, lr, steps):
    """Walk downhill; return the losses on the way."""
    losses = []
    for _ in range(steps):
        losses.append(network.train_batch(x, y))
        for operation in network.learning():
            operation.param -= lr * operation.grad
    return losses


# %% [markdown]
# That is a framework. Does it work? The data is made as in chapter 2: rows of 3 features, a curved
# truth, and noise of 0.5, which no model can predict.

# %%
rng = np.random.default_rng(3)
x = rng.normal(size=(600, 3))
truth = 4 + x @ [[2.0], [-1.0], [0.5]] + 3 * np.sin(1.5 * x[:, :1])
y = truth + rng.normal(scale=0.5, size=truth.shape)
x_train, x_test, y_train, y_test = datasets.train_test_split(x, y, test_size=0.3, seed=1)

weights = [rng.normal(size=(3, 13)) / 2, rng.normal(size=(13, 1)) / 3]
biases = [np.zeros(13), np.zeros(1)]


def make():
    """Make 3-13-1 by hand, always with the same weights."""
    w1, w2, b1, b2 = (array.copy() for array in (*weights, *biases))
    return Network([Multiply(w1), Add(b1), Squash(), Multiply(w2), Add(b2)])


def loss_with(w):
    """Compute the loss with other first weights."""
    network = make()
    network.operations[0].param = w
    return network.train_batch(x_train, y_train)


network = make()
network.train_batch(x_train, y_train)
measured = numerical_gradient(loss_with, weights[0])
difference = abs(network.operations[0].grad - measured).max()
print(f"the gradient of the first weights differs from measured slopes by {difference:.0e}")
np.testing.assert_allclose(network.operations[0].grad, measured, atol=1e-6)

# %% [markdown]
# ## 3. The same in the library
#
# `Dense` is a layer of three operations: multiply, add, activate. It makes its parameters when it
# first sees data, because only then it knows the number of features. The network gets your
# weights, and has to make the same steps as yours.

# %%
library = diglot.NeuralNetwork(
    [diglot.Dense(13, activation=diglot.Sigmoid), diglot.Dense(1)],
    loss=diglot.MeanSquaredError(),
    dtype=np.float64,
)
library.setup((3,))  # one row
print({name: array.shape for name, array in library.parameters().items()})
library.load_parameters(
    {"0.weight": weights[0], "0.bias": biases[0], "1.weight": weights[1], "1.bias": biases[1]}
)

by_hand = make()
losses = fit(by_hand, x_train, y_train, lr=0.05, steps=200)
trainer = diglot.Trainer(library, diglot.SGD(lr=0.05))
history = trainer.fit(
    x_train, y_train, epochs=200, batch_size=len(x_train), shuffle=False, progress=False
)
print(f"loss by hand {losses[-1]:.6f}, by the library {history.loss[-1]:.6f}")
np.testing.assert_allclose(losses, history.loss, rtol=1e-9)
np.testing.assert_allclose(by_hand.predict(x_test), library.predict(x_test), rtol=1e-9)

# %% [markdown]
# What the library adds to your page: it checks every shape and says what is wrong; it has the
# operations in C++; and it avoids two mistakes of the book's framework. There, each layer seeds
# the generator of random numbers again, so layers of one shape get the same weights (erratum E11).
# And an activation in the argument list is one object, made when the class is read; layers that
# do not name one share it, and overwrite what the other's backward pass needs (erratum E12).

# %%
first, second = diglot.Dense(3, diglot.Sigmoid()), diglot.Dense(3, diglot.Sigmoid())
assert first.activation is not second.activation
twins = diglot.NeuralNetwork([diglot.Dense(3), diglot.Dense(3)], loss="mean_squared_error", seed=1)
twins.setup((3,))
assert not np.array_equal(twins.parameters()["0.weight"], twins.parameters()["1.weight"])

# %% [markdown]
# ## 4. Three networks
#
# A trainer cuts the data in batches, shuffled anew in each epoch: many small steps instead of few
# exact ones. A line, a network with one hidden layer, one with two:

# %%
histories, predicted = {}, {}
for hidden in ([], [13], [13, 13]):
    network = diglot.NeuralNetwork(
        [*(diglot.Dense(n, activation=diglot.Sigmoid) for n in hidden), diglot.Dense(1)],
        loss=diglot.MeanSquaredError(),
        seed=20190501,
    )
    trainer = diglot.Trainer(network, diglot.SGD(lr=0.05))
    sizes = "-".join(str(n) for n in (3, *hidden, 1))
    histories[sizes] = trainer.fit(
        x_train, y_train, epochs=150, batch_size=32, seed=1, progress=False
    )
    predicted[sizes] = network.predict(x_test)
    test = trainer.evaluate(x_test, y_test)
    print(f"{sizes:9}  mae {test['mae']:.3f}   rmse {test['rmse']:.3f}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for name, history in histories.items():
    axes[0].plot(history.epoch, np.sqrt(history.loss), label=name)
axes[0].axhline(0.5, color="black", linestyle=":", label="the noise")
axes[0].set(title="root of the loss", xlabel="epoch", ylim=(0, 3))
axes[0].legend(frameon=False)
for name in ("3-1", "3-13-1"):
    axes[1].plot(y_test, predicted[name] - y_test, "o", markersize=3, alpha=0.7, label=name)
axes[1].axhline(0, color="black", linestyle=":")
axes[1].set(title="errors on the test rows", xlabel="what is true", ylabel="predicted, less true")
_ = axes[1].legend(frameon=False)

# %% [markdown]
# A line cannot bend: its errors are large at both ends. One hidden layer comes near to the noise.
# The second one makes the network only slower to learn, which chapter 4 is about. What the last
# network looks like, and what it costs:

# %%
print(network.summary())

# %% [markdown]
# ## 5. An operation of your own
#
# The library leaves you two methods to write: the output, and the gradient of the input. The
# truth has a sine in it. How about a layer of sines?


# %%
class Sine(operations.Activation):
    """y = sin(x), so dx = dy cos(x)."""

    def _output(self):
        return np.sin(self.input_)

    def _input_grad(self, output_grad):
        return output_grad * np.cos(self.input_)


print("its gradient is the measured one:", diglot.gradcheck(Sine(), x[:4]).passed)
network = diglot.NeuralNetwork(
    [diglot.Dense(13, activation=Sine), diglot.Dense(1)], loss=diglot.MeanSquaredError(), seed=1
)
trainer = diglot.Trainer(network, diglot.SGD(lr=0.05))
histories["3-13-1, sines"] = trainer.fit(
    x_train, y_train, epochs=150, batch_size=32, seed=1, progress=False
)
print(f"with a layer of sines: rmse {trainer.evaluate(x_test, y_test)['rmse']:.3f}")

# %%
plots.training_curves(histories)

# %% [markdown]
# On the rows that it learns from, the network of sines is the best by far, and comes down to the
# noise in a few epochs. On the test rows it is not the best: sines bend so easily that they
# follow the noise as well. A loss in training is no proof.
#
# ## What you have learnt
#
# - A framework is a chain of operations, each of which can go forward and back.
# - Operations, layers, networks, a loss, an optimizer, a trainer: each does one thing.
# - Who adds an operation and its gradient can use everything else.
#
# Where to go on:
#
# - `diglot pair Dense` and `diglot pair WeightMultiply` show the library's classes and their C++.
# - `diglot mistakes seed-in-every-layer` and `diglot mistakes shared-activation` run E11 and E12.
# - `diglot exercise start WeightMultiply` lets you write an operation, and checks it.
# - `diglot reproduce 3` makes the book's table.
