"""The call of a layer as a graph, and that graph as a plan."""

from __future__ import annotations

import functools
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core import tree, variables
from .._core.dispatch import not_tracing, tracing
from .._core.user_code import blaming
from .._graph import names as _names
from .._graph import penalties
from .._graph.calls import as_symbolic
from .._graph.compiling import CompiledPlan, LossTerm, compile_plan
from .._graph.graph import Graph
from .._graph.lowering import BY_DEFAULT, Lowering, Training
from .._graph.modes import merge_modes
from .._graph.staging import PlanWriters
from .._graph.tensors import Node, SymbolicTensor
from ._native_ops import NativeOps
from ._recording import converted
from ._watched import Watched

__all__ = ["Traced", "keep", "signature"]

_PLANS_KEPT = 16  # a plan: a few kilobytes, and its packed weights


def _with_plain_shape(compute_output_shape: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps `compute_output_shape`: sizes may be NumPy's integers, which `numpy.prod` and data frames give."""

    @functools.wraps(compute_output_shape)
    def wrapper(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return compute_output_shape(self, *tree.plain_shapes(args), **tree.plain_shapes(kwargs))

    return wrapper


def _once(build: Callable[..., None]) -> Callable[..., None]:
    """Wraps `build`: the first call fixes the path of the weights and marks the layer as built, later ones return.

    Sizes may be NumPy's integers.
    """

    @functools.wraps(build)
    def wrapper(self: Traced, *args: Any, **kwargs: Any) -> None:
        args, kwargs = tree.plain_shapes(args), tree.plain_shapes(kwargs)
        if self._building:  # super().build() in a subclass
            build(self, *args, **kwargs)
            return
        if self.built:
            return
        self._path = self.path
        self._building = True
        try:
            with not_tracing():
                build(self, *args, **kwargs)
        finally:
            self._building = False
        self.built = True

    return wrapper


class Traced(Watched):
    """What a layer does: `call` or `lower`, traced for symbolic tensors, compiled for arrays. Base class of `Layer`."""

    built: bool
    _building: bool
    _lock: threading.RLock
    _nodes: list[Node]  # of symbolic calls
    _traced_losses: bool  # whether a trace of `call` added something to the loss
    _assigns: bool  # whether `call` was seen to assign to a variable

    # Whether the layer passes its input through unless in training (Dropout).
    acts_in_training_only = False
    # The default of `training` in Keras's call of the layer; None where that has none.
    native_training: bool | None = None
    # Whether masks go on behind the layer, as Keras says of it: results have that of the input, or the one that `lower`
    # sets where `sets_mask` is true.
    supports_masking = False
    sets_mask = False
    # The names of arguments of a call of a layer of native ops besides `training` and `mask`. Where a call gives them,
    # `compute_output_shape`, `lower` and `_require_dtype` get them, too.
    call_options: tuple[str, ...] = ()
    input_dtypes: tuple[str, ...] = ()  # of each input; float32 where nothing is said
    output_dtypes: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _once(cls.__dict__["build"])  # type: ignore[method-assign]
        if "compute_output_shape" in cls.__dict__:
            wrapped = _with_plain_shape(cls.__dict__["compute_output_shape"])
            cls.compute_output_shape = wrapped  # type: ignore[method-assign]

    # ---- what a layer defines ----

    @_once
    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of `input_shape` (batch first; a list of shapes for several inputs).

        Runs once: later calls do nothing.
        """
        if self.is_composite():
            self._trace((tree.map_shapes(SymbolicTensor, input_shape),), {})

    @_with_plain_shape
    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape (batch first, None where unknown) of the output for `input_shape`; lists for several."""
        if self.is_composite():
            graph = self._trace((tree.map_shapes(SymbolicTensor, input_shape),), {})
            return tree.transform(lambda tensor: tensor.shape, graph.output_structure)
        return tree.map_shapes(tuple, input_shape)

    def _call_native(self: Any, *arguments: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """What the layer computes, for ``super().call(inputs)`` in a subclass whose `call` does more.

        Args:
            arguments: the input, as of a call of the layer.
            training: whether to run in training mode; by default that of the call.
            kwargs: those that `call_options` names.

        Raises:
            TypeError: there are no native ops (`lower`) to which it could come down.
        """
        if not self.is_composite():
            return self(*arguments, training=training, **kwargs)
        if type(self).lower is Traced.lower:
            raise TypeError(f"{type(self).__name__}.call calls super().call, but its base class computes nothing")
        if len(arguments) != 1 or not set(kwargs) <= set(self.call_options):
            raise TypeError(f"super().call of layer {self.name!r} was given {len(arguments)} arguments and "
                            f"{sorted(kwargs)}; expected one, a list for several inputs")  # fmt: skip
        if self._assigns and not any(isinstance(leaf, SymbolicTensor) for leaf in tree.flatten(arguments)):
            raise TypeError(
                f"super().call of layer {self.name!r} was called in a call that also assigns to variables; expected a "
                "layer kept as an attribute in its place"
            )
        return NativeOps(self).extend_graph(arguments, kwargs, training)

    call: Any = _call_native

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        """Writes this layer into a plan: from tensors of `lowering.builder` to tensors of it."""
        raise TypeError(f"{type(self).__name__} defines neither lower(self, lowering, inputs) nor call(self, x)")

    def is_composite(self) -> bool:
        """Whether `call` says what the layer does, in terms of other layers."""
        return type(self).call is not Traced.call

    def has_graph(self) -> bool:
        """Whether a graph of other layers and functions says what the layer does."""
        return self.is_composite()

    def _has_own_build(self) -> bool:
        return type(self).build is not Traced.build

    def _ensure_built(self, input_shape: Any) -> None:
        if not (self.built or self._building):
            with self._lock:
                self.build(input_shape)

    @property
    def training_by_default(self) -> bool | None:
        """The default of `training` in `call`; None where there is none."""
        if not self.is_composite():
            return self.native_training
        parameter = inspect.signature(self.call).parameters.get("training")
        return None if parameter is None or not isinstance(parameter.default, bool) else parameter.default

    def fixes_batch(self) -> bool:
        """Whether the layer is built for batches of one size."""
        return any(layer.fixes_batch() for layer in self.sublayers())

    def _batch_to_build(self, size: int | None) -> int | None:
        """The size of a batch where the layer is to be built for it; None, for batches of all sizes, elsewhere."""
        return size if not self.built and self.fixes_batch() else None

    # ---- as a graph ----

    def _split(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Tensors given by name come after the positional ones, where `call` expects them."""
        if not kwargs or not self.is_composite():
            return arguments, kwargs
        parameters = list(inspect.signature(self.call).parameters)
        kwargs = dict(kwargs)
        while len(arguments) < len(parameters) and _holds_tensors(kwargs.get(parameters[len(arguments)])):
            arguments = (*arguments, kwargs.pop(parameters[len(arguments)]))
        return arguments, kwargs

    def _infer(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Fresh symbolic outputs for symbolic arguments; builds the layer."""
        if self.is_composite():
            outputs = self._trace(arguments, kwargs).output_structure
            return tree.transform(lambda tensor: SymbolicTensor(tensor.shape, tensor.dtype), outputs)
        if len(arguments) != 1 or not set(kwargs) <= set(self.call_options):
            names = " and ".join(f"{name}=" for name in ("training", *self.call_options))
            raise TypeError(
                f"layer {self.name!r} ({type(self).__name__}) takes one positional argument (a list for several "
                f"inputs) and {names}, got {len(arguments)} and {sorted(kwargs)}"
            )
        return self._infer_native(arguments, kwargs)

    def _infer_native(self, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
        """The same for what the native ops of the layer give; `options` are those of the call."""
        for number, tensor in enumerate(tree.flatten(arguments)):
            self._require_dtype(number, tensor, **options)
        shapes = tree.transform(lambda tensor: tensor.shape, arguments[0])
        self._ensure_built(shapes)
        dtypes = iter(self.output_dtypes)
        return tree.map_shapes(
            lambda shape: SymbolicTensor(shape, next(dtypes, "float32")), self._native_output_shape(shapes, **options)
        )

    def _native_output_shape(self, input_shape: Any, **options: Any) -> Any:
        if type(self).compute_output_shape is Traced.compute_output_shape:
            return tree.map_shapes(tuple, input_shape)
        return self.compute_output_shape(input_shape, **options)

    def _require_dtype(self, number: int, tensor: SymbolicTensor) -> None:
        """Checks, or decides, the dtype of input `number`."""
        tensor.require(_at(self.input_dtypes, number), f"layer {self.name!r}")

    def _trace(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph:
        """The graph of `call` for symbolic `arguments`, whose dtypes it may decide. Cached."""
        tensors: list[SymbolicTensor] = tree.flatten(arguments)
        key = (tree.describe(arguments), signature(tensors), repr(sorted(kwargs.items())))
        with self._lock:
            if self._has_own_build():
                shapes = tree.transform(lambda tensor: tensor.shape, arguments)
                self._ensure_built(shapes[0] if len(shapes) == 1 else list(shapes))
            elif self._path is None:
                self._path = self.path
            if key not in self._traces:
                placeholders = [SymbolicTensor(t.shape, t.dtype, t.name) for t in tensors]
                for placeholder, tensor in zip(placeholders, tensors, strict=True):
                    placeholder.undecided = tensor.undecided
                structure = tree.pack(arguments, placeholders)
                names = _names.scope()
                names.append(self.name)
                try:
                    graph = self._run_call(structure, kwargs)
                finally:
                    names.pop()
                keep(self._traces, key, graph)
                if graph.losses and not self._traced_losses:
                    self._traced_losses = True
                    variables.modes_changed()
                self._is_lowered = True
                self.built = self.built or not self._building
            graph = self._traces[key]
            self._traces.move_to_end(key)
        for tensor, placeholder in zip(tensors, graph.inputs, strict=True):
            tensor.require(placeholder.dtype, f"layer {self.name!r}")
        return graph

    def _run_call(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph:
        call: Callable[..., Any] = self.call
        owner = f"{type(self).__name__} {self.name!r}"

        def traced(**mode: bool) -> Graph:
            with tracing() as losses, blaming(owner):
                outputs = call(*arguments, **mode, **kwargs)
            return Graph(arguments, as_symbolic(outputs), owner, losses)

        if "training" not in inspect.signature(call).parameters:
            return traced()
        return merge_modes(traced(training=True), traced(training=False), owner)

    def _graph_for(self, input_shape: Any) -> Graph:
        """What a composite or a model does with inputs of that shape."""
        return self._trace((tree.map_shapes(SymbolicTensor, input_shape),), {})

    def call_graph(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph | None:
        """The graph of a call on symbolic tensors; None for a layer of native ops."""
        return self._trace(self._general(arguments), kwargs) if self.is_composite() else None

    def outputs_for(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[SymbolicTensor]:
        """Fresh outputs of a call on tensors whose sizes are all known."""
        tensors: list[SymbolicTensor] = tree.flatten(arguments)
        graph = self.call_graph(arguments, kwargs)
        if graph is not None:
            shapes = graph.shapes_for([tensor.shape for tensor in tensors])
            return [SymbolicTensor(shape, t.dtype) for shape, t in zip(shapes, graph.outputs, strict=True)]
        size = tensors[0].shape[0]
        inferred: list[SymbolicTensor] = tree.flatten(self._infer(self._general(arguments), kwargs))
        return [SymbolicTensor((size, *tensor.shape[1:]), tensor.dtype) for tensor in inferred]

    def _general(self, arguments: tuple[Any, ...]) -> Any:
        """Tensors that stand for all batches like these."""

        def open_batch(tensor: SymbolicTensor) -> SymbolicTensor:
            return SymbolicTensor((self._batch_to_build(tensor.shape[0]), *tensor.shape[1:]), tensor.dtype)

        return tree.transform(open_batch, arguments)

    # ---- as a plan ----

    def lower_call(self, lowering: PlanWriters, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        """Writes one call into a plan: `arguments` hold tensors of the plan, nested as in the call."""
        self._is_lowered = True
        with lowering.mode(self.training_by_default if lowering.by_default else None):
            results = self._lower_call(lowering, arguments, kwargs)
        if self.activity_regularizer is not None and lowering.wants_penalties:
            for result in results:
                owner = f"activity_regularizer of layer {self.name!r}"
                graph = penalties.of_samples(self.activity_regularizer, (None, *lowering.shape(result)), owner)
                graph.lower(lowering, [result], per_sample_of=result)
        return results

    def _lower_call(self, lowering: PlanWriters, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
        inputs: list[int] = tree.flatten(arguments)
        if self.is_composite():

            def placeholder(tensor: int) -> SymbolicTensor:
                return SymbolicTensor((None, *lowering.shape(tensor)), lowering.dtype(tensor))

            lowering.batched(inputs)
            graph = self._trace(tree.transform(placeholder, arguments), kwargs)
            return graph.lower(lowering, inputs, with_losses=lowering.wants_penalties)
        if self.has_graph():
            return self.lower(lowering, lowering.batched(inputs))  # type: ignore[arg-type]
        try:
            return lowering.call(functools.partial(self._lower_one, **kwargs), inputs)
        except ValueError as error:
            if str(error).startswith("layer "):
                raise
            raise ValueError(f"layer {self.name!r} ({type(self).__name__}): {error}") from error

    def _lower_one(self, lowering: Lowering, inputs: list[int], **options: Any) -> list[int]:
        results = self.lower(lowering, inputs, **options)
        if self.supports_masking and not self.sets_mask:
            lowering.pass_mask(inputs, results)
        return results

    def _compile(
        self, arguments: tuple[Any, ...], kwargs: dict[str, Any], losses: tuple[LossTerm, ...] | None,
        masks: Sequence[SymbolicTensor | None] = (), training: Training = False, carried: bool = False,
    ) -> CompiledPlan:  # fmt: skip
        """The plan for symbolic `arguments` whose sizes are all known but the batch, and for `masks` of them, which the
        call gives, or which they carry.

        Cached by all that enters it, also by what is trainable and how the layers inside are configured.
        """
        tensors: list[SymbolicTensor] = [*tree.flatten(arguments), *(mask for mask in masks if mask is not None)]
        key = (
            tree.describe(arguments), signature(tensors), tuple(mask is None for mask in masks),
            carried, repr(sorted(kwargs.items())), losses, self.mode_key(),
        )  # fmt: skip
        with self._lock:
            for mode in (training,) if training is BY_DEFAULT else (None, training):
                compiled = self._plans.get((key, mode))
                if compiled is not None:
                    self._plans.move_to_end((key, mode))
                    return compiled
            compiled = compile_plan(
                self._lower_with_masks(arguments, kwargs, masks, training if training is BY_DEFAULT else None, carried),
                [tensor.shape[1:] for tensor in tensors],  # type: ignore[misc]
                [tensor.dtype for tensor in tensors],
                losses,
                [v for v in self.trainable_weights if v.regularizer is not None] if losses is not None else (),
                bool(training),
            )
            only = compiled.of_one_mode or training is BY_DEFAULT
            keep(self._plans, (key, training if only else None), compiled)
            return compiled

    def _lower_with_masks(
        self, arguments: tuple[Any, ...], kwargs: dict[str, Any], masks: Sequence[SymbolicTensor | None],
        mode: Training | None = None, carried: bool = False,
    ) -> Callable[[Lowering, list[int]], list[int]]:  # fmt: skip
        """A function that writes a call into a plan, of which the masks are the last inputs."""
        count = len(tree.flatten(arguments))

        def lower(lowering: Lowering, inputs: list[int]) -> list[int]:
            rest = iter(inputs[count:])
            wanted = [None if mask is None else next(rest) for mask in masks]
            given = lowering.with_masks(inputs[:count], wanted, by_call=not carried)
            with lowering.mode(mode):
                return self.lower_call(lowering, tree.pack(arguments, given), kwargs)

        return lower

    def _prepared(self, leaves: list[Any]) -> tuple[list[SymbolicTensor], list[NDArray[Any]]]:
        """Symbolic tensors that stand for the arrays, and the arrays."""
        arrays = [self._fit_rank(i, x if isinstance(x, np.ndarray) else np.asarray(x)) for i, x in enumerate(leaves)]
        for number, array in enumerate(arrays):
            if array.ndim == 0:
                raise ValueError(f"input {number} of layer {self.name!r} is a scalar; expected the batch as first axis")
            if array.shape[0] != arrays[0].shape[0]:
                raise ValueError(f"layer {self.name!r} was given batches of different sizes: "
                                 f"{[array.shape for array in arrays]}")  # fmt: skip
        return [self._placeholder(number, array) for number, array in enumerate(arrays)], arrays

    def _fit_rank(self, number: int, array: NDArray[Any]) -> NDArray[Any]:
        """A model with declared inputs adds or drops a last axis of 1, as Keras's do."""
        return array

    def _placeholder(self, number: int, array: NDArray[Any]) -> SymbolicTensor:
        shape = (self._batch_to_build(len(array)), *array.shape[1:])
        tensor = SymbolicTensor(shape, _at(self.input_dtypes, number), "input")
        if self.is_composite() and array.dtype.kind in "iu":
            tensor.dtype, tensor.undecided = "int32", True
        return tensor

    def _converted(self, tensors: Sequence[SymbolicTensor], arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """The arrays as plans take them."""
        return [
            converted(f"input {number} of layer {self.name!r}", array, tensor.dtype)
            for number, (tensor, array) in enumerate(zip(tensors, arrays, strict=True))
        ]


def _holds_tensors(value: Any) -> bool:
    return any(isinstance(leaf, SymbolicTensor | np.ndarray) for leaf in tree.flatten(value))


def _at(dtypes: tuple[str, ...], number: int) -> str:
    return dtypes[number] if number < len(dtypes) else "float32"


def signature(tensors: Sequence[SymbolicTensor]) -> tuple[Hashable, ...]:
    return tuple((tensor.shape, tensor.dtype, tensor.undecided) for tensor in tensors)


def keep(cache: OrderedDict[Hashable, Any], key: Hashable, value: object) -> None:
    cache[key] = value
    while len(cache) > _PLANS_KEPT:
        cache.popitem(last=False)
