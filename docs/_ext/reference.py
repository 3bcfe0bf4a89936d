"""The reference: one page for each public module of day33, made of its docstrings, and nothing of it left out.

`__all__` says what is public, as `tests/test_architecture.py` holds.
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx

import day33

FOLDER = "api"
# Modules of names that stand in other rooms.
_TABLES = ("keras", "tf")


def modules() -> dict[str, ModuleType]:
    """The public modules by name, in alphabetical order."""
    named = {name: importlib.import_module(f"day33.{name}") for name in day33.__all__ if _is_module(name)}
    return dict(sorted(named.items()))


def _is_module(name: str) -> bool:
    try:
        return inspect.ismodule(importlib.import_module(f"day33.{name}"))
    except ImportError:
        return False


def page_of(name: str, module: ModuleType) -> str:
    title = f"``day33.{name}``"
    lines = [title, "=" * len(title), "", f".. automodule:: day33.{name}", "   :no-members:", ""]
    if name in _TABLES:
        return "\n".join([*lines, "Its names are those of the other modules; see :doc:`/keras`.", ""])
    for item in module.__all__:
        value = getattr(module, item)
        if inspect.ismodule(value):
            lines += [f"- ``day33.{name}.{item}``", ""]
        elif inspect.isclass(value):
            lines += [f".. autoclass:: day33.{name}.{item}", "   :members:", ""]
        elif callable(value):
            lines += [f".. autofunction:: day33.{name}.{item}", ""]
        else:
            lines += [f".. py:data:: day33.{name}.{item}", ""]
    return "\n".join(lines)


def write_pages(app: Sphinx) -> None:
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    found = modules()
    for name, module in found.items():
        _write(folder / f"{name}.rst", page_of(name, module))
    top = [name for name in day33.__all__ if name not in found and name != "__version__"]
    lines = ["Reference", "=========", "", "``day33`` itself", "-----------------", ""]
    for item in top:
        kind = "class" if inspect.isclass(getattr(day33, item)) else "function"
        lines += [f".. auto{kind}:: day33.{item}", "   :no-index:", ""]
    lines += ["Modules", "-------", "", ".. toctree::", "   :maxdepth: 1", "", *(f"   {name}" for name in found), ""]
    _write(folder / "index.rst", "\n".join(lines))


def _write(path: Path, text: str) -> None:
    """Unchanged pages keep their time, so that they are not built anew."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def as_rst(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text with names between backticks: what reStructuredText would read as markup is escaped.

    Code blocks, tables and the names of arguments stay as they are. It runs before napoleon makes fields of sections.
    """
    code: int | None = None  # the indentation of the paragraph that a code block follows
    table = False
    for n, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if code is not None and line.strip() and indent <= code:
            code = None
        if re.fullmatch(r"\s*=+( +=+)+", line):
            table = not table or (n + 1 < len(lines) and bool(lines[n + 1].strip()))
            continue
        if code is not None or table or line.lstrip().startswith(".."):
            continue
        named = re.match(r"\s+\*{0,2}\w+(, \*{0,2}\w+)*:(?=\s)", line)  # of an argument, which napoleon escapes
        begin = named.end() if named else 0
        parts = re.split(r"(``.*?``|`[^`]*`)", line[begin:])
        parts[::2] = [re.sub(r"(?<!\\)(\*+|(?<=\w)_(?!\w)|\|)", _escaped, part) for part in parts[::2]]
        lines[n] = line[:begin] + "".join(parts)
        if line.rstrip().endswith("::"):
            code = indent


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"\\{sign}" for sign in match.group())


def skip(app: Sphinx, what: str, name: str, obj: Any, skipped: bool, options: Any) -> bool | None:
    """Methods that scikit-learn gives its estimators are explained there."""
    return True if re.fullmatch(r"set_\w+_request|get_metadata_routing", name) else None


def repository_links(app: Sphinx, docname: str, source: list[str]) -> None:
    """Pages that are read in the repository, too, link to files beside `docs`, which the site does not have."""
    source[0] = re.sub(r"\[([^\]]+)\]\(\.\./([\w./-]+?)(#[\w-]*)?\)", r"\1 (`\2` of the repository)", source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", as_rst, priority=100)
    app.connect("autodoc-skip-member", skip)
    app.connect("source-read", repository_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
