"""Programs as people write them for Keras, run on TensorFlow and on day33: the same code, other imports.

A program is a function of the modules `keras` and `tf` that returns a dict of what it found.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import day33

from .tolerances import TRAINING_STEPS

Program = Callable[[Any, Any], dict[str, Any]]


def on_day33(program: Program, seed: int = 7) -> dict[str, Any]:
    """What a program finds with day33's modules."""
    day33.tf.keras.utils.set_random_seed(seed)
    return program(day33.tf.keras, day33.tf)


def on_both(program: Program, bound: float = TRAINING_STEPS) -> dict[str, Any]:
    """What a program finds with day33's modules, compared with what it finds with Keras and TensorFlow.

    TensorFlow runs step by step, not as a graph: its graphs may read a variable before or after a constraint clips it,
    whichever of its threads comes first, and one run in some five then finds another loss.
    """
    tensorflow = pytest.importorskip("tensorflow")
    ours = on_day33(program)
    tensorflow.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = program(tensorflow.keras, tensorflow)
    finally:
        tensorflow.config.run_functions_eagerly(False)
    assert_same(ours, theirs, bound)
    return ours


def assert_same(ours: Any, theirs: Any, bound: float, what: str = "result") -> None:
    """Nested dicts and lists of numbers, arrays and words are equal, numbers within `bound` of the largest, or of 1."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), what
        for key, correct in theirs.items():
            assert_same(ours[key], correct, bound, f"{what}[{key!r}]")
    elif isinstance(theirs, list | tuple) and not all(isinstance(item, int | float | str) for item in theirs):
        assert len(ours) == len(theirs), what
        for number, (mine, correct) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(mine, correct, bound, f"{what}[{number}]")
    else:
        mine, correct = np.asarray(ours), np.asarray(theirs)
        assert mine.shape == correct.shape, f"{what}: shape {mine.shape}; expected {correct.shape}"
        if correct.dtype.kind not in "fiub":
            assert mine.tolist() == correct.tolist(), what
            return
        assert np.isfinite(correct).all(), what
        scale = max(1.0, float(np.abs(correct).max(initial=0)))
        np.testing.assert_allclose(mine, correct, rtol=0, atol=bound * scale, err_msg=what)


def start(*models: Any, seed: int = 3) -> None:
    """Gives models weights that are the same in every library. Vectors keep what they are initialized with."""
    rng = np.random.default_rng(seed)
    for model in models:
        model.set_weights(
            [
                rng.normal(0, np.prod(w.shape[:-1]) ** -0.5, w.shape).astype(np.float32) if w.ndim > 1 else w
                for w in (np.asarray(weight) for weight in model.get_weights())
            ]
        )
