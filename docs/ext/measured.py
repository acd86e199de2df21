"""The few figures of a benchmark that the pages show, kept in docs/measured.json.

diglot bench --json build/bench.json
python docs/ext/measured.py build/bench.json
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Row", "load", "shorten"]

FILE = Path(__file__).parents[1] / "measured.json"
PEERS = ("NumPy", "PyTorch", "JAX")
FAMILIES = {"matmul": "dense", "conv2d": "conv"}  # groups that are not called as their family is


@dataclass(frozen=True)
class Row:
    """One row of the benchmark.

    Attributes:
        name: what was done, e.g. "max_pool2d 64x32x28² k2 s2, fwd+bwd".
        kind: the kernel, or its name without "_forward" where both directions were timed.
        family: the kernels' file.
        seconds: the median by who did it: "ours", "NumPy", "PyTorch", "JAX".
    """

    name: str
    kind: str
    family: str
    seconds: dict[str, float]

    def ratio(self, peer: str) -> float | None:
        """Give how many times our time the peer took; None if it does not have this."""
        return self.seconds[peer] / self.seconds["ours"] if peer in self.seconds else None


def shorten(report: dict[str, Any]) -> dict[str, Any]:
    """Keep of a report of `diglot bench --json` where it ran, and each kernel's medians."""
    machine, rows = report["machine"], []
    for row in report["rows"]:
        family = FAMILIES.get(row["group"], row["group"])
        family = "embedding" if row["kind"] == "embedding" else family
        if family != "training":
            seconds = {
                who: float(f"{row['seconds'][who]:.3g}")
                for who in ("ours", *PEERS)
                if who in row["seconds"]
            }
            rows.append(
                {"name": row["name"], "kind": row["kind"], "family": family, "seconds": seconds}
            )
    return {
        "processor": machine["processor"],
        "threads": machine["threads"],
        "build": machine["build"],
        "versions": report["versions"],
        "rows": rows,
    }


def load(file: Path = FILE) -> tuple[str, list[Row]]:
    """Read where it was measured, as a sentence, and the rows."""
    kept = json.loads(file.read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {version}" for name, version in kept["versions"].items())
    where = (
        f"float32, {kept['threads']} threads of one {kept['processor']}, the build "
        f"``{kept['build']}``, beside {versions}. It is one machine's figure: yours will "
        "differ, and ``diglot bench`` measures it."
    )
    return where, [Row(**row) for row in kept["rows"]]


if __name__ == "__main__":
    figures = shorten(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    rows = figures.pop("rows")
    head = json.dumps(figures, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
    FILE.write_text(f'{head},\n "rows": [\n{lines}\n ]\n}}\n', encoding="utf-8")
