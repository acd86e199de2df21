"""What does the machine code of a module need of a processor?

Every instruction of the executable sections is decoded by iced-x86, which has from the makers'
manuals the features that a processor must report to run it. The levels are those of the System V
ABI for x86-64. A level lists what it allows, so that an instruction nobody thought of is refused.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from iced_x86 import Code, CpuidFeature, Decoder, Instruction, OpCodeOperandKind

_8086 = {"INTEL8086", "INTEL186", "INTEL286", "INTEL386", "INTEL486", "CX8", "CMOV", "MULTIBYTENOP"}
_X87 = {"FPU", "FPU287", "FPU387", "FXSR"}
_PLAIN = frozenset({"X64", "CPUID", "PAUSE", "SYSCALL", "TSC", "SSE", "SSE2"} | _8086 | _X87)
_PLAIN |= {"CET_IBT"}  # ENDBR64 is younger, but an older processor does nothing
_V2 = _PLAIN | {"SSE3", "SSSE3", "SSE4_1", "SSE4_2", "POPCNT", "CMPXCHG16B"}
_V3 = _V2 | {"AVX", "AVX2", "BMI1", "BMI2", "F16C", "FMA", "LZCNT", "MOVBE", "XSAVE"}
_V4 = _V3 | {"AVX512F", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512VL"}

ALLOWED = {"x86-64": _PLAIN, "x86-64-v2": _V2, "x86-64-v3": _V3, "x86-64-v4": _V4}
"""The features of each level."""

# Older processors run the bytes of TZCNT as BSF. The two differ only for an operand of zero, and a
# compiler that was not given the flag for TZCNT emits them where that cannot be.
_HARMLESS = {Code.TZCNT_R16_RM16, Code.TZCNT_R32_RM32, Code.TZCNT_R64_RM64}

# __builtin_cpu_init() asks which registers the system saves, where CPUID says that it may ask.
DETECTION = frozenset({Code.XGETBV})

_FEATURES = {value: name for name, value in vars(CpuidFeature).items() if isinstance(value, int)}
_KINDS = {value: name for name, value in vars(OpCodeOperandKind).items() if isinstance(value, int)}

_CODE_SECTION, _EXECUTABLE = 1, 4  # SHT_PROGBITS, SHF_EXECINSTR


@dataclass(frozen=True)
class Need:
    """What one kind of instruction needs: features, and kinds of registers such as YMM."""

    features: frozenset[str]
    registers: frozenset[str]


def code_sections(module: Path) -> Iterator[tuple[int, bytes]]:
    """Give the address and the bytes of each executable section of an ELF file of 64 bits."""
    data = module.read_bytes()
    if data[:5] != b"\x7fELF\x02":
        raise ValueError(f"{module} is no ELF file of 64 bits")
    (table,) = struct.unpack_from("<Q", data, 0x28)
    (count,) = struct.unpack_from("<H", data, 0x3C)
    for section in range(count):
        _, kind, flags, address, offset, size = struct.unpack_from(
            "<IIQQQQ", data, table + 64 * section
        )
        if kind == _CODE_SECTION and flags & _EXECUTABLE:
            yield address, data[offset : offset + size]


def need(instruction: Instruction) -> Need:
    """Say what an instruction needs."""
    operands = instruction.op_code()
    kinds = {_KINDS[operands.op_kind(place)].split("_")[0] for place in range(operands.op_count)}
    features = frozenset(_FEATURES[feature] for feature in instruction.cpuid_features())
    return Need(features, frozenset(kinds & {"MM", "XMM", "YMM", "ZMM", "K", "TMM"}))


@dataclass
class Scan:
    """All instructions of a module, by kind: how many, and the first of them."""

    counts: dict[int, int]
    first: dict[int, Instruction]

    def beyond(self, level: str, besides: frozenset[int] = frozenset()) -> list[str]:
        """List the instructions that a processor of this level does not have, and those of MMX.

        Args:
            level: one of ALLOWED.
            besides: kinds of instruction that may occur all the same.
        """
        found = []
        for code, instruction in self.first.items():
            if code == Code.INVALID:
                reason = "is no instruction"
            elif code in _HARMLESS | besides:
                continue
            elif "MM" in need(instruction).registers:
                reason = "uses an MMX register"
            elif missing := need(instruction).features - ALLOWED[level]:
                reason = f"needs {' and '.join(sorted(missing))}"
            else:
                continue
            count = self.counts[code]
            found.append(f"{instruction.ip:#x}: {instruction} {reason} ({count} of its kind)")
        return found

    def registers(self) -> set[str]:
        """Give the kinds of vector registers in use."""
        known = (one for code, one in self.first.items() if code != Code.INVALID)
        return set().union(*(need(instruction).registers for instruction in known))

    def features(self) -> set[str]:
        """Give the features in use."""
        known = (one for code, one in self.first.items() if code != Code.INVALID)
        return set().union(*(need(instruction).features for instruction in known))


def scan(sections: Iterator[tuple[int, bytes]]) -> Scan:
    """Decode all the machine code in some sections, each an address and its bytes."""
    counts: dict[int, int] = {}
    first: dict[int, Instruction] = {}
    for address, code in sections:
        for instruction in Decoder(64, code, ip=address):
            kind = instruction.code
            counts[kind] = counts.get(kind, 0) + 1
            if kind not in first:
                first[kind] = instruction.copy()
    return Scan(counts, first)
