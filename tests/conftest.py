"""Fixtures that many tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from day33 import _native


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data beside the repository, or where DAY33_SHARED points.

    Without it the test is skipped; in CI that would hide a hole, so there it fails, unless DAY33_SHARED=none says that
    this machine has no such folder.
    """
    configured = os.environ.get("DAY33_SHARED")
    if configured == "none":
        pytest.skip("DAY33_SHARED=none")
    folder = Path(configured) if configured else Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        reason = f"the shared data folder is absent ({folder}); DAY33_SHARED names another"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture
def restored_threads() -> Iterator[None]:
    """The number of threads is what it was, whatever the test sets."""
    before = _native.get_num_threads()
    yield
    _native.set_num_threads(before)


@pytest.fixture(params=[1, 2, 3, 7])
def threads(request: pytest.FixtureRequest, restored_threads: None) -> int:
    """Run the test with each of these numbers of threads."""
    _native.set_num_threads(request.param)
    return int(request.param)


@pytest.fixture
def restored_isa() -> Iterator[None]:
    """The instruction set is what it was, whatever the test selects."""
    before = _native.isa()
    yield
    _native.select_isa(before)


@pytest.fixture(params=_native.available_isas())
def isa(request: pytest.FixtureRequest, restored_isa: None) -> str:
    """Run the test with each instruction set of this machine."""
    _native.select_isa(request.param)
    return str(request.param)
