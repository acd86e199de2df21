# %% [markdown]
# # Chapter 4: what makes training work
#
# The loss is right, and so are the initial weights. What is left is the way downhill: momentum,
# a learning rate that falls, and dropout, so that the network does not learn its data by heart.
#
# You build each by hand and see what it does. Then a network that reads handwritten digits gets
# one idea after the other, and a table tells what each was worth.
#
# This page runs on its own: as a script, or as a notebook. On Colab, begin with a cell that says
# `!pip install "diglot[plots]"`.

# %%
import matplotlib.pyplot as plt
import numpy as np

import diglot
from diglot import datasets, kernels, metrics, schedules

rng = np.random.default_rng(4)

# %% [markdown]
# ## 1. Momentum
#
# Take a long valley: steep across, nearly flat along.
#
# $$ L(a, b) = \frac{a^2 + 25\,b^2}{2} \qquad \nabla L = (a,\; 25\,b) $$
#
# A step downhill is as long as the slope is steep. Across the valley it must not be too long, or
# it climbs up the other side; then along the valley it is tiny. Momentum adds up the steps: what
# changes its sign each time cancels out, what keeps its direction grows.
#
# $$ v \leftarrow \mu v + \eta\, g \qquad w \leftarrow w - v $$
#
# Here g is the gradient, the learning rate is eta, and mu is the share of the velocity v that is
# kept. Where the slope stays the same, the steps grow up to 1/(1 - mu) times the plain one: to ten
# times for a mu of 0.9.


# %%
def valley_gradient(w):
    """Give the gradient of L at w (2,)."""
    return w * np.array([1.0, 25.0])


def descend(lr, momentum, steps=40):
    """Walk down the valley; return the places, (steps + 1, 2)."""
    w, v = np.array([-10.0, 1.5]), np.zeros(2)
    places = [w]
    for _ in range(steps):
        v = momentum * v + lr * valley_gradient(w)
        w = w - v
        places.append(w)
    return np.array(places)


a, b = np.meshgrid(np.linspace(-11, 4, 100), np.linspace(-2.2, 2.2, 100))
fig, axes = plt.subplots(1, 2, figsize=(9, 2.9), layout="constrained", sharey=True)
for axis, momentum in zip(axes, (0.0, 0.8), strict=True):
    places = descend(0.03, momentum)
    loss = (places[:, 0] ** 2 + 25 * places[:, 1] ** 2) / 2
    print(f"momentum {momentum}: the loss goes from {loss[0]:.1f} to {loss[-1]:.4f}")
    axis.contour(a, b, a**2 + 25 * b**2, levels=12, colors="lightgrey")
    axis.plot(*places.T, "o-", markersize=3)
    axis.plot(0, 0, "k*")
    axis.set(title=f"40 steps, momentum {momentum}", xlabel="a")
_ = axes[0].set_ylabel("b")

# %% [markdown]
# The library's optimizer makes the very same steps.

# %%
w = {"w": np.array([-10.0, 1.5])}
optimizer = diglot.SGDMomentum(lr=0.03, momentum=0.8)
for _ in range(40):
    optimizer.step(w, {"w": valley_gradient(w["w"])})
np.testing.assert_allclose(w["w"], descend(0.03, 0.8)[-1], atol=1e-12)

# %% [markdown]
# ## 2. A learning rate that falls
#
# A batch is a sample, and its gradient is only roughly that of all data. So near the bottom, the
# steps do not get shorter; they tremble. The tremble grows with the learning rate: large steps
# first, small ones at the end.
#
# $$ \text{linear:} \quad \eta_t = \eta_0 + \frac{t}{T - 1} (\eta_T - \eta_0) \qquad
# \text{exponential:} \quad \eta_t = \eta_0 \left( \frac{\eta_T}{\eta_0} \right)^{t / (T - 1)} $$

# %%
epochs = np.arange(30)
way = epochs / 29
by_hand = {"linear": 0.2 + way * (0.05 - 0.2), "exponential": 0.2 * (0.05 / 0.2) ** way}
schedule = {"linear": schedules.Linear(0.2, 0.05), "exponential": schedules.Exponential(0.2, 0.05)}
for name, rates in by_hand.items():
    np.testing.assert_allclose([schedule[name].value(t, 30) for t in range(30)], rates)


def tremble(rates):
    """Walk to the bottom of w²/2 by noisy gradients, a hundred steps an epoch; 500 walkers."""
    rng = np.random.default_rng(2)
    w = np.full(500, 3.0)
    distances = []
    for lr in rates:
        for _ in range(100):
            w = w - lr * (w + rng.normal(size=500))
        distances.append(np.sqrt(np.mean(w**2)))
    return distances


fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.1), layout="constrained")
for name, rates in {"constant": np.full(30, 0.2), **by_hand}.items():
    axes[0].plot(epochs, rates, label=name)
    axes[1].plot(epochs, tremble(rates), label=name)
axes[0].set(title="learning rate", xlabel="epoch", ylim=(0, 0.22))
axes[1].set(title="distance from the bottom", xlabel="epoch", ylim=(0, 0.4))
_ = axes[0].legend(frameon=False)

