"""Chapter 3: from operations to a framework.

You see how the pieces of chapter 2 become four classes: an `Operation` does one step forward and
back, a `Layer` is a list of operations, a `NeuralNetwork` is a list of layers and a loss, and a
`Trainer` moves the parameters. Then three networks of growing depth predict the same numbers, and
you write an operation of your own.
"""

from typing import final

import numpy as np

import diglot
from diglot import datasets, operations

rng = np.random.default_rng(3)

# ---- the data of chapter 2: 600 rows of 3 features, a curved truth, noise of 0.5 ----------------

x = rng.normal(size=(600, 3))
truth = 4 + x @ [[2.0], [-1.0], [0.5]] + 3 * np.sin(1.5 * x[:, :1])
y = truth + rng.normal(scale=0.5, size=truth.shape)
x_train, x_test, y_train, y_test = datasets.train_test_split(x, y, test_size=0.3, seed=1)

print(
    "1. A layer makes its operations when it first sees data, because only then it knows the sizes."
)
layer = diglot.Dense(4, activation=diglot.Sigmoid)
network = diglot.NeuralNetwork([layer], loss=diglot.MeanSquaredError(), seed=1)
print(f"   before: {layer.operations}")
network.forward(x_train[:5])
for operation in layer.operations:
    print(f"   after:  {type(operation).__name__:15} output {operation.output.shape}")
print("   parameters:", {name: array.shape for name, array in network.parameters().items()})

print("\n2. One step of training is: forward, loss, backward, and a step downhill.")
network = diglot.NeuralNetwork(
    [diglot.Dense(13, activation=diglot.Sigmoid), diglot.Dense(1)],
    loss=diglot.MeanSquaredError(),
    seed=1,
)
optimizer = diglot.SGD(lr=0.05)
for step in range(4):
    loss = network.train_batch(x_train, y_train)  # the first three
    optimizer.step(network.parameters(), network.gradients())  # the last one
    print(f"   step {step}: loss {loss:.3f}")

print("\n3. A trainer does that for batches and epochs. Three networks, from a line to two layers:")
for hidden in ([], [13], [13, 13]):
    network = diglot.NeuralNetwork(
        [*(diglot.Dense(n, activation=diglot.Sigmoid) for n in hidden), diglot.Dense(1)],
        loss=diglot.MeanSquaredError(),
        seed=20190501,
    )
    trainer = diglot.Trainer(network, diglot.SGD(lr=0.05))
    trainer.fit(x_train, y_train, epochs=150, batch_size=32, seed=1, progress=False)
    test = trainer.evaluate(x_test, y_test)
    sizes = "-".join(str(n) for n in (3, *hidden, 1))
    print(f"   {sizes:9}  mae {test['mae']:.3f}   rmse {test['rmse']:.3f}")
print(
    "   A line cannot bend, and no model gets below the noise of 0.5. The second hidden layer only"
)
print("   makes the network slower to learn: chapter 4 is about that.")

print("\n4. What the last network looks like, and what it costs:")
print(network.summary((3,)))

print("\n5. An operation of your own is two methods: the output, and the gradient of the input.")


@final
class Sine(operations.Activation):
    """y = sin(x), so dx = dy cos(x)."""

    def _output(self) -> np.ndarray:
        return np.sin(self.input_)

    def _input_grad(self, output_grad: np.ndarray) -> np.ndarray:
        return output_grad * np.cos(self.input_)


print("   its gradient is the measured one:", diglot.gradcheck(Sine(), x[:4]).passed)
network = diglot.NeuralNetwork(
    [diglot.Dense(13, activation=Sine), diglot.Dense(1)], loss=diglot.MeanSquaredError(), seed=1
)
trainer = diglot.Trainer(network, diglot.SGD(lr=0.05))
trainer.fit(x_train, y_train, epochs=150, batch_size=32, seed=1, progress=False)
print(f"   with a layer of sines: rmse {trainer.evaluate(x_test, y_test)['rmse']:.3f}")
