"""How exact are exp, tanh, sigmoid and gelu, from the smallest number to the largest?

Every exponent of float32 (and of float64) is sampled, with both signs; the truth comes from a wider
type. An error is counted in units: the distance between neighbouring numbers at the true value.
"""

import math

import numpy as np
import pytest
from builds import BUILDS, kernel

UNITS = 2  # what every function promises


def every_exponent(dtype, count):
    """Draw `count` numbers of each exponent, its smallest and largest ones, and their negatives."""
    info = np.finfo(dtype)
    unsigned = np.dtype(f"u{info.dtype.itemsize}")
    bits = int(info.nmant)
    exponents = np.arange(2**info.nexp - 1, dtype=unsigned)[:, None] << unsigned.type(bits)
    mantissas = np.random.default_rng(0).integers(2**bits, size=(len(exponents), count))
    mantissas[:, :3] = [0, 1, 2**bits - 1]
    x = (exponents | mantissas.astype(unsigned)).view(dtype).ravel()
    return np.concatenate([x, -x])


def units(actual, truth):
    """Count the error of each element; NaN and infinities are right or infinitely wrong."""
    with np.errstate(all="ignore"):
        rounded = truth.astype(actual.dtype)
        same = (actual == rounded) | (np.isnan(actual) & np.isnan(rounded))
        error = abs(actual.astype(truth.dtype) - truth) / np.spacing(abs(rounded))
    error = np.where(np.isfinite(rounded) & np.isfinite(actual), error, np.inf)
    return np.where(same & ~np.isfinite(rounded), 0, error)


def assert_within(limit, actual, truth, x):
    error = units(actual, truth)
    worst = int(np.argmax(error))
    assert error[worst] <= limit, f"at x = {x[worst]!r}: {error[worst]:.3f} units"


def sigmoid(x):
    with np.errstate(all="ignore"):
        return np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x)))


erfc = np.vectorize(math.erfc, otypes=[np.float64])


def gelu(x):
    with np.errstate(all="ignore"):
        return x / 2 * erfc(-x / math.sqrt(2))


def gelu_slope(x):
    with np.errstate(all="ignore"):
        return erfc(-x / math.sqrt(2)) / 2 + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


X32 = np.concatenate([every_exponent(np.float32, 150), np.float32([np.inf, -np.inf, np.nan])])
NEAR = np.random.default_rng(1).uniform(-17, 17, 50_000).astype(np.float32)
X32 = np.concatenate([X32, NEAR, np.linspace(-110, -15, 20_000, dtype=np.float32)])
FLOAT32 = {"tanh_forward": np.tanh, "sigmoid_forward": sigmoid, "gelu_forward": gelu}


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", FLOAT32)
def test_float32_is_exact_to_two_units(name, build):
    truth = FLOAT32[name](X32.astype(np.float64))
    assert_within(UNITS, kernel(build, name)(X32), truth, X32)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(("dtype", "wide"), [(np.float32, np.float64), (np.float64, np.longdouble)])
def test_the_exponential_is_exact_to_two_units(dtype, wide, build):
    """The softmax of (0, x) is (1, exp(x)) where exp(x) is lost in the sum, 1 + exp(x)."""
    info = np.finfo(dtype)
    if np.finfo(wide).nmant <= info.nmant:
        pytest.skip("long double is no wider than double here")
    lost = math.log(info.eps) - 1
    x = np.concatenate([every_exponent(dtype, 40), np.linspace(lost - 800, lost, 30_000)])
    x = x[(x <= lost)].astype(dtype)
    softmax = kernel(build, "softmax_forward")
    both = softmax(np.stack([np.zeros_like(x), x], axis=1))
    assert (both[:, 0] == 1).all()
    assert_within(UNITS, both[:, 1], np.exp(x.astype(wide)), x)
    whole = softmax(
        np.stack([np.zeros(20_000, dtype), np.linspace(lost, 0, 20_000, dtype=dtype)], 1)
    )
    e = np.exp(np.linspace(lost, 0, 20_000, dtype=dtype).astype(wide))
    assert_within(UNITS + 1, whole[:, 1], e / (1 + e), whole[:, 1])  # its sum and quotient, too


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(
    ("name", "truth"), [("tanh_forward", np.tanh), ("sigmoid_forward", sigmoid)]
)
def test_float64_is_exact_to_two_units(name, truth, build):
    if np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("long double is no wider than double here")
    x = np.concatenate(
        [every_exponent(np.float64, 20), np.random.default_rng(1).uniform(-40, 40, 20_000)]
    )
    assert_within(UNITS, kernel(build, name)(x), truth(x.astype(np.longdouble)), x)


