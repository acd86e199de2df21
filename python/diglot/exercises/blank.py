"""The file that a learner gets: the library's own, without the bodies that are to be written."""

import ast
import re
import textwrap

from diglot.exercises.catalogue import number
from diglot.exercises.exercise import Exercise
from diglot.exercises.solution import Definition, definition, solution
from diglot.sources import read

__all__ = ["blank", "is_blank", "without_comments"]

_WIDTH = 96


def blank(exercise: Exercise) -> str:
    """Make the file of an exercise, whose body says that it is still to be written."""
    if exercise.kind == "rung":
        return _cpp(exercise)
    found = definition(exercise)
    if isinstance(found.node, ast.ClassDef):
        body = _without_bodies(
            found, [node for node in found.node.body if _is_blanked(exercise, node)]
        )
    else:
        body = _without_bodies(found, [found.node])
    return f'"""{_heading(exercise)}\n"""\n\n{imports(found)}\n\n{body}'


def is_blank(exercise: Exercise, text: str) -> bool:
    """Tell whether nothing but comments and spaces has been written into a file in C++."""
    return without_comments(text) == without_comments(blank(exercise))


# ---- Python --------------------------------------------------------------------------------------


def imports(found: Definition) -> str:
    """Write the imports that a definition needs: its module's own, and helpers from the module."""
    used = {node.id for node in ast.walk(found.node) if isinstance(node, ast.Name)}
    lines, own = [], set()
    for node in found.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a for a in node.names if (a.asname or a.name).split(".")[0] in used]
            if names:
                kept = ast.copy_location(
                    ast.Import(names)
                    if isinstance(node, ast.Import)
                    else ast.ImportFrom(node.module, names, node.level),
                    node,
                )
                lines.append(_folded(ast.unparse(kept)))
        else:
            own |= _defined(node) & used - {found.node.name}
    if "import numpy as np" not in lines:
        lines.insert(0, "import numpy as np")
    if own:
        lines.append(_folded(f"from {found.module.__name__} import {', '.join(sorted(own))}"))
    inside = sorted(line for line in lines if "diglot" in line)
    numpy = [line for line in lines if "numpy" in line and "diglot" not in line]
    others = [line for line in lines if line not in numpy and line not in inside]
    groups = ["\n".join(group) for group in (others, numpy, inside) if group]
    return "\n\n".join(groups) + "\n"


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _folded(line: str) -> str:
    """Break an import that is too long for a line."""
    if len(line) <= _WIDTH:
        return line
    head, _, names = line.partition(" import ")
    return f"{head} import (\n" + "".join(f"    {n},\n" for n in names.split(", ")) + ")"


def _is_blanked(exercise: Exercise, node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name in exercise.blanks


def _without_bodies(found: Definition, functions: list[ast.FunctionDef] | list[ast.stmt]) -> str:
    """Copy a definition's lines, but of some functions only what stands before the body."""
    lines = list(found.lines)
    for node in reversed(functions):
        if not isinstance(node, ast.FunctionDef):
            continue
        first = node.body[0]
        text = ast.get_docstring(node) is not None
        start = (first.end_lineno or first.lineno) if text else first.lineno - 1
        indent = " " * first.col_offset
        lines[start : node.end_lineno] = [
            f'{indent}raise NotImplementedError("write the body of {node.name} here")'
        ]
    cut = len(found.lines) - len(lines)
    return "\n".join(lines[found.first : found.end - cut]) + "\n"


def _heading(exercise: Exercise) -> str:
    names = " and ".join([", ".join(exercise.blanks[:-1]), *exercise.blanks[-1:]][-2:]).strip()
    what = names.removeprefix("and ").strip() or exercise.name
    heading = f"Exercise {number(exercise)}, {exercise.name}: {exercise.learn}."
    where = "look for TODO" if exercise.kind == "rung" else "in place of the last line"
    if exercise.kind == "operation":
        where = "each in place of its last line"
    task = (
        f"Write the body of {what} ({where}). Keep names and arguments. Inputs stay as they are; "
        "results are new arrays of the inputs' dtype."
    )
    if exercise.name.endswith("_inplace"):
        task = (
            f"Write the body of {what} ({where}). Keep names and arguments. The arrays that the "
            "docstring calls changed are changed in place, all others stay as they are."
        )
    if exercise.kind == "walk":
        task = f"Write the body of {what} ({where}). Keep its name and its arguments."
    if exercise.kind == "rung":
        task = f"Write the body of {what} ({where}). Keep all else."
    commands = "\n".join(
        f"    diglot exercise {verb} {exercise.name}" for verb in ("check", "hint", "solution")
    )
    parts = [heading, textwrap.fill(task, _WIDTH), commands]
    if exercise.kind == "cell":
        parts.append(f"It is one step of {exercise.judge}:\n\n{_equations(exercise)}")
    return "\n\n".join(parts)


def _equations(exercise: Exercise) -> str:
    """Quote the docstring of the kernel that a cell is a step of."""
    from diglot.kernels import reference

    forward = exercise.judge.replace("_backward", "_forward")
    text = textwrap.dedent("    " + (getattr(reference, forward).__doc__ or ""))
    text, _, _ = text.partition("\nSource:")
    if forward != exercise.judge:
        text = f"(forward)\n{text}"
    return textwrap.indent(text.strip(), "    ")


# ---- C++ -----------------------------------------------------------------------------------------


def _cpp(exercise: Exercise) -> str:
    text = solution(exercise).text
    for name in exercise.blanks:
        begin, end = _body(text, name)
        todo = f"{{\n    // TODO: write the body of {name}.\n}}"
        text = text[:begin] + todo + text[end:]
    path = f"csrc/ladder/{exercise.home}.h"
    formula = read(path).partition("\n#pragma")[0].partition(" A rung is")[0]
    formula = formula.partition("\n")[2].rstrip(" /\n")  # without its title
    parts = [
        _commented(_heading(exercise)),
        f"// To be computed, as {path} says:\n{formula}\n",
        *(_commented(_declaration(*place)) for place in _TYPES[exercise.home]),
        text,
    ]
    return "//\n".join(parts)


# The types in a rung's arguments, which a learner would have to look up.
_TYPES = {
    "matmul": [("csrc/ladder/matmul.h", "Matrix")],
    "conv2d": [("csrc/kernels/conv.h", "ConvShape"), ("csrc/kernels/view.h", "View")],
    "lstm": [("csrc/ladder/lstm.h", "Lstm"), ("csrc/kernels/recurrent.h", "RecurrentShape")],
}


def _declaration(path: str, name: str) -> str:
    """Quote a structure from a header."""
    match = re.search(rf"^struct {name} \{{.*?^\}};$", read(path), flags=re.M | re.S)
    if match is None:
        raise LookupError(f"{path} has no struct {name}")
    return f"From {path}:\n\n{textwrap.indent(match[0], '    ')}"


def _commented(text: str) -> str:
    return "".join(f"// {line}".rstrip() + "\n" for line in text.splitlines())


def _body(text: str, name: str) -> tuple[int, int]:
    """Find the braces around the body of a C++ function, from the first to behind the last."""
    match = re.search(rf"^void {name}\([^;{{]*?\{{", text, flags=re.M | re.S)
    if match is None:
        raise LookupError(f"no function {name} is defined")
    begin, depth = match.end() - 1, 0
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return begin, at + 1
    raise LookupError(f"the body of {name} has no end")


def without_comments(text: str) -> str:
    """Take comments, and all white space, out of C++ (none of our files has them in a string)."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r"\s+", "", text)
