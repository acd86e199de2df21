# %% [markdown]
# # Chapter 6: networks that remember
#
# A recurrent network goes along a sequence and carries a state from step to step.
#
# You write one by hand, forward and backward through time, and measure its gradients. You see how
# fast a gradient fades on its way back, and what the gates of an LSTM do about it. Then networks
# forecast the spots on the sun, and read digits row by row.
#
# This page runs on its own: as a script, or as a notebook. On Colab, begin with a cell that says
# `!pip install "diglot[plots]"`.

# %%
import matplotlib.pyplot as plt
import numpy as np

import diglot
from diglot import datasets, kernels, metrics
from diglot.gradcheck import numerical_gradient

rng = np.random.default_rng(1)

# %% [markdown]
# ## 1. A state that goes from step to step
#
# $$ h_t = \tanh(x_t W_x + h_{t-1} W_h + b) $$
#
# | array | shape | |
# |---|---|---|
# | x | (N, T, D) | rows, steps, features |
# | h | (N, H) | the state of each row; zeros at first |
# | W_x, W_h, b | (D, H), (H, H), (H,) | the same at every step |


# %%
def walk(x, w_x, w_h, b):
    """Return the states after 0, 1, ... T steps, (T + 1, N, H)."""
    states = [np.zeros((len(x), len(w_h)))]
    for t in range(x.shape[1]):
        states.append(np.tanh(x[:, t] @ w_x + states[-1] @ w_h + b))
    return np.array(states)


x = rng.standard_normal((2, 5, 4))
w_x, w_h, b = rng.standard_normal((4, 3)), rng.standard_normal((3, 3)), rng.standard_normal(3)
states = walk(x, w_x, w_h, b)
y, _, saved = kernels.rnn_forward(x, states[0], w_x, w_h, b)
np.testing.assert_allclose(y, states[1:].transpose(1, 0, 2), rtol=1e-6)
print(f"(2 rows, 5 steps, 4 features) -> {y.shape}, the kernel's numbers")

# %% [markdown]
# The state is all that a network knows of the past. So a sequence may come in two pieces, if each
# *row's* state is kept in between. (The book's code keeps the mean over the rows, and gives it to
# all: erratum E15.)

# %%
layer = diglot.RNN(3)
whole = layer.forward(x.astype(np.float32))
layer.carry(True)
pieces = [layer.forward(piece.astype(np.float32)) for piece in (x[:, :2], x[:, 2:])]
layer.carry(False)
same = np.allclose(whole, np.concatenate(pieces, axis=1), atol=1e-6)
print(f"in two pieces the same: {same}")

# %% [markdown]
# ## 2. Back through time
#
# A state goes two ways: out of the network, and into the next step. Its gradient is the sum of
# what comes back on both. With $z_t$ for what the tanh is taken of, and $dy_t$ for what comes
# from outside:
#
# $$ dh_t = dy_t + dz_{t+1} W_h^T \qquad dz_t = dh_t \, (1 - h_t^2) $$
#
# The weights are the same at every step, so their gradients add up over the steps.


# %%
def walk_back(dy, x, states, w_x, w_h):
    """Return the gradients of x, w_x, w_h and b."""
    dx, dw_x, dw_h, db = (np.zeros_like(a) for a in (x, w_x, w_h, w_h[0]))
    coming = np.zeros_like(states[0])  # from the next step
    for t in reversed(range(x.shape[1])):
        dz = (dy[:, t] + coming) * (1 - states[t + 1] ** 2)
        dw_x += x[:, t].T @ dz
        dw_h += states[t].T @ dz
        db += dz.sum(axis=0)
        dx[:, t], coming = dz @ w_x.T, dz @ w_h.T
    return dx, dw_x, dw_h, db


