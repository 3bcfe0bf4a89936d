"""Modules of the benchmarks' harness, without the packages that the other frameworks are in."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

HARNESS = Path(__file__).resolve().parents[2] / "bench" / "harness"


def harness_module(name: str) -> ModuleType:
    """The module; skips the test where there is no bench/ beside the tests."""
    path = HARNESS / f"{name}.py"
    if not path.is_file():
        pytest.skip("there is no bench/ beside the tests")
    spec = importlib.util.spec_from_file_location(f"bench_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for the types of their fields
    spec.loader.exec_module(module)
    return module
