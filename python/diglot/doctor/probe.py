"""What is asked in a child process. It is run by its path, and may not import diglot to begin with.

The question comes as JSON on standard input; the answer is a line of JSON, behind a mark.
"""

import importlib
import importlib.machinery
import importlib.util
import json
import os
import re
import sys
import time
from typing import Any

MARK = "diglot-doctor "


def say(kind: str, value: object) -> None:
    """Print one line for the doctor; what was said stays said if the next step crashes."""
    print("\n" + MARK + json.dumps({kind: value}), flush=True)


def numpy_runs(question: dict[str, Any]) -> dict[str, Any]:
    """Import NumPy, and use it."""
    np = importlib.import_module("numpy")
    total = float((np.ones((3, 4)) @ np.ones((4, 5))).sum())
    return {"version": np.__version__, "file": np.__file__, "right": total == 60.0}


def libraries(question: dict[str, Any]) -> dict[str, Any]:
    """Import each library that diglot needs, and ask for the folder of the downloads."""
    found: dict[str, Any] = {}
    for name in question["names"]:
        say("stage", name)
        try:
            importlib.import_module(name)
            found[name] = ""
        except Exception as error:  # whatever a broken library does
            found[name] = f"{type(error).__name__}: {error}"
    cache = ""
    if not found.get("pooch", "missing"):
        cache = str(importlib.import_module("pooch").os_cache("diglot"))
    return {"libraries": found, "cache": cache}


def module(question: dict[str, Any]) -> dict[str, Any]:
    """Load one compiled module from its file, without the package that it is in."""
    name = question["module"]
    loader = importlib.machinery.ExtensionFileLoader(name, question["file"])
    spec = importlib.machinery.ModuleSpec(name, loader, origin=question["file"])
    loaded: Any = importlib.util.module_from_spec(spec)
    loader.exec_module(loaded)
    if hasattr(loaded, "runnable_builds"):
        return {"runnable": sorted(loaded.runnable_builds())}
    return {"build": dict(loaded.build_info()), "digests": dict(loaded.source_digests())}


def package(question: dict[str, Any]) -> dict[str, Any]:
    """Import diglot as any program does, and look at what the process is like afterwards."""
    diglot = importlib.import_module("diglot")
    np = importlib.import_module("numpy")
    n = 64
    diglot.kernels.matmul(np.ones((n, n), np.float32), np.ones((n, n), np.float32))
    tiny = np.full(3, 1e-40, np.float32) * np.float32(0.5)
    third = np.longdouble(1) / 3
    return {
        "backend": diglot.get_backend(),
        "threads": diglot.get_num_threads(),
        "subnormals": bool((tiny > 0).all()),
        "long_double": bool(np.isfinite(third) and abs(third * 3 - 1) < 1e-15),
        "runtimes": runtimes(),
        "milliseconds": product_times(diglot, np) if question["threads"] > 1 else [],
    }


def runtimes() -> list[dict[str, Any]]:
    """List the libraries in this process that have threads of their own."""
    try:
        threadpoolctl = importlib.import_module("threadpoolctl")
    except ImportError:
        return mapped_runtimes()
    return [
        {"kind": info["user_api"], "file": info["filepath"], "threads": info["num_threads"]}
        for info in threadpoolctl.threadpool_info()
    ]


def mapped_runtimes() -> list[dict[str, Any]]:
    """Find them by their names among the files that Linux has mapped into this process."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            files = sorted({line.split(None, 5)[5].strip() for line in file if "/" in line})
    except OSError:
        return []
    kinds = {"openmp": r"lib(gomp|iomp5|omp)\b", "blas": r"lib(\w*openblas|mkl_rt|blis|cblas)"}
    return [
        {"kind": kind, "file": name, "threads": None}
        for name in files
        for kind, pattern in kinds.items()
        if re.match(pattern, os.path.basename(name))
    ]


def product_times(diglot: Any, np: Any) -> list[float]:
    """Time a product of matrices with one thread and with two, in milliseconds, taking turns."""
    a = np.ones((512, 512), np.float32)
    best = [float("inf"), float("inf")]
    for _ in range(8):
        for index in (0, 1):
            diglot.set_num_threads(index + 1)
            diglot.kernels.matmul(a, a)  # the threads are awake
            started = time.perf_counter()
            diglot.kernels.matmul(a, a)
            best[index] = min(best[index], 1000 * (time.perf_counter() - started))
    return best


def kernels(question: dict[str, Any]) -> dict[str, Any]:
    """Compare the kernels of some builds with their definitions."""
    importlib.import_module("diglot")
    verify = importlib.import_module("diglot.verify").verify
    cases = importlib.import_module("diglot.kernels.cases").CASES
    checks = []
    for name in sorted(cases):
        say("stage", name)  # if the process dies, it is known where
        checks += list(verify(question["builds"], names=[name], quick=not question["full"]))
    failed = [str(check) for check in checks if not check.passed]
    return {"checks": len(checks), "kernels": len(cases), "failed": failed}


PROBES = {
    "numpy_runs": numpy_runs,
    "libraries": libraries,
    "module": module,
    "package": package,
    "kernels": kernels,
}


def main() -> None:
    """Answer one question."""
    asked = json.load(sys.stdin)
    sys.path[:] = asked["path"]
    for name in asked["again"]:  # which another program would import from elsewhere
        sys.modules.pop(name, None)
    try:
        say("facts", PROBES[asked["probe"]](asked["question"]))
    except BaseException as error:  # an exit, too, is an answer
        say("error", f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
