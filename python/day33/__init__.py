"""Small neural networks on the CPU: Keras's API on kernels of its own.

    from day33 import Model, layers

The modules (`day33.layers`, `day33.ops`, ..., all in `day33.__all__`) are imported when they are first used.
"""

from __future__ import annotations

import importlib
import os as _os
import sys as _sys
from typing import TYPE_CHECKING, Any

try:
    from ._native import __version__, get_num_threads, set_num_threads
except ImportError as _error:  # DAY33_MAX_ISA or DAY33_NUM_THREADS may have a value that it refuses
    if _os.path.basename(_sys.argv[0]) not in ("day33", "-m") or "DAY33_TRACEBACK" in _os.environ:
        raise
    _sys.exit(f"day33: error: {_error}")  # the command itself: an error in one line, as its others
from ._core.threadpool import register_if_imported as _register_if_imported
from ._core.threadpool import register_threadpoolctl
from .random import set_random_seed

if TYPE_CHECKING:
    from . import (
        activations,
        autoencoder,
        callbacks,
        cli,
        constraints,
        datasets,
        decoding,
        ensemble,
        explain,
        initializers,
        keras,
        layers,
        losses,
        lyricist,
        metrics,
        models,
        ops,
        optimizers,
        plotting,
        random,
        regularizers,
        saving,
        sklearn,
        text,
        tf,
        utils,
    )
    from ._onnx.importing import from_onnx
    from .keras import from_keras, to_keras
    from .layers import Input
    from .layers.base import clear_session
    from .models import Model, Sequential
    from .saving import load_model

_register_if_imported()

_MODULES = (
    "activations", "autoencoder", "callbacks", "cli", "constraints", "datasets", "decoding", "ensemble",
    "explain", "initializers", "keras", "layers", "losses", "lyricist", "metrics", "models", "ops", "optimizers",
    "plotting", "random", "regularizers", "saving", "sklearn", "text", "tf", "utils",
)  # fmt: skip
_NAMES = {
    "GradientTape": "._tape",
    "Input": ".layers",
    "Model": ".models",
    "Sequential": ".models",
    "clear_session": ".layers.base",
    "from_keras": ".keras",
    "from_onnx": "._onnx.importing",
    "load_model": ".saving",
    "to_keras": ".keras",
    "Variable": "._core.variables",
}

__all__ = [
    "GradientTape",
    "Input",
    "Model",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "autoencoder",
    "callbacks",
    "clear_session",
    "cli",
    "constraints",
    "datasets",
    "decoding",
    "ensemble",
    "explain",
    "from_keras",
    "from_onnx",
    "get_num_threads",
    "initializers",
    "keras",
    "layers",
    "load_model",
    "losses",
    "lyricist",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "plotting",
    "random",
    "register_threadpoolctl",
    "regularizers",
    "saving",
    "set_num_threads",
    "set_random_seed",
    "sklearn",
    "text",
    "tf",
    "to_keras",
    "utils",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _NAMES:
        value = getattr(importlib.import_module(_NAMES[name], __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
