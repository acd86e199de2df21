"""Chapter 6: networks that remember.

A recurrent layer goes along a sequence and carries a state from step to step. You forecast the
spots on the sun from the years before, and recognise digits that are read row by row, some of them
cut short. The language model of the chapter is a command: `diglot train-text`.
"""

import numpy as np

import diglot
from diglot import datasets, metrics

print("1. What a recurrent layer computes: the state goes from step to step, row by row.")
layer = diglot.RNN(3)
x = np.random.default_rng(1).standard_normal((2, 5, 4)).astype(np.float32)
whole = layer.forward(x)
layer.carry(True)
first, rest = layer.forward(x[:, :2]), layer.forward(x[:, 2:])
layer.carry(False)
same = np.allclose(whole, np.concatenate([first, rest], axis=1), atol=1e-6)
print(f"   (2 rows, 5 steps, 4 features) -> {whole.shape}; in two pieces the same: {same}\n")

# ---- forecasting: next year's number of sunspots, from the years before --------------------------

print("2. Sunspots, 1700 to 2008: learn until 1920, forecast each year from the ones before.")
years, spots = datasets.sunspots()
learnt = years <= 1920
mean, deviation = spots[learnt].mean(), spots[learnt].std()
series = ((spots - mean) / deviation).astype(np.float32)
steps = 24
windows = np.lib.stride_tricks.sliding_window_view(series, steps + 1)  # (285, 25)
x, y = windows[:, :steps, None], windows[:, 1:, None]  # at every step, the target is the next one
train = years[steps:] <= 1920
network = diglot.NeuralNetwork(
    [diglot.GRU(16), diglot.Dense(1)], loss=diglot.MeanSquaredError(), seed=1
)
trainer = diglot.Trainer(network, diglot.Adam(lr=0.01))
trainer.fit(x[train], y[train], epochs=40, batch_size=20, seed=1, progress=False)
forecast = network.predict(x[~train])[:, -1, 0]
error = deviation * metrics.root_mean_squared_error(forecast, y[~train][:, -1, 0])
print(f"   root mean squared error: {error:.1f} spots (30.4 if next year is like this one)\n")

# ---- classification: a digit is a sequence of eight rows of pixels -------------------------------

print("3. Digits, a row of pixels at a time; the last state knows which one it was.")
images, labels, test_images, test_labels = datasets.digits()
images, test_images = datasets.standardize(images, test_images)
x, x_test = images[:, 0], test_images[:, 0]  # (N, 8, 8): rows are steps, their pixels are features
network = diglot.NeuralNetwork(
    [diglot.LSTM(32, bidirectional=True, return_sequences=False), diglot.Dense(10)],
    loss=diglot.SoftmaxCrossEntropy(),
    seed=1,
)
trainer = diglot.Trainer(network, diglot.Adam(lr=0.01))
trainer.fit(x, labels, epochs=15, batch_size=32, seed=1, progress=False)
accuracy = metrics.accuracy(network.predict(x_test), test_labels)
print(f"   accuracy on {len(x_test)} other digits: {accuracy:.1%}")

lengths = np.random.default_rng(1).integers(4, 9, len(x_test))
cut = np.where(np.arange(8)[:, None] < lengths[:, None, None], x_test, np.nan)
short = metrics.accuracy(network.predict(cut, lengths=lengths), test_labels)
print(f"   the same, if only the first 4 to 8 rows arrive: {short:.1%}")
print("   What stands after a row's length is never looked at; here it is NaN.")
