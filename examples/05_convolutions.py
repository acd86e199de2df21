# %% [markdown]
# # Chapter 5: convolutions
#
# A dense layer looks at all pixels at once, and learns anew at each place what an edge is. A
# convolution learns one small filter and slides it over the whole image.
#
# You write it as loops, with its backward pass, and measure whether the gradients are right. Then
# come the library's kernel, with the same numbers faster, and a network that reads digits.
#
# This page runs on its own: as a script, or as a notebook. On Colab, begin with a cell that says
# `!pip install "diglot[plots]"`.

# %%
import timeit

import matplotlib.pyplot as plt
import numpy as np

import diglot
from diglot import datasets, kernels
from diglot.gradcheck import numerical_gradient

diglot.set_num_threads(1)  # what is compared here are languages, not numbers of processors
rng = np.random.default_rng(5)

# %% [markdown]
# ## 1. The smallest convolution
#
# Five numbers, and a filter of three. At each place, multiply what lies under the filter, and add
# up:
#
# $$ y_i = \sum_{u=0}^{2} x_{i+u-1} \, w_u $$
#
# A zero on each side (the padding) makes five answers of it.

# %%
x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
w = np.array([1.0, 1.0, 1.0])
padded = np.pad(x, 1)
y = np.array([padded[i : i + 3] @ w for i in range(5)])
print(f"{x} with the filter {w} -> {y}, the sum is {y.sum():g}")

# %% [markdown]
# What happens to that sum if one number grows a little? In the middle it lies under the filter
# three times, at the ends twice. And the filter's middle element has touched all five numbers on
# its way along the row; each outer one has touched four, and a zero of the padding.

# %%
dx = numerical_gradient(lambda x: sum(np.pad(x, 1)[i : i + 3] @ w for i in range(5)), x)
dw = numerical_gradient(lambda w: sum(padded[i : i + 3] @ w for i in range(5)), w)
print(f"the sum's gradient: input {dx.round(6)}, filter {dw.round(6)}")
np.testing.assert_allclose(dx, [2, 3, 3, 3, 2], rtol=1e-6)
np.testing.assert_allclose(dw, [10, 15, 14], rtol=1e-6)


# %% [markdown]
# ## 2. Images, by loops
#
# | array | shape | |
# |---|---|---|
# | x | (N, C, H, W) | images, channels, height, width |
# | w | (O, C, KH, KW) | a filter for each output channel; it has all input channels |
# | y | (N, O, OH, OW) | OH = H + 2p - KH + 1 |
#
# $$ y_{noij} = \sum_{c,u,v} x_{n,\,c,\,i+u-p,\,j+v-p} \; w_{ocuv} $$


# %%
def convolve(x, w, p):
    """Slide every filter over every image."""
    (N, _, H, W), (O, _, KH, KW) = x.shape, w.shape  # noqa: E741
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    y = np.zeros((N, O, H + 2 * p - KH + 1, W + 2 * p - KW + 1), x.dtype)
    for n, o, i, j in np.ndindex(y.shape):
        y[n, o, i, j] = np.sum(x[n, :, i : i + KH, j : j + KW] * w[o])
    return y


# %% [markdown]
# A filter is a question that is asked at every place. Where does a seven have an edge?

# %%
data = datasets.digits()
seven = data.x_train[data.y_train == 7][:1].astype(float)  # (1, 1, 8, 8)
top = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])  # is there more ink below than above?
left = top.T  # is there more ink on the right?
answers = convolve(seven, np.array([[top], [left]], float), 1)  # (1, 2, 8, 8)

fig, axes = plt.subplots(1, 3, figsize=(8, 2.9), layout="constrained")
axes[0].imshow(seven[0, 0], cmap="Greys")
axes[0].set_title("the image")
for axis, answer, way in zip(axes[1:], answers[0], ["below", "on the right"], strict=True):
    axis.imshow(answer, cmap="RdBu_r", vmin=-48, vmax=48)  # 48: three pixels of full ink, of 16
    axis.set_title(f"more ink {way}: red")
for axis in axes:
    axis.set_axis_off()

# %% [markdown]
# ## 3. The same numbers at three prices
#
# The library has it twice: in NumPy, which is the definition, and in C++. Both agree with your
# loops.

