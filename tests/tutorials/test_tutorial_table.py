"""The table of docs/tutorials.md names every test here, and no other."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "tutorials.md"


def named():
    """The tests in the last column, with their files."""
    found = set()
    for row in re.findall(r"^\|.*\|$", PAGE.read_text(), re.MULTILINE)[2:]:
        cells = row.strip("|").split("|")
        assert len(cells) == 4 and cells[2].strip() == "runs with the import changed", row
        file = None
        for name in re.findall(r"`([^`]+)`", cells[3]):
            file, test = name.split("::") if "::" in name else (file, name)
            found.add((f"test_tutorial_{file}", test))
    return found


def test_every_row_is_a_test_and_every_test_a_row():
    tests = {
        (path.name, test)
        for path in HERE.glob("test_tutorial_*.py")
        if path != Path(__file__)
        for test in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert named() == tests
