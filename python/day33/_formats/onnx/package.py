"""The `onnx` package, which is optional and imported only where a file is written or read."""

from __future__ import annotations

import importlib
from typing import Any


def onnx_package() -> Any:
    """The package `onnx`.

    Raises:
        ImportError: it is not installed.
    """
    try:
        importlib.import_module("onnx.checker")
        importlib.import_module("onnx.external_data_helper")
        return importlib.import_module("onnx")
    except ImportError as error:
        raise ImportError(
            f'files in the format ONNX need the package "onnx" (pip install "day33[onnx]"): {error}'
        ) from error
