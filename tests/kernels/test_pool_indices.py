"""Are max pooling's indices checked, and may they be any that are inside?"""

import numpy as np
import pytest
from builds import BUILDS, kernel

from diglot.kernels import reference


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wrong_pooling_index_is_found_wherever_it_stands(build, dtype):
    # The windows look like squares of 2 x 2, of which a kernel takes a register at a time.
    H, W = 4, 38
    dy = np.ones((1, 2, H // 2, W // 2), dtype)
    for place in range(0, dy.size, 3):
        for value in (-1, H * W, 2**31 - 1, -(2**31)):
            indices = np.zeros(dy.shape, np.int32)
            indices.flat[place] = value
            with pytest.raises(ValueError, match=rf"indices holds {value}"):
                kernel(build, "max_pool2d_backward")(dy, indices, input_size=(H, W))


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", ">i4"])
def test_pooling_indices_may_point_anywhere_in_their_plane(build, dtype, rng):
    # Also where the sizes look like those of disjoint windows.
    for H, W in [(4, 40), (5, 41), (6, 6)]:
        dy = rng.standard_normal((2, 3, H // 2, W // 2))
        indices = rng.integers(0, min(H * W, 255), dy.shape).astype(dtype)
        arguments = {"dy": dy, "indices": indices, "input_size": (H, W)}
        np.testing.assert_allclose(
            kernel(build, "max_pool2d_backward")(**arguments),
            reference.max_pool2d_backward(**arguments),
            rtol=1e-12,
            atol=1e-12,
        )
