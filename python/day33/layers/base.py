"""`Layer`: a recipe with weights. Called on symbolic tensors it extends a graph, called on arrays it computes."""

from __future__ import annotations

import functools
import inspect
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import regularizers
from .._core import tree, variables
from .._core.dispatch import active_recorder, is_tracing, not_tracing, note_loss, tracing
from .._core.tensors import as_tensor, has_mask, mask_of, set_mask
from .._core.types import Shape
from .._core.user_code import blaming
from .._core.variables import Variable
from .._graph import names as _names
from .._graph import penalties
from .._graph.calls import as_symbolic
from .._graph.compiling import CompiledPlan, LossTerm, MaskPlan, compile_masks, compile_plan
from .._graph.graph import Graph
from .._graph.lowering import BY_DEFAULT, Lowering, Training
from .._graph.modes import merge_modes
from .._graph.recorded import Recorded
from .._graph.recording import Recorder
from .._graph.staging import PlanWriters
from .._graph.tensors import Node, SymbolicTensor, reset_names
from ..metrics import Metric
from ..random import next_seed
from . import _at_once
from ._attributes import Option
from ._native_ops import NativeOps
from ._recording import converted, record
from ._saved import Configured
from ._weights import dtype_name, find_layers

_PLANS_KEPT = 16  # a plan: a few kilobytes, and its packed weights
# Public attributes that decide nothing in a plan, or are part of its key already.
_NOT_CONFIGURATION = frozenset(
    {"built", "dtype", "has_metrics", "input_shape_argument", "name", "named_by_user", "trainable"}
)


