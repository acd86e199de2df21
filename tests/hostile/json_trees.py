"""JSON as a tree that may be wrong: keys twice, numbers beyond all bounds, JSON within a text."""

import json
from random import Random
from typing import Any, NamedTuple


class Raw(NamedTuple):
    """A value as it stands in the text; it need not be JSON."""

    text: str


class Members(list[list[Any]]):
    """An object: [name, value] for each member, in order, with names as often as they come."""


class Inside(NamedTuple):
    """A text that holds JSON itself, as the architecture does; one tree in a list."""

    content: list[Any]


HOSTILE = tuple(
    map(
        Raw,
        (
            *(
                "null",
                "true",
                "false",
                "0",
                "1",
                "2",
                "-1",
                "0.5",
                "-0.0",
                "1e3",
                "1e400",
                "-1e400",
            ),
            *("NaN", "Infinity", "-Infinity", "2147483648", "4294967296", "9007199254740993"),
            *("4611686018427387904", "9223372036854775807", "9223372036854775808"),
            *("18446744073709551615", "18446744073709551616", "9" * 400, "9" * 4299, "9" * 5000),
            *(
                '""',
                '"0"',
                '"a\\u0000b"',
                '"\\ud800"',
                '"../../etc/passwd"',
                '"__class__"',
                '"nan"',
            ),
            *('"inf"', '"F16"', '"F64"', '"BF16"', '"float64"', '"zeros"', '"same"', '"valid"'),
            *("[]", "{}", "[[]]", "[0]", "[1, 1]", "[2, 3, 4]", "[null]", '{"a": 1, "a": 2}'),
            *('{"type": "Flatten"}', '{"type": "Tanh"}', "[" * 600 + "]" * 600, "[" * 5000),
            *('"' + "x" * 300 + '"', "[" + ", ".join("9" * 200) + "]", "", "'", "//"),
        ),
    )
)
"""Values that no reader wants."""


def parse(text: str) -> Any:
    """Make a tree of a text.

    Raises:
        ValueError: it is not JSON.
    """
    tree = json.loads(text, object_pairs_hook=lambda pairs: Members(map(list, pairs)))
    if isinstance(tree, Members):  # of a model file's header: what is in its texts belongs to it
        for member in tree:
            if member[0] == "__metadata__" and isinstance(member[1], Members):
                for inner in member[1]:
                    inner[1] = _opened(inner[1])
    return tree


def write(tree: Any) -> str:
    """Make a text of a tree; no key is left out, and nothing is checked."""
    if isinstance(tree, Raw):
        return tree.text
    if isinstance(tree, Inside):
        return json.dumps(" ".join(map(write, tree.content)))
    if isinstance(tree, Members):
        members = (f"{json.dumps(name)}: {write(value)}" for name, value in tree)
        return "{" + ", ".join(members) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(write, tree)) + "]"
    return json.dumps(tree)


def change(tree: Any, random: Random) -> Any:
    """Change one value or name somewhere in it."""
    places = list(_places(tree))
    if not places:
        return random.choice(HOSTILE)
    container, key = random.choice(places)
    value = container[key][1] if isinstance(container, Members) else container[key]
    what = random.randrange(8)
    if what <= 1:
        _put(container, key, random.choice(HOSTILE))
    elif what == 2:
        del container[key]
    elif what == 3:
        container.insert(random.randrange(len(container) + 1), container[key])
    elif what == 4:
        other, at = random.choice(places)
        grafted = other[at][1] if isinstance(other, Members) else other[at]
        if not any(inner is container for inner in _containers(grafted)):  # no circle
            _put(container, key, grafted)
    elif what == 5 and isinstance(container, Members):
        container[key] = [_renamed(container, key, random), value]
    elif what == 6 and type(value) in (int, float):
        _put(container, key, random.choice((value + 1, value - 1, -value, value * 2, float(value))))
    else:
        random.shuffle(container)
    return tree


def _opened(text: Any) -> Any:
    try:
        tree = parse(text)
    except (ValueError, TypeError):
        return text
    return Inside([tree]) if isinstance(tree, list) else text


def _places(tree: Any) -> Any:
    """List (container, key) of all values."""
    for container in _containers(tree):
        for key in range(len(container)):
            yield container, key


def _containers(tree: Any) -> Any:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Inside):
            yield node.content
            waiting += node.content
        elif isinstance(node, Members):
            yield node
            waiting += [value for _, value in node]
        elif isinstance(node, list):
            yield node
            waiting += node


def _put(container: Any, key: int, value: Any) -> None:
    if isinstance(container, Members):
        container[key] = [container[key][0], value]
    else:
        container[key] = value


def _renamed(container: Members, key: int, random: Random) -> str:
    name = str(container[key][0])
    others = [str(member[0]) for member in container]
    return random.choice((*others, "", name + "x", name[:-1], name.upper(), "\0", "\ud800", "../x"))
