"""The rules of the house (docs/architecture.md), read off the sources: floors, circles, public and private names.

Every import statement counts, those inside functions and under TYPE_CHECKING included. A failure names file and line.
"""

from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import day33

PACKAGE = Path(day33.__file__).parent
ROOF = "day33"  # day33/__init__.py and __main__.py: they open the doors of all rooms, and nobody imports from them

# The rooms from the ground up. A room is a module, or a folder with all that is in it.
FLOORS = (
    ("_native",),
    ("_core",),
    ("random", "_io", "text"),
    ("initializers", "constraints", "activations", "_data"),
    ("optimizers",),
    ("_graph",),
    ("ops",),
    ("losses", "regularizers", "_tape"),
    ("metrics",),
    ("layers", "callbacks"),
    ("_training",),
    ("_formats",),
    ("models",),
    ("saving", "_onnx", "plotting", "decoding", "datasets"),
    ("utils",),
    ("sklearn",),
    ("keras", "autoencoder", "lyricist"),
    ("tf",),
    ("ensemble",),
    ("explain",),
    ("cli",),
    (ROOF,),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# Methods of namedtuples, which have an underscore only to keep clear of the names of fields.
NAMEDTUPLE = {"_asdict", "_fields", "_make", "_replace"}


class Module(NamedTuple):
    """A source file. `name` is dotted and relative to the package: "layers.core"; of a folder's __init__ "layers"."""

    name: str
    path: Path
    tree: ast.Module
    is_package: bool

    @property
    def room(self) -> str:
        return room_of(self.name)

    def at(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(PACKAGE.parent)}:{node.lineno}"


class Import(NamedTuple):
    """One name that `importer` imports from day33: the module that is loaded for it, and where the statement stands."""

    importer: Module
    target: str
    node: ast.AST


def room_of(name: str) -> str:
    return name.split(".")[0] or ROOF


@functools.cache
def modules() -> dict[str, Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        if is_package or parts == ["__main__"]:
            parts.pop()
        name = ".".join(parts)
        if path.name == "__main__.py":
            name = ROOF
        found[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8")), is_package)
    return found


def nearest_module(dotted: str) -> str:
    """The module that holds what `dotted` names: itself, or the module it is an attribute of."""
    while dotted and dotted not in modules() and dotted != "_native":
        dotted = dotted.rpartition(".")[0]
    return dotted


def imports_of(module: Module) -> Iterator[Import]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "day33":
                    yield Import(module, nearest_module(alias.name.partition(".")[2]), node)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                parents = module.name.split(".") if module.name not in ("", ROOF) else []
                climbed = node.level - 1 if module.is_package else node.level
                base = parents[: len(parents) - climbed]
            elif node.module and node.module.split(".")[0] == "day33":
                base = []
            else:
                continue
            below = [node.module] if node.level and node.module else (node.module or "").split(".")[1:]
            for alias in node.names:
                yield Import(module, nearest_module(".".join([*base, *below, alias.name])), node)


def every_import() -> Iterator[Import]:
    for module in modules().values():
        yield from imports_of(module)


# ---- floors ----


def test_every_module_has_a_room():
    assert sorted({module.room for module in modules().values()} | {"_native"}) == sorted(FLOOR)


def test_imports_point_to_lower_floors():
    wrong = [
        f"{item.importer.at(item.node)}: {item.importer.room} (floor {FLOOR[item.importer.room]}) imports "
        f"{item.target or ROOF} (floor {FLOOR[room_of(item.target)]})"
        for item in every_import()
        if item.importer.room != room_of(item.target) and FLOOR[room_of(item.target)] >= FLOOR[item.importer.room]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_circle_inside_a_room():
    edges: dict[str, dict[str, str]] = {name: {} for name in modules()}
    for item in every_import():
        if item.importer.room == room_of(item.target) != ROOF and item.target != item.importer.name:
            edges[item.importer.name].setdefault(item.target, item.importer.at(item.node))
    circle = find_circle(edges)
    assert not circle, "a circle of imports:\n" + "\n".join(circle)


def find_circle(edges: dict[str, dict[str, str]]) -> list[str]:
    """The places of the imports along some circle; empty where there is none."""
    done: set[str] = set()

    def visit(name: str, way: list[str], places: list[str]) -> list[str]:
        if name in way:
            return places[way.index(name) :]
        if name in done:
            return []
        for target, place in edges.get(name, {}).items():
            circle = visit(target, [*way, name], [*places, f"{place}: {name} imports {target}"])
            if circle:
                return circle
        done.add(name)
        return []

    return next((circle for name in edges if (circle := visit(name, [], []))), [])


def test_private_modules_stay_in_their_room():
    """A file with an underscore below a public folder belongs to that folder alone."""
    wrong = [
        f"{item.importer.at(item.node)}: imports {item.target}"
        for item in every_import()
        if item.importer.room != room_of(item.target)
        and any(part.startswith("_") for part in item.target.split(".")[1:])
    ]
    assert not wrong, "\n".join(wrong)


def test_files_of_private_rooms_have_no_second_underscore():
    wrong = [
        module.name
        for module in modules().values()
        if module.room.startswith("_") and any(part.startswith("_") for part in module.name.split(".")[1:])
    ]
    assert not wrong, wrong


# ---- public names ----


def public_rooms() -> list[str]:
    return sorted({room for room in FLOOR if not room.startswith("_")} - {ROOF})


def defined_names(module: Module) -> Iterator[tuple[str, ast.stmt]]:
    """Names without underscore that the top level of a module binds; in a folder's __init__ also those it imports from
    its own files."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        elif module.is_package and isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            names = [alias.asname or alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if not name.startswith("_"):
                yield name, node


@pytest.mark.parametrize("room", [*public_rooms(), ""])
def test_public_names_are_all(room):
    module = importlib.import_module(f"day33.{room}".rstrip("."))
    listed = set(module.__all__)
    missing = [name for name in sorted(listed) if not hasattr(module, name)]
    assert not missing, f"{room}.__all__ lists what is not there: {missing}"
    unlisted = [
        f"{modules()[room].at(node)}: {name}" for name, node in defined_names(modules()[room]) if name not in listed
    ]
    assert not unlisted, "public by name, but not in __all__:\n" + "\n".join(unlisted)


def test_dir_shows_what_is_public():
    for room in public_rooms():
        module = importlib.import_module(f"day33.{room}")
        shown = {name for name in dir(module) if not name.startswith("_")}
        assert shown == set(module.__all__), f"day33.{room}: {sorted(shown ^ set(module.__all__))}"


# ---- private attributes ----


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_names(module: Module) -> set[str]:
    """Private names that a file defines: functions, classes, variables, attributes it assigns."""
    found = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own(node.value):
            found.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)  # __slots__
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)  # __dict__.update(_lock=...)
    return {name for name in found if is_private(name)}


def is_own(node: ast.expr) -> bool:
    """Whether an expression is `self`, `cls` or `super()`: a class may use what its base classes call protected."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def test_no_private_attribute_of_another_room():
    defined: dict[str, set[str]] = {}
    for module in modules().values():
        defined.setdefault(module.room, set()).update(private_names(module))
    wrong = [
        f"{module.at(node)}: {ast.unparse(node)}"
        for module in modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and is_private(node.attr)
        and node.attr not in defined[module.room] | NAMEDTUPLE
        and not is_own(node.value)
    ]
    assert not wrong, "\n".join(wrong)
