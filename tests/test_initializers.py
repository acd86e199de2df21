import numpy as np
import pytest

from diglot.config import resolve
from diglot.errors import ShapeError
from diglot.initializers import (
    INITIALIZERS,
    Glorot,
    He,
    LeCun,
    Orthogonal,
    Standard,
    Zeros,
    fans,
)

FLOAT64 = np.dtype(np.float64)


def test_fans():
    assert fans((784, 89)) == (784, 89)
    assert fans((16, 3, 5, 4)) == (3 * 5 * 4, 16 * 5 * 4)
    for shape in [(3,), (), (0, 3), (3, 0, 1, 1)]:
        with pytest.raises(ShapeError, match="has no fan-in and fan-out"):
            fans(shape)


@pytest.mark.parametrize("shape", [(600, 300), (60, 20, 5, 4)], ids=str)
@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize(
    ("cls", "variance"),
    [
        (Glorot, lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        (He, lambda fan_in, fan_out: 2 / fan_in),
        (LeCun, lambda fan_in, fan_out: 1 / fan_in),
    ],
)
def test_the_spread_follows_from_the_fans(rng, cls, variance, uniform, shape):  # book, erratum E5
    values = cls(uniform)(shape, rng, FLOAT64)
    expected = np.sqrt(variance(*fans(shape)))
    assert values.std() == pytest.approx(expected, rel=0.02)
    assert abs(values.mean()) < 0.02 * expected
    largest = np.abs(values).max() / expected
    assert largest <= np.sqrt(3) if uniform else largest > 3


def test_standard(rng):
    assert Standard()((500, 300), rng, FLOAT64).std() == pytest.approx(1, rel=0.02)
    assert Standard(0.1)((150_000,), rng, FLOAT64).std() == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (8, 2, 3, 2), (20, 2, 3, 2)], ids=str)
def test_orthogonal(rng, shape):
    w = Orthogonal(1.5)(shape, rng, FLOAT64).reshape(shape[0], -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 1.5**2 * np.eye(min(w.shape)), atol=1e-12)


def test_all_rotations_are_as_likely(rng):
    angles = [np.arctan2(*Orthogonal()((2, 2), rng, FLOAT64)[:, 0]) for _ in range(2000)]
    counts, _ = np.histogram(angles, bins=8, range=(-np.pi, np.pi))
    assert counts.min() > 180


@pytest.mark.parametrize("name", INITIALIZERS)
def test_all_draw_from_the_generator_and_keep_the_dtype(name):
    initializer = resolve(name, INITIALIZERS, "initializer")
    first, again = (initializer((4, 3), np.random.default_rng(1), FLOAT64) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    single = initializer((4, 3), np.random.default_rng(1), np.dtype(np.float32))
    assert single.dtype == np.float32
    assert single.shape == (4, 3)
    assert single.flags.c_contiguous
    np.testing.assert_array_equal(single, first.astype(np.float32))
    other = initializer((4, 3), np.random.default_rng(2), FLOAT64)
    assert name == "Zeros" or not np.array_equal(first, other)


def test_zeros(rng):
    state = rng.bit_generator.state
    assert not Zeros()((3,), rng, FLOAT64).any()
    assert rng.bit_generator.state == state


@pytest.mark.parametrize("std", [-1, np.nan, "wide"])
def test_settings_must_make_sense(std):
    with pytest.raises(ValueError, match="std is"):
        Standard(std)
    with pytest.raises(ValueError, match="gain is"):
        Orthogonal(std)
    with pytest.raises(ValueError, match="uniform is 1, expected True or False"):
        He(1)
