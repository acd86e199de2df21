"""Which backends the tests of this folder compare, and the arrays that they are given."""

import numpy as np

from diglot import kernels

try:
    BUILDS = kernels.available_builds()
except ImportError:  # nothing is compiled: diglot is importable as DIGLOT_BACKEND=reference only
    BUILDS = []

BACKENDS = ["reference", *BUILDS]

SANITIZED = any("-fsanitize" in kernels.native.load(b).build_info()["flags"] for b in BUILDS[:1])
"""Whether AddressSanitizer watches, whose own memory makes measurements of memory worthless."""


def kernel(backend, name):
    with kernels.use_backend(backend):
        return getattr(kernels, name)


def reversed_(x):
    """The same numbers, seen through negative strides."""
    backwards = (slice(None, None, -1),) * x.ndim
    return x[backwards].copy()[backwards]


def sliced(x):
    """The same numbers, every second one of a larger array."""
    larger = np.zeros([2 * n + 1 for n in x.shape], x.dtype)
    view = larger[tuple(slice(1, 2 * n + 1, 2) for n in x.shape)]
    view[...] = x
    return view


def unaligned(x):
    """The same numbers at an odd address."""
    memory = np.zeros(x.nbytes + 1, np.uint8)
    view = memory[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "fortran": np.asfortranarray,
    "reversed": reversed_,
    "sliced": sliced,
    "unaligned": unaligned,
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "read-only": read_only,
    "subclass": lambda x: x.view(type("Subclass", (np.ndarray,), {})),
}
