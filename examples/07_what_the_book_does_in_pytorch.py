# %% [markdown]
# # Chapter 7: what the book does in PyTorch
#
# The book's last chapter leaves its own framework and does it all again in PyTorch: a
# convolutional network with dropout and a falling learning rate, an LSTM, a loop that trains
# them.
#
# Here the same is done in diglot. First by hand: dropout, a schedule, the loop. Then a network
# reads digits, another one writes a few words, and both are saved. If PyTorch is installed, they
# trade weights.
#
# This page runs on its own: as a script, or as a notebook. On Colab, begin with a cell that says
# `!pip install "diglot[plots]"`.

# %%
import importlib.util
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import diglot
from diglot import datasets, kernels, metrics, schedules, text
from diglot.interop.torch import load_state_dict, to_state_dict

rng = np.random.default_rng(7)

# %% [markdown]
# ## 1. Dropout, by hand
#
# In training, each number is set to zero with probability p. What is left is made larger, so that
# the mean stays the same:
#
# $$ y = \frac{x \, m}{1 - p} \qquad m \in \{0, 1\} \qquad dx = \frac{dy \, m}{1 - p} $$
#
# A network cannot rely on any single number, so it learns less by heart. For predictions, dropout
# does nothing.

# %%
x, p = rng.standard_normal(100_000), 0.3
mask = rng.random(x.shape) >= p
y = x * mask / (1 - p)
print(f"{1 - mask.mean():.1%} are dropped; the mean of 1 becomes {np.mean(mask / (1 - p)):.3f}")

y, kernel_mask = kernels.dropout_forward(x, rate=p, seed=1)
np.testing.assert_allclose(y, x * kernel_mask / (1 - p))
layer = diglot.Dropout(p)
np.testing.assert_array_equal(layer.forward(x[None], inference=True), x[None])

# %% [markdown]
# ## 2. A schedule, by hand
#
# A large learning rate goes fast, a small one gets close. So begin large, end small. On a
# straight line, over E epochs:
#
# $$ \alpha_e = \alpha_0 + (\alpha_1 - \alpha_0) \, \frac{e}{E - 1} $$
#
# In the book's code, the last rate is set to the first one, and nothing falls; and after the
# first evaluation, dropout stays off (both are erratum E16). Here a schedule has two ends, and
# `inference` is an argument of each forward.

# %%
by_hand = [0.1 + (0.005 - 0.1) * epoch / 14 for epoch in range(15)]
falling = schedules.Linear(0.1, 0.005)
np.testing.assert_allclose([falling.value(epoch, 15) for epoch in range(15)], by_hand)
print(f"from {by_hand[0]} over {by_hand[7]:.4f} to {by_hand[-1]:.3f}")

# %% [markdown]
# ## 3. The loop, by hand
#
# The loop is what one writes again and again in PyTorch. In diglot it is these lines, or a
# `Trainer`:
#
# | PyTorch | diglot |
# |---|---|
# | `loss = criterion(model(x), y)`, `loss.backward()` | `loss = network.train_batch(x, y)` |
# | `optimizer.step()` | `optimizer.step(network.parameters(), network.gradients())` |
# | `optimizer.zero_grad()` | not needed: gradients are replaced, not added up |
# | `model.train()`, `model.eval()` | not needed: `forward` trains, `predict` does not |
# | `scheduler.step()` | `SGD(lr=schedules.Linear(0.1, 0.005))` |

# %%
data = datasets.digits()
x_train, x_test = datasets.standardize(data.x_train, data.x_test)


def digit_reader(dropout, seed=1):
    """Make a convolutional network."""
    return diglot.NeuralNetwork(
        [
            diglot.Conv2D(16, kernel_size=3, padding="same", activation=diglot.ReLU),
            diglot.MaxPool2D(2),
            diglot.Flatten(),
            diglot.Dense(64, activation=diglot.ReLU, dropout=dropout),
            diglot.Dense(10),
        ],
        loss=diglot.SoftmaxCrossEntropy(),
        seed=seed,
    )


network, optimizer = digit_reader(dropout=0.5), diglot.SGDMomentum(lr=0.1, momentum=0.9)
for epoch in range(5):
    losses = []
    for x, y in datasets.batches(x_train, data.y_train, 32, rng=rng):
        losses.append(network.train_batch(x, y))
        optimizer.step(network.parameters(), network.gradients(), lr=by_hand[3 * epoch])
    print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}")

# %% [markdown]
# ## 4. What dropout and the schedule are good for
#
# Only 300 digits to learn from: few enough to learn by heart. The other training digits judge,
# the test stays out of it. Three trainings each, with other first weights.

# %%
few, judge = slice(0, 300), slice(300, None)
judges = (x_train[judge], data.y_train[judge])
variants = {
    "plain": (0.0, 0.1),
    "schedule": (0.0, falling),
    "dropout": (0.5, 0.1),
    "dropout and schedule": (0.5, falling),
}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for name, (dropout, lr) in variants.items():
    runs = []
    for seed in (1, 2, 3):
        network = digit_reader(dropout, seed)
        trainer = diglot.Trainer(network, diglot.SGDMomentum(lr=lr, momentum=0.9))
        settings = {"epochs": 15, "batch_size": 32, "seed": seed, "progress": False}
        runs.append(trainer.fit(x_train[few], data.y_train[few], validation=judges, **settings))
    axes[0].semilogy(runs[0].epoch, np.mean([run.loss for run in runs], axis=0), label=name)
    judged = np.mean([run.validation_loss for run in runs], axis=0)
    axes[1].plot(runs[0].epoch, judged, label=name)
    print(f"{name:21} loss on other digits {judged[-1]:.3f}")
