"""Read hostile files in a process that has 50 MB for it, and tell on stdout what came of each.

python in_child.py FOLDER    the files are FOLDER/NUMBER/..., the loaders' names come from stdin
"""

import ctypes
import gc
import json
import resource
import sys
import traceback
from pathlib import Path

from hostile_loaders import LOADERS
from loading import put

ROOM = 50_000_000
"""Bytes that a refusal may take."""


def memory(name: str) -> int:
    """Read a figure of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def main(folder: Path) -> None:
    """Read one file after another; the limit is on all memory, be it touched or not."""
    for loader in LOADERS.values():  # what is imported lazily does not count
        warm = folder / "warm" / loader.name
        warm.mkdir(parents=True)
        loader.try_out(put(warm / loader.file_name, loader.seeds[-1]))
        loader.try_out(put(warm / loader.file_name, b"\xff"))
    # What was freed before is taken again without being counted: so it goes back to the system.
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", lambda room: None)
    limit = memory("VmSize") + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for line in sys.stdin:
        number, name = line.rstrip("\n").split("\t")
        loader = LOADERS[name]
        gc.collect()
        give_back(0)
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
        before = memory("VmRSS")
        message = ""
        try:
            loader.read(folder / number / loader.file_name)
            outcome = "accepted"
        except loader.refusals as error:
            outcome, message = type(error).__name__, str(error)
            loader.check_message(error, folder / number / loader.file_name)
        except BaseException:
            outcome, message = "crash", traceback.format_exc()
        used = memory("VmHWM") - before
        print(json.dumps([int(number), outcome, message, used]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
