"""Draws a pair in a terminal: two columns of code where it is wide enough, else one.

Code is never cut off: a line that is too long goes on below, a little further in.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from pygments import token
from rich.cells import cell_len
from rich.console import Console
from rich.rule import Rule
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text

from diglot.pairs.model import Excerpt, Pair, Part

__all__ = ["print_pair", "width_of_columns"]

_GAP = 3
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
    """An excerpt, ready to be printed: its header and its lines, none of them too wide."""

    header: Text
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
    broken = sum(length > column for length in lengths)
    return column if broken <= max(_A_FEW, len(lengths) / 4) and column >= _LEAST else None


def print_pair(console: Console, pair: Pair) -> None:
    """Print the name, the equation, the parts, and what was compared."""
    width = console.width
    heading = Text(pair.name, style="bold").append(f"  {pair.kind}", style="not bold italic")
    console.print(heading)
    console.print(pair.title)
    if pair.equation:
        console.print()
        _print(
            console,
            [line for text in pair.equation.splitlines() for line in _equation(text, width)],
        )
    for part in pair.parts:
        console.print()
        console.print(Rule(Text(part.label, style="bold"), align="left", style="bright_black"))
        _print(console, _part(part, width))
    console.print()
    console.print(Text(f"Compared just before: {pair.agreement}.", style="green"))


def _print(console: Console, lines: list[Text]) -> None:
    for line in lines:
        line.rstrip()
        console.print(line, soft_wrap=True)


def _equation(line: str, width: int) -> list[Text]:
    return _broken(Text("    " + line), width)


def _part(part: Part, width: int) -> list[Text]:
    column = width_of_columns(part, width)
    sides = [side for side in (part.left, part.right) if side is not None]
    if len(sides) == 2 and column is not None:
        left, right = (_column(side, column) for side in sides)
        return list(_side_by_side(left, right, column))
    lines: list[Text] = []
    for side in sides:
        one = _column(side, width)
        lines += [Text()] * bool(lines) + [one.header, *one.lines]
    return lines


def _side_by_side(left: _Column, right: _Column, width: int) -> Iterator[Text]:
    pairs = zip_longest([left.header, *left.lines], [right.header, *right.lines])
    for first, second in pairs:
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
        for at, piece in enumerate(_broken(line, width - gutter)):
            margin = f"{'' if at else number:>{gutter - 2}}  "
            lines.append(Text(margin, style="").append_text(piece))
            lines[-1].stylize("bright_black", 0, gutter)
    header = Text(f"{_LANGUAGES[side.language]}  {side.path}:{side.first_line}", style="")
    header.stylize("underline", len(_LANGUAGES[side.language]) + 2)
    header.stylize("bold", 0, len(_LANGUAGES[side.language]))
    return _Column(_broken(header, width)[0], lines)


def _broken(line: Text, width: int) -> list[Text]:
    """Break a line at spaces, as far as there are any; what follows hangs further in."""
    plain = line.plain
    start = len(plain) - len(plain.lstrip())
    hanging = min(start + _HANGING, width // 2)
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
