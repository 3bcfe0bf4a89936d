"""The masks of a layer's inputs and outputs, in calls on arrays."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import tree, variables
from .._core.tensors import has_mask, mask_of, set_mask
from .._core.types import Shape
from .._graph.compiling import compile_masks
from .._graph.recorded import Recorded
from .._graph.tensors import SymbolicTensor
from ._traced import Traced, keep, signature


class Masked(Traced):
    """Masks that calls on arrays are given, that arrays carry, and that results know. Base class of `Layer`."""

    _making: tuple[int, bool] | None

    # Whether outputs have a mask though no input has one.
    makes_masks = False
    # Whether calls take `mask`, a mask in place of the one that the input carries.
    takes_mask = False

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of what the layer gives for `inputs`.

        Args:
            inputs: an array, or a list of arrays, as for a call.
            mask: the mask that the input carries, (N, T) for (N, T, ...), or a list with one or None for each input.

        Returns:
            A bool array, None where the output has no mask; a list of these for several outputs.

        Raises:
            TypeError: symbolic tensors, whose masks layers hand on by themselves.
            ValueError: a shape that the layer cannot take.
        """
        arguments, kwargs = self._split((inputs,), {})
        leaves = tree.flatten(arguments)
        if any(isinstance(leaf, SymbolicTensor) for leaf in leaves):
            raise TypeError(f"compute_mask of layer {self.name!r} was given a symbolic tensor; expected arrays")
        masks = [] if mask is None else mask if isinstance(mask, list | tuple) else [mask, *[None] * (len(leaves) - 1)]
        results = self._masks_of_call(arguments, leaves, kwargs, masks)
        return results[0] if len(results) == 1 else results

    def note_masks(
        self, results: Sequence[Any], arguments: tuple[Any, ...], leaves: list[Any], kwargs: dict[str, Any],
        masks: Sequence[Any],
    ) -> None:  # fmt: skip
        """Lets the results of a call know their masks, which are computed when a loss or metric asks for them."""
        made = self._may_make_masks()
        if not made and all(mask is None for mask in masks) and not any(has_mask(leaf) for leaf in leaves):
            return

        @functools.cache
        def found() -> list[NDArray[Any] | None]:
            known = [*masks, *[None] * (len(leaves) - len(masks))]
            given = [mask_of(leaf) if mask is None else mask for mask, leaf in zip(known, leaves, strict=True)]
            # Where no layer makes a mask of what it is given, the values do not matter, and are not computed.
            arrays = [
                np.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, Recorded) and not made else np.asarray(leaf)
                for leaf in leaves
            ]
            carried = all(mask is None for mask in masks)
            given = [] if all(mask is None for mask in given) else given
            return self._masks_of_call(arguments, arrays, kwargs, given, carried)

        def at(number: int) -> NDArray[Any] | None:
            return found()[number]

        for number, result in enumerate(results):
            set_mask(result, functools.partial(at, number))

    def _masks_of_call(
        self, arguments: tuple[Any, ...], leaves: list[Any], kwargs: dict[str, Any], masks: Sequence[Any],
        carried: bool = False,
    ) -> list[NDArray[Any] | None]:  # fmt: skip
        """The masks of the outputs of a call on arrays, for masks of the inputs: given, or carried by them."""
        tensors, arrays = self._prepared(leaves)
        structure = tree.pack(arguments, tensors)
        outputs = tree.flatten(self._infer(structure, kwargs))
        placeholders, mask_arrays = self._mask_placeholders(tensors, arrays, masks, carried)
        given = [*self._converted(tensors, arrays), *mask_arrays]
        tensors += [tensor for tensor in placeholders if tensor is not None]
        key = (
            carried, tree.describe(structure), signature(tensors), tuple(item is None for item in placeholders),
            repr(sorted(kwargs.items())), self.mode_key(),
        )  # fmt: skip
        with self._lock:
            if key not in self._mask_plans:
                plan = compile_masks(
                    self._lower_with_masks(structure, kwargs, placeholders, carried=carried),
                    [array.shape[1:] for array in given], [tensor.dtype for tensor in tensors],
                )  # fmt: skip
                keep(self._mask_plans, key, plan)
            plan = self._mask_plans[key]
        found = {} if plan is None else plan.masks(given)
        return [found[number] != 0 if number in found else None for number in range(len(outputs))]

    def _may_make_masks(self) -> bool:
        """Whether this layer, or one inside, makes masks of what it is given."""
        now = variables.modes_version()
        if self._making is None or self._making[0] != now:
            self._making = now, any(layer.makes_masks for layer in self.walk())
        return self._making[1]

    def _masks(self, mask: Any, count: int) -> list[Any]:
        """One mask or None for each of `count` inputs; an empty list where all are None."""
        if not self.takes_mask:
            raise TypeError(
                f"layer {self.name!r} ({type(self).__name__}) was called with mask=; it takes no mask but the one that "
                "its input carries"
            )
        if not isinstance(mask, list | tuple):
            return [mask, *[None] * (count - 1)]
        masks = tree.flatten(mask)
        if len(masks) != count:
            raise ValueError(f"mask of layer {self.name!r} has {len(masks)} entries; expected {count}, as inputs")
        return masks if any(item is not None for item in masks) else []

    def _check_mask(self, shape: Shape, mask: SymbolicTensor | None) -> None:
        """ValueError where the axes of a mask are not the leading ones of its input."""
        if mask is None:
            return
        pairs = zip(mask.shape[1:], shape[1:], strict=False)
        if not 1 < mask.ndim <= len(shape) or any(None not in pair and pair[0] != pair[1] for pair in pairs):
            raise ValueError(
                f"mask of layer {self.name!r} has shape {mask.shape} for an input of shape {tuple(shape)}; expected "
                "its leading axes, such as (N, T) for (N, T, C)"
            )

    def _mask_placeholders(
        self, tensors: Sequence[SymbolicTensor], arrays: list[NDArray[Any]], masks: Sequence[Any],
        carried: bool = False,
    ) -> tuple[list[SymbolicTensor | None], list[NDArray[Any]]]:  # fmt: skip
        """Symbolic tensors for masks that are arrays, None for inputs without; and those arrays as int32."""
        placeholders: list[SymbolicTensor | None] = []
        given: list[NDArray[Any]] = []
        if not masks:
            return placeholders, given
        for tensor, array, mask in zip(tensors, arrays, masks, strict=False):
            if mask is None:
                placeholders.append(None)
                continue
            given.append(np.ascontiguousarray(np.asarray(mask) != 0, np.int32))
            if given[-1].shape[:1] != array.shape[:1]:
                raise ValueError(
                    f"mask of layer {self.name!r} has shape {given[-1].shape}; its input has shape {array.shape}"
                )
            placeholders.append(SymbolicTensor((None, *given[-1].shape[1:]), "int32", "mask"))
            (Masked if carried else type(self))._check_mask(self, tensor.shape, placeholders[-1])
        return placeholders, given
