"""Finds definitions in C++ by their names: a tokenizer that knows strings, comments and braces.

It reads the style of csrc, which clang-format keeps; it is no parser of C++. What it cannot find is
an error that names the file and the name.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["AnchorError", "Definition", "definition", "definitions", "statements"]

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<directive>^[ \t]*\#(?:[^\n\\]|\\.)*)
      | (?P<string>R"(?P<fence>[^()\s]*)\(.*?\)(?P=fence)"|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+')
      | (?P<word>[A-Za-z_]\w*|\d(?:[\w.]|'\d)*)
      | (?P<sign>::|->|[^\s\w])""",
    re.X | re.S | re.M,
)
_OPEN, _CLOSE = "([{", ")]}"


class AnchorError(LookupError):
    """What an anchor names is not in the source, or is there more than once."""


@dataclass(frozen=True)
class Definition:
    """A function or a type, with the comment and the template line above it.

    Attributes:
        name: with the types around it, such as "Forward::step"; namespaces do not count.
        start: of its first line, in the text.
        end: behind its last line.
        is_body: it has braces; else it is a declaration.
    """

    name: str
    start: int
    end: int
    is_body: bool


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def _tokens(source: str) -> list[_Token]:
    return [
        _Token(match.lastgroup or "", match.group(), match.start(), match.end())
        if match.lastgroup != "fence"
        else _Token("string", match.group(), match.start(), match.end())
        for match in _TOKEN.finditer(source)
    ]


def _line_start(source: str, at: int) -> int:
    return source.rfind("\n", 0, at) + 1


def _line_end(source: str, at: int) -> int:
    found = source.find("\n", at)
    return len(source) if found < 0 else found + 1


def _skip(tokens: list[_Token], at: int) -> int:
    """Go from an opening bracket to behind the one that closes it."""
    depth = 0
    while at < len(tokens):
        if tokens[at].kind == "sign":
            depth += (tokens[at].text in _OPEN) - (tokens[at].text in _CLOSE)
        at += 1
        if depth == 0:
            break
    return at


@lru_cache(maxsize=64)
def definitions(source: str) -> tuple[Definition, ...]:
    """List the functions and types of a source file, declarations too, in their order."""
    return tuple(_scan(source, _tokens(source), 0, ""))


def _scan(
    source: str, tokens: list[_Token], at: int, outer: str
) -> Generator[Definition, None, None]:
    """Read declarations up to the brace that closes the one around them."""
    while at < len(tokens) and tokens[at].text != "}":
        token = tokens[at]
        if token.kind in ("comment", "directive") or token.text == ";":
            at += 1
        elif token.text == "namespace":
            while tokens[at].text not in "{;":
                at += 1
            if tokens[at].text == "{":
                yield from _scan(source, tokens, at + 1, outer)
                at = _skip(tokens, at)
        elif token.text in ("public", "private", "protected") or _is_macro(tokens, at):
            at = at + 2 if tokens[at + 1].text == ":" else _skip(tokens, at + 1)
        else:
            at = yield from _declaration(source, tokens, at, outer)


def _is_macro(tokens: list[_Token], at: int) -> bool:
    return tokens[at].text.isupper() and len(tokens[at].text) > 1 and tokens[at + 1].text == "("


