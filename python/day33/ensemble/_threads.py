"""One thread for each member while members run side by side."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from .. import _native

_lock = threading.Lock()
_inside = 0
_before = 0


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """day33 computes on one thread in this process until the last of the blocks that are open is left.

    Setting the size of day33's pool is for the whole process, and members may share one, so the blocks are counted.
    """
    global _inside, _before
    with _lock:
        if _inside == 0:
            _before = _native.get_num_threads()
            _native.set_num_threads(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _native.set_num_threads(_before)


def limit_jobs(estimator: Any) -> Any:
    """Sets every `n_jobs` in the estimator's parameters, nested ones too, to 1. Returns the estimator."""
    names = [name for name in estimator.get_params(deep=True) if name == "n_jobs" or name.endswith("__n_jobs")]
    return estimator.set_params(**dict.fromkeys(names, 1)) if names else estimator


def releases_gil(estimator: Any) -> bool:
    """Whether threads of one process train it side by side: day33's own classifiers, and LightGBM's."""
    package = type(estimator).__module__.partition(".")[0]
    steps = getattr(estimator, "steps", None)
    if package == "sklearn" and steps:
        return releases_gil(steps[-1][1])
    return package in ("day33", "lightgbm")
