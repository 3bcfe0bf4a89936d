"""Pages of `day33.explain` as a reader's programs see them: parsed, run by Node, and opened in a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import day33
from day33.explain import Explanation

ASSETS = Path(day33.__file__).parent / "explain" / "assets"
VOID = {"br", "img", "input", "link", "meta"}


class Page(HTMLParser):
    """A page taken apart. Raises AssertionError where its elements are not closed in order.

    Attributes:
        data: what stands in its JSON block, one entry per section.
        scripts: the texts of its scripts.
        addresses: values of attributes that could load something.
        words: all text outside of scripts and styles.
    """

    def __init__(self, explanation: Explanation | str) -> None:
        super().__init__()
        self.data: list[dict[str, Any]] = []
        self.widgets: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.words = ""
        self.source = explanation if isinstance(explanation, str) else explanation.html()
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(self.source)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [str(given[name]) for name in ("src", "href", "srcset", "action", "data") if name in given]
        assert not any(name.startswith("on") for name in given), f"a script in an attribute of {tag}"
        if "id" in given:
            self.ids.append(str(given["id"]))
        if given.get("class") == "widget":
            self.widgets.append(str(given["data-widget"]))
        if tag not in VOID:
            self._open.append((tag, given))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"{tag} is closed, but not open"
        opened, _ = self._open.pop()
        assert opened == tag, f"{opened} is open where {tag} is closed"

    def handle_data(self, data: str) -> None:
        tag, given = self._open[-1] if self._open else ("", {})
        if tag == "script" and given.get("type") == "application/json":
            self.data = json.loads(data)
        elif tag == "script":
            self.scripts.append(data)
        elif tag == "style":
            self.styles.append(data)
        else:
            self.words += data

    def of(self, widget: str) -> dict[str, Any]:
        """The data of the first section with this widget."""
        filled = [entry for entry in self.data if entry]
        return filled[self.widgets.index(widget)]


def run_script(expression: str, *values: Any) -> Any:
    """What an expression gives in Node, where `day33` is `math.js` and `v` the values. Skips without Node."""
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        pytest.skip("node is not installed")
    program = (
        f"const day33 = require({json.dumps(str(ASSETS / 'math.js'))});"
        "const v = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        f"console.log(JSON.stringify({expression}));"
    )
    done = subprocess.run(
        [node, "-e", program], input=json.dumps(values), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def browser_path() -> str:
    """Chromium of this machine. Skips the test without it, or without playwright, which drives it."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    return found


def texts(nodes: Sequence[Any]) -> list[str]:
    """The texts of elements of a browser's page."""
    return [node.text_content() for node in nodes]
