"""`GradientTape`: gradients of what was called inside of a ``with`` block, as `tf.GradientTape` gives them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Self

import numpy as np

from . import ops
from ._core import tree
from ._core.dispatch import active_recorder, recording
from ._core.tensors import as_tensor
from ._core.variables import Variable
from ._graph.recording import Recorded, Recorder
from .random import next_seed

__all__ = ["GradientTape"]

_UNCONNECTED = ("none", "zero")


class GradientTape:
    """Records calls of models, layers, losses and functions of `day33.ops`, for gradients.

    Inside of the block, calls of layers, and functions of variables and of what such calls gave, are written down. What
    they return looks like an array; its values are computed when they are asked for, or together with a gradient, in
    one run of a plan. Layers are called in the mode that `training` says, in inference by default.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether gradients of trainable variables are possible without `watch`.

    Tapes that are open at the same time share what is recorded. Gradients of gradients are not supported.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = bool(persistent)
        self._all_variables = bool(watch_accessed_variables)
        self._watched: dict[int, Any] = {}
        self._recorder: Recorder | None = None
        self._entered: AbstractContextManager[None] | None = None
        self._used = False

    def __enter__(self) -> Self:
        if self._entered is not None:
            raise ValueError("the tape is recording already; expected one `with` block at a time")
        outer = active_recorder()
        if self._recorder is None or self._used:
            self._recorder = outer or Recorder(next_seed)
        self._used = False
        self._entered = recording(self._recorder)
        self._entered.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        assert self._entered is not None
        self._entered.__exit__(None, None, None)
        self._entered = None

    def watch(self, tensor: Any) -> None:
        """Makes gradients with respect to arrays or variables possible.

        Args:
            tensor: an array, a variable, or nested lists of them, before it is used.

        Raises:
            RuntimeError: outside of the block. TypeError: what is neither.
        """
        if self._entered is None or self._recorder is None:
            raise RuntimeError("watch was called outside of the tape's `with` block; expected it inside")
        for item in tree.flatten(tensor):
            if not isinstance(item, np.ndarray | Variable | Recorded):
                raise TypeError(f"tensor is {item!r}; expected an array, or a variable, to watch")
            self._watched[id(item)] = item
            if isinstance(item, np.ndarray):
                self._recorder.watch(item)

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Any = "none"
    ) -> Any:
        """The gradient of what was recorded.

        Args:
            target: a recorded value, or a list of them, whose sum is meant. What has several elements is summed.
            sources: variables, watched arrays and recorded values, nested as wanted.
            output_gradients: factors of the elements of each target, of its shape.
            unconnected_gradients: "none" or "zero": what stands for the gradient of what `target` does not depend on.

        Returns:
            Arrays of the shapes of the sources, nested as these; None, or zeros, where there is no gradient.

        Raises:
            RuntimeError: the tape was used before and is not persistent, or recorded nothing yet.
            TypeError: a target that was not recorded, a source that is no array.
            ValueError: factors of another shape, or an unknown `unconnected_gradients`.
        """
        if self._recorder is None:
            raise RuntimeError("gradient was called before anything was recorded; expected a `with` block before it")
        if self._used:
            raise RuntimeError(
                "gradient was called a second time; expected GradientTape(persistent=True), or one call with a list "
                "of all sources"
            )
        unconnected = getattr(unconnected_gradients, "value", unconnected_gradients)
        if unconnected not in _UNCONNECTED:
            raise ValueError(f"unconnected_gradients is {unconnected_gradients!r}; expected one of {_UNCONNECTED}")
        self._used = not self._persistent
        flat = tree.flatten(sources)
        for item in flat:
            if not isinstance(item, np.ndarray | Variable | Recorded):
                raise TypeError(f"sources hold {item!r}; expected variables, watched arrays and recorded values")
        found = self._gradients(target, flat, output_gradients)
        result: list[Any] = []
        for item, gradient in zip(flat, found, strict=True):
            if gradient is None:
                result.append(as_tensor(np.zeros(item.shape, np.float32)) if unconnected == "zero" else None)
            else:
                result.append(as_tensor(gradient))
        return tree.pack(sources, result)

    def _gradients(self, target: Any, sources: Sequence[Any], output_gradients: Any) -> list[Any]:
        assert self._recorder is not None
        targets = tree.flatten(target)
        factors = [None] * len(targets) if output_gradients is None else tree.flatten(output_gradients)
        if len(factors) != len(targets):
            raise ValueError(f"output_gradients holds {len(factors)} arrays; expected {len(targets)}, one per target")
        total: Any = None
        with recording(self._recorder):
            for item, factor in zip(targets, factors, strict=True):
                if not isinstance(item, Recorded) and not isinstance(item, Variable):
                    if self._recorder.concerns(item):
                        raise TypeError(
                            f"target is a watched array of shape {np.shape(item)}; expected a function of it"
                        )
                    if isinstance(item, np.ndarray | float | int):
                        continue  # it depends on nothing
                    raise TypeError(f"target is {item!r}; expected what was recorded inside of the tape's block")
                if factor is not None:
                    if np.shape(factor) != item.shape:
                        raise ValueError(
                            f"output_gradients has shape {np.shape(factor)}; expected {item.shape}, as the target"
                        )
                    item = ops.multiply(item, factor)
                part = item if item.shape == () and isinstance(item, Recorded) else ops.sum(item)
                total = part if total is None else ops.add(total, part)
        if total is None:
            return [None] * len(sources)
        found = self._recorder.gradients(total.symbol, sources)
        return [
            None if isinstance(item, Variable) and not self._may_watch(item) else gradient
            for item, gradient in zip(sources, found, strict=True)
        ]

    def _may_watch(self, variable: Variable) -> bool:
        return id(variable) in self._watched or (self._all_variables and variable.trainable)

    def stop_recording(self) -> AbstractContextManager[None]:
        """A block inside of which nothing is recorded: calls give arrays."""
        return recording(None)

    def reset(self) -> None:
        """Forgets what was recorded."""
        self._recorder, self._used = None, False
        self._watched.clear()
