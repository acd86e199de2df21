"""Optimizers: PyTorch's step for step, clipping, memory, and what they refuse."""

from collections.abc import Callable

import numpy as np
import pytest

from diglot.errors import ShapeError
from diglot.optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSProp, SGDMomentum
from diglot.schedules import Cosine

ALL = (SGD, SGDMomentum, AdaGrad, RMSProp, Adam, AdamW)
SHAPES = {"0.weight": (3, 5), "0.bias": (5,), "2.filters": (2, 1, 3, 3)}

Arrays = dict[str, np.ndarray]


def draw(seed: int, dtype: type = np.float64) -> Arrays:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in SHAPES.items()}


CASES = {
    "sgd": (lambda: SGD(0.1), lambda t, p: t.SGD(p, 0.1)),
    "sgd-decay": (
        lambda: SGD(0.1, weight_decay=0.3),
        lambda t, p: t.SGD(p, 0.1, weight_decay=0.3),
    ),
    "momentum": (
        lambda: SGDMomentum(0.1, 0.8, weight_decay=0.1),
        lambda t, p: t.SGD(p, 0.1, 0.8, weight_decay=0.1),
    ),
    "nesterov": (
        lambda: SGDMomentum(0.1, nesterov=True),
        lambda t, p: t.SGD(p, 0.1, 0.9, nesterov=True),
    ),
    "adagrad": (
        lambda: AdaGrad(0.1, weight_decay=0.1),
        lambda t, p: t.Adagrad(p, 0.1, weight_decay=0.1),
    ),
    "rmsprop": (
        lambda: RMSProp(0.01, weight_decay=0.1),
        lambda t, p: t.RMSprop(p, 0.01, weight_decay=0.1),
    ),
    "adam": (
        lambda: Adam(0.1, weight_decay=0.1),
        lambda t, p: t.Adam(p, 0.1, weight_decay=0.1),
    ),
    "adamw": (lambda: AdamW(0.1), lambda t, p: t.AdamW(p, 0.1)),
    "adam-betas": (
        lambda: Adam(0.1, 0.5, 0.6, 1e-3),
        lambda t, p: t.Adam(p, 0.1, (0.5, 0.6), 1e-3),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ten_steps_are_pytorchs(name: str, dtype: type) -> None:
    torch = pytest.importorskip("torch")
    make, make_theirs = CASES[name]
    params = draw(0, dtype)
    theirs = {key: torch.tensor(param, requires_grad=True) for key, param in params.items()}
    ours, other = make(), make_theirs(torch.optim, list(theirs.values()))
    for step in range(10):
        grads = draw(step + 1, dtype)
        ours.step(params, grads)
        for key, tensor in theirs.items():
            tensor.grad = torch.tensor(grads[key])
        other.step()
    tolerance = 50 * np.finfo(dtype).eps
    for key, param in params.items():
        assert param.dtype == dtype
        np.testing.assert_allclose(
            param, theirs[key].detach().numpy(), rtol=tolerance, atol=tolerance
        )


class TestClipping:
    def test_by_value(self) -> None:
        params, grads = draw(0), draw(1)
        expected = {name: param - np.clip(grads[name], -0.5, 0.5) for name, param in params.items()}
        SGD(1.0, clip_value=0.5).step(params, grads)
        for name, param in params.items():
            np.testing.assert_allclose(param, expected[name])

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_by_the_norm_of_all_of_them(self, dtype: type) -> None:
        torch = pytest.importorskip("torch")
        params, grads = draw(0, dtype), draw(1, dtype)
        before = {name: param.copy() for name, param in params.items()}
        tensors = [torch.zeros(shape, requires_grad=True) for shape in SHAPES.values()]
        for tensor, grad in zip(tensors, grads.values(), strict=True):
            tensor.grad = torch.tensor(grad).float()
        torch.nn.utils.clip_grad_norm_(tensors, 2.0)
        SGD(1.0, clip_norm=2.0).step(params, grads)
        for tensor, name in zip(tensors, params, strict=True):
            np.testing.assert_allclose(
                before[name] - params[name], tensor.grad.numpy(), rtol=1e-5, atol=1e-6
            )
            assert params[name].dtype == dtype

    def test_small_gradients_are_left_alone(self) -> None:
        params, same = draw(0), draw(0)
        SGD(1.0, clip_norm=1e6, clip_value=1e6).step(params, draw(1))
        SGD(1.0).step(same, draw(1))
        for name, param in params.items():
            np.testing.assert_array_equal(param, same[name])

    @pytest.mark.parametrize("make", ALL)
    def test_the_callers_gradients_stay(self, make: type[Optimizer]) -> None:
        grads, before = draw(1), draw(1)
        make(0.1, clip_value=0.5, clip_norm=0.1, weight_decay=0.1).step(draw(0), grads)
        for name, grad in grads.items():
            np.testing.assert_array_equal(grad, before[name])


class TestMemory:
    @pytest.mark.parametrize("make", ALL)
    def test_a_loaded_state_goes_on(self, make: type[Optimizer]) -> None:
        params, optimizer = draw(0), make(0.1)
        for step in range(3):
            optimizer.step(params, draw(step))
        twin, copy = make(0.1), {name: param.copy() for name, param in params.items()}
        twin.load_state(optimizer.state())
        optimizer.step(params, draw(9))
        twin.step(copy, draw(9))
        for name, param in params.items():
            np.testing.assert_array_equal(param, copy[name])

    def test_state_is_a_copy_and_says_what_it_is(self) -> None:
        optimizer = Adam(0.1)
        optimizer.step(draw(0), draw(1))
        state = optimizer.state()
        assert state["steps"] == 1
        assert set(state) == {"steps"} | {
            f"{memory}.{name}" for memory in ("mean", "mean_squares") for name in SHAPES
        }
        kept = state["mean.0.bias"].copy()
        optimizer.step(draw(0), draw(2))
        np.testing.assert_array_equal(state["mean.0.bias"], kept)

    @pytest.mark.parametrize(
        ("state", "message"),
        [
            ({}, "'steps' is None"),
            ({"steps": -1}, "'steps' is -1"),
            ({"steps": 1, "velocity.0.weight": np.zeros(3)}, "no use for 'velocity.0.weight'"),
            ({"steps": 1, "mean.0.weight": 3}, "no use for 'mean.0.weight'"),
        ],
    )
    def test_a_foreign_state(self, state: dict, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Adam(0.1).load_state(state)

    def test_another_networks_parameters(self) -> None:
        optimizer = SGDMomentum(0.1)
        optimizer.step({"w": np.zeros(3)}, {"w": np.ones(3)})
        with pytest.raises(ShapeError, match=r"w has shape \(4,\).*velocity of shape \(3,\)"):
            optimizer.step({"w": np.zeros(4)}, {"w": np.ones(4)})


class TestStep:
    def test_updates_in_place_at_the_given_rate(self) -> None:
        params = {"w": np.ones(3)}
        array = params["w"]
        SGD(0.1).step(params, {"w": np.full(3, 2.0)}, lr=0.5)
        assert params["w"] is array
        np.testing.assert_array_equal(array, np.zeros(3))

    def test_names_must_agree(self) -> None:
        with pytest.raises(ValueError, match="different names"):
            SGD(0.1).step({"w": np.ones(3)}, {"v": np.ones(3)})

    def test_a_schedule_needs_its_value(self) -> None:
        with pytest.raises(ValueError, match=r"Cosine\(0.1\): give step\(\) the value"):
            SGD(Cosine(0.1)).step({"w": np.ones(3)}, {"w": np.ones(3)})

    @pytest.mark.parametrize("make", ALL)
    @pytest.mark.parametrize(
        ("gradient", "message"),
        [
            (np.ones(4), r"gradient of v has shape \(4,\), expected \(3, 4\)"),
            (np.ones((3, 4), np.float32), "gradient of v has dtype float32, expected float64"),
            (np.ones((3, 4), int), "gradient of v has dtype int64, expected float64"),
            (np.ma.masked_array(np.ones((3, 4)), True), "gradient of v is a masked array"),
            (1.0, "gradient of v is a float, expected a NumPy array"),
        ],
    )
    def test_gradients_fit_or_nothing_moves(self, make, gradient, message: str) -> None:
        params = {"w": np.ones(2), "v": np.ones((3, 4))}
        with pytest.raises(ValueError, match=message):
            make(0.1).step(params, {"w": np.ones(2), "v": gradient})
        np.testing.assert_array_equal(params["w"], np.ones(2))

    def test_parameters_are_floating(self) -> None:
        with pytest.raises(ValueError, match="w has dtype int64, expected float32 or float64"):
            SGD(0.1).step({"w": np.ones(3, int)}, {"w": np.ones(3, int)})

    @pytest.mark.parametrize("make", ALL)
    def test_empty_parameters(self, make: type[Optimizer]) -> None:
        make(0.1).step({"w": np.zeros((0, 3))}, {"w": np.zeros((0, 3))})
        make(0.1).step({}, {})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "lr is -0.1"),
        (lambda: SGD(float("nan")), "lr is nan"),
        (lambda: SGD("fast"), "lr is 'fast'"),
        (lambda: SGD(None), "lr is None"),
        (lambda: SGD(0.1, weight_decay=-1), "weight_decay is -1.0"),
        (lambda: SGD(0.1, clip_value=0), "clip_value is 0.0, expected a number above 0"),
        (lambda: SGD(0.1, clip_norm=-2.0), "clip_norm is -2.0"),
        (lambda: SGDMomentum(0.1, 1.0), "momentum is 1.0, expected a finite number >= 0 and < 1"),
        (lambda: RMSProp(0.1, decay=1.5), "decay is 1.5"),
        (lambda: Adam(0.1, beta2=1.0), "beta2 is 1.0"),
        (lambda: AdaGrad(0.1, eps=0.0), "eps is 0.0"),
    ],
)
def test_bad_settings(make: Callable[[], Optimizer], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_repr() -> None:
    assert repr(SGDMomentum(Cosine(0.1), nesterov=True)) == (
        "SGDMomentum(Cosine(0.1), nesterov=True)"
    )
