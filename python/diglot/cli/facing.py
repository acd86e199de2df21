"""Draws a pair in a terminal: two columns of code where it is wide enough, else one.

Code is never cut off: a line that is too long goes on below, a little further in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from pygments import token
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text

from diglot.pairs.model import Excerpt, Pair, Part

__all__ = ["broken", "print_lines", "print_pair", "width_of_columns"]

_GAP = 3
_NARROWEST = 30  # columns of a terminal; below, it has to break the lines itself
_HANGING = 4  # columns by which a line goes on further in
_LEAST, _A_FEW = 50, 2  # columns of code; lines that may be broken, in a short part, too
_LANGUAGES = {"python": "Python", "cpp": "C++"}

# The terminal's own colours, those that can be read on dark and on light.
_THEME = ANSISyntaxTheme(
    {
        token.Comment: Style(color="green"),
        token.Comment.Preproc: Style(color="cyan"),
        token.Comment.PreprocFile: Style(color="cyan"),
        token.String: Style(color="yellow"),
        token.String.Doc: Style(color="green"),
        token.Number: Style(color="cyan"),
        token.Keyword: Style(color="magenta"),
        token.Keyword.Type: Style(color="cyan"),
        token.Operator.Word: Style(color="magenta"),
        token.Name.Class: Style(color="cyan"),
        token.Name.Decorator: Style(color="cyan"),
        token.Name.Function: Style(bold=True),
    }
)


@dataclass(frozen=True)
class _Column:
    """An excerpt, ready to be printed: what stands above it, and its lines; none is too wide."""

    header: list[Text]
    lines: list[Text]


def width_of_columns(part: Part, width: int) -> int | None:
    """Decide how wide each of two columns is; None if one below the other reads better.

    Two columns are chosen as long as few lines of code would have to be broken.

    Args:
        part: what is to be shown.
        width: of the terminal, in characters.
    """
    column = (width - _GAP) // 2
    if part.left is None or part.right is None:
        return None
    lengths = [
        cell_len(line) + _gutter(side) for side in (part.left, part.right) for line in side.lines
    ]
    too_long = sum(length > column for length in lengths)
    return column if too_long <= max(_A_FEW, len(lengths) / 4) and column >= _LEAST else None


def print_pair(console: Console, pair: Pair) -> None:
    """Print the name, the equation, the parts, and what was compared."""
    width = max(_NARROWEST, console.width)
    console.print(Text(pair.name, style="bold").append(f"  {pair.kind}", style="not bold italic"))
    print_lines(console, [Text(pair.title)], hanging=0)
    if pair.equation:
        console.print()
        print_lines(console, [Text(f"    {line}") for line in pair.equation.splitlines()])
    for part in pair.parts:
        console.print()
        print_lines(console, [_rule(part.label, width, ascii_only=console.options.ascii_only)])
        print_lines(console, _part(part, width))
    console.print()
    agreement = Text(f"Compared just before: {pair.agreement}.", style="green")
    print_lines(console, [agreement], hanging=0)


def print_lines(console: Console, lines: list[Text], hanging: int | None = None) -> None:
    """Print lines without spaces at their ends; what is too long goes on below, and hangs."""
    for line in lines:
        for piece in broken(line, max(_NARROWEST, console.width), hanging):
            piece.rstrip()
            console.print(piece, soft_wrap=True)


def _rule(label: str, width: int, *, ascii_only: bool) -> Text:
    rule = Text(label, style="bold")
    left = width - rule.cell_len - 1
    return rule.append(" " + ("-" if ascii_only else "─") * left, style="not bold bright_black")


def _part(part: Part, width: int) -> list[Text]:
    column = width_of_columns(part, width)
    sides = [side for side in (part.left, part.right) if side is not None]
    if len(sides) == 2 and column is not None:
        left, right = (_column(side, column) for side in sides)
        return list(_side_by_side(left, right, column))
    lines: list[Text] = []
    for side in sides:
        one = _column(side, width)
        lines += [Text()] * bool(lines) + [*one.header, *one.lines]
    return lines


def _side_by_side(left: _Column, right: _Column, width: int) -> Iterator[Text]:
    rows = max(len(left.header), len(right.header))
    first_top, second_top = (
        column.header + [Text()] * (rows - len(column.header)) for column in (left, right)
    )
    for first, second in zip_longest([*first_top, *left.lines], [*second_top, *right.lines]):
        line = first.copy() if first is not None else Text()
        if second is not None:
            line.append(" " * (width + _GAP - line.cell_len))
            line.append_text(second)
        yield line


def _gutter(side: Excerpt) -> int:
    return len(str(side.last_line)) + 2


def _column(side: Excerpt, width: int) -> _Column:
    gutter = _gutter(side)
    code = Syntax("", "python" if side.language == "python" else "cpp", theme=_THEME).highlight(
        side.text
    )
    lines: list[Text] = []
    for number, line in enumerate(code.split("\n")[: len(side.lines)], side.first_line):
        for at, piece in enumerate(broken(line, width - gutter)):
            margin = f"{'' if at else number:>{gutter - 2}}  "
            lines.append(Text(margin, style="").append_text(piece))
            lines[-1].stylize("bright_black", 0, gutter)
    header = Text(f"{_LANGUAGES[side.language]}  {side.path}:{side.first_line}", style="")
    header.stylize("underline", len(_LANGUAGES[side.language]) + 2)
    header.stylize("bold", 0, len(_LANGUAGES[side.language]))
    return _Column(broken(header, width), lines)


def broken(line: Text, width: int, hanging: int | None = None) -> list[Text]:
    """Break a line at spaces, as far as there are any; what follows hangs further in.

    Args:
        line: one line.
        width: of what comes out, in characters.
        hanging: the margin of what follows; None means a little more than the line's own.
    """
    plain = line.plain
    start = len(plain) - len(plain.lstrip())
    hanging = min(start + _HANGING if hanging is None else hanging, width // 2)
    pieces: list[Text] = []
    while line.cell_len > width:
        plain = line.plain
        body = len(plain) - len(plain.lstrip())
        space = plain.rfind(" ", body + 1, width + 1)
        at = space if space > body else width
        pieces.append(line[:at])
        rest = line[at:]
        skip = len(rest.plain) - len(rest.plain.lstrip())
        line = Text(" " * hanging).append_text(rest[skip:])
    return [*pieces, line]