dy = rng.standard_normal(y.shape)
gradients = walk_back(dy, x, states, w_x, w_h)
slope = numerical_gradient(lambda w: np.sum(dy * walk(x, w_x, w, b)[1:].transpose(1, 0, 2)), w_h)
print(f"from measured slopes, dW_h differs by {abs(gradients[2] - slope).max():.0e}")
np.testing.assert_allclose(gradients[2], slope, atol=1e-6)
first = np.zeros((2, 3))
dx, _, dw_x, dw_h, db = kernels.rnn_backward(dy, first, x, first, w_x, w_h, saved)
for own, kernels_own in zip(gradients, (dx, dw_x, dw_h, db), strict=True):
    np.testing.assert_allclose(own, kernels_own, atol=1e-6)

# %% [markdown]
# ## 3. The gradient fades
#
# At each step back, the gradient is multiplied by $W_h^T$ and by a slope below one. After fifty
# steps, what is left of it? An LSTM has a second state, the cell, that is never squeezed through
# a tanh on its way:
#
# $$ c_t = f \, c_{t-1} + i \, g \qquad h_t = o \tanh(c_t) $$
#
# The gates i, f and o are sigmoids of x and h, and g is a tanh of them. They decide what is
# written, kept and shown. On the cell's own way the gradient goes back by the factor f: with f
# near 1, it hardly fades there. The way through h and the gates adds to it, so it may even grow.

# %%
x = rng.standard_normal((8, 50, 8)).astype(np.float32)
end = np.zeros((8, 50, 32), np.float32)
end[:, -1] = rng.standard_normal((8, 32))  # only the last state matters to the loss
fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
layers = {
    "RNN": diglot.RNN(32),
    "LSTM, forget bias 1": diglot.LSTM(32),
    "LSTM, forget bias 3": diglot.LSTM(32, forget_bias=3),
}
for name, layer in layers.items():
    layer.setup((50, 8), rng=np.random.default_rng(1), dtype=np.float32)
    layer.forward(x)
    sizes = np.linalg.norm(layer.backward(end), axis=(0, 2))  # of the input's gradient, (50,)
    ax.semilogy(range(49, -1, -1), sizes, label=name)
    print(f"{name:20} the first step's gradient is {sizes[0] / sizes[-1]:.0e} of the last one's")
ax.set_xlabel("steps before the last one")
ax.set_ylabel("size of the gradient of x")
_ = ax.legend()

# %% [markdown]
# ## 4. Can it be learnt?
#
# A test of memory: the first step shows one of four symbols. Then come 29 steps of noise, as
# large as the symbol. Which one was it? A guess is right in one of four cases. What is learnt
# depends on the first weights, so each network is trained three times.


# %%
def remember(count, steps=30):
    """Draw sequences (count, steps, 4) and the symbols that they begin with."""
    symbols = rng.integers(4, size=count)
    x = rng.standard_normal((count, steps, 4)).astype(np.float32)
    x[:, 0] = np.eye(4)[symbols]
    return x, symbols


training, validation = remember(1024), remember(512)
fig, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
makers = {
    "RNN": lambda: diglot.RNN(16, return_sequences=False),
    "LSTM, forget bias 1": lambda: diglot.LSTM(16, return_sequences=False),
    "LSTM, forget bias 3": lambda: diglot.LSTM(16, return_sequences=False, forget_bias=3),
}
for (name, maker), colour in zip(makers.items(), ["C0", "C1", "C2"], strict=True):
    shares = []
    for seed in (1, 2, 3):
        network = diglot.NeuralNetwork(
            [maker(), diglot.Dense(4)], loss=diglot.SoftmaxCrossEntropy(), seed=seed
        )
        trainer = diglot.Trainer(network, diglot.Adam(lr=0.01))
        settings = {"epochs": 12, "batch_size": 32, "seed": seed, "progress": False}
        history = trainer.fit(*training, validation=validation, **settings)
        shares.append(history.metrics["accuracy"][-1])
        ax.plot(history.epoch, history.metrics["accuracy"], colour, label=name * (seed == 1))
    print(f"{name:20} remembers {', '.join(f'{share:.0%}' for share in shares)}")