# %%
x = rng.standard_normal((8, 3, 28, 28), dtype=np.float32)
w = rng.standard_normal((16, 3, 5, 5), dtype=np.float32)
loops = timeit.repeat(lambda: convolve(x, w, 2), number=1, repeat=1)
print(f"loops:   {1e3 * min(loops):8.2f} ms")
for backend, language in {"reference": "NumPy", "native": "C++"}.items():
    with diglot.use_backend(backend):
        y = kernels.conv2d_forward(x, w, padding=2)
        np.testing.assert_allclose(y[:1], convolve(x[:1], w, 2), atol=1e-4)
        times = timeit.repeat(lambda: kernels.conv2d_forward(x, w, padding=2), number=1)
        print(f"{language + ':':8} {1e3 * min(times):8.2f} ms")

# %% [markdown]
# ## 4. The way back
#
# The loss L comes with the gradient dy of each answer. Go through the same loops once more.
# Wherever x was multiplied by w to make y, x gets dy times w, and w gets dy times x:
#
# $$ \frac{\partial L}{\partial w_{ocuv}} = \sum_{n,i,j} dy_{noij} \; x_{n,\,c,\,i+u-p,\,j+v-p} $$
#
# $$ \frac{\partial L}{\partial x_{nchw}} = \sum_{o,u,v} dy_{n,\,o,\,h+p-u,\,w+p-v} \; w_{ocuv} $$
#
# Look at the signs. An answer reads *ahead*, at i + u; so a pixel gets its gradient from
# *behind*, at h - u. The way back is a convolution with the filter turned by 180 degrees.


# %%
def convolve_backward(dy, x, w, p):
    """Give the gradients of the images and of the filters."""
    KH, KW = w.shape[2:]
    border = ((0, 0), (0, 0), (p, p), (p, p))
    x, dx, dw = np.pad(x, border), np.pad(np.zeros_like(x), border), np.zeros_like(w)
    for n, o, i, j in np.ndindex(dy.shape):
        dw[o] += dy[n, o, i, j] * x[n, :, i : i + KH, j : j + KW]
        dx[n, :, i : i + KH, j : j + KW] += dy[n, o, i, j] * w[o]
    return dx[:, :, p : dx.shape[2] - p, p : dx.shape[3] - p], dw


x, w = rng.standard_normal((2, 2, 5, 4)), rng.standard_normal((3, 2, 3, 3))  # not square
dy = rng.standard_normal((2, 3, 5, 4))
dx, dw = convolve_backward(dy, x, w, 1)
slope_x = numerical_gradient(lambda x: np.sum(dy * convolve(x, w, 1)), x)
slope_w = numerical_gradient(lambda w: np.sum(dy * convolve(x, w, 1)), w)
print(f"from measured slopes, dx differs by {abs(dx - slope_x).max():.0e},", end=" ")
print(f"dw by {abs(dw - slope_w).max():.0e}")
np.testing.assert_allclose(dx, slope_x, atol=1e-6)
np.testing.assert_allclose(dw, slope_w, atol=1e-6)

kernel_dx = kernels.conv2d_backward_input(dy, w, input_size=(5, 4), padding=1)
kernel_dw, _ = kernels.conv2d_backward_weight(dy, x, kernel_size=3, padding=1)
np.testing.assert_allclose(kernel_dx, dx, atol=1e-12)
np.testing.assert_allclose(kernel_dw, dw, atol=1e-12)

# %% [markdown]
# ## 5. A check that sees nothing
#
# The book's code forgets to turn the filter (erratum E2). Its own check passes, because it uses
# an output gradient of ones and looks at pixels inside the image (E3): there, the sum over a
# filter is the same whichever way it is turned. Draw the gradient at random, and the mistake
# shows.

# %%
for name, gradient in {"ones": np.ones_like(dy), "random": dy}.items():
    right = kernels.conv2d_backward_input(gradient, w, input_size=(5, 4), padding=1)
    wrong = convolve(gradient, w.transpose(1, 0, 2, 3), 1)  # input and output channels trade places
    error = abs(wrong - right)
    inside = error[:, :, 1:-1, 1:-1]
    print(f"dy {name + ':':8} wrong by {inside.max():.3f} inside, by {error.max():.3f} anywhere")

# %% [markdown]
# A third mistake is in the filters' gradient (E1): it mixes up the images of a batch, and is
# right for a batch of one. All three are in `docs/errata.md`; `diglot mistakes conv-row-order`
# runs the last.
#
# ## 6. A network that reads digits
#
# Filters of 3 x 3, a tanh, the largest of each 2 x 2 (which of four neighbours answered does not
# matter), and a dense layer that decides. It learns in NumPy and in C++, with the same losses.