axes[0].set(title="on the digits that are learnt", xlabel="epoch", ylabel="loss, mean of three")
axes[1].set(title="on others", xlabel="epoch")
_ = axes[0].legend()

# %% [markdown]
# Without dropout the loss on the learnt digits goes to nothing: they are known by heart. With all
# digits, the test says:

# %%
network = digit_reader(dropout=0.5)
trainer = diglot.Trainer(network, diglot.SGDMomentum(lr=falling, momentum=0.9))
trainer.fit(x_train, data.y_train, epochs=15, batch_size=32, seed=1, progress=False)
print(f"accuracy on the test: {trainer.evaluate(x_test, data.y_test)['accuracy']:.1%}")

# %% [markdown]
# ## 5. A network that writes
#
# It reads *Alice's Adventures in Wonderland* and guesses the next character from those before. An
# embedding turns each character into 24 numbers, an LSTM remembers, a dense layer gives a score
# to each character. Sixteen rows of the text are read side by side, 32 characters at a time.

# %%
corpus = datasets.text("alice", length=40_000)
learnt, unseen = corpus.split(0.9)
x, y = datasets.streams(learnt.tokens, rows=16)
size = len(corpus.vocabulary)
writer = diglot.NeuralNetwork(
    [diglot.Embedding(size, 24), diglot.LSTM(80), diglot.Dense(size)],
    loss=diglot.SoftmaxCrossEntropy(),
    seed=1,
)
trainer = diglot.Trainer(writer, diglot.Adam(lr=0.01))
settings = {"batch_size": 16, "bptt": 32, "seed": 1, "progress": False}


def write(model, length=70):
    """Continue a text, and show line breaks as spaces."""
    words = text.generate(model, corpus.vocabulary, "Alice ", length, temperature=0.5, seed=1)
    return " ".join("".join(words).split())


for epochs in (1, 6):
    trainer.fit(x, y, validation=datasets.streams(unseen.tokens, 2), epochs=epochs, **settings)
    loss = trainer.history.validation_loss[-1]
    print(f"epoch {len(trainer.history)}: as unsure as {metrics.perplexity(loss):.1f} characters")
    print(f"   Alice {write(writer)}")

# %% [markdown]
# What does it think comes next? The scores become probabilities by a softmax. They are divided by
# a temperature first: below one, the likely becomes likelier; above one, everything is possible.

# %%
prompt = "said the "
scores = writer.predict(corpus.vocabulary.encode(prompt)[None])[0, -1]  # (characters,)
best = np.argsort(scores)[::-1][:8]
fig, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained", sharey=True)
for ax, temperature in zip(axes, (0.5, 1, 2), strict=True):
    odds = np.exp((scores - scores.max()) / temperature)
    ax.bar(range(8), (odds / odds.sum())[best])
    ax.set_xticks(range(8), [repr(corpus.vocabulary.characters[token]) for token in best])
    ax.set_title(f"temperature {temperature}")
_ = axes[0].set_ylabel(f"after {prompt!r}")

# %% [markdown]
# ## 6. Saving and loading
#
# A file holds the architecture and the numbers, in the format safetensors. Nothing in it is
# executed.

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "alice.safetensors"
    writer.save(path)
    print(f"{path.name}: {path.stat().st_size} bytes")
    loaded = diglot.NeuralNetwork.load(path)
print("the loaded network writes the same words:", write(loaded) == write(writer))

# %% [markdown]
# ## 7. And in PyTorch
#
# The same network there takes the weights as they are, and gives the same scores. What it learns
# can come back.

# %%
state = to_state_dict(network, names=["0", "4", "7"])  # the places of the layers that learn, below
print(", ".join(f"{name} {array.shape}" for name, array in state.items()))
if importlib.util.find_spec("torch") is None:
    print("PyTorch is not installed; nothing to compare with.")
else:
    import torch
    from torch import nn

    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(256, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10)),
    )
    model.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    model.eval()  # or dropout would go on
    with torch.no_grad():
        theirs = model(torch.from_numpy(x_test.astype(np.float32))).numpy()
    np.testing.assert_allclose(theirs, network.predict(x_test), atol=1e-4)
    load_state_dict(network, model.state_dict())
    print("PyTorch gives the same scores.")

# %% [markdown]
# ## What you have learnt
#
# - Dropout and a falling rate cost a line each, and help where data are few.
# - A language model is a classifier of the next character; the temperature says how bold it
#   writes.
# - What you have built by hand and what PyTorch has are the same mathematics, and the same
#   numbers.
#
# Where to go on:
#
# - `diglot train-text` and `diglot write --help`: a larger network, and longer texts
#   (`docs/language-model.md`).
# - `docs/interop.md`: which layers trade weights with PyTorch, and what is different there.
# - `diglot mistakes`: `lr-decays-to-itself` and `dropout-stays-off` are the book's.
# - `diglot pair lstm_forward`, `diglot pair conv2d_forward`: what was run here, in two languages.
# - `diglot ladder conv2d`: how it became fast. `diglot exercise list`: your turn.
