"""`diglot verify`: do the native kernels agree with their definitions, on this machine?"""

import argparse
import fnmatch
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from diglot import kernels
from diglot.cli.console import UsageError, make_console, make_table, style_of
from diglot.kernels import native
from diglot.kernels.cases import CASES
from diglot.verify import Check, verify

_DESCRIPTION = """Run every native kernel over its case table, in every build that this processor
can run, in float32 and float64, and compare with the NumPy reference evaluated in float64. Repeat
with 1, 2 and 3 threads: the bits must be the same. Compare the reference's gradients with finite
differences. Exit status 1 if anything differs."""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    text = "check every native kernel against its NumPy definition"
    parser = commands.add_parser("verify", help=text, description=_DESCRIPTION)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a kernel, or a pattern such as 'conv2d*' (all)"
    )
    parser.add_argument(
        "--build",
        action="append",
        choices=[*native.BUILDS, "reference"],
        help="a build to check; may be repeated (every one that runs here)",
    )
    parser.add_argument(
        "--where", action="store_true", help="say of each check where its largest error is"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Check, print a table, and tell whether all agrees."""
    console = make_console()
    names = _kernels(arguments.names)
    builds = _builds(arguments.build)
    started = time.perf_counter()
    checks: list[Check] = []
    with Console(stderr=True).status("") as status:
        for name in names:
            status.update(f"checking {name}")
            checks += verify(builds, names=[name])
    seconds = time.perf_counter() - started
    _print_table(console, names, builds, checks)
    _print_largest(console, builds, checks)
    if arguments.where:
        for check in checks:
            console.print(str(check), soft_wrap=True)
    return _print_verdict(console, checks, seconds)


def _kernels(patterns: Sequence[str]) -> list[str]:
    unknown = [pattern for pattern in patterns if not fnmatch.filter(CASES, pattern)]
    if unknown:
        known = ", ".join(sorted(CASES))
        raise UsageError(f"kernel {unknown[0]!r} is unknown; choose from {known}")
    return sorted(n for n in CASES if not patterns or any(fnmatch.fnmatch(n, p) for p in patterns))


def _builds(asked: Sequence[str] | None) -> list[str]:
    try:
        available = [*kernels.available_builds(), "reference"]
    except ImportError as error:
        raise UsageError(str(error)) from error
    for name in asked or ():
        if name not in available:
            raise UsageError(f"build {name} does not run here; choose from {', '.join(available)}")
    return list(dict.fromkeys(asked)) if asked else available[:-1]


def _print_table(
    console: Console, names: Sequence[str], builds: Sequence[str], checks: Sequence[Check]
) -> None:
    """Print kernels by builds; an error is counted in tolerances, so that 1 is the limit."""
    numbers = [*(build.removeprefix("x86_64_") for build in builds), "gradient"]
    table = make_table("kernel", "cases", *numbers, "bits", right=["cases", *numbers])
    for name in names:
        own = [check for check in checks if check.kernel == name]
        parity = [check for check in own if check.kind == "parity"]
        by_build = [_worst([c for c in parity if c.build == build]) for build in builds]
        gradient = _worst([check for check in own if check.kind == "gradient"])
        same = all(check.passed for check in own if check.kind == "threads")
        table.add_row(
            name,
            str(max(check.cases for check in parity)),
            *map(_units, by_build),
            _units(gradient),
            Text("same" if same else "DIFFER", style_of(same)),
        )
    console.print(table)
    console.print(
        "An error is the largest over all cases, as a share of what rounding may do there; above "
        "1 it fails.\nBits: in each build, with 1, 2 and 3 threads.\n"
    )


def _print_largest(console: Console, builds: Sequence[str], checks: Sequence[Check]) -> None:
    for build in builds:
        worst = _worst([c for c in checks if c.kind == "parity" and c.build == build])
        if worst and worst.passed:
            console.print(
                f"largest in {build}: {worst.kernel}, {worst.dtype}, {worst.where}", soft_wrap=True
            )


def _print_verdict(console: Console, checks: Sequence[Check], seconds: float) -> bool:
    failed = [check for check in checks if not check.passed]
    for check in failed:
        console.print(f"FAILED {check}", style=style_of(False), soft_wrap=True)
    kernel_names = {check.kernel for check in checks}
    broken = sorted({check.kernel for check in failed})
    verdict = f"{', '.join(broken)} DIFFER" if broken else "all agree"
    console.print(
        f"\n{len(checks)} checks of {len(kernel_names)} kernels in {seconds:.1f} s: {verdict}",
        style=style_of(not failed),
        soft_wrap=True,
    )
    return not failed


def _worst(checks: Sequence[Check]) -> Check | None:
    return max(checks, key=lambda check: check.units, default=None)


def _units(check: Check | None) -> Text:
    if check is None:
        return Text("")
    text = f"{check.units:.3f}" if check.units < 100 else f"{check.units:.0e}"
    return Text(text, style_of(check.passed))
