"""Real data for the programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from day33.datasets import load_mnist


@pytest.fixture(scope="session")
def digits(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 28, 28, 1) from 0 to 1 and their labels; the last thousand are for tests."""
    path = shared / "data" / "mnist" / "mnist.npz"
    if not path.is_file():
        pytest.skip(f"MNIST is absent ({path})")
    (pictures, labels), _ = load_mnist(path)
    return pictures[..., None].astype(np.float32) / 255, labels.astype(np.int64)
