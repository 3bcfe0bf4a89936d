"""Prices of homes in Boston's suburbs, from 13 numbers: `keras.datasets.boston_housing` (Harrison and Rubinfeld, 1978).

One of the 13 is made from the share of Black residents, on the assumption that people pay for segregation. Use
`california_housing` unless that is what you study.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from ._fetched import KERAS_DATASETS, cached, check_split, split_at_random, table_in

__all__ = ["load_data"]

Split = tuple[NDArray[Any], ...]
URL = f"{KERAS_DATASETS}boston_housing.npz"
SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int | None = 113) -> tuple[Split, Split]:
    """The homes, in the order of Keras for the same seed.

    Args:
        path: the name of the file in the cache, which is downloaded if it is not there; or the path of a file.
        test_split: the share of the homes in the test part.
        seed: of the order.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: float64 (N, 13), and prices in thousands of dollars (N,).

    Raises:
        OSError: the file could not be downloaded. ValueError: it is damaged or another one.
    """
    check_split(test_split)
    return split_at_random(table_in(cached(path, URL, SHA256)), test_split, seed)