ax.set_xlabel("epoch")
ax.set_ylabel("share that is remembered")
_ = ax.legend()

# %% [markdown]
# A gate that is open from the beginning remembers from the beginning. The others first have to
# find out that remembering pays, with a gradient that hardly arrives. The LSTM whose gate begins
# half open does so in some runs; the RNN guesses.
#
# The GRU is an LSTM with one state and two gates. In the book's code they are one gate (E6), and
# its recurrent weights never learn (E7): `diglot mistakes gru-ways-back` shows what that costs.
#
# ## 5. Next year's sunspots
#
# Learn until 1920, then forecast each year from the 24 before. At every step, the target is the
# next year.

# %%
years, spots = datasets.sunspots()
past = spots[years <= 1920]
series = ((spots - past.mean()) / past.std()).astype(np.float32)
windows = np.lib.stride_tricks.sliding_window_view(series, 25)  # (285, 25)
x, y = windows[:, :24, None], windows[:, 1:, None]
train = years[24:] <= 1920
network = diglot.NeuralNetwork(
    [diglot.GRU(16), diglot.Dense(1)], loss=diglot.MeanSquaredError(), seed=1
)
trainer = diglot.Trainer(network, diglot.Adam(lr=0.01))
trainer.fit(x[train], y[train], epochs=40, batch_size=20, seed=1, progress=False)
forecast = past.mean() + past.std() * network.predict(x[~train])[:, -1, 0]
target = spots[24:][~train]
print(f"root mean squared error: {metrics.root_mean_squared_error(forecast, target):.1f} spots")
lazy = metrics.root_mean_squared_error(spots[23:-1][~train], target)
print(f"if next year were like this one: {lazy:.1f} spots")

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(years[24:][~train], target, "k.-", label="counted")
ax.plot(years[24:][~train], forecast, label="forecast a year ahead")
ax.set_ylabel("sunspots")
_ = ax.legend()

# %% [markdown]
# ## 6. Digits, a row of pixels at a time
#
# A digit is a sequence of eight rows. The last state knows which one it was. The network reads
# both ways.

# %%
data = datasets.digits()
x, x_test = (images[:, 0] for images in datasets.standardize(data.x_train, data.x_test))
network = diglot.NeuralNetwork(
    [diglot.LSTM(32, bidirectional=True, return_sequences=False), diglot.Dense(10)],
    loss=diglot.SoftmaxCrossEntropy(),
    seed=1,
)
trainer = diglot.Trainer(network, diglot.Adam(lr=0.01))
trainer.fit(x, data.y_train, epochs=15, batch_size=32, seed=1, progress=False)
accuracy = metrics.accuracy(network.predict(x_test), data.y_test)
print(f"accuracy on {len(x_test)} other digits: {accuracy:.1%}")

# %% [markdown]
# Sequences may be of different lengths. What stands after a row's end is never looked at: here it
# is NaN.

# %%
lengths = rng.integers(4, 9, len(x_test))
cut = np.where(np.arange(8)[:, None] < lengths[:, None, None], x_test, np.nan)
short = metrics.accuracy(network.predict(cut, lengths=lengths), data.y_test)
print(f"the same, if only the first 4 to 8 rows arrive: {short:.1%}")

# %% [markdown]
# ## What you have learnt
#
# - A recurrent network is one step, taken again and again with the same weights.
# - Back through time, gradients fade; a cell that is only multiplied by a gate keeps them.
# - What a network remembers is a state for each row, and nobody else's.
#
# Where to go on:
#
# - `diglot pair lstm_forward` shows the gates in NumPy and in C++, side by side.
# - `diglot mistakes` has the book's gates and states (E6, E7, E15); `docs/errata.md` tells about
#   them.
# - `diglot exercise list`: write the steps yourself, and have them checked.
# - `diglot train-text` trains the language model of the book, and `diglot write --help` tells how
#   it writes.
