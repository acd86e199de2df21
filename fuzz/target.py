"""Fuzz one loader, led by the lines of the library that its files reach.

python fuzz/target.py LOADER --inputs N     runs so many
python fuzz/target.py LOADER --file FILE    reads one file again
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from random import Random

import atheris

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "hostile"))

with nullcontext() if "--file" in sys.argv else atheris.instrument_imports(include=["diglot"]):
    from hostile_loaders import LOADERS
    from loading import Loader, put
    from mutations import mutate
    from traps import TRAPS

ROOM = 50_000_000
"""Bytes that one input may take."""

ALL = {**LOADERS, **TRAPS}

LONGEST = 1 << 16
"""Bytes of an input; mutations that are longer are cut."""


class Target:
    """Reads one input after another, and counts what comes of them."""

    def __init__(self, loader: Loader, folder: Path, inputs: int, report: Path) -> None:
        self._loader, self._inputs, self._report = loader, inputs, report
        self._path = folder / loader.file_name
        self._outcomes: Counter[str] = Counter()
        self._done, self._slowest, self._most, self._told = 0, 0.0, 0, 0.0
        self._rest = 0  # memory when the high-water mark was set back

    def __call__(self, content: bytes) -> None:
        """Read one input; an error that is no refusal ends the fuzzing."""
        if self._done % 500 == 0:
            self._set_back()
        begun = time.perf_counter()
        outcome = self._loader.try_out(put(self._path, content))
        took = time.perf_counter() - begun
        self._done += 1
        self._outcomes[outcome] += 1
        self._slowest = max(self._slowest, took)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - self._rest
        self._most = max(self._most, used)
        if used > ROOM:
            raise MemoryError(f"this input took {used / 1e6:.0f} MB")
        if self._done >= self._inputs or time.monotonic() - self._told > 1:
            self.tell()

    def tell(self) -> None:
        """Write what is known so far."""
        self._told = time.monotonic()
        self._report.write_text(
            json.dumps(
                {
                    "inputs": self._done,
                    "outcomes": dict(self._outcomes),
                    "slowest": self._slowest,
                    "memory": self._most,
                }
            )
        )

    def _set_back(self) -> None:
        """Count memory from here on: the fuzzer's own grows by and by."""
        Path("/proc/self/clear_refs").write_text("5")
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                self._rest = int(line.split()[1]) * 1024


def fuzz(loader: Loader, folder: Path, kept: Path, inputs: int, seed: int, seconds: int) -> None:
    """Run libFuzzer, which does not come back."""
    (kept / "corpus").mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(loader.seeds):
        (kept / "corpus" / f"seed-{number}").write_bytes(content)
    target = Target(loader, folder, inputs, kept / "report.json")
    target.tell()

    def mutant(data: bytes, max_size: int, number: int) -> bytes:
        random = Random(number)
        if random.random() < 0.5:
            return atheris.Mutate(data, max_size)
        if random.random() < 0.5:  # near what is right is where acceptance and refusal part
            data = random.choice(loader.seeds)
        return mutate(loader.form, data, random)[:max_size]

    arguments = [
        sys.argv[0],
        f"-runs={inputs}",
        f"-seed={seed}",
        f"-max_len={LONGEST}",
        f"-timeout={seconds}",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={kept}/",
        "-len_control=0",
        "-print_final_stats=1",
        str(kept / "corpus"),
    ]
    atheris.Setup(arguments, target, custom_mutator=mutant)
    atheris.Fuzz()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("loader", choices=ALL)
    add("--file", type=Path, help="read this file, and do no more")
    add("--inputs", type=int, default=100_000, help="how many")
    add("--seed", type=int, default=1, help="of libFuzzer")
    add("--seconds", type=int, default=10, help="that one input may take")
    add(
        "--keep", type=Path, default=ROOT / "build" / "fuzz" / "one", help="folder of what is found"
    )
    add("--folder", type=Path, help="where inputs are put, in memory at best")
    given = parser.parse_args()
    loader, folder = ALL[given.loader], given.folder or Path(tempfile.mkdtemp())
    if given.file is not None:
        print(loader.try_out(put(folder / loader.file_name, given.file.read_bytes())))
    else:
        fuzz(loader, folder, given.keep, given.inputs, given.seed, given.seconds)


if __name__ == "__main__":
    main()
