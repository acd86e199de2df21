"""Chapter 4: what makes training work.

You recognise handwritten digits, and add one idea after the other: a loss made for classes,
momentum, a learning rate that falls, initial weights of the right size, dropout. Each row of the
table is a network of 64 inputs, 89 hidden neurons and 10 outputs, trained on the same images.
"""

import numpy as np

import diglot
from diglot import datasets, kernels, metrics, schedules

# ---- data: 1797 real digits of 8 x 8 pixels; a fifth of the training part decides when to stop ---

images, labels, test_images, test_labels = datasets.digits()
images, test_images = datasets.standardize(images, test_images)
images, test_images = images.reshape(len(images), -1), test_images.reshape(len(test_images), -1)
x, x_val, y, y_val = datasets.train_test_split(images, labels, test_size=0.2, seed=4)
print(
    f"{len(x)} images to learn from, {len(x_val)} to choose by, {len(test_images)} to test with.\n"
)

print("1. Softmax turns any numbers into probabilities; cross-entropy is how surprised they are.")
logits = np.array([[2.0, 1.0, -1.0]])
print(f"   softmax{logits[0].tolist()} = {kernels.softmax_forward(logits)[0].round(3).tolist()}")
for label in (0, 2):
    loss = diglot.SoftmaxCrossEntropy()
    value = loss.forward(logits, np.array([label]))
    gradient = loss.backward()[0].round(3).tolist()
    print(f"   if the truth is class {label}: loss {value:.3f} nats, gradient {gradient}")
print("   The gradient is p - truth. Where a squared error flattens out, it stays steep.\n")


def train(
    what: str,
    optimizer: type[diglot.Optimizer],
    *,
    lr: float | diglot.Schedule = 0.1,
    loss: type[diglot.Loss] = diglot.SoftmaxCrossEntropy,
    activation: str = "tanh",
    output: str = "linear",
    weight_init: str = "standard",
    dropout: float = 0.0,
) -> None:
    """Train a network from five seeds, and print how well it does on the test images."""
    targets, val_targets = y, y_val
    if loss is diglot.MeanSquaredError:
        targets, val_targets = datasets.one_hot(y), datasets.one_hot(y_val)
    accuracies = []
    for seed in range(5):
        network = diglot.NeuralNetwork(
            [
                diglot.Dense(89, activation, weight_init=weight_init, dropout=dropout),
                diglot.Dense(10, output, weight_init=weight_init),
            ],
            loss=loss,
            seed=seed,
        )
        diglot.Trainer(network, optimizer(lr)).fit(
            x,
            targets,
            validation=(x_val, val_targets),
            epochs=30,
            batch_size=60,
            early_stopping=8,  # and back to the epoch that was best on the validation part
            seed=seed,
            progress=False,
        )
        accuracies.append(metrics.accuracy(network.predict(test_images), test_labels))
    worst, best = min(accuracies), max(accuracies)
    print(f"   {what:48} {np.mean(accuracies):6.1%}  (from {worst:.1%} to {best:.1%})")


print("2. One idea after the other; accuracy on the test images, the mean of five seeds:")
train(
    "squared error on sigmoids, plain SGD",
    diglot.SGD,
    loss=diglot.MeanSquaredError,
    output="sigmoid",
)
train("softmax cross-entropy instead", diglot.SGD)
train("with momentum", diglot.SGDMomentum)
falling = schedules.Linear(0.15, 0.05)
train("and a learning rate that falls from 0.15 to 0.05", diglot.SGDMomentum, lr=falling)
glorot = "glorot"
train("and Glorot's initial weights", diglot.SGDMomentum, lr=falling, weight_init=glorot)
train("and dropout of a fifth", diglot.SGDMomentum, lr=falling, weight_init=glorot, dropout=0.2)
train(
    "Adam, ReLU and He's weights, as one begins today",
    diglot.Adam,
    lr=0.003,
    activation="relu",
    weight_init="he",
)
print("   Half a point is two of the 355 images: that much is chance.")

print("\n3. Why initial weights have a right size: what a hidden neuron receives, and gives.")
for init in ("standard", "glorot"):
    network = diglot.NeuralNetwork(
        [diglot.Dense(89, "tanh", weight_init=init)], loss=diglot.MeanSquaredError(), seed=1
    )
    hidden = network.forward(x)
    saturated = np.mean(np.abs(hidden) > 0.99)
    received = np.arctanh(np.clip(hidden.astype(float), -1 + 1e-12, 1 - 1e-12)).std()
    print(f"   {init:9} receives numbers of size {received:3.1f}; {saturated:5.1%} saturate")
print("   A saturated tanh has a slope of almost nothing, and what is behind it does not learn.")