GELU = {
    -38.5: "-5.421502483206492227814884e-323",
    -37.51: "-1.186894757870674658099061e-306",
    -35.0: "-3.93718747265342185392735e-267",
    -30.25: "-7.8911368643673130014095e-200",
    -20.125: "-4.4855820345995651671588e-89",
    -12.7: "-3.754736413362103387815352e-36",
    -8.3: "-4.320622888258911210275364e-16",
    -5.5: "-0.000000104442593562382456611182",
    -4.01: "-0.0001217410894457390547587618",
    -3.1: "-0.002999569960976905552028374",
    -2.2: "-0.0305875845296969319587891",
    -1.83: "-0.06153369403791985091687801",
    -1.5: "-0.1002108019032870990067411",
    -1.1: "-0.1492326670410209334558532",
    -0.7: "-0.1693745565561511092860028",
    -0.3: "-0.1146265733433142058362825",
    -0.1: "-0.04601721627229710418757526",
    -0.001: "-0.0004996010577860889478071412",
    -1e-10: "-4.999999999601057901759554e-11",
    -1e-300: "-5.000000000000000125295459e-301",
    5e-324: "2.470328229206232720882844e-324",
    1e-08: "5.000000039894228144756073e-9",
    0.05: "0.02599694029191862457823136",
    0.4: "0.2621686966441296845189344",
    0.75: "0.5800294857173488505047034",
    1.2: "1.061916395733950028726223",
    2.9: "2.894589141428886199758772",
    7.5: "7.499999999999760683124532",
    40.0: "40.0",
    1e300: "1.00000000000000005250476e+300",
}


@pytest.mark.parametrize("build", BUILDS)
def test_float64_gelu_is_exact_to_two_units(build):
    """There is no wider erfc at hand: values that were computed with 50 digits."""
    x = np.array(list(GELU))
    truth = np.array([np.longdouble(value) for value in GELU.values()])
    assert_within(UNITS, kernel(build, "gelu_forward")(x), truth, x)


@pytest.mark.parametrize("build", BUILDS)
def test_the_slope_of_gelu_is_exact_to_four_units(build):
    """Except near its root, -0.7518, where its two terms cancel: four units of those."""
    actual = kernel(build, "gelu_backward")(np.ones_like(X32), X32)
    truth = gelu_slope(X32.astype(np.float64))
    near_root = (X32 > -1) & (X32 < -0.5)
    assert_within(4, actual[~near_root], truth[~near_root], X32[~near_root])
    error = abs(actual[near_root] - truth[near_root])
    assert error.max() <= 4 * np.spacing(np.float32(0.25))


def test_an_error_of_three_units_is_found():
    truth = np.tanh(X32[:100].astype(np.float64))
    wrong = truth.astype(np.float32)
    wrong[7] += 3 * np.spacing(wrong[7])
    with pytest.raises(AssertionError, match="units"):
        assert_within(UNITS, wrong, truth, X32)
    for value in (np.nan, np.inf, -np.inf):
        assert units(np.float32([value]), np.array([1.0])) == np.inf
        assert units(np.float32([value]), np.array([value])) == 0
        assert units(np.float32([1]), np.array([value])) == np.inf
