"""The house keeps its order: imports point down, and each outside package has its one place.

A new module needs a room; a new arrow between rooms is a decision (docs/design.md).
"""

import ast
import graphlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "diglot"

# Each room: its modules (a package stands for all its modules), and the rooms it may import. A room
# names only rooms above it in this table, so the arrows cannot run in a circle.
ROOMS = {
    "ground": (
        {"_arrays", "_main_interpreter", "_typing", "atomic", "errors", "config", "flat", "turns"}
        | {"untrusted", "suggestions"},
        set(),
    ),
    "quota": ({"quota"}, set()),
    "settings": ({"settings"}, set()),
    "reference": ({"kernels.reference"}, {"ground"}),
    "kernels": ({"kernels"}, {"ground", "quota", "settings", "reference"}),
    "svg": ({"svg"}, set()),
    "doctor": ({"doctor"}, {"quota", "settings"}),  # it runs where the others cannot be imported
    "autograd": ({"autograd"}, {"svg"}),
    "sources": ({"sources"}, {"kernels"}),
    "threads": ({"threads"}, {"ground", "kernels"}),
    "winograd": ({"winograd"}, {"ground", "kernels"}),
    "metrics": ({"metrics"}, {"ground", "kernels"}),
    "datasets": ({"datasets"}, {"ground"}),
    "optimizers": ({"optimizers", "schedules"}, {"ground", "kernels"}),
    "operations": ({"operations"}, {"ground", "kernels"}),
    "nodes": ({"nodes"}, {"ground", "kernels"}),
    "losses": ({"losses"}, {"ground", "kernels"}),
    "layers": ({"layers", "initializers"}, {"ground", "kernels", "operations"}),
    "network": (
        {"architecture", "network", "parameters", "sequences", "serialization", "state", "summary"}
        | {"display", "diagram", "observation"},
        {"ground", "svg", "kernels", "operations", "layers", "losses"},
    ),
    "trainer": (
        {"trainer", "fitting", "feeding", "history", "progress", "interrupt", "divergence"}
        | {"early_stopping", "chance", "moments", "resuming", "callbacks", "learning_rate"}
        | {"difference", "sparkline", "standing"},
        {"ground", "svg", "datasets", "optimizers", "metrics", "losses", "network"},
    ),
    "text": ({"text"}, {"ground", "datasets"}),
    "interop": ({"interop"}, {"ground", "operations", "layers", "network"}),
    "gradcheck": (
        {"gradcheck"},
        {"ground", "kernels", "operations", "layers", "losses", "network"},
    ),
    "mistakes": (
        {"mistakes"},
        {"ground", "reference", "kernels", "autograd", "datasets", "metrics", "optimizers"}
        | {"operations", "nodes", "losses", "layers", "network", "trainer", "gradcheck"},
    ),
    "verify": ({"verify"}, {"ground", "reference", "kernels", "threads", "gradcheck"}),
    "pairs": (
        {"pairs"},
        {"ground", "reference", "kernels", "sources", "optimizers", "operations", "losses"}
        | {"layers", "verify"},
    ),
    "plots": (
        {"plots"},
        {"ground", "metrics", "datasets", "operations", "layers", "network", "trainer"},
    ),
    "ladder": ({"ladder"}, {"ground", "reference", "kernels", "nodes", "threads", "plots"}),
    "reproduce": (
        {"reproduce"},
        {"ground", "kernels", "metrics", "datasets", "optimizers", "operations", "losses"}
        | {"layers", "network", "trainer"},
    ),
    "bench": (
        {"bench"},
        {"ground", "reference", "kernels", "threads", "optimizers", "losses", "layers"}
        | {"network", "trainer"},
    ),
    "exercises": (
        {"exercises"},
        {"ground", "reference", "kernels", "autograd", "sources", "threads", "operations"}
        | {"gradcheck", "verify", "ladder"},
    ),
    "cli": (
        {"cli", "__main__"},
        {"ground", "reference", "kernels", "threads", "metrics", "datasets", "optimizers"}
        | {"operations", "losses", "layers", "network", "trainer", "verify", "plots", "ladder"}
        | {"reproduce", "bench", "text", "sources", "pairs", "mistakes", "exercises"}
        | {"doctor"},
    ),
}

# Which modules may import an outside package.
OUTSIDE = {
    "numpy": {name for names, _ in ROOMS.values() for name in names},
    "rich": {"progress", "cli", "doctor.report"},
    "pygments": {"pairs", "cli"},
    "latex2mathml": {"pairs"},
    "safetensors": {"serialization"},
    "pooch": {"datasets"},
    "matplotlib": {"plots", "ladder.staircase"},
    "sklearn": {"reproduce"},
    "tensorboard": {"callbacks.tensorboard"},
    "threadpoolctl": {"bench.machine", "ladder.timing"},
    "torch": {
        "bench.peers.with_torch",
        "bench.peers.torch_training",
        "bench.peers.torch_language",
    },
    "jax": {"bench.peers.with_jax", "bench.peers.jax_training"},
}

