"""Chapter 5: convolutions.

You write a convolution as six loops, see that it is the kernel `conv2d_forward`, and how much time
lies between the loops, NumPy and C++. Then a small convolutional network reads digits, on both
backends, with the same result.
"""

import time

import numpy as np
import numpy.typing as npt

import diglot
from diglot import datasets, kernels

diglot.set_num_threads(1)  # what is compared here are languages, not numbers of processors
Array = npt.NDArray[np.float32]


def convolve(x: Array, w: Array, padding: int) -> Array:
    """Slide every filter over every image: at each place, multiply and add up the window.

    y[n, o, i, j] = sum over c, u, v of x[n, c, i + u - padding, j + v - padding] * w[o, c, u, v]
    """
    N, C, H, W = x.shape  # images, channels, height, width
    OC, _, KH, KW = w.shape  # filters, channels, height, width
    border = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    x = np.pad(x, border)
    OH, OW = H + 2 * padding - KH + 1, W + 2 * padding - KW + 1
    y = np.zeros((N, OC, OH, OW), x.dtype)
    for n in range(N):
        for o in range(OC):
            for i in range(OH):
                for j in range(OW):
                    for c in range(C):
                        for u in range(KH):
                            y[n, o, i, j] += x[n, c, i + u, j : j + KW] @ w[o, c, u]
    return y


def seconds(backend: str) -> float:
    """Time one forward and backward pass: the best of five."""
    best = np.inf
    with diglot.use_backend(backend):
        for _ in range(5):
            begin = time.perf_counter()
            y = kernels.conv2d_forward(x, w, padding=2)
            kernels.conv2d_backward_weight(y, x, kernel_size=5, padding=2)
            kernels.conv2d_backward_input(y, w, input_size=(28, 28), padding=2)
            best = min(best, time.perf_counter() - begin)
    return float(best)


print("1. The smallest convolution: [1 2 3 4 5] with the filter [1 1 1], one zero on each side.")
row = np.array([1, 2, 3, 4, 5], np.float32).reshape(1, 1, 1, 5)
ones = np.ones((1, 1, 1, 3), np.float32)
y = kernels.conv2d_forward(row, ones, padding=(0, 1))
print(f"   {row.ravel()} -> {y.ravel()}, the sum is {y.sum():g}")
dy = np.ones_like(y)
dx = kernels.conv2d_backward_input(dy, ones, input_size=(1, 5), padding=(0, 1))
dw, _ = kernels.conv2d_backward_weight(dy, row, kernel_size=(1, 3), padding=(0, 1))
print(f"   the sum's gradient: input {dx.ravel()}, filter {dw.ravel()}")

print("\n2. A filter is a question asked at every place. Where does a 7 have horizontal edges?")
x_train, y_train, x_test, y_test = datasets.digits()
seven = x_train[y_train == 7][:1].astype(np.float32)
edges = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], np.float32).reshape(1, 1, 3, 3)
answers = kernels.conv2d_forward(seven, edges, padding=1)
for pixels, answer in zip(seven[0, 0], answers[0, 0], strict=True):
    ink = "".join(" .:*#"[int(p // 3.3)] for p in pixels)
    print(f"   {ink}   {''.join('+' if a > 20 else '-' if a < -20 else '.' for a in answer)}")

print("\n3. Six loops, NumPy, C++: the same numbers at different prices.")
rng = np.random.default_rng(5)
x = rng.standard_normal((8, 3, 28, 28), dtype=np.float32)
w = rng.standard_normal((16, 3, 5, 5), dtype=np.float32)
begin = time.perf_counter()
by_loops = convolve(x[:1], w, padding=2)
loop_seconds = (time.perf_counter() - begin) * len(x)
difference = np.abs(by_loops - kernels.conv2d_forward(x[:1], w, padding=2)).max()
print(f"   the loops and the kernel differ by {difference:.1e} (float32)")
print(f"   loops, forward alone:           {1e3 * loop_seconds:9.2f} ms")
reference, native = seconds("reference"), seconds("native")
print(f"   NumPy, forward and backward:    {1e3 * reference:9.2f} ms")
print(f"   C++, forward and backward:      {1e3 * native:9.2f} ms")

print("\n4. A convolutional network reads digits, on both backends.")
x_train, x_test = datasets.standardize(x_train, x_test)
for backend in ("reference", "native"):
    network = diglot.NeuralNetwork(
        [
            diglot.Conv2D(16, kernel_size=3, padding="same", activation=diglot.Tanh),
            diglot.MaxPool2D(2),
            diglot.Flatten(),
            diglot.Dense(10),
        ],
        loss=diglot.SoftmaxCrossEntropy(),
        seed=1,
    )
    trainer = diglot.Trainer(network, diglot.SGDMomentum(lr=0.05, momentum=0.9))
    with diglot.use_backend(backend):
        history = trainer.fit(x_train, y_train, epochs=6, batch_size=32, seed=1, progress=False)
        test = trainer.evaluate(x_test, y_test)
    losses = " ".join(f"{loss:.3f}" for loss in history.loss)
    accuracy, duration = test["accuracy"], sum(history.seconds)
    print(f"   {backend:10} loss {losses}   accuracy {accuracy:.1%}   {duration:.2f} s")

gradients = diglot.gradcheck(network, rng.standard_normal((2, 1, 8, 8)), np.array([3, 7]))
print(
    f"\n5. And its gradients are right: {len(gradients.arrays)} arrays agree with measured slopes."
)
