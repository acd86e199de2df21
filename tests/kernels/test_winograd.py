"""Winograd's convolution: its switch, its rounding, and numbers that are not finite."""

import os
import subprocess
import sys

import numpy as np
import pytest

import diglot
from diglot import kernels
from diglot.kernels import native, reference

BUILDS = native.available_builds()
SETTINGS = {"padding": 1}


@pytest.fixture(params=BUILDS)
def build(request):
    with kernels.use_backend(request.param):
        yield request.param
    diglot.set_winograd(True)


def images_and_filters(channels=48, filters=32, dtype=np.float32, images=3, size=14):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((images, channels, 15, size)).astype(dtype)
    w = rng.standard_normal((filters, channels, 3, 3)).astype(dtype)
    return x, w


def both_ways(x, w, **settings):
    diglot.set_winograd(True)
    tiles = kernels.conv2d_forward(x, w, **settings)
    diglot.set_winograd(False)
    return tiles, kernels.conv2d_forward(x, w, **settings)


def rms(values):
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def test_the_switch_changes_the_way_and_hardly_the_result(build):
    x, w = images_and_filters()
    tiles, direct = both_ways(x, w, **SETTINGS)
    assert tiles.tobytes() != direct.tobytes()
    np.testing.assert_allclose(tiles, direct, rtol=0, atol=1e-4 * rms(direct))


def test_it_rounds_at_most_ten_times_as_much_as_the_direct_sum(build):
    x, w = images_and_filters(channels=128)
    truth = reference.conv2d_forward(x.astype(np.float64), w.astype(np.float64), **SETTINGS)
    tiles, direct = both_ways(x, w, **SETTINGS)
    assert rms(direct - truth) < rms(tiles - truth) < 10 * rms(direct - truth)


@pytest.mark.parametrize("shape", [{"filters": 31}, {"channels": 31}])
def test_few_channels_go_the_direct_way(build, shape):
    tiles, direct = both_ways(*images_and_filters(**shape), **SETTINGS)
    assert tiles.tobytes() == direct.tobytes()


@pytest.mark.parametrize("settings", [{"stride": 2}, {"groups": 2}])
def test_strides_and_groups_go_the_direct_way(build, settings):
    x, w = images_and_filters()
    tiles, direct = both_ways(x, w[:, : 48 // settings.get("groups", 1)], **settings)
    assert tiles.tobytes() == direct.tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dilation", [1, 2])
def test_what_is_not_finite_stays_where_the_window_has_it(build, bad, dilation):
    x, w = images_and_filters()
    settings = {"padding": dilation, "dilation": dilation}
    clean = kernels.conv2d_forward(x, w, **settings)
    x[1, 5, 7, 6] = bad
    y = kernels.conv2d_forward(x, w, **settings)
    touched = np.zeros(y.shape, bool)
    touched[
        1, :, 7 - dilation : 8 + dilation : dilation, 6 - dilation : 7 + dilation : dilation
    ] = True
    np.testing.assert_array_equal(~np.isfinite(y), touched)
    np.testing.assert_array_equal(y[[0, 2]], clean[[0, 2]])
    np.testing.assert_array_equal(y, kernels.conv2d_forward(x, w, **settings))


def test_products_too_large_for_the_tiles_are_computed_directly(build):
    x, w = images_and_filters()
    x *= np.float32(1e36)
    y = kernels.conv2d_forward(x, w, **SETTINGS)
    truth = reference.conv2d_forward(x.astype(np.float64), w.astype(np.float64), **SETTINGS)
    fits = np.abs(truth) < np.finfo(np.float32).max / 100
    assert np.isfinite(y[fits]).all()
    np.testing.assert_allclose(y[fits], truth[fits], rtol=0, atol=1e-4 * rms(truth))


def test_the_environment_turns_it_off():
    code = "import diglot; print(diglot.get_winograd())"
    for value, expected in [("0", "False"), ("1", "True")]:
        result = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"DIGLOT_WINOGRAD": value},
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.strip() == expected


def test_a_switch_is_true_or_false():
    with pytest.raises(ValueError, match="enabled is 1, expected True or False"):
        diglot.set_winograd(1)
