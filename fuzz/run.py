"""Fuzz all loaders, one after another, and print what came of it.

python fuzz/run.py --inputs 1000000

What a loader should not do ends its run; the input is kept in build/fuzz, and the command that
reads it again is printed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "fuzz"

SHARES = {
    "model": 12,
    "checkpoint": 5,
    "idx": 20,
    "idx.gz": 12,
    "text": 15,
    "vocabulary": 15,
    "state dict": 6,
    "CSV log": 5,
    "JSON log": 5,
    "housing table": 2,
    "passed": 3,
}
"""Hundredths of all inputs: more for those that are read fast."""

TRAPS = ("error", "hang", "memory", "message")
HEAD = "{:14} {:>8} {:>6} {:>6} {:>9} {:>8} {:>8} {:>7} {:>7}  {}"


def main() -> int:
    """Run all; the exit status is 1 if something was found, or if a trap was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=SHARES)
    arguments = parser.parse_args()
    print(f"{arguments.inputs} inputs, seed {arguments.seed}")
    missed = [] if arguments.only else [trap for trap in TRAPS if not _is_found(f"trap: {trap}")]
    if missed:
        print(f"The fuzzer is blind: it has not found {', '.join(missed)}")
        return 1
    print(f"The fuzzer sees: it has found {len(TRAPS)} of {len(TRAPS)} planted faults")
    titles = ("loader", "inputs", "edges", "features", "accepted", "refused", "slowest", "memory")
    print(HEAD.format(*titles, "seconds", "refused by"))
    total, failed = 0, False
    for name, share in SHARES.items():
        if arguments.only in (None, name):
            inputs = -(-arguments.inputs * (100 if arguments.only else share) // 100)
            done, found = _run(name, inputs, arguments.seed)
            total, failed = total + done, failed or found
    verdict = "FAULTS WERE FOUND, see above" if failed else "no crash, no hang, no memory excess"
    print(f"total: {total} inputs, {verdict}")
    return int(failed)


def _run(name: str, inputs: int, seed: int) -> tuple[int, bool]:
    """Fuzz one loader and print its row; return how many inputs it read, and whether one failed."""
    begun = time.monotonic()
    status, told, report = _fuzz(name, inputs, seed)
    outcomes = dict(report["outcomes"])
    accepted = outcomes.pop("accepted", 0)
    edges, features = (re.findall(rf"\b{key}: (\d+)", told) or ["?"] for key in ("cov", "ft"))
    print(
        HEAD.format(
            name,
            report["inputs"],
            edges[-1],
            features[-1],
            accepted,
            sum(outcomes.values()),
            f"{1000 * report['slowest']:.0f} ms",
            f"{report['memory'] / 1e6:.0f} MB",
            f"{time.monotonic() - begun:.0f}",
            ", ".join(f"{kind} {count}" for kind, count in sorted(outcomes.items())),
        ),
        flush=True,
    )
    if not status and report["inputs"] >= inputs:
        return report["inputs"], False
    print("\n".join(told.splitlines()[-40:]))
    for file in re.findall(r"Test unit written to (\S+)", told):
        print(f"read it again: {sys.executable} fuzz/target.py '{name}' --file {file}")
    return report["inputs"], True


def _is_found(trap: str) -> bool:
    status, told, _ = _fuzz(trap, 200_000, 1, "--seconds", "2")
    return status != 0 and "Test unit written to" in told


def _fuzz(name: str, inputs: int, seed: int, *more: str) -> tuple[int, str, dict[str, Any]]:
    kept = BUILD / re.sub(r"\W+", "-", name)
    kept.mkdir(parents=True, exist_ok=True)
    file = kept / "report.json"
    file.unlink(missing_ok=True)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="diglot-fuzz-", dir=memory) as folder:
        command = [sys.executable, "fuzz/target.py", name, "--inputs", str(inputs)]
        command += ["--seed", str(seed % 2**31), "--keep", str(kept), "--folder", folder, *more]
        with open(kept / "log.txt", "w+", errors="replace") as log:
            done = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log)
            log.seek(0)
            told = log.read()
    report = json.loads(file.read_text()) if file.exists() else None
    return done.returncode, told, report or {"inputs": 0, "outcomes": {}, "slowest": 0, "memory": 0}


if __name__ == "__main__":
    sys.exit(main())