# %% [markdown]
# The book's trainer hands the learning rate on in chapter 7 in such a way that it falls from its
# value to the same value: nothing falls at all (erratum E16). A picture of the rate, as on the
# left, shows such a thing at once; `History.learning_rate` keeps it.
#
# ## 3. Dropout
#
# In training, each hidden number is dropped, with a probability r, anew for each row. No neuron
# can rely on another one, so each has to be of some use by itself. What is kept grows by
# 1/(1 - r), so that the sum that arrives in the next layer is, in the mean, what it was.
#
# $$ y = \frac{m\,x}{1 - r}, \qquad m = 1 \ \text{with probability} \ 1 - r, \ \text{else} \ 0 $$
#
# To predict, nothing is dropped and nothing is scaled. (The book scales when it predicts, and not
# when it trains: in the mean, that is the same.)

# %%
x = rng.normal(size=(1000, 50)) + 1
mask = rng.random(x.shape) >= 0.2  # what is kept
y = x * mask / 0.8
print(f"the mean of x is {x.mean():.3f}, that of y {y.mean():.3f}; {np.mean(y == 0):.1%} are zero")

y, mask = kernels.dropout_forward(x, rate=0.2, seed=1)
np.testing.assert_allclose(y, x * mask / 0.8)
dropout = diglot.operations.DropoutOp(0.2, rng)
np.testing.assert_array_equal(dropout.forward(x, inference=True), x)

# %% [markdown]
# ## 4. Everything together, on digits
#
# 1797 images of 8 x 8 pixels: a fifth of them to test with at the end, and a fifth of the others
# to decide when to stop. It must not be the test images that decide, as in the book (erratum
# E13): their score would no longer be honest.

# %%
images, labels, test_images, test_labels = datasets.digits()
images, test_images = datasets.standardize(images, test_images)
images, test_images = images.reshape(len(images), -1), test_images.reshape(len(test_images), -1)
x, x_val, y, y_val = datasets.train_test_split(images, labels, test_size=0.2, seed=4)
print(f"{len(x)} to learn from, {len(x_val)} to choose by, {len(test_images)} to test with")


def train(seed, optimizer, *, loss="softmax_cross_entropy", output="linear", **hidden):
    """Train 64-89-10; return the accuracy on the test images."""
    targets, val_targets = y, y_val
    if loss == "mean_squared_error":
        targets, val_targets = datasets.one_hot(y), datasets.one_hot(y_val)
    weight_init = hidden.get("weight_init", "standard")
    network = diglot.NeuralNetwork(
        [
            diglot.Dense(89, **{"activation": "tanh", "weight_init": weight_init, **hidden}),
            diglot.Dense(10, output, weight_init=weight_init),
        ],
        loss=loss,
        seed=seed,
    )
    diglot.Trainer(network, optimizer).fit(
        x,
        targets,
        validation=(x_val, val_targets),
        epochs=30,
        batch_size=60,
        early_stopping=8,  # and back to the epoch that was best on the validation part
        seed=seed,
        progress=False,
    )
    return metrics.accuracy(network.predict(test_images), test_labels)


def falling():
    """Make the optimizer whose learning rate falls."""
    return diglot.SGDMomentum(schedules.Linear(0.15, 0.05))


ideas = {
    "squared error on sigmoids": lambda seed: train(
        seed, diglot.SGD(0.1), loss="mean_squared_error", output="sigmoid"
    ),
    "softmax cross-entropy": lambda seed: train(seed, diglot.SGD(0.1)),
    "+ momentum": lambda seed: train(seed, diglot.SGDMomentum(0.1)),
    "+ a rate that falls": lambda seed: train(seed, falling()),
    "+ Glorot's weights": lambda seed: train(seed, falling(), weight_init="glorot"),
    "+ dropout of a fifth": lambda seed: train(seed, falling(), weight_init="glorot", dropout=0.2),
    "Adam, ReLU, He's weights": lambda seed: train(
        seed, diglot.Adam(0.003), activation="relu", weight_init="he"
    ),
}
print(f"{'accuracy on the test images':28} mean    from     to")
accuracies = {}
for name, run in ideas.items():
    accuracies[name] = found = [run(seed) for seed in range(5)]
    print(f"{name:26} {np.mean(found):6.1%} {min(found):6.1%} {max(found):6.1%}")

# %%
fig, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
for row, found in enumerate(accuracies.values()):
    axis.plot(100 * np.array(found), [row] * 5, "o", color="tab:blue", alpha=0.5)
    axis.plot(100 * np.mean(found), row, "k|", markersize=16)
axis.set_yticks(range(len(ideas)), list(ideas))
axis.invert_yaxis()
axis.grid(axis="x", alpha=0.3)
_ = axis.set(xlabel="accuracy on the test images, %", title="five seeds (dots), their mean (bar)")

# %% [markdown]
# The last row is how one begins today. The large steps between the rows are no chance; where the
# dots of two rows overlap, the difference may be one: half a point is two of the 355 images.
# Dropout is worth more where the network is larger. `diglot reproduce 4` makes the book's own
# table, on MNIST.
#
# ## What you have learnt
#
# - Momentum adds up what keeps its direction, and cancels what does not.
# - Large steps first, small ones at the end: a falling rate ends the trembling.
# - Dropout scales in training, and does nothing when it predicts.
# - One seed is no evidence. Compare several.
#
# Where to go on:
#
# - `diglot pair sgd_momentum_inplace`, `diglot pair adam_inplace` and `diglot pair dropout_forward`
#   show the code in both languages.
# - `diglot exercise start sgd_momentum_inplace` and `diglot exercise start dropout_forward` let you
#   write them, and check what you wrote.
# - `diglot mistakes momentum-sign`, `diglot mistakes adam-correction` and
#   `diglot mistakes early-stopping-copy` run what goes wrong here.
# - Chapter 5 puts convolutions in place of the first layer.
