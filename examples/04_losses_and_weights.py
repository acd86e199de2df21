# %% [markdown]
# # Chapter 4: a loss for classes, and weights of the right size
#
# The networks of chapter 3 learn, but slowly. Two reasons can be there before the first step is
# made: a loss whose slope is nearly nothing, and weights that are too large.
#
# You build the loss for classes, softmax and cross-entropy, and see why it learns where a squared
# error stands still. Then you send numbers through many layers, and find the size of weights that
# lets them pass.
#
# This page runs on its own: as a script, or as a notebook. On Colab, begin with a cell that says
# `!pip install "diglot[plots]"`.

# %%
import matplotlib.pyplot as plt
import numpy as np

import diglot
from diglot import datasets, kernels, plots
from diglot.gradcheck import numerical_gradient

rng = np.random.default_rng(4)
np.set_printoptions(precision=3, suppress=True)

# %% [markdown]
# ## 1. Softmax: from numbers to probabilities
#
# A network that chooses among K classes gives K numbers for each row, the logits z. Softmax makes
# probabilities of them: positive, and with the sum 1.
#
# $$ p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} $$
#
# The exponential of 1000 is too large for a computer's number. But a number that is subtracted
# from all logits cancels out, above and below. So subtract the largest one: then no exponential
# is above 1.


# %%
def softmax(z):
    """Turn each row of logits (N, K) into probabilities (N, K)."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


z = np.array([[2.0, 1.0, -1.0], [1000.0, 999.0, 997.0]])  # the rows differ by 998 throughout
print(softmax(z))
np.testing.assert_allclose(softmax(z), kernels.softmax_forward(z))

# %% [markdown]
# ## 2. Cross-entropy: how surprising is the truth?
#
# The loss looks at one probability only, that of the right class t: how surprising is it that t
# was the case? It is 0 for a p of 1, and grows without end as p goes to 0. The unit is the nat.
#
# $$ L = -\frac{1}{N} \sum_{n} \log p_{n,t_n} \qquad
# \frac{\partial L}{\partial z_{nk}} = \frac{p_{nk} - y_{nk}}{N} $$
#
# There, y is 1 at the right class and 0 elsewhere. The gradient is as simple as it could be: what
# was said, less what is true. Derive it once on paper; here it is measured.


# %%
def cross_entropy(z, labels):
    """Mean surprise, in nats, of logits (N, K) at labels (N,)."""
    return -np.mean(np.log(softmax(z)[np.arange(len(z)), labels]))


z, labels = rng.normal(size=(4, 3)), np.array([0, 2, 1, 1])
gradient = (softmax(z) - datasets.one_hot(labels)) / len(z)
measured = numerical_gradient(lambda z: cross_entropy(z, labels), z)
np.testing.assert_allclose(gradient, measured, atol=1e-8)

loss = diglot.SoftmaxCrossEntropy()
print(f"loss {cross_entropy(z, labels):.4f} nats by hand, {loss.forward(z, labels):.4f} by diglot")
np.testing.assert_allclose(loss.backward(), gradient, atol=1e-12)

# %% [markdown]
# The book prints another number: it adds the terms of the wrong classes, but goes downhill by the
# gradient above, which does not belong to them. A gradient check finds that (erratum E8). To
# compare with the book, there is a metric.

# %%
book = diglot.metrics.binary_form_cross_entropy(z, labels)
print(f"the book's figure for the same logits: {book:.4f}")

# %% [markdown]
# ## 3. Why a squared error stands still
#
# Take one neuron that has to say 1, with a sigmoid at its end, and change its logit z. The squared
# error of a sigmoid has the slope
#
# $$ \frac{\partial}{\partial z} (s - 1)^2 = 2\,(s - 1)\; s\,(1 - s), \qquad s = \sigma(z) $$
#
# Where z is very negative, the neuron is as wrong as can be, and s(1 - s) is nearly 0. It is
# certain, wrong, and learns nothing. Cross-entropy has the slope s - 1: the more wrong, the
# steeper.

# %%
z = np.linspace(-8, 8, 201)
s = kernels.sigmoid_forward(z)
squared, entropy = (s - 1) ** 2, -np.log(s)
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.2), layout="constrained")
for values, slope, name in [
    (squared, 2 * (s - 1) * s * (1 - s), "squared error"),
    (entropy, s - 1, "cross-entropy"),
]:
    np.testing.assert_allclose(slope[1:-1], np.gradient(values, z)[1:-1], atol=1e-3)
    axes[0].plot(z, values, label=name)
    axes[1].plot(z, slope, label=name)
axes[0].set(title="the loss, if 1 is right", xlabel="logit z", ylim=(0, 4))
axes[1].set(title="its slope: what the neuron learns", xlabel="logit z")
_ = axes[1].legend(frameon=False)

# %% [markdown]
# ## 4. Activations
#
# Between the layers, too, a slope is multiplied in at each step back. A sigmoid's is 1/4 at most:
# five layers of them leave a thousandth. Tanh has a slope of 1 in its middle, and values of both
# signs. ReLU has 1 wherever it is on, and 0 where it is off.
#
# $$ \sigma' = \sigma (1 - \sigma) \qquad \tanh' = 1 - \tanh^2 \qquad
# \mathrm{relu}' = 1 \ \text{if} \ x > 0, \ \text{else} \ 0 $$

# %%
x = np.linspace(-4, 4, 200)  # an even number: 0, where relu has no slope, is not among them
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.2), layout="constrained")
for operation, by_rule in [
    (diglot.Sigmoid(), lambda y: y * (1 - y)),
    (diglot.Tanh(), lambda y: 1 - y**2),
    (diglot.ReLU(), lambda y: y > 0),
]:
    y = operation.forward(x)
    slope = operation.backward(np.ones_like(x))
    np.testing.assert_allclose(slope, by_rule(y))
    assert diglot.gradcheck(operation, x).passed
    axes[0].plot(x, y, label=type(operation).__name__)
    axes[1].plot(x, slope, label=type(operation).__name__)
axes[0].set(title="activations", ylim=(-1.2, 2.5), xlabel="x")
axes[1].set(title="their slopes", xlabel="x")
_ = axes[0].legend(frameon=False)

# %% [markdown]
# All three slopes are computed from the output y. For ReLU that has a trap: the book asks whether
# y >= 0, which is always so, and the backward pass does nothing at all (erratum E4). Right is
# y > 0. `diglot mistakes relu-mask` shows what the mistake costs.
#
# ## 5. Weights of the right size
#
# A neuron adds up n products. If the inputs have a deviation of 1, and the weights one of d, the
# sum has the deviation $d\sqrt{n}$. With d = 1 and 100 inputs that is 10, where tanh is flat. With
# a tiny d the numbers fade away, from layer to layer. Keeping the size means d = 1/sqrt(n). On
# the way back the same holds with the number of outputs; Glorot's rule is the middle:
#
# $$ d = \sqrt{\frac{2}{n_{in} + n_{out}}} $$
#
# The book's code takes 2/(n_in + n_out) itself as the deviation (erratum E5). Send a batch
# through ten layers, and a gradient back, with each of the three.


# %%
def sizes(deviation, layers=10, width=100):
    """Give the deviations of each layer's outputs, and of the gradients that come back to them."""
    rng = np.random.default_rng(1)
    weights = [deviation * rng.normal(size=(width, width)) for _ in range(layers)]
    outputs = [rng.normal(size=(256, width))]
    for w in weights:
        outputs.append(np.tanh(outputs[-1] @ w))
    grads = [rng.normal(size=(256, width))]  # a gradient of size 1 arrives at the last layer
    for w, y in zip(reversed(weights), reversed(outputs[1:]), strict=True):
        grads.append((grads[-1] * (1 - y**2)) @ w.T)
    return [y.std() for y in outputs], [g.std() for g in reversed(grads)]


fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.3), layout="constrained")
for name, deviation in {
    "1": 1.0,
    "Glorot": np.sqrt(2 / 200),
    "the book's": 2 / 200,
}.items():
    forward, backward = sizes(deviation)
    print(f"deviation {deviation:4.2f}: layer 10 gives {forward[-1]:.1e}, layer 0 gets", end=" ")
    print(f"a gradient of {backward[0]:.1e}")
    axes[0].semilogy(forward, "o-", label=f"{deviation:g} ({name})" if name != "1" else "1")
    axes[1].semilogy(backward, "o-")
axes[0].set(title="size of the outputs", xlabel="layer")
axes[1].set(title="size of the gradients", xlabel="layer")
_ = axes[0].legend(frameon=False, title="deviation of weights", loc="lower left")

# %% [markdown]
# Weights of 1: the outputs look healthy, but each is near -1 or 1, the slopes are small, and the
# products of slopes and large weights make the gradient grow beyond use. The book's: outputs and
# gradients fade to nothing. Glorot's: both pass.
#
# ## 6. Inside a real network
#
# The same in the library. A layer asks its initializer, and Glorot is the default. Here are the
# outputs of a layer of tanh that looks at handwritten digits, and the gradients that come back to
# them.

# %%
images, labels, _, _ = datasets.digits()
images = images.reshape(len(images), -1)
(x,) = datasets.standardize(images)


def network_with(weight_init):
    """Make 64-89-10 with initial weights of a kind, set up for digits."""
    network = diglot.NeuralNetwork(
        [
            diglot.Dense(89, activation=diglot.Tanh, weight_init=weight_init),
            diglot.Dense(10, weight_init=weight_init),
        ],
        loss=diglot.SoftmaxCrossEntropy(),
        seed=1,
    )
    network.setup(x.shape[1:])
    return network


weight = network_with("glorot").parameters()["0.weight"]
print(f"Glorot's deviation: {weight.std():.4f}, by the formula {np.sqrt(2 / (64 + 89)):.4f}")
for kind in ("standard", "glorot"):
    hidden = network_with(kind).layers[0].forward(x[:200])
    print(f"{kind:9} {np.mean(abs(hidden) > 0.95):6.1%} of the hidden outputs are saturated")

# %%
plots.distributions(network_with("standard"), x[:200], labels[:200])

# %%
plots.distributions(network_with("glorot"), x[:200], labels[:200])

# %% [markdown]
# ## What you have learnt
#
# - Softmax and cross-entropy belong together: the gradient is what was said, less what is true.
# - A loss should be steep where the network is wrong.
# - Initial weights have a right size, which depends on how many numbers a neuron adds up.
#
# Where to go on:
#
# - `diglot pair softmax_forward` and `diglot pair softmax_cross_entropy_forward` show both in NumPy
#   and in C++.
# - `diglot exercise start softmax_cross_entropy_backward` lets you write the gradient of section
#   2, `diglot exercise start relu_backward` that of the trap.
# - `diglot mistakes softmax-shift` leaves out the subtraction of section 1.
# - Chapter 4 goes on with what happens during the training: momentum, learning rates, dropout.