# %%
x_train, x_test = datasets.standardize(data.x_train, data.x_test)


def train(*layers, backend="native"):
    """Train a network for six epochs; say how it went."""
    settings = {"epochs": 6, "batch_size": 32, "seed": 1, "progress": False}
    network = diglot.NeuralNetwork(
        [*layers, diglot.Flatten(), diglot.Dense(10)], loss=diglot.SoftmaxCrossEntropy(), seed=1
    )
    trainer = diglot.Trainer(network, diglot.SGDMomentum(lr=0.05, momentum=0.9))
    with diglot.use_backend(backend):
        history = trainer.fit(x_train, data.y_train, **settings)
        accuracy = trainer.evaluate(x_test, data.y_test)["accuracy"]
    losses = " ".join(f"{loss:.3f}" for loss in history.loss)
    print(f"{backend:10} loss {losses}   accuracy {accuracy:.1%}   {sum(history.seconds):.2f} s")
    return network


for backend in ("reference", "native"):
    convolution = diglot.Conv2D(16, kernel_size=3, padding="same", activation=diglot.Tanh)
    network = train(convolution, diglot.MaxPool2D(2), backend=backend)
report = diglot.gradcheck(network, rng.standard_normal((2, 1, 8, 8)), np.array([3, 7]))
print(f"its gradients are right: {len(report.arrays)} arrays agree with measured slopes")

# %% [markdown]
# Nobody told it what to look for. Here are filters that it has found, and what each answers to a
# seven. Red answers yes, blue no. Some are edges: one side red, the other blue.

# %%
filters = convolution.parameters()["weight"]  # (16, 1, 3, 3)
(seven,) = x_test[data.y_test == 7][:1]
answers = convolution.forward(seven[None])[0]  # (16, 8, 8)
fig, axes = plt.subplots(2, 9, figsize=(9, 2.4), layout="constrained")
axes[0, 0].imshow(seven[0], cmap="Greys")
for o in range(8):
    axes[0, 1 + o].imshow(filters[o, 0], cmap="RdBu_r", vmin=-0.7, vmax=0.7)
    axes[1, 1 + o].imshow(answers[o], cmap="RdBu_r", vmin=-1, vmax=1)
for axis in axes.flat:
    axis.set_axis_off()
_ = fig.suptitle("eight of the filters, and their answers below them", fontsize=11)

# %% [markdown]
# ## 7. What does it know about place?
#
# The images of the test are moved by one pixel, up, down, left or right. Neither network has seen
# that. A dense network has learnt each pixel's meaning at its place. The convolution finds the
# same edges, one pixel further on, and the pooling forgives some of it. Some only, and not in
# every direction: the dense layer behind it has learnt places again.

# %%
dense = train(diglot.Flatten(), diglot.Dense(32, activation=diglot.Tanh))
framed = np.pad(x_test, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=x_test.min())
corners = {"up": (2, 1), "down": (0, 1), "left": (1, 2), "right": (1, 0)}
for name, reader in {"dense": dense, "convolution": network}.items():
    shares = []
    for way, (i, j) in corners.items():
        scores = reader.predict(framed[:, :, i : i + 8, j : j + 8])
        shares.append(f"{way} {diglot.metrics.accuracy(scores, data.y_test):.0%}")
    print(f"{name:12} accuracy, moved {', '.join(shares)}")

# %% [markdown]
# ## What you have learnt
#
# - A convolution is one sum, and a filter is a question that is asked at every place.
# - Its way back is a convolution too, with the filter turned round.
# - A check of gradients needs random output gradients, more than one image, and images that are
#   not square.
# - Filters need not be designed. A network with few of them reads digits.
#
# Where to go on:
#
# - `diglot pair conv2d_forward` shows the NumPy and the C++ side by side.
# - `diglot ladder conv2d` climbs from plain loops to that kernel, one idea a rung.
# - `diglot mistakes conv-not-flipped` runs the book's mistake, and the check that catches it.
# - `diglot exercise list`: write the convolution yourself, and have it checked.
# - `diglot reproduce 5` trains the book's network on MNIST: 90.5 % there, 96 % with the right
#   gradient.