def _with_plain_shape(compute_output_shape: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps `compute_output_shape`: sizes may be NumPy's integers, which `numpy.prod` and data frames give."""

    @functools.wraps(compute_output_shape)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> Any:
        return compute_output_shape(self, *tree.plain_shapes(args), **tree.plain_shapes(kwargs))

    return wrapper


def _once(build: Callable[..., None]) -> Callable[..., None]:
    """Wraps `build`: the first call fixes the path of the weights and marks the layer as built, later ones return.

    Sizes may be NumPy's integers.
    """

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
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


class Layer(Configured):
    """Base class of layers.

    A new layer defines either

    - `build(input_shape)`, `compute_output_shape(input_shape)` and `lower(lowering, inputs)`, which writes native ops
      and is what the layers of day33 do; or
    - `call(self, x, ..., training=None)` in terms of other layers, kept as attributes.

    An attribute that is changed later takes effect at the next call.

    Args:
        name: unique in a model; by default the class in snake case with a number.
        trainable: False keeps the weights out of training.
        dtype: None or "float32".
        activity_regularizer: what training adds to the loss for the output, divided by the number of samples; see
            `day33.regularizers`.
        input_shape: without the batch; for the first layer of a `Sequential`. `input_dim=n` is `input_shape=(n,)`.

    Raises:
        ValueError: an argument that the layer does not know or day33 does not support, or a name with "/" in it.
    """

    # Whether the layer passes its input through unless in training (Dropout).
    acts_in_training_only = False
    # The default of `training` in Keras's call of the layer; None where that has none.
    native_training: bool | None = None
    # Whether masks go on behind the layer, as Keras says of it: results have that of the input, or the one that `lower`
    # sets where `sets_mask` is true.
    supports_masking = False
    sets_mask = False
    # Whether inputs after the first are states, of which Keras's calls have an argument (`arguments_in_keras`).
    takes_states = False
    # Whether outputs have a mask though no input has one.
    makes_masks = False
    # Whether calls take `mask`, a mask in place of the one that the input carries.
    takes_mask = False
    # Whether metrics are among the attributes of a layer.
    has_metrics = False
    # The name of the first argument of a call, as in Keras.
    input_argument = "inputs"
    activity_regularizer = Option(regularizers.get)
    input_dtypes: tuple[str, ...] = ()  # of each input; float32 where nothing is said
    output_dtypes: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _once(cls.__dict__["build"])  # type: ignore[method-assign]
        if "compute_output_shape" in cls.__dict__:
            wrapped = _with_plain_shape(cls.__dict__["compute_output_shape"])
            cls.compute_output_shape = wrapped  # type: ignore[method-assign]

    def __init__(
        self, *, name: str | None = None, trainable: bool = True, dtype: object = None,
        activity_regularizer: regularizers.RegularizerLike = None, input_shape: Sequence[int | None] | None = None,
        input_dim: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if kwargs:
            raise ValueError(f"{type(self).__name__} does not know the argument(s) {', '.join(sorted(kwargs))}")
        if not isinstance(trainable, bool | np.bool_):
            raise ValueError(f"trainable is {trainable!r}; expected True or False")
        if dtype_name(dtype) not in (None, "float32"):
            raise ValueError(f"dtype is {dtype!r}; day33 computes in float32 only")
        self.activity_regularizer = activity_regularizer
        if name is not None and (not isinstance(name, str) or not name or "/" in name):
            raise ValueError(f"name is {name!r}; expected a string that is not empty and has no '/'")
        # A name like an automatic one was not chosen by the user, also where a configuration gives it.
        stem = self.name_stem()
        self.named_by_user = name is not None and re.fullmatch(rf"{stem}(_\d+)?", name) is None
        self.name: str = name if name is not None else _names.unique(stem)
        # What neither makes weights nor is made of others has nothing to build.
        self.built = not (self._has_own_build() or self.has_graph())
        self._building = False
        self.dtype = "float32"
        self.input_shape_argument = (input_dim,) if input_dim is not None else input_shape
        Configured.__init__(self, bool(trainable))
        self._nodes: list[Node] = []
        self._lock = threading.RLock()
        self._is_lowered = False  # whether a plan or a trace was made of the layer as it is configured
        self._revision = 0  # how often it was configured anew since
        self._plans: OrderedDict[Hashable, CompiledPlan] = OrderedDict()
        self._traces: OrderedDict[Hashable, Graph] = OrderedDict()
        self._modes: tuple[int, tuple[int, ...]] | None = None
        self._moving: tuple[int, tuple[Variable, ...]] | None = None
        self._traced_losses = False  # whether a trace of `call` added something to the loss
        self._adds: tuple[int, bool] | None = None
        self._assigns = False  # whether `call` was seen to assign to a variable
        self._default_mode: tuple[int, Training] | None = None
        self._making: tuple[int, bool] | None = None
        self._mask_plans: OrderedDict[Hashable, MaskPlan | None] = OrderedDict()
        self._call_losses: list[Recorded] = []  # what the last call on arrays added

    _refused: frozenset[str] = frozenset()

    def _refuse(self, **arguments: object) -> None:
        """Notes arguments of Keras that day33 does not have. As attributes they keep the value that asks for nothing.

        Raises:
            ValueError: an argument asks for something, now or when it is set later.
        """
        self._refused = self._refused.union(arguments)
        for argument, value in arguments.items():
            setattr(self, argument, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._refused and _asks_for_something(value):
            raise ValueError(f"{name} of {type(self).__name__} is {value!r}; day33 does not support it")
        if "_plans" not in self.__dict__:
            object.__setattr__(self, name, value)
            return
        if isinstance(value, Layer | Metric | list | tuple | dict):
            if find_layers(value):
                self._forget()
            if not self.has_metrics and find_metrics(value):
                self.has_metrics = True
                variables.modes_changed()
        watched = self._is_lowered and self._configures(name)
        before = getattr(self, name, None) if watched else None
        object.__setattr__(self, name, value)
        if watched and not _is_same(before, getattr(self, name, None)):
            self.configured_anew()

    def configured_anew(self) -> None:
        """Notes that plans made of the layer so far are outdated."""
        self._revision += 1
        self._is_lowered = False
        self._traces.clear()
        variables.modes_changed()

    def _configures(self, name: str) -> bool:
        """Whether an attribute of that name may decide what the layer computes; a hook."""
        return not name.startswith("_") and name not in _NOT_CONFIGURATION

    def _forget(self) -> None:
        """Drops what was derived from the sublayers."""
        self._plans.clear()
        self._mask_plans.clear()
        self._traces.clear()
        self._modes = None
        variables.modes_changed()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    # The locks and the caches stay behind when a layer is copied or pickled; symbolic calls do too.
    def __getstate__(self) -> dict[str, Any]:
        dropped: dict[str, Any] = {
            "_lock": None, "_plans": None, "_traces": None, "_modes": None, "_moving": None, "_adds": None,
            "_default_mode": None, "_making": None, "_mask_plans": None,
            "_call_losses": [],
        }  # fmt: skip
        return {**self.__dict__, **dropped}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.update(_lock=threading.RLock(), _modes=None)
        self.__dict__.update(_plans=OrderedDict(), _traces=OrderedDict(), _mask_plans=OrderedDict())

    # ---- shapes ----

    @_once
    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of `input_shape` (batch first; a list of shapes for several inputs).

        Runs once: later calls do nothing.
        """
        if self.is_composite():
            self._trace((tree.map_shapes(SymbolicTensor, input_shape),), {})

    def _has_own_build(self) -> bool:
        return type(self).build is not Layer.build

    def _ensure_built(self, input_shape: Any) -> None:
        if not (self.built or self._building):
            with self._lock:
                self.build(input_shape)

    @_with_plain_shape
    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape (batch first, None where unknown) of the output for `input_shape`; lists for several."""
        if self.is_composite():
            graph = self._trace((tree.map_shapes(SymbolicTensor, input_shape),), {})
            return tree.transform(lambda tensor: tensor.shape, graph.output_structure)
        return tree.map_shapes(tuple, input_shape)

    # ---- what one call costs and sees, for summary() ----

    def _graph_for(self, input_shape: Any) -> Graph:
        """What a composite or a model does with inputs of that shape."""
        return self._trace((tree.map_shapes(SymbolicTensor, input_shape),), {})

    def has_graph(self) -> bool:
        """Whether a graph of other layers and functions says what the layer does."""
        return self.is_composite()

    def multiply_adds(self, input_shape: Any, output_shape: Any) -> int:
        """Multiplications with a weight for one sample (shapes batch first, all sizes known but the batch)."""
        if not self.has_graph():
            return 0
        shapes: list[Shape] = []
        tree.map_shapes(shapes.append, input_shape)
        return sum(cost or 0 for cost in self._graph_for(input_shape).multiply_adds(shapes).values())

    def receptive_span(self, low: int, high: int, axis: int, input_shape: Any) -> tuple[int, int] | None:
        """First and last input position along spatial axis 0 or 1 that outputs low..high see; None for all."""
        if not self.has_graph():
            return low, high
        graph = self._graph_for(input_shape)
        return graph.receptive_span(graph.outputs, low, high, axis)

    def treats_positions_alike(self) -> bool:
        """Whether each position before the last axis is computed on its own: `TimeDistributed` may then hand over all
        time steps at once.
        """
        return False

    def enlarges(self, axis: int) -> int:
        """The factor by which the layer makes spatial axis 0 or 1 longer: what it sees repeats with that period."""
        return 1

    # ---- calls ----

    def is_composite(self) -> bool:
        """Whether `call` says what the layer does, in terms of other layers."""
        return type(self).call is not Layer.call

    def _call_native(self, *arguments: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """What the layer computes, for ``super().call(inputs)`` in a subclass whose `call` does more.

        Args:
            arguments: the input, as of a call of the layer.
            training: whether to run in training mode; by default that of the call.

        Raises:
            TypeError: there are no native ops (`lower`) to which it could come down.
        """
        if not self.is_composite():
            return self(*arguments, training=training, **kwargs)
        if type(self).lower is Layer.lower:
            raise TypeError(f"{type(self).__name__}.call calls super().call, but its base class computes nothing")
        if len(arguments) != 1 or kwargs:
            raise TypeError(f"super().call of layer {self.name!r} was given {len(arguments)} arguments and "
                            f"{sorted(kwargs)}; expected one, a list for several inputs")  # fmt: skip
        if self._assigns and not any(isinstance(leaf, SymbolicTensor) for leaf in tree.flatten(arguments)):
            raise TypeError(
                f"super().call of layer {self.name!r} was called in a call that also assigns to variables; expected a "
                "layer kept as an attribute in its place"
            )
        return NativeOps(self).extend_graph(arguments, training)

    call: Any = _call_native

    def lower(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        """Writes this layer into a plan: from tensors of `lowering.builder` to tensors of it."""
        raise TypeError(f"{type(self).__name__} defines neither lower(self, lowering, inputs) nor call(self, x)")

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
            return lowering.call(self._lower_one, inputs)
        except ValueError as error:
            if str(error).startswith("layer "):
                raise
            raise ValueError(f"layer {self.name!r} ({type(self).__name__}): {error}") from error

    def _lower_one(self, lowering: Lowering, inputs: list[int]) -> list[int]:
        results = self.lower(lowering, inputs)
        if self.supports_masking and not self.sets_mask:
            lowering.pass_mask(inputs, results)
        return results

    def _trace(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Graph:
        """The graph of `call` for symbolic `arguments`, whose dtypes it may decide. Cached."""
        tensors: list[SymbolicTensor] = tree.flatten(arguments)
        key = (tree.describe(arguments), _signature(tensors), repr(sorted(kwargs.items())))
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
                _keep(self._traces, key, graph)
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

    def _infer(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Fresh symbolic outputs for symbolic arguments; builds the layer."""
        if self.is_composite():
            outputs = self._trace(arguments, kwargs).output_structure
            return tree.transform(lambda tensor: SymbolicTensor(tensor.shape, tensor.dtype), outputs)
        if len(arguments) != 1 or kwargs:
            raise TypeError(
                f"layer {self.name!r} ({type(self).__name__}) takes one positional argument (a list for several "
                f"inputs) and training=, got {len(arguments)} and {sorted(kwargs)}"
            )
        return self._infer_native(arguments)

    def _infer_native(self, arguments: tuple[Any, ...]) -> Any:
        """The same for what the native ops of the layer give."""
        for number, tensor in enumerate(tree.flatten(arguments)):
            self._require_dtype(number, tensor)
        shapes = tree.transform(lambda tensor: tensor.shape, arguments[0])
        self._ensure_built(shapes)
        dtypes = iter(self.output_dtypes)
        return tree.map_shapes(
            lambda shape: SymbolicTensor(shape, next(dtypes, "float32")), self._native_output_shape(shapes)
        )

    def _native_output_shape(self, input_shape: Any) -> Any:
        if type(self).compute_output_shape is Layer.compute_output_shape:
            return tree.map_shapes(tuple, input_shape)
        return self.compute_output_shape(input_shape)

    def _require_dtype(self, number: int, tensor: SymbolicTensor) -> None:
        """Checks, or decides, the dtype of input `number`."""
        tensor.require(_at(self.input_dtypes, number), f"layer {self.name!r}")

    def __call__(self, *arguments: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Extends a graph (symbolic tensors) or computes (arrays, or anything NumPy can read).

        Contiguous float32 arrays go in without a copy, other real dtypes are converted once; results are fresh arrays.

        Args:
            arguments: the input, or a list of several; also by the name that Keras has for it, `inputs` or `sequences`.
            training: whether to run in training mode; by default what `call` has as default, and False where it has
                none. Layers that change images act by default, also inside of models.
            mask: of layers that take one: which positions of the input count, (N, T) for (N, T, ...), in place of the
                mask that the input carries. A list for several inputs, with None for those without.
            kwargs: other arguments of the layer.

        Returns:
            The output, or several as the layer gives them.

        Raises:
            TypeError: an input that does not hold real numbers, or an argument that the layer does not take.
            ValueError: a shape that the layer cannot take.
        """
        if "_plans" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}.__init__ must call super().__init__() before anything else")
        mask = None
        if kwargs and not self.is_composite():
            mask = kwargs.pop("mask", None)
            if not arguments and self.input_argument in kwargs:
                arguments = (kwargs.pop(self.input_argument),)
        arguments, kwargs = self._split(arguments, kwargs)
        leaves = tree.flatten(arguments)
        if not leaves:
            raise ValueError(
                f"layer {self.name!r} was called without an input; expected one as first argument or as "
                f"{self.input_argument}="
            )
        masks = [] if mask is None else self._masks(mask, len(leaves))
        given = [*leaves, *(item for item in masks if item is not None)] if masks else leaves
        symbolic = [isinstance(leaf, SymbolicTensor) for leaf in given]
        if not any(symbolic):
            return self._call_on_arrays(arguments, leaves, kwargs, training, masks)
        if not all(symbolic):
            raise TypeError(f"layer {self.name!r} was given arrays and symbolic tensors together")
        for leaf, item in zip(leaves, masks, strict=False):
            self._check_mask(leaf.shape, item)
        return self.extend_graph(arguments, kwargs, training, keep=not _names.scope(), masks=masks)

    def _call_on_arrays(
        self, arguments: tuple[Any, ...], leaves: list[Any], kwargs: dict[str, Any], training: bool | None,
        masks: list[Any],
    ) -> Any:  # fmt: skip
        training = _at_once.mode() if training is None else bool(training)
        if not self._assigns:
            recorder, mode = active_recorder(), self._mode_of(training)
            try:
                if recorder is not None:
                    return record(self, recorder, arguments, leaves, kwargs, mode, masks)
                return self._compute(arguments, leaves, kwargs, mode, masks)
            except variables.AssignedInTrace:
                self._assigns = True
        return _at_once.run(self, arguments, kwargs, training)

    @property
    def training_by_default(self) -> bool | None:
        """The default of `training` in `call`; None where there is none."""
        if not self.is_composite():
            return self.native_training
        parameter = inspect.signature(self.call).parameters.get("training")
        return None if parameter is None or not isinstance(parameter.default, bool) else parameter.default

    def _mode_of(self, training: bool | None) -> Training:
        """The mode of a call on arrays with that argument."""
        if training is not None:
            return bool(training)
        now = variables.modes_version()
        if self._default_mode is None or self._default_mode[0] != now:
            default = self.training_by_default
            differs = default is None and any(
                (layer.acts_in_training_only and layer.native_training)
                or (layer.is_composite() and layer.training_by_default)
                for layer in self.walk()
            )
            self._default_mode = now, BY_DEFAULT if differs else bool(default)
        return self._default_mode[1]

    def refuse_hidden_losses(self) -> None:
        """ValueError where a layer inside of this one, which is made of ops, adds a loss: a tape would not see it."""
        for layer in self.sublayers():
            if layer.adds_losses():
                raise ValueError(
                    f"layer {layer.name!r} inside of {self.name!r} ({type(self).__name__}) adds to the loss, which a "
                    f"tape does not see; expected activity_regularizer on {self.name!r} itself"
                )

    def adds_losses(self) -> bool:
        """Whether calls of this layer, or of those inside, add something to the loss, as far as they were traced."""
        now = variables.modes_version()
        if self._adds is None or self._adds[0] != now:
            self._adds = now, any(layer.adds_own_losses() for layer in self.walk())
        return self._adds[1]

    def adds_own_losses(self) -> bool:
        """Whether calls of this layer itself add something to the loss, as far as they were traced."""
        return self._traced_losses or self.activity_regularizer is not None

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

    def extend_graph(
        self, arguments: tuple[Any, ...], kwargs: dict[str, Any], training: bool | None = None, *, keep: bool = True,
        masks: Sequence[SymbolicTensor | None] = (),
    ) -> Any:  # fmt: skip
        """The outputs of a call on symbolic tensors.

        Args:
            arguments: positional, with tensors in them. kwargs: the others.
            training: of the call.
            keep: whether the layer remembers the call for `input` and `output`. One inside a trace is not kept.
            masks: one for each tensor of `arguments`, None for one without; empty for none.
        """
        outputs = self._infer(arguments, kwargs)
        node = Node(self, arguments, kwargs, training, outputs, masks)
        if keep:
            self._nodes.append(node)
        return outputs

    def _split(self, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Tensors given by name come after the positional ones, where `call` expects them."""
        if not kwargs or not self.is_composite():
            return arguments, kwargs
        parameters = list(inspect.signature(self.call).parameters)
        kwargs = dict(kwargs)
        while len(arguments) < len(parameters) and _holds_tensors(kwargs.get(parameters[len(arguments)])):
            arguments = (*arguments, kwargs.pop(parameters[len(arguments)]))
        return arguments, kwargs

    def _compute(
        self, arguments: tuple[Any, ...], leaves: list[Any], kwargs: dict[str, Any], training: Training,
        masks: list[Any],
    ) -> Any:  # fmt: skip
        carried = [] if masks or self.adds_losses() else _carried(leaves)
        tensors, arrays = self._prepared(leaves)
        structure = tree.pack(arguments, tensors)
        outputs = self._infer(structure, kwargs)
        if not masks and self.adds_losses():
            recorded = record(self, Recorder(next_seed), arguments, leaves, kwargs, training, masks)
            return tree.pack(outputs, [as_tensor(item) for item in tree.flatten(recorded)])
        placeholders, mask_arrays = self._mask_placeholders(tensors, arrays, masks or carried, bool(carried))
        inputs = [*self._converted(tensors, arrays), *mask_arrays]
        compiled = self._compile(structure, kwargs, None, placeholders, training, bool(carried))
        results = [as_tensor(array) for array in compiled.forward(inputs, bool(training))]
        self.note_masks(results, arguments, leaves, kwargs, masks)
        return tree.pack(outputs, results)

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
            carried, tree.describe(structure), _signature(tensors), tuple(item is None for item in placeholders),
            repr(sorted(kwargs.items())), self.mode_key(),
        )  # fmt: skip
        with self._lock:
            if key not in self._mask_plans:
                plan = compile_masks(
                    self._lower_with_masks(structure, kwargs, placeholders, carried=carried),
                    [array.shape[1:] for array in given], [tensor.dtype for tensor in tensors],
                )  # fmt: skip
                _keep(self._mask_plans, key, plan)
            plan = self._mask_plans[key]
        found = {} if plan is None else plan.masks(given)
        return [found[number] != 0 if number in found else None for number in range(len(outputs))]

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

    def _may_make_masks(self) -> bool:
        """Whether this layer, or one inside, makes masks of what it is given."""
        now = variables.modes_version()
        if self._making is None or self._making[0] != now:
            self._making = now, any(layer.makes_masks for layer in self.walk())
        return self._making[1]

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

    def _converted(self, tensors: Sequence[SymbolicTensor], arrays: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """The arrays as plans take them."""
        return [
            converted(f"input {number} of layer {self.name!r}", array, tensor.dtype)
            for number, (tensor, array) in enumerate(zip(tensors, arrays, strict=True))
        ]

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
            (Layer if carried else type(self))._check_mask(self, tensor.shape, placeholders[-1])
        return placeholders, given

    def _fit_rank(self, number: int, array: NDArray[Any]) -> NDArray[Any]:
        """A model with declared inputs adds or drops a last axis of 1, as Keras's do."""
        return array

    def arguments_in_keras(self, arguments: list[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a call as Keras's layer takes them, positional ones and others."""
        return arguments, {}

    def fixes_batch(self) -> bool:
        """Whether the layer is built for batches of one size."""
        return any(layer.fixes_batch() for layer in self.sublayers())

    def _batch_to_build(self, size: int | None) -> int | None:
        """The size of a batch where the layer is to be built for it; None, for batches of all sizes, elsewhere."""
        return size if not self.built and self.fixes_batch() else None

    def _placeholder(self, number: int, array: NDArray[Any]) -> SymbolicTensor:
        shape = (self._batch_to_build(len(array)), *array.shape[1:])
        tensor = SymbolicTensor(shape, _at(self.input_dtypes, number), "input")
        if self.is_composite() and array.dtype.kind in "iu":
            tensor.dtype, tensor.undecided = "int32", True
        return tensor

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
            tree.describe(arguments), _signature(tensors), tuple(mask is None for mask in masks),
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
            _keep(self._plans, (key, training if only else None), compiled)
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

    def mode_key(self) -> tuple[int, ...]:
        """What is trainable inside, which decides which gradients a plan has and which moving averages it updates, and
        how often the layers inside were configured anew.
        """
        now = variables.modes_version()
        if self._modes is None or self._modes[0] != now:
            layers = list(self.walk())
            flags: list[int] = [layer._trainable for layer in layers]
            flags += [layer._revision for layer in layers]
            flags += [
                flag for layer in layers for v in layer._trainable_variables for flag in (v.trainable, v.revision)
            ]
            self._modes = (now, tuple(flags))
        return self._modes[1]

    # ---- what training adds to the loss ----

    def add_loss(self, loss: Any) -> None:
        """Adds to the loss that training minimises, inside of `call`.

        Args:
            loss: a number for the batch, made of tensors and variables by functions of `day33.ops`, or a list of them.
                What is no number is summed.

        Raises:
            RuntimeError: outside of `call`. TypeError: no such value.
        """
        if not is_tracing():
            if self._assigns:
                raise RuntimeError(
                    f"add_loss of layer {self.name!r} was called in a call that also assigns to variables; expected "
                    "one of both"
                )
            raise RuntimeError(f"add_loss of layer {self.name!r} was called outside of call; expected it inside of it")
        for tensor in penalties.loss_tensors(loss, f"layer {self.name!r}"):
            note_loss(tensor)

    @property
    def losses(self) -> list[Any]:
        """What training adds to the loss: what the last call on arrays added, of this layer and those inside, then the
        penalties on the trainable weights. Inside of a tape's block, values of which it takes gradients.
        """
        recorder = active_recorder()
        found: list[Any] = []
        for item in [loss for layer in self.walk() for loss in layer._call_losses]:
            found.append(item if item.recorder is recorder else as_tensor(item.value))
        for variable in self.trainable_weights:
            if variable.regularizer is not None:
                value = variable.regularizer(variable)
                found.append(as_tensor(np.float32(value)) if isinstance(value, int | float) else value)
        return found

    # ---- layers inside ----

    def sublayers(self) -> list[Layer]:
        """The layers kept as attributes, also in lists, tuples and dicts, in the order they were set."""
        return super().sublayers()

    def walk(self) -> Iterator[Layer]:
        """This layer and every layer inside it, each once."""
        return super().walk()

    def moving_variables(self) -> tuple[Variable, ...]:
        """The variables that a run in training changes and inference reads, of layers inside as well."""
        now = variables.modes_version()
        if self._moving is None or self._moving[0] != now:
            found = [variable for layer in self.walk() for variable in layer.moving_variables_of_its_own()]
            self._moving = now, tuple(found)
        return self._moving[1]

    def moving_variables_of_its_own(self) -> Sequence[Variable]:
        """Those of the layer itself; a hook."""
        return ()

    # ---- calls that tapes record ----

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

    def attribute_metrics(self) -> list[Metric]:
        """The metrics kept as attributes, also in lists, tuples and dicts, in the order they were set."""
        return find_metrics(list(vars(self).values())) if self.has_metrics else []

    # ---- the ends of the first symbolic call ----

    def _first_call(self) -> Node:
        if not self._nodes:
            raise AttributeError(f"layer {self.name!r} has no input and output: it was not called on symbolic tensors")
        return self._nodes[0]

    @property
    def input(self) -> Any:
        """The symbolic input of the first call. AttributeError before one."""
        arguments = self._first_call().arguments
        return arguments[0] if len(arguments) == 1 else list(arguments)

    @property
    def output(self) -> Any:
        """The symbolic output of the first call. AttributeError before one."""
        return self._first_call().output_structure


def _asks_for_something(value: object) -> bool:
    """Whether the value of an argument of Keras is more than None, False or 0."""
    return value is not None and not (isinstance(value, bool | int | float) and not value)


def _is_same(before: object, after: object) -> bool:
    return before is after or (
        isinstance(before, str | int | float) and type(before) is type(after) and before == after
    )


def find_metrics(value: Any) -> list[Metric]:
    """The metrics in `value`, also in nested lists, tuples and dicts, each once, in order."""
    found: dict[Metric, None] = {}
    for item in tree.flatten(value) if isinstance(value, list | tuple | dict) else [value]:
        if isinstance(item, Metric):
            found.setdefault(item)
    return list(found)


def _at(dtypes: tuple[str, ...], number: int) -> str:
    return dtypes[number] if number < len(dtypes) else "float32"


def _signature(tensors: Sequence[SymbolicTensor]) -> tuple[Hashable, ...]:
    return tuple((tensor.shape, tensor.dtype, tensor.undecided) for tensor in tensors)


def _keep(cache: OrderedDict[Hashable, Any], key: Hashable, value: object) -> None:
    cache[key] = value
    while len(cache) > _PLANS_KEPT:
        cache.popitem(last=False)


def _carried(leaves: list[Any]) -> list[NDArray[Any] | None]:
    """The masks that arrays have from the layers that gave them; empty where none has one."""
    masks = [mask_of(leaf) for leaf in leaves]
    return masks if any(mask is not None for mask in masks) else []


def _holds_tensors(value: Any) -> bool:
    return any(isinstance(leaf, SymbolicTensor | np.ndarray) for leaf in tree.flatten(value))


def clear_session() -> None:
    """Starts the numbers in automatic names over, as in a fresh process. Existing layers keep theirs."""
    _names.clear()
    reset_names()
