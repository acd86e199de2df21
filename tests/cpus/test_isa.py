"""No module holds an instruction above its instruction set."""

import importlib.util
import platform
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("iced_x86", reason="the scan decodes with iced-x86")

from isa import ALLOWED, DETECTION, code_sections, scan

from diglot.kernels import native

LEVELS = {
    "_cpu": "x86-64",  # it has to run where nothing else does, to say so
    "_native_baseline": "x86-64-v2",
    "_native_x86_64_v3": "x86-64-v3",
    "_native_x86_64_v4": "x86-64-v4",
}


@cache
def scanned(name):
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("the scan reads the machine code of x86-64")
    spec = importlib.util.find_spec(f"diglot.{name}")
    if spec is None:
        pytest.skip(f"diglot.{name} is not installed")
    if Path(spec.origin).read_bytes()[:4] != b"\x7fELF":
        pytest.skip("the scan reads ELF files")
    return scan(code_sections(Path(spec.origin)))


def beyond(name, level):
    return scanned(name).beyond(level, DETECTION if name == "_cpu" else frozenset())


def test_every_build_has_a_level():
    assert {"_cpu", *(f"_native_{name}" for name in native.BUILDS)} == set(LEVELS)


@pytest.mark.parametrize("name", LEVELS)
def test_a_module_needs_no_more_than_its_level(name):
    found = beyond(name, LEVELS[name])
    assert not found, "\n".join(found)
    assert sum(scanned(name).counts.values()) > 10_000


@pytest.mark.parametrize(
    ("name", "below", "needs"),
    [
        ("_native_baseline", "x86-64", {"SSE4_1"}),
        ("_native_x86_64_v3", "x86-64-v2", {"AVX", "AVX2", "FMA"}),
        ("_native_x86_64_v4", "x86-64-v3", {"AVX512F", "AVX512DQ"}),
    ],
)
def test_the_scan_sees_what_a_module_is_compiled_for(name, below, needs):
    assert needs <= scanned(name).features() - ALLOWED[below]
    found = "\n".join(beyond(name, below))
    for feature in needs:
        assert f"needs {feature}" in found


def test_each_build_uses_its_widest_registers_and_none_of_mmx():
    assert scanned("_native_baseline").registers() == {"XMM"}
    assert scanned("_native_x86_64_v3").registers() == {"XMM", "YMM"}
    assert scanned("_native_x86_64_v4").registers() == {"XMM", "YMM", "ZMM", "K"}


def test_the_libraries_beside_an_installed_wheel_run_wherever_it_does():
    package = Path(importlib.util.find_spec("diglot").origin).parent
    libraries = sorted(package.with_name("diglot.libs").glob("*.so*"))
    if not libraries:
        pytest.skip("this installation carries no libraries: only a repaired wheel does")
    for library in libraries:
        found = scan(code_sections(library)).beyond("x86-64-v2")
        assert not found, "\n".join([library.name, *found])


INSTRUCTIONS = {  # what is in the level, and in none below it
    "x86-64": [
        "0f 58 c1",  # addps xmm0, xmm1
        "f3 0f bc c0",  # tzcnt eax, eax: BSF to those that do not know it
        "f3 0f 1e fa",  # endbr64
        "0f a2",  # cpuid
        "d9 c0",  # fld st(0)
    ],
    "x86-64-v2": [
        "f3 0f b8 c0",  # popcnt eax, eax
        "66 0f 38 37 c0",  # pcmpgtq xmm0, xmm0
        "f2 0f 38 f0 c0",  # crc32 eax, al
        "48 0f c7 08",  # cmpxchg16b [rax]
        "66 0f 38 00 c0",  # pshufb xmm0, xmm0
        "66 0f 3a 40 c0 ff",  # dpps xmm0, xmm0, 255
    ],
    "x86-64-v3": [
        "c5 f8 58 c0",  # vaddps xmm0, xmm0, xmm0: AVX without a wide register
        "c5 fc 58 c0",  # vaddps ymm0, ymm0, ymm0
        "c5 fd fe c0",  # vpaddd ymm0, ymm0, ymm0
        "c4 e2 79 b8 c0",  # vfmadd231ps xmm0, xmm0, xmm0
        "c4 e2 79 13 c0",  # vcvtph2ps xmm0, xmm0
        "c4 e2 78 f2 c0",  # andn eax, eax, eax
        "c4 e2 79 f7 c0",  # shlx eax, eax, eax
        "f3 0f bd c0",  # lzcnt eax, eax: BSR, a different number, to those that do not know it
        "0f 38 f0 00",  # movbe eax, [rax]
        "0f 01 d0",  # xgetbv
    ],
    "x86-64-v4": [
        "62 f1 7c 48 58 c0",  # vaddps zmm0, zmm0, zmm0
        "62 f1 7c 28 58 c0",  # vaddps ymm0, ymm0, ymm0, in EVEX
        "62 f1 7c 08 58 c0",  # vaddps xmm0, xmm0, xmm0, in EVEX
        "c5 f8 92 c8",  # kmovw k1, eax
        "62 f1 7f 48 6f 00",  # vmovdqu8 zmm0, [rax]
    ],
    None: [
        "66 0f 38 dc c0",  # aesenc xmm0, xmm0
        "66 0f 3a 44 c0 00",  # pclmulqdq xmm0, xmm0, 0
        "66 0f 38 f6 c0",  # adcx eax, eax
        "0f c7 f0",  # rdrand eax
        "0f 38 c9 c0",  # sha1msg1 xmm0, xmm0
        "0f 0d 08",  # prefetchw [rax]
        "c5 f9 01 c0 ff",  # nothing that a processor knows
        "c4 e2 79 50 c0",  # vpdpbusd xmm0, xmm0, xmm0: AVX-VNNI
        "62 f2 7d 48 50 c0",  # vpdpbusd zmm0, zmm0, zmm0: AVX512-VNNI
        "0f fc c0",  # paddb mm0, mm0
        "0f 38 00 c0",  # pshufb mm0, mm0: of SSSE3, and in an MMX register all the same
        "f3 0f d6 c0",  # movq2dq xmm0, mm0
        "0f 77",  # emms
    ],
}


@pytest.mark.parametrize("first", INSTRUCTIONS)
def test_an_instruction_is_refused_below_its_level(first):
    levels = list(ALLOWED)
    for text in INSTRUCTIONS[first]:
        one = scan(iter([(0x1000, bytes.fromhex(text))]))
        allowed = [level for level in levels if not one.beyond(level)]
        assert allowed == (levels[levels.index(first) :] if first else []), text


def test_only_the_detection_may_ask_which_registers_are_saved():
    xgetbv = scan(iter([(0x1000, bytes.fromhex("0f 01 d0"))]))
    assert xgetbv.beyond("x86-64") == ["0x1000: xgetbv needs XSAVE (1 of its kind)"]
    assert xgetbv.beyond("x86-64", DETECTION) == []


def test_an_instruction_is_found_among_others_and_counted():
    code = bytes.fromhex("0f 58 c1 c5 fc 58 c0 c5 fc 58 c0 c3")
    assert scan(iter([(0x1000, code)])).beyond("x86-64-v2") == [
        "0x1003: vaddps ymm0,ymm0,ymm0 needs AVX (2 of its kind)"
    ]
