"""Fixtures that the tests of several commands share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from day33 import datasets


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small file in MNIST's format: 150 training and 40 test digits."""
    (x_train, y_train), (x_test, y_test) = datasets.load_digits_small()
    path = tmp_path / "small.npz"
    np.savez(path, x_train=x_train[:150], y_train=y_train[:150], x_test=x_test[:40], y_test=y_test[:40])
    return path
