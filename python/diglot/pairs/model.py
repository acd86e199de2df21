"""What a pair is made of: parts that correspond, each with an excerpt of either language."""

from dataclasses import dataclass

__all__ = ["Agreement", "Excerpt", "Pair", "Part"]


@dataclass(frozen=True)
class Excerpt:
    """Whole lines of a source file, byte for byte.

    Attributes:
        path: the file, as the repository calls it, such as "csrc/kernels/conv.cpp".
        first_line: the number of its first line in the file, from 1.
        text: the lines; the last one ends with a line feed, too.
        language: "python" or "cpp".
    """

    path: str
    first_line: int
    text: str
    language: str

    @property
    def lines(self) -> list[str]:
        """Give the lines without their ends."""
        return self.text.splitlines()

    @property
    def last_line(self) -> int:
        """Count to the number of the last line in the file."""
        return self.first_line + len(self.lines) - 1


@dataclass(frozen=True)
class Part:
    """Two excerpts that do the same; or one alone, where the other language needs none.

    Attributes:
        label: what they do.
        left: Python.
        right: C++.
    """

    label: str
    left: Excerpt | None
    right: Excerpt | None


@dataclass(frozen=True)
class Agreement:
    """What was compared, just before a pair is shown.

    Attributes:
        kernels: the kernels that were run.
        cases: rows of the case table, over all kernels.
        builds: the native builds.
        threads: the numbers of threads that gave the same bits.
        units: the largest difference, as a multiple of what rounding allows.
    """

    kernels: tuple[str, ...]
    cases: int
    builds: tuple[str, ...]
    threads: tuple[int, ...]
    units: float

    def __str__(self) -> str:
        plural = "s" * (len(self.builds) != 1)
        return (
            f"{', '.join(self.kernels)}: equal in {self.cases} cases, in float32 and float64, on "
            f"{len(self.builds)} build{plural} ({', '.join(self.builds)}), with "
            f"{min(self.threads)} to {max(self.threads)} threads; "
            f"largest difference {self.units:.2g} of what rounding allows"
        )


@dataclass(frozen=True, repr=False)
class Pair:
    """One idea in two languages. `print` writes it as plain text, one below the other.

    Attributes:
        name: of the kernel, or of the class that leads to kernels.
        kind: "kernel", "operation", "layer", "loss" or "optimizer".
        family: the module that it is in, such as "conv".
        title: the first line of its docstring.
        equation: the indented block of its docstring, plain text; empty if it has none.
        latex: the same for LaTeX; None if there is none.
        parts: what corresponds, in the order of reading.
        kernels: the kernels that it shows: itself, or those that it calls.
        agreement: what was compared before it was shown.
    """

    name: str
    kind: str
    family: str
    title: str
    equation: str
    latex: str | None
    parts: tuple[Part, ...]
    kernels: tuple[str, ...]
    agreement: Agreement

    def __repr__(self) -> str:
        return f"Pair({self.name!r}, {len(self.parts)} parts, {self.agreement})"

    def __str__(self) -> str:
        blocks = [f"{self.name}: {self.title}"]
        blocks += [self.equation] * bool(self.equation)
        for part in self.parts:
            blocks.append(f"---- {part.label} ----")
            for side in (part.left, part.right):
                if side is not None:
                    blocks.append(f"{side.path}:{side.first_line}\n\n{side.text.rstrip()}")
        return "\n\n".join([*blocks, str(self.agreement)])
