"""`diglot pair`: the definition in NumPy and the C++ that was compiled, side by side."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from diglot.cli.console import UsageError, make_console

_DESCRIPTION = """Show a kernel in two languages: the equation and its definition in NumPy on the
left, the C++ that was compiled on the right, the parts matched where they correspond; a narrow
terminal has them below each other. Of an operation, layer, loss or optimizer: its Python, and the
kernels it calls. Each kernel is compared with its definition before it is shown; if it differs, it
is not shown, and the exit status is 1. Without a name, list all pairs."""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    text = "show a kernel, operation or layer in two languages, side by side"
    parser = commands.add_parser("pair", help=text, description=_DESCRIPTION)
    parser.add_argument("name", nargs="?", help="such as conv2d_forward, LSTM, Dense, Adam")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page instead")
    parser.add_argument("--pager", action="store_true", help="show it in $PAGER, or less")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Compare, and show; or list what there is."""
    # Here, so that the other commands need not wait for what only this one needs.
    from diglot import pairs

    if arguments.html is not None and arguments.name is None:
        raise UsageError("--html needs the NAME of a pair; `diglot pair` lists all")
    if arguments.html is not None and not arguments.html.absolute().parent.is_dir():
        raise UsageError(f"{arguments.html} cannot be written: its folder does not exist")
    console = make_console(200)
    if arguments.name is None:
        with _paged(console, wanted=arguments.pager):
            _print_list(console)
        return True
    try:
        pair = pairs.find(arguments.name)
    except pairs.UnknownPairError as error:
        raise UsageError(str(error)) from error
    except pairs.PairDiffersError as error:
        print(f"diglot: not shown, for it is not equal: {error}", file=sys.stderr)
        return False
    if arguments.html is not None:
        from diglot.pairs import page

        arguments.html.write_text(page.html(pair), encoding="utf-8")
        console.print(f"{pair.agreement}")
        console.print(f"written: {arguments.html}")
        return True
    from diglot.cli.facing import print_pair

    with _paged(console, wanted=arguments.pager):
        print_pair(console, pair)
    return True


@contextlib.contextmanager
def _paged(console: Console, *, wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    os.environ.setdefault("LESS", "-R")  # colours pass
    with console.pager(styles=console.color_system is not None):
        yield


def _print_list(console: Console) -> None:
    from diglot import pairs
    from diglot.cli.facing import print_lines

    longest = max(map(len, pairs.names()))
    for family, members in pairs.families().items():
        console.print(family, style="bold")
        for name in members:
            line = Text(f"  {name:<{longest}}  {pairs.kind(name):<9}  ")
            margin = len(line)
            line.stylize("cyan", 2, 2 + len(name))
            print_lines(console, [line.append(pairs.title(name))], hanging=margin)
        console.print()
    console.print("Show one: diglot pair NAME")