def _declaration(
    source: str, tokens: list[_Token], first: int, outer: str
) -> Generator[Definition, None, int]:
    """Read one declaration, and return where the next one begins."""
    at, name, is_type, is_value = first, "", False, False
    while tokens[at].text == "template" or tokens[at].kind == "comment":
        at = _behind_angles(tokens, at + 1) if tokens[at].text == "template" else at + 1
    if tokens[at].text in ("struct", "class", "enum", "union"):
        is_type, name = True, tokens[at + 1].text
        if tokens[at + 2].text == "<":  # a specialisation
            end = _behind_angles(tokens, at + 2)
            name = "".join(token.text for token in tokens[at + 1 : end])
    opened, initialises = -1, False
    while tokens[at].text != ";":
        text = tokens[at].text
        initialises |= text == ":" and tokens[at - 1].text == ")"
        is_initializer = initialises and text == "{" and tokens[at - 1].kind == "word"
        if text == "=" and not is_type:
            is_value = True
        if text == "(" and not name and not is_value:
            name = _name_before(tokens, at)
        if text == "{" and opened < 0 and not is_value and not is_initializer:
            opened = at
            at = _skip(tokens, at)
            if not is_type:  # the body of a function ends it
                at -= 1
                break
        else:
            at = _skip(tokens, at) if text in _OPEN else at + 1
    last = tokens[at]
    if name and not (is_value and not is_type):
        start = _with_comment(source, tokens, first)
        yield Definition(outer + name, start, _line_end(source, last.end - 1), opened >= 0)
        if is_type and opened >= 0:
            yield from _scan(source, tokens, opened + 1, f"{outer}{name}::")
    return at + 1


def _behind_angles(tokens: list[_Token], at: int) -> int:
    depth = 0
    while True:
        depth += (tokens[at].text == "<") - (tokens[at].text == ">")
        at += 1
        if depth == 0:
            return at


def _name_before(tokens: list[_Token], at: int) -> str:
    """Read the name in front of a parenthesis: `step`, `Cut::of`."""
    parts = [tokens[at - 1].text] if tokens[at - 1].kind == "word" else []
    while parts and at >= 3 and tokens[at - 2].text == "::" and tokens[at - 3].kind == "word":
        at -= 2
        parts.insert(0, tokens[at - 1].text)
    return "::".join(parts)


def _with_comment(source: str, tokens: list[_Token], first: int) -> int:
    """Find the first line of the comment that stands right above, without an empty line."""
    start = _line_start(source, tokens[first].start)
    for token in reversed(tokens[:first]):
        line = _line_start(source, token.start)
        alone = not source[line : token.start].strip()
        if token.kind != "comment" or not alone or _line_end(source, token.end) != start:
            break
        start = line
    return start


def definition(source: str, name: str) -> Definition:
    """Find a function or type: its definition if the file has one, else its declaration.

    Raises:
        AnchorError: there is none, or several.
    """
    found = [d for d in definitions(source) if d.name == name]
    found = [d for d in found if d.is_body] or found
    if len(found) != 1:
        raise AnchorError(f"{name!r} is defined {len(found)} times, expected once")
    return found[0]


def statements(source: str, within: Definition, first: str, last: str) -> tuple[int, int]:
    """Find whole statements in a definition.

    Args:
        source: the file.
        within: the definition.
        first: how the first line begins, behind its indentation.
        last: how the line begins with which the last statement begins.

    Returns:
        Where they begin and end in the source, in whole lines.

    Raises:
        AnchorError: no line begins so, or several do.
    """
    start = _line(source, within, first)
    tokens = [token for token in _tokens(source) if token.start >= _line(source, within, last)]
    at = 0
    while True:
        token = tokens[at]
        if token.kind == "sign" and token.text in _OPEN:
            at = _skip(tokens, at)
            goes_on = tokens[at].text in (";", ",", ")", "(", ".", "else", "while", "=")
            if token.text == "{" and not goes_on:
                return start, _line_end(source, tokens[at - 1].end - 1)
        elif token.text == ";":
            at += 1
            if tokens[at].text != "else":
                return start, _line_end(source, token.start)
        else:
            at += 1


def _line(source: str, within: Definition, beginning: str) -> int:
    """Find the one line that begins so."""
    starts = [
        within.start + match.start()
        for match in re.finditer(r"^[^\n]*\n", source[within.start : within.end], flags=re.M)
        if match.group().lstrip().startswith(beginning)
    ]
    if len(starts) != 1:
        raise AnchorError(
            f"{len(starts)} lines of {within.name!r} begin with {beginning!r}, expected one"
        )
    return starts[0]
