"""Settings whose sizes overflow, and arrays that change or lie: an error, never a crash."""

import threading

import numpy as np
import pytest

import diglot
from diglot import kernels

BUILDS = kernels.available_builds()
pytestmark = pytest.mark.skipif(not BUILDS, reason="no native build is installed")

HUGE = 2**31 - 1


@pytest.fixture
def native():
    return kernels.native.load(BUILDS[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_padding_whose_image_would_not_fit(native, dtype):
    x, w = np.ones((1, 1, 1, 1), dtype), np.ones((1, 1, 2, 2), dtype)
    with pytest.raises(ValueError, match=r"numbers, expected at most 2\^40"):
        native.conv2d_forward(x, w, padding=2**30, dilation=HUGE, stride=2)
    empty = np.ones((1, 1, 0, 0), dtype)
    with pytest.raises(ValueError, match=r"numbers, expected at most 2\^40"):
        native.conv2d_forward(empty, w, padding=2**30, dilation=HUGE)
    dy = np.ones((1, 1, 2, 2), dtype)
    with pytest.raises(ValueError, match=r"numbers, expected at most 2\^40|dy has shape"):
        native.conv2d_backward_weight(dy, empty, kernel_size=2, padding=2**30, dilation=HUGE)


def test_filters_of_huge_empty_shapes(native):
    dy = np.zeros((1, 0, 4, 4), np.float32)
    with pytest.raises(ValueError, match=r"expected at most 2\^40|reach over|dy has shape"):
        native.conv2d_backward_input(
            dy, np.zeros((0, 1, 2**30, 2**30), np.float32), input_size=(3, 3), padding=2**29
        )
    with pytest.raises(ValueError, match=r"reach over|overflow"):
        native.conv2d_backward_input(
            dy, np.zeros((0, 1, 2**40, 1), np.float32), input_size=(3, 3), dilation=HUGE
        )
    with pytest.raises(ValueError, match="overflow"):
        native.conv2d_forward(
            np.zeros((1, 1, 3, 3), np.float32),
            np.zeros((0, 2**40, 1, 1), np.float32),
            groups=2**30,
        )


def test_no_filters_give_no_input_gradient(native):
    dy, w = np.zeros((2, 0, 3, 3), np.float32), np.zeros((0, 1, 1, 1), np.float32)
    dx = native.conv2d_backward_input(dy, w, input_size=(3, 3))
    np.testing.assert_array_equal(dx, np.zeros((2, 1, 3, 3)))


def test_a_model_file_with_such_settings_is_an_error_and_no_crash(native, tmp_path):
    layer = diglot.Conv2D(1, 2, padding=2**30, dilation=HUGE, stride=2)
    network = diglot.NeuralNetwork([layer], diglot.MeanSquaredError(), seed=1)
    network.setup((1, 1, 1))
    network.save(tmp_path / "evil.safetensors")
    loaded = diglot.NeuralNetwork.load(tmp_path / "evil.safetensors")
    with diglot.use_backend("native"), pytest.raises(ValueError, match=r"at most 2\^40"):
        loaded.predict(np.ones((1, 1, 1, 1)))


def test_pooling_one_pixel_with_the_largest_window_is_quick(native):
    x = np.full((1, 1, 1, 1), 3.0, np.float32)
    y, indices = native.max_pool2d_forward(x, kernel_size=HUGE, padding=2**30 - 1)
    assert (y, indices) == (3, 0)


def test_pooling_no_pixels_is_refused(native):
    with pytest.raises(ValueError, match="has none to pool"):
        native.max_pool2d_forward(np.ones((1, 1, 0, 0), np.float32), kernel_size=2, padding=1)


def test_an_array_of_several_numbers_is_no_stride(native):
    x, w = np.ones((1, 1, 3, 3), np.float32), np.ones((1, 1, 1, 1), np.float32)
    with pytest.raises(ValueError, match="stride is not an int or a pair of ints"):
        native.conv2d_forward(x, w, stride=np.array([1, 1]))


def test_a_mask_of_other_bytes_than_0_and_1(native):
    mask = np.array([0, 2, 255], np.uint8).view(bool)
    dx = native.dropout_backward(np.ones(3, np.float32), mask, rate=0.5)
    np.testing.assert_array_equal(dx, [0, 2, 2])


def test_labels_that_another_thread_changes_are_read_once(native):
    labels = np.zeros(2000, np.int64)
    logits = np.zeros((2000, 3), np.float32)
    stop = threading.Event()

    def disturb():
        while not stop.is_set():
            labels[:] = 2**40
            labels[:] = 0

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for _ in range(300):
            try:
                native.softmax_cross_entropy_forward(logits, labels)
            except ValueError as error:
                assert "labels" in str(error)  # noqa: PT017 - either outcome is right
    finally:
        stop.set()
        thread.join()


def test_an_unaligned_subclass_with_a_copy_of_its_own(native):
    class Odd(np.ndarray):
        def copy(self, order="C"):
            return np.zeros((1,), np.float32)

    buffer = np.zeros(4 * 6 + 1, np.uint8)
    x = buffer[1:].view(np.float32).view(Odd)
    x[:] = 2
    np.testing.assert_array_equal(native.relu_forward(x), np.full(6, 2, np.float32))


@pytest.mark.parametrize("name", ["max_pool2d_forward", "avg_pool2d_forward"])
def test_settings_that_change_an_array_s_shape(native, name):
    """The settings are read first: what they do to the array is what is then looked at."""
    x = np.zeros((4, 4, 8, 8), np.float32)

    class Reshaping:
        def __index__(self):
            x.resize((1, 1, 32, 32), refcheck=False)
            return 2

    result = getattr(native, name)(x, kernel_size=Reshaping())
    y = result[0] if isinstance(result, tuple) else result
    assert y.shape == (1, 1, 16, 16)


def test_a_dilation_that_no_pixel_sees(native):
    """Half of the phases of a stride have no taps, and then need neither time nor memory."""
    dy, w = np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 1, 1), np.float32)
    settings = {"input_size": (4, 4), "stride": 2, "dilation": 2**31 - 1}
    dx = native.conv2d_backward_input(dy, w, **settings)
    np.testing.assert_array_equal(dx[0, 0, ::2, ::2], dy[0, 0])
    assert dx.sum() == 4
