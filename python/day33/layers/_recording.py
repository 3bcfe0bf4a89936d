"""Calls of layers on arrays while a tape records them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._core import tree
from .._core.arrays import as_float32, as_ids
from .._core.dispatch import TABLE, active_recorder
from .._core.variables import Variable
from .._graph import inlining, penalties
from .._graph.lowering import Training
from .._graph.recorded import Recorded
from .._graph.tensors import SymbolicTensor

if TYPE_CHECKING:
    from .._graph.recording import Recorder


def record(
    layer: Any, recorder: Recorder, arguments: tuple[Any, ...], leaves: Sequence[Any], kwargs: dict[str, Any],
    training: Training, masks: Sequence[Any],
) -> Any:  # fmt: skip
    """The handles for what a call will give.

    Args:
        layer: that is called with `arguments`, `kwargs`, `training` and `masks`.
        leaves: the arrays in `arguments`.
    """
    given = [_Given(layer, recorder, number, leaf) for number, leaf in enumerate(leaves)]
    sizes = {item.shape[:1] for item in given}
    if len(sizes) != 1 or () in sizes:
        raise ValueError(
            f"layer {layer.name!r} was given shapes {[item.shape for item in given]}; expected the same first axis, "
            "the batch"
        )
    # The batch is left open, so that batches of all sizes share what is traced.
    general = [item.general() for item in given]
    inferred = layer._infer(tree.pack(arguments, general), kwargs)
    symbols = [item.symbol(tensor.dtype) for item, tensor in zip(given, general, strict=True)]
    if layer.adds_losses():
        for inside in layer.walk():
            inside._call_losses = []
            if recorder is active_recorder() and inside.sublayers() and not inside.has_graph():
                inside.refuse_hidden_losses()

    def add_loss(owner: Any, tensor: SymbolicTensor, is_output: bool) -> None:
        for loss in _penalties(owner, tensor) if is_output else [tensor]:
            owner._call_losses.append(recorder.wrap(TABLE["sum"](loss) if loss.shape else loss))

    mask_symbols = [None if mask is None else recorder.leaf(mask, _as_mask(mask)) for mask in masks]
    outputs = inlining.call(layer, tree.pack(arguments, symbols), kwargs, training, recorder, add_loss, mask_symbols)
    handles = recorder.wrap(outputs)
    layer.note_masks(handles, arguments, leaves, kwargs, masks)
    return tree.pack(inferred, handles)


class _Given:
    """An array, handle or variable that a layer is called with."""

    def __init__(self, layer: Any, recorder: Recorder, number: int, leaf: Any) -> None:
        self._layer, self._recorder, self._number, self._leaf = layer, recorder, number, leaf
        self._symbol: SymbolicTensor | None = None
        if isinstance(leaf, Recorded | Variable):
            self._symbol = recorder.symbol(leaf, np.asarray)
            self.shape = tuple(size or 0 for size in self._symbol.shape)
        else:
            self._array = layer._fit_rank(number, np.asarray(leaf))
            self.shape = self._array.shape

    def general(self) -> SymbolicTensor:
        """A tensor that stands for all batches of this kind, and whose dtype the layer may decide."""
        if self._symbol is None:
            placeholder: SymbolicTensor = self._layer._placeholder(self._number, self._array)
            return placeholder
        batch = self._layer._batch_to_build(self.shape[0])
        return SymbolicTensor((batch, *self.shape[1:]), self._symbol.dtype)

    def symbol(self, dtype: str) -> SymbolicTensor:
        """The tensor in the recording."""
        if self._symbol is not None:
            return self._symbol
        name = f"input {self._number} of layer {self._layer.name!r}"
        return self._recorder.leaf(self._leaf, converted(name, self._array, dtype))


def converted(name: str, array: NDArray[Any], dtype: str) -> NDArray[Any]:
    """An array as plans take it. TypeError, ValueError with `name` where it cannot be."""
    return as_float32(name, array) if dtype == "float32" else as_ids(name, array)


def _as_mask(mask: Any) -> Any:
    return np.ascontiguousarray(np.asarray(mask) != 0, np.int32)


def _penalties(layer: Any, output: SymbolicTensor) -> list[Any]:
    """What the activity regularizer of a layer adds to the loss for an output."""
    samples = float(max(output.shape[0] or 0, 1))
    owner = f"activity_regularizer of layer {layer.name!r}"
    found = penalties.of_tensor(layer.activity_regularizer, output, owner)
    return [TABLE["divide"](penalty, samples) for penalty in found]