PYTHON = sorted(PACKAGE.rglob("*.py"))
SOURCES = [
    path
    for folder in ("python", "csrc", "tests", "benchmarks", "examples")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".h", ".cpp"}
]


def relative(path):
    return str(path.relative_to(ROOT))


def module_name(path):
    """Name a file's module inside the package: "" for diglot itself, "layers.base", ..."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in PYTHON}


def imports(path):
    """Yield (line, package, module): what a file imports; module is None outside diglot."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}:{node.lineno}: import by the full name"
            targets = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        for name, member in targets:
            package, _, inside = name.partition(".")
            if package == "diglot":
                below = f"{inside}.{member}".lstrip(".") if member else inside
                yield node.lineno, package, below if below in MODULES else inside
            else:
                yield node.lineno, package, None


def belongs(module, names):
    return any(module == name or module.startswith(f"{name}.") for name in names if name)


def room_of(module):
    homes = [room for room, (names, _) in ROOMS.items() if belongs(module, names)]
    assert homes, f"diglot.{module} has no room: give it one in tests/test_layering.py"
    return homes[0]


def test_each_module_has_a_room_and_each_room_looks_up_no_room_below_it():
    seen = set()
    for room, (_, allowed) in ROOMS.items():
        assert allowed <= seen, f"{room} may not import {allowed - seen}"
        seen.add(room)
    assert {room_of(module) for module in MODULES if module} == set(ROOMS)


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_imports_point_down(path):
    if path == PACKAGE / "__init__.py":
        return  # the public face: it shows what is in all rooms
    room = room_of(module_name(path))
    for line, package, target in imports(path):
        if package != "diglot":
            continue
        where = f"{relative(path)}:{line}"
        assert target != "", f"{where}: {room} imports the public face; import the module itself"
        other = room_of(target)
        assert other == room or other in ROOMS[room][1], f"{where}: {room} imports {other}"


def test_modules_do_not_import_each_other_in_a_circle():
    graph = {
        module: {target for _, package, target in imports(path) if package == "diglot"} - {module}
        for module, path in MODULES.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_each_outside_package_has_its_place(path):
    module = module_name(path)
    for line, package, _ in imports(path):
        if package == "diglot" or package in sys.stdlib_module_names:
            continue
        home = OUTSIDE.get(package, set())
        assert module in home or belongs(module, home), (
            f"{relative(path)}:{line} imports {package}, which belongs in {sorted(home)}"
        )


def test_the_peers_are_imported_only_where_they_are_timed():
    # By name, in `peers.load`: whoever imports diglot, or its command, does not import PyTorch.
    for path in PYTHON:
        if not module_name(path).startswith("bench.peers"):
            found = {target for _, package, target in imports(path) if package == "diglot"}
            assert not {t for t in found if t and t.startswith("bench.peers.")}, relative(path)


def test_the_definitions_import_numpy_math_and_types_alone():
    for path in sorted((PACKAGE / "kernels" / "reference").glob("*.py")):
        found = {package for _, package, _ in imports(path)}
        assert found <= {"numpy", "math", "typing", "collections", "diglot"}, relative(path)


def includes(path):
    text = path.read_text(encoding="utf-8")
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text, flags=re.M)


def test_python_stays_above_the_bindings():
    for path in sorted((ROOT / "csrc").rglob("*.[hc]*")):
        found = includes(path)
        python = [name for name in found if name.startswith("pybind11/") or name == "Python.h"]
        may = path.parent.name == "bindings" or path.name == "cpu.cpp"
        assert may or not python, f"{relative(path)} includes {python}"
        if not may:
            upward = [name for name in found if name.startswith("bindings/")]
            if path.parent.name == "kernels":
                upward += [name for name in found if name.startswith("ladder/")]
            assert not upward, f"{relative(path)} includes {upward}"


def test_the_bindings_do_not_know_the_width_of_a_register():
    # They are compiled once for all instruction sets; only module.cpp belongs to one of them.
    def reached(path, seen):
        for name in includes(path):
            inner = ROOT / "csrc" / name
            if inner.exists() and inner not in seen:
                seen.add(inner)
                reached(inner, seen)
        return seen

    for path in sorted((ROOT / "csrc" / "bindings").glob("*.cpp")):
        if path.name != "module.cpp":
            found = reached(path, set())
            assert ROOT / "csrc/kernels/simd.h" not in found, f"{relative(path)} reaches simd.h"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_file_has_two_ideas_in_it(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 400, f"{lines} lines: split it"


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_a_user_error_is_never_an_assert(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not lines, f"assert in lines {lines}: raise an error that says what was expected"
