"""A native build: kernels with the definitions' arguments, and what a build tells of itself."""

from types import ModuleType
from typing import TypedDict

from diglot._typing import Array, IntOrPair
from diglot.kernels.reference import *

class _BuildInfo(TypedDict):
    compiler: str
    flags: str
    vector_bits: int
    openmp: int | None

class _Ladder(ModuleType):
    matmul_rungs: list[str]
    conv2d_rungs: list[str]
    lstm_rungs: list[str]
    @staticmethod
    def matmul(rung: str, a: Array, b: Array) -> Array: ...
    @staticmethod
    def conv2d(
        rung: str,
        x: Array,
        w: Array,
        b: Array | None = None,
        *,
        stride: IntOrPair = 1,
        padding: IntOrPair = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
    ) -> Array: ...
    @staticmethod
    def lstm(
        rung: str, x: Array, h0: Array, c0: Array, w_x: Array, w_h: Array, b: Array
    ) -> Array: ...
    @staticmethod
    def require_matmul_arguments(a: Array, b: Array) -> None: ...
    @staticmethod
    def require_conv2d_arguments(
        x: Array,
        w: Array,
        b: Array | None,
        *,
        stride: IntOrPair,
        padding: IntOrPair,
        dilation: IntOrPair,
        groups: int,
    ) -> None: ...
    @staticmethod
    def require_lstm_arguments(
        x: Array, h0: Array, c0: Array, w_x: Array, w_h: Array, b: Array
    ) -> None: ...

ladder: _Ladder

def build_info() -> _BuildInfo:
    """Tell the compiler and its flags, the bits of a register, and OpenMP's version."""

def source_digests() -> dict[str, str]:
    """Map the path of each C++ file that was compiled to its SHA-256."""

def get_num_threads() -> int:
    """Return how many threads a kernel may use."""

def set_num_threads(count: int) -> None:
    """Let a kernel use `count` threads."""

def set_winograd(enabled: bool) -> None:
    """Let convolutions use Winograd's form, or not."""
