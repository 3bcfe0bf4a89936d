"""`GradientTape`: gradients of what was called inside of a ``with`` block, as `tf.GradientTape` gives them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NoReturn, Self

import numpy as np

from . import ops
from ._core import tree
from ._core.dispatch import active_recorder, recording
from ._core.slices import SlicedGradient, wanted_sums, with_slices
from ._core.tensors import Tensor, as_tensor
from ._core.types import Array
from ._core.variables import Variable
from ._core.watched import Watched
from ._graph.recorded import Recorded
from ._graph.recording import Recorder
from .random import next_seed

__all__ = ["GradientTape"]

_UNCONNECTED = ("none", "zero")


class GradientTape:
    """Records calls of models, layers, losses and functions of `day33.ops`, for gradients.

    Inside of the block, calls of layers, and functions of variables, of watched arrays and of what such calls gave, are
    written down. What they return looks like an array; its values are computed when they are asked for, or together
    with a gradient, in one run of a plan. Layers are called in the mode that `training` says, in inference by default.

    Values and gradients are those of the moment of the calls, whatever becomes of variables and arrays afterwards.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether gradients of trainable variables are possible without `watch`.

    Tapes that are open at the same time share what is recorded. Gradients of gradients are refused. A tape belongs to
    the thread that uses it.
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
        if self._recorder is None or self._used:
            self._recorder = active_recorder() or Recorder(next_seed)
            self._watched.clear()
        self._used = False
        self._recorder.claim(self)
        self._entered = recording(self._recorder)
        self._entered.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        assert self._entered is not None
        self._entered.__exit__(None, None, None)
        self._entered = None

    def watch(self, tensor: Any) -> None:
        """Makes gradients with respect to arrays or variables possible.

        Functions of `day33.ops` and calls of layers see watched arrays of any kind. Operators and functions of NumPy
        are recorded of a `Tensor`, such as `tf.constant` gives, and not of a plain NumPy array.

        Args:
            tensor: an array of floats, a variable, or nested lists of them, before it is used.

        Raises:
            RuntimeError: outside of the block. TypeError: what is neither.
        """
        if self._entered is None or self._recorder is None:
            raise RuntimeError("watch was called outside of the tape's `with` block; expected it inside")
        for item in tree.flatten(tensor):
            if not _can_be_source(item):
                raise TypeError(f"tensor is {item!r}; expected an array of floats, or a variable, to watch")
            self._watched[id(item)] = item
            if isinstance(item, np.ndarray):
                if type(item) in (Tensor, SlicedGradient):
                    item.__class__ = Watched
                self._recorder.watch(item)

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables that `watch` was called with."""
        return tuple(item for item in self._watched.values() if isinstance(item, Variable))

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
            Arrays of the shapes of the sources, nested as these; None, or zeros, where there is no gradient: of what
            was not recorded, of variables that are not trainable and of arrays that were not watched.

        Raises:
            RuntimeError: the tape was used before and is not persistent, or has recorded nothing yet.
            TypeError: a target that is no number or array, a source that is no array.
            ValueError: factors of another shape, an unknown `unconnected_gradients`, or a target that depends on a
                gradient which another tape gave.
        """
        if self._recorder is None:
            raise RuntimeError("gradient was called before anything was recorded; expected a `with` block before it")
        if self._used:
            raise RuntimeError(
                "gradient was called a second time; expected GradientTape(persistent=True), or one call with a list "
                "of all sources"
            )
        unconnected = str(getattr(unconnected_gradients, "value", unconnected_gradients)).lower()
        if unconnected not in _UNCONNECTED:
            raise ValueError(f"unconnected_gradients is {unconnected_gradients!r}; expected one of {_UNCONNECTED}")
        flat = tree.flatten(sources)
        for item in flat:
            if not isinstance(item, np.ndarray | Variable | Recorded):
                raise TypeError(f"sources hold {item!r}; expected variables, watched arrays and recorded values")
        found = self._gradients(target, flat, output_gradients)
        if not self._persistent:
            self._used = True
            self._recorder.release(self)
        return tree.pack(sources, [self._answer(item, d, unconnected) for item, d in zip(flat, found, strict=True)])

    def _answer(self, source: Any, gradient: Array | None, unconnected: str) -> Any:
        if gradient is None:
            if unconnected == "none":
                return None
            gradient = np.zeros(source.shape, np.float32)
            if wanted_sums():
                gradient = with_slices(gradient, None)
        recorder = active_recorder()
        if recorder is not None:
            return recorder.given_gradient(gradient)
        return gradient if isinstance(gradient, SlicedGradient) else as_tensor(gradient)

    def _gradients(self, target: Any, sources: Sequence[Any], output_gradients: Any) -> list[Array | None]:
        assert self._recorder is not None
        targets = tree.flatten(target)
        factors = [None] * len(targets) if output_gradients is None else tree.flatten(output_gradients)
        if len(factors) != len(targets):
            raise ValueError(f"output_gradients holds {len(factors)} arrays; expected {len(targets)}, one per target")
        total: Any = None
        with recording(self._recorder):
            for item, factor in zip(targets, factors, strict=True):
                part = self._part(item, factor)
                if part is not None:
                    total = part if total is None else ops.add(total, part)
        if total is None:
            return [None] * len(sources)
        allowed = [item if self._may_have_gradient(item) else None for item in sources]
        found = iter(self._recorder.gradients(total.symbol, [item for item in allowed if item is not None]))
        return [None if item is None else next(found) for item in allowed]

    def _part(self, target: Any, factor: Any) -> Any:
        """The sum of a target, times factors; None where it depends on nothing that was recorded, or is of integers."""
        assert self._recorder is not None
        if not self._recorder.concerns(target):
            if isinstance(target, np.ndarray | np.number | float | int):
                return None
            raise TypeError(f"target is {target!r}; expected what was recorded inside of the tape's block")
        if not np.issubdtype(target.dtype, np.floating):
            return None
        if factor is not None:
            if np.shape(factor) != target.shape:
                raise ValueError(
                    f"output_gradients has shape {np.shape(factor)}; expected {target.shape}, as the target"
                )
            target = ops.multiply(target, ops.stop_gradient(factor))
        return target if isinstance(target, Recorded) and not target.ndim else ops.sum(target)

    def _may_have_gradient(self, source: Any) -> bool:
        if isinstance(source, Variable):
            return id(source) in self._watched or (self._all_variables and source.trainable)
        return isinstance(source, Recorded) or id(source) in self._watched

    def jacobian(self, target: Any, sources: Any, *_: Any, **__: Any) -> NoReturn:
        """Refused: day33 has gradients of sums.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "jacobian is not supported; expected gradient, with output_gradients to choose elements of the target"
        )

    batch_jacobian = jacobian

    def stop_recording(self) -> AbstractContextManager[None]:
        """A block inside of which nothing is recorded: calls give arrays.

        Raises:
            RuntimeError: outside of the block of the tape.
        """
        if self._entered is None:
            raise RuntimeError("stop_recording was called outside of the tape's `with` block; expected it inside")
        return recording(None)

    def reset(self) -> None:
        """Forgets what was recorded.

        Raises:
            RuntimeError: outside of the block of the tape.
        """
        if self._entered is None:
            raise RuntimeError("reset was called outside of the tape's `with` block; expected it inside")
        self.__exit__()
        self._recorder = None
        self.__enter__()


def _can_be_source(item: Any) -> bool:
    return isinstance(item, Variable | Recorded) or (isinstance(item, np.ndarray) and item.dtype.kind == "f")
