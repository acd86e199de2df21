"""What diglot cannot say: patterns of test names, and the reason. Each must match, and fail."""

SKIPPED = {
    "test_maxpool_2d_uint8": "integers: diglot computes with float32 and float64",
    "test_maxpool_3d_*": "three axes: diglot has images only",
    "test_averagepool_3d_*": "three axes: diglot has images only",
    "test_convtranspose_3d": "three axes: diglot has images only",
    "test_maxpool_2d_dilations": "windows with gaps: diglot dilates convolutions, not poolings",
    "test_averagepool_2d_dilations": "windows with gaps: diglot dilates convolutions, not poolings",
    "test_gelu_tanh_*": "the approximation by tanh: diglot's gelu is the exact one",
    "test_nllloss_*": "a loss of log-probabilities: diglot's takes logits, and normalizes them",
    "test_lstm_with_peepholes": "peepholes: diglot's LSTM has none",
    "test_training_dropout_default*": "a mask from NumPy's generator: diglot's is Philox",
    "test_training_dropout": "a mask from NumPy's generator: diglot's is Philox",
    "test_training_dropout_mask": "a mask from NumPy's generator: diglot's is Philox",
}
