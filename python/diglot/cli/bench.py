"""`diglot bench`: how fast is each kernel, beside NumPy, PyTorch, JAX, and the machine's limit?"""

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from diglot import kernels, plots
from diglot.atomic import write_atomically
from diglot.bench import ceilings, machine, peers
from diglot.bench.ceilings import Ceilings
from diglot.bench.measure import FULL, QUICK, measure
from diglot.bench.placement import Placement
from diglot.bench.result import Result
from diglot.bench.table import select
from diglot.bench.work import JAX, NUMPY, OURS, TORCH
from diglot.cli.bench_table import print_costs, print_table, print_verdict
from diglot.cli.console import UsageError, make_console, positive_number, print_pairs
from diglot.kernels import native, reference
from diglot.threads import get_num_threads, num_threads

_WIDTH = 200  # characters, in a file or a pipe: the table is wide
_DESCRIPTION = """Time every kernel and some trainings, in turn with NumPy and, where they are
installed, PyTorch and JAX (jit): float32, the same data and number of threads. Each result is
compared with the definition first, and what is wrong is named and not timed. The ceilings of this
machine, multiply-adds and memory, are measured in the same run. Exit status 1 if a result is wrong
or a goal is missed. The whole table takes some five minutes."""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    text = "time every kernel beside NumPy, PyTorch, JAX and the machine's limit"
    parser = commands.add_parser("bench", help=text, description=_DESCRIPTION)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a group such as matmul, conv2d, recurrent or training, a kernel, a row, or "
        "a pattern such as '*_backward' (all)",
    )
    parser.add_argument(
        "--threads",
        type=positive_number,
        metavar="N",
        help=f"of every competitor ({get_num_threads()})",
    )
    parser.add_argument(
        "--isa", choices=native.BUILDS, help="the build to time (the one in use here)"
    )
    parser.add_argument("--quick", action="store_true", help="a few samples of each: a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there, too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the roofline there")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Measure, print a table, and tell whether all is right and every goal is met."""
    try:
        works, costs = select(arguments.names)
    except ValueError as error:
        raise UsageError(str(error)) from error
    for option, path in (("--json", arguments.json), ("--plot", arguments.plot)):
        if path and not path.parent.is_dir():
            raise UsageError(f"{option} {path}: its folder does not exist")
    threads = arguments.threads or get_num_threads()
    if threads > native.MOST_THREADS:
        raise UsageError(f"--threads {threads}: at most {native.MOST_THREADS}")
    build = _build(arguments.isa)
    console, settings = make_console(_WIDTH), QUICK if arguments.quick else FULL
    report: dict[str, Any] = {"diglot": version("diglot"), "quick": arguments.quick}
    results: list[Result] = []
    paid: list[dict[str, Any]] = []
    started = time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(num_threads(threads))
        module = native.load(build)
        placement = Placement(module, threads)
        others = [peers.load(name, threads) for name in peers.installed()]
        stack.enter_context(machine.limit_pools(threads))
        noise = machine.Noise(build, placement)
        with placement.turn(openmp=True):
            limits = ceilings.measure(build, 0.1 if arguments.quick else 0.3)
        report |= {
            "machine": machine.describe(build, threads),
            "placement": str(placement),
            "versions": {NUMPY: np.__version__, **{peer.name: peer.version for peer in others}},
            "ceilings": limits.to_dict(),
        }
        _print_header(console, report, limits, others)
        ours = peers.backend(OURS, module)
        definition = peers.backend(NUMPY, reference)
        fastest = build == kernels.available_builds()[0]
        try:
            with Console(stderr=True).status("") as status:
                for work in works:
                    status.update(f"timing {work.name}")
                    result = measure(
                        work, ours, definition, others, limits, settings, placement,
                        scaling=threads > 1,
                    )  # fmt: skip
                    result.judge(build, fastest)
                    results.append(result)
                for cost in costs:
                    status.update(f"measuring {cost.name}")
                    paid.append(cost.result(build, threads))
        finally:  # what has been measured is shown, whatever stopped the rest
            noise.probe()
            report |= {
                "noise": noise.to_dict(),
                "warnings": noise.warnings(),
                "rows": [result.to_dict() for result in results],
                "costs": paid,
                "seconds": time.perf_counter() - started,
            }
            if results:
                print_table(console, results, [peer.name for peer in others], threads)
            if paid:
                print_costs(console, paid)
            _write(console, arguments, report, results, limits)
    return print_verdict(console, results, paid, report, judged=not arguments.quick)


def _build(asked: str | None) -> str:
    try:
        if asked:
            native.load(asked)
            return asked
        active = kernels.get_backend()
        name = native.best_build().__name__.rpartition(".")[2].removeprefix("_native_")
        return active if active in native.BUILDS else name
    except (ImportError, ValueError) as error:
        raise UsageError(f"there is nothing to time: {error}") from error


def _print_header(
    console: Console, report: dict[str, Any], limits: Ceilings, others: Sequence[peers.Competitor]
) -> None:
    about = report["machine"]
    missing = [name for name in (TORCH, JAX) if name not in {peer.name for peer in others}]
    add = f"; to compare with {' and '.join(missing)}: pip install {_packages(missing)}"
    versions = [f"{name} {number}" for name, number in report["versions"].items()]
    memory = [f"{level.name} {level.bandwidth / 1e9:.0f} GB/s" for level in limits.levels]
    ways = [f"{peer.name}: {peer.threads}" for peer in others]
    environment = [f"{name}={value}" for name, value in about["environment"].items()]
    print_pairs(
        console,
        [
            ("processor", f"{about['processor']}, {about['processors']} processors"),
            ("build", f"{about['build']}, {about['vector_bits']}-bit vectors"),
            ("compiler", f"{about['compiler']}, {about['flags']}"),
            ("peers", ", ".join(versions) + (add if missing else "")),
            ("threads", "; ".join([str(about["threads"]), *ways])),
            ("", f"OpenMP's: {report['placement']}"),
            *(("pools" if not i else "", pool) for i, pool in enumerate(about["pools"])),
            ("waiting", ", ".join(environment) or "OMP_WAIT_POLICY is not set"),
            ("ceilings", f"FMA {limits.fma / 1e9:.0f} GFLOP/s; triad: {', '.join(memory)}"),
        ],
    )


def _packages(names: Sequence[str]) -> str:
    return " ".join({TORCH: "torch", JAX: "jax"}[name] for name in names)


def _write(
    console: Console,
    arguments: argparse.Namespace,
    report: dict[str, Any],
    results: Sequence[Result],
    limits: Ceilings,
) -> None:
    if arguments.json:
        write_atomically(
            arguments.json, json.dumps(report, indent=2, allow_nan=False).encode() + b"\n"
        )
    points = [
        plots.Point(result.work.label, result.work.group, *speed)
        for result in results
        if (speed := result.speed)
    ]
    if not arguments.plot or not points:
        return
    threads, about = report["machine"]["threads"], report["machine"]
    title = f"{about['processor']}, {threads} threads, {about['build']}, float32"
    title += " (hollow: forward and backward)"
    roofs = {level.name: level.bandwidth for level in limits.levels}
    try:
        plots.roofline(points, fma=limits.fma, bandwidths=roofs, title=title, path=arguments.plot)
    except ImportError as error:
        console.print(f"no picture: {error}")
