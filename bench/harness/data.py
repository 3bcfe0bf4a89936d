"""Where the real data is."""

from __future__ import annotations

import os
from pathlib import Path


def shared_file(*parts: str) -> Path | None:
    """A file of the folder with real data, or None where it is absent.

    The folder is the one that DAY33_SHARED names, by default `shared` beside the repository.
    """
    folder = os.environ.get("DAY33_SHARED") or Path(__file__).resolve().parents[3] / "shared"
    path = Path(folder, *parts)
    return path if path.is_file() else None
