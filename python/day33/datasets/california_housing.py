"""Prices of homes in California, from 8 numbers: `keras.datasets.california_housing` (Pace and Barry, 1997)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ._fetched import KERAS_DATASETS, cached, check_split, split_at_random, table_in

__all__ = ["load_data"]

Split = tuple[NDArray[Any], ...]
URL = f"{KERAS_DATASETS}california_housing.npz"
SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
_SMALL = 600


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int | None = 113
) -> tuple[Split, Split]:
    """The districts, in the order of Keras for the same seed.

    Args:
        version: "large", or "small" for the first 600.
        path: the name of the file in the cache, which is downloaded if it is not there; or the path of a file.
        test_split: the share of the districts in the test part.
        seed: of the order.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: float32 (N, 8), and prices in dollars (N,).

    Raises:
        OSError: the file could not be downloaded. ValueError: it is damaged or another one; another version.
    """
    if version not in ("large", "small"):
        raise ValueError(f'version is {version!r}; expected "large" or "small"')
    check_split(test_split)
    arrays = table_in(cached(path, URL, SHA256))
    return split_at_random([a[:_SMALL] if version == "small" else a for a in arrays], test_split, seed)
