"""`Layer`: a recipe with weights. Called on symbolic tensors it extends a graph, called on arrays it computes."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import regularizers
from .._core import tree, variables
from .._core.dispatch import active_recorder, is_tracing, note_loss
from .._core.tensors import as_tensor, mask_of
from .._core.types import Shape
from .._core.variables import Variable
from .._graph import names as _names
from .._graph import penalties
from .._graph.compiling import CompiledPlan, MaskPlan
from .._graph.graph import Graph
from .._graph.lowering import BY_DEFAULT, Training
from .._graph.recorded import Recorded
from .._graph.recording import Recorder
from .._graph.tensors import Node, SymbolicTensor, reset_names
from ..random import next_seed
from . import _at_once
from ._attributes import Option
from ._masked import Masked
from ._recording import record
from ._saved import Configured
from ._weights import dtype_name


class Layer(Masked):
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

    # Whether inputs after the first are states, of which Keras's calls have an argument (`arguments_in_keras`).
    takes_states = False
    # The name of the first argument of a call, as in Keras.
    input_argument = "inputs"
    activity_regularizer = Option(regularizers.get)

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

    # ---- layers inside ----

    def sublayers(self) -> list[Layer]:
        """The layers kept as attributes, also in lists, tuples and dicts, in the order they were set."""
        return super().sublayers()

    def walk(self) -> Iterator[Layer]:
        """This layer and every layer inside it, each once."""
        return super().walk()

    # ---- calls ----

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

    def arguments_in_keras(self, arguments: list[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a call as Keras's layer takes them, positional ones and others."""
        return arguments, {}

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

    def adds_losses(self) -> bool:
        """Whether calls of this layer, or of those inside, add something to the loss, as far as they were traced."""
        now = variables.modes_version()
        if self._adds is None or self._adds[0] != now:
            self._adds = now, any(layer.adds_own_losses() for layer in self.walk())
        return self._adds[1]

    def adds_own_losses(self) -> bool:
        """Whether calls of this layer itself add something to the loss, as far as they were traced."""
        return self._traced_losses or self.activity_regularizer is not None

    def refuse_hidden_losses(self) -> None:
        """ValueError where a layer inside of this one, which is made of ops, adds a loss: a tape would not see it."""
        for layer in self.sublayers():
            if layer.adds_losses():
                raise ValueError(
                    f"layer {layer.name!r} inside of {self.name!r} ({type(self).__name__}) adds to the loss, which a "
                    f"tape does not see; expected activity_regularizer on {self.name!r} itself"
                )

    # ---- what one call costs and sees, for summary() ----

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


def _carried(leaves: list[Any]) -> list[NDArray[Any] | None]:
    """The masks that arrays have from the layers that gave them; empty where none has one."""
    masks = [mask_of(leaf) for leaf in leaves]
    return masks if any(mask is not None for mask in masks) else []


def clear_session() -> None:
    """Starts the numbers in automatic names over, as in a fresh process. Existing layers keep theirs."""
    _names.clear()
    reset_names()
