"""Native plans: what layers write their ops into, and the plan that comes of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._core.variables import Variable
from .._native import PlanBuilder
from .draws import Call, Draws
from .functions import ConstantSource, Function, Given, Source, known_shape

Write = Callable[["Lowering", list[int]], list[int]]
Trains = Callable[[Variable], bool]


def is_trainable(variable: Variable) -> bool:
    """Whether an optimizer may change a variable."""
    return variable.trainable


class ByDefault:
    """The mode of a call on arrays that does not say one: inference, but for layers whose default is another one."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "by default"


BY_DEFAULT = ByDefault()
Training = bool | ByDefault


@dataclass
class Mode:
    """In which mode the runs of a plan are.

    Attributes:
        training: whether they are in training; where that does not matter, the plan serves in the other mode as well.
        only_training: whether they are in training for sure.
        matters: whether something was written that differs.
    """

    training: bool = False
    only_training: bool = False
    matters: bool = False


class AddedLoss(NamedTuple):
    """What is minimised besides: the mean or sum of a value, times a factor.

    Attributes:
        value: of the plan. reduction: "mean" or "sum".
        samples: the number of samples by which it is divided; None where it is not.
    """

    value: int
    reduction: str
    factor: float
    samples: int | None = None


class CrossesSamples(Exception):
    """Something takes the batch as a whole, or is made of weights alone: see `staging.py`."""


@dataclass(frozen=True)
class _OfSample:
    """A tensor of the plan as the argument of a function."""

    lowering: Lowering
    tensor: int
    slot: None = None
    number: None = None
    value: None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.lowering.shape(self.tensor)

    @property
    def dtype(self) -> str:
        return self.lowering.dtype(self.tensor)


@dataclass(frozen=True)
class Shared:
    """A parameter of the plan as the argument of a function: the same for all samples."""

    lowering: Lowering
    slot: int
    shape: tuple[int, ...]
    dtype: str = "float32"
    number: float | None = None
    value: NDArray[np.float32] | None = field(default=None, compare=False)

    @property
    def tensor(self) -> int:
        return self.lowering.value_of(self.slot, self.dtype)


class Lowering:
    """A plan that is being written: the builder, the slots of the variables so far, the masks, and the mode.

    Values are the plan's tensors. What is the same for all samples is a parameter; `share` gives it a negative number.

    Args:
        draws: seeds of random ops, where several plans share them.
        wants_penalties: whether what layers add to the loss (`add_loss`, regularizers) is written, too.
        trains: which variables have gradients; by default those that are trainable.
        mode: that of the runs, where it is known, else None; see `Mode`.
        builder: what the ops are written to; a new one by default.

    Attributes:
        layers: the names of the layers being written, from the outermost on.
        variables: by slot. versions: which values of theirs are meant, see `Call`.
        trained: by slot, whether there is a gradient. written: slots that the plan changes in training. repeated:
            those of them whose change does not count.
        losses: what else is minimised. loss_constant: a number in it.
    """

    def __init__(
        self, draws: Draws | None = None, wants_penalties: bool = False, trains: Trains = is_trainable,
        mode: Mode | None = None, builder: PlanBuilder | None = None,
    ) -> None:  # fmt: skip
        self.builder = PlanBuilder() if builder is None else builder
        self.layers: list[str] = []
        self.variables: list[Variable] = []
        self.versions: list[int] = []
        self.trained: list[bool] = []
        self.written: set[int] = set()
        self.repeated: set[int] = set()
        self.wants_penalties = wants_penalties
        self.losses: list[AddedLoss] = []
        self.loss_constant = 0.0
        self.states: list[Variable] = []  # that the plan keeps from one run to the next
        self.runs = Mode() if mode is None else mode
        self.inference = False  # inside a layer that was called with training=False
        self.forced = False  # inside one that was called with training=True, whatever the plan is run for
        self.by_default = False  # inside a call that did not say
        self._slots: dict[tuple[int, int], int] = {}
        self._slot_values: dict[tuple[int, str], int] = {}
        self._dtypes: dict[int, str] = {}
        self._masks: dict[int, int] = {}
        self._masked_by_call: set[int] = set()
        self._shared: list[Shared] = []
        self.draws = Draws() if draws is None else draws
        self._trains = trains
        self._call = Call()

    def share(self, source: Source) -> int:
        """A negative number for a variable or constant."""
        spec = source.spec()
        slot = self.slot(source.variable())
        self._shared.append(Shared(self, slot, known_shape(spec), spec.dtype, source.number, source.value))
        return -1 - len(self._shared)

    def constant(self, value: Any) -> int:
        """A tensor of the plan that holds `value`, the same for all samples."""
        source = ConstantSource(value)
        return self.value_of(self.slot(source.variable()), source.dtype)

    def op_seed(self, seed: int | None) -> int:
        """The seed of an op that draws random numbers in inference as well: the given one, or one of its own."""
        return self.draws.op(seed)

    def seed_of(self, own: int) -> int:
        """The seed of a random op of a layer with a seed of its own: another one each time the layer is called."""
        return self.draws.layer(own)

    def value_of(self, slot: int, dtype: str = "float32") -> int:
        """A parameter as a tensor of the plan. Integers in it are exact up to 2**24."""
        key = slot, dtype
        if key not in self._slot_values:
            tensor = self.builder.parameter_value(slot)
            if dtype != "float32":
                tensor = self.builder.cast(tensor, "int32")
                self.set_dtype(tensor, dtype)
            self._slot_values[key] = tensor
        return self._slot_values[key]

    def apply(self, function: Function, inputs: Sequence[int]) -> list[int]:
        """Writes a function of values.

        Raises:
            CrossesSamples: a sample of its result does not come from one sample of the inputs.
        """
        if not any(value >= 0 for value in inputs):
            raise CrossesSamples
        operands = [_OfSample(self, value) if value >= 0 else self._shared[-2 - value] for value in inputs]
        if not function.keeps_samples(
            *(Given((None, *o.shape), True) if o.slot is None else Given(o.shape, False) for o in operands)
        ):
            raise CrossesSamples
        return function.emit(self, operands, 1)

    def write(self, function: Function, operands: Sequence[Shared | int], first: int) -> list[int]:
        """Writes a function of tensors of the plan and of parameters, without asking whether samples stay apart.

        Args:
            first: 1, or 0 where the plan's one sample is the whole array.
        """
        given = [_OfSample(self, value) if isinstance(value, int) else value for value in operands]
        return function.emit(self, given, first)

    def call(self, write: Write, inputs: Sequence[int]) -> list[int]:
        """Writes a layer.

        Args:
            write: writes its ops: from the plan that is being written and its tensors to tensors of it.
            inputs: values.

        Raises:
            CrossesSamples: an input is the same for all samples.
        """
        if any(value < 0 for value in inputs):
            raise CrossesSamples
        return write(self, list(inputs))

    def batched(self, inputs: Sequence[int]) -> list[int]:
        """The same values, their first axis taken as the batch, as calls of layers take them.

        Raises:
            CrossesSamples: one of them is the same for all samples.
        """
        return self.call(lambda _, tensors: tensors, inputs)

    def loss(self, value: int, kind: str, **options: Any) -> None:
        """Adds a loss of the native kinds, with the arguments of `PlanBuilder.loss`."""
        if value < 0:
            raise CrossesSamples
        self.builder.loss(value, kind, **options)

    def add_loss(self, value: int, reduction: str, factor: float, per_sample_of: int | None = None) -> None:
        """Adds the mean or sum of a value, times a factor, to what is minimised.

        Args:
            per_sample_of: a value by whose number of samples it is divided; None for no division.

        Raises:
            CrossesSamples: the value is the same for all samples, or a mean that is to be divided.
        """
        if value < 0 or (per_sample_of is not None and reduction == "mean"):
            raise CrossesSamples
        if per_sample_of is None:
            self.losses.append(AddedLoss(value, reduction, factor))
        else:
            self.losses.append(AddedLoss(value, "mean", factor * math.prod(self.shape(value))))

    def slot(self, variable: Variable | None) -> int:
        """The parameter slot of `variable`, made on first use; -1 for None."""
        return -1 if variable is None else self.slot_of(variable, self._call.version)

    def slot_of(self, variable: Variable, version: int) -> int:
        """The same for a version of the values; see `Call`."""
        key = id(variable), version
        if key not in self._slots:
            self._slots[key] = self._new_slot(variable, version, self._trains(variable))
        return self._slots[key]

    def written_slot(self, variable: Variable) -> int:
        """The slot of a variable that the plan changes in training; it is not trained.

        A call that was run before has one of its own, so that its change does not count.
        """
        if self._call.repeated:
            slot = self._new_slot(variable, self._call.version, False)
            self.repeated.add(slot)
        else:
            slot = self.slot_of(variable, self._call.version)
        self.written.add(slot)
        return slot

    def new_slot(self, shape: tuple[int, ...], trained: bool) -> int:
        """A slot whose values are handed over with each run."""
        return self._new_slot(Variable(np.zeros(shape, np.float32), trainable=trained), 0, trained)

    def _new_slot(self, variable: Variable, version: int, trained: bool) -> int:
        self.variables.append(variable)
        self.versions.append(version)
        self.trained.append(trained)
        return int(self.builder.parameter(variable.shape, trainable=trained))

    def state(self, variable: Variable) -> int:
        """The rows of a variable (samples, ...) as samples; as many as the plan then has in every run."""
        return self.builder.state(self._state_slot(variable))

    def keep_state(self, value: int, variable: Variable) -> None:
        """Samples become the rows of a variable, whenever the plan runs to outputs or losses."""
        self.builder.keep_state(value, self._state_slot(variable))

    def _state_slot(self, variable: Variable) -> int:
        if self._call.repeated:
            raise ValueError(
                "values of a stateful layer were computed before its gradients, so that its states have moved on; ask "
                "for the gradients first"
            )
        if variable not in self.states:
            self.states.append(variable)
        return self.slot(variable)

    def input(self, shape: Sequence[int], dtype: str) -> int:
        """A new input of the plan, `shape` without the batch."""
        tensor = self.builder.input(shape, dtype)
        self._dtypes[tensor] = dtype
        return tensor

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Without the batch."""
        return tuple(self.builder.shape(tensor))

    def dtype(self, tensor: int) -> str:
        """Of a tensor of the plan: "float32" or "int32"."""
        return self._dtypes.get(tensor, "float32")

    def set_dtype(self, tensor: int, dtype: str) -> None:
        """Notes the dtype of a layer's result."""
        self._dtypes[tensor] = dtype

    def has_samples(self, value: int) -> bool:
        """Whether a value is one for each sample."""
        return value >= 0

    def mask(self, tensor: int) -> int:
        """The mask of a tensor: int32, without the axes it is the same for; -1 for none."""
        return self._masks.get(tensor, -1)

    def mask_over_time(self, tensor: int) -> int:
        """The mask of a tensor (T, ...) if it has one number per time step; -1 otherwise.

        Raises:
            ValueError: the call gave another mask.
        """
        mask = self.mask(tensor)
        if mask < 0 or self.shape(mask) == self.shape(tensor)[:1]:
            return mask
        if self.is_masked_by_call(tensor):
            raise ValueError(f"mask has shape {('N', *self.shape(mask))}; expected (N, T), one number per time step")
        return -1

    def set_mask(self, tensor: int, mask: int) -> None:
        """Gives a layer's result a mask, or, with -1, says that it has none."""
        self._masks[tensor] = mask

    def with_masks(self, tensors: Sequence[int], masks: Sequence[int | None], by_call: bool = True) -> list[int]:
        """The same tensors with other masks, in place of those they have.

        Args:
            tensors: of the plan.
            masks: tensors of the plan, as numbers or truth values; None for a tensor that keeps its own. Empty where
                no mask was given.
            by_call: whether the call of a layer gives them, rather than what came before it.
        """
        if not masks:
            return list(tensors)
        return [
            tensor if mask is None else self._with_mask(tensor, mask, by_call)
            for tensor, mask in zip(tensors, masks, strict=True)
        ]

    def _with_mask(self, tensor: int, mask: int, by_call: bool) -> int:
        if self.dtype(mask) != "int32":
            shape = self.shape(mask)
            mask = self.builder.differs(self.builder.reshape(mask, (*shape, 1)), 0.0)
        view = self.builder.reshape(tensor, self.shape(tensor))
        self.set_dtype(view, self.dtype(tensor))
        self.set_mask(view, mask)
        if by_call:
            self._masked_by_call.add(view)
        return view

    def is_masked_by_call(self, tensor: int) -> bool:
        """Whether the mask of a tensor was given by the call of the layer, not made by a layer before it."""
        return tensor in self._masked_by_call

    def pass_mask(self, inputs: Sequence[int], results: Sequence[int]) -> None:
        """Gives the first mask of the inputs to those results that have no mask yet and still have its axes."""
        mask = next((self.mask(tensor) for tensor in inputs if self.mask(tensor) >= 0), -1)
        for result in results:
            axes = self.shape(mask) if mask >= 0 else ()
            if result not in self._masks and mask >= 0 and self.shape(result)[: len(axes)] == axes:
                self._masks[result] = mask

    @contextmanager
    def inside(self, layer: str) -> Iterator[None]:
        """What is written inside belongs to a layer of that name."""
        self.layers.append(layer)
        try:
            yield
        finally:
            self.layers.pop()

    @contextmanager
    def calling(self, call: Call | None) -> Iterator[None]:
        """Inside, what is written belongs to a recorded call; None changes nothing."""
        before, drawn = self._call, self.draws.call
        if call is not None:
            self._call, self.draws.call = call, call.draw
        try:
            yield
        finally:
            self._call, self.draws.call = before, drawn

    def acts(self) -> bool | None:
        """Whether a layer that acts in training does so here: in every run, in none, or (None) in those in training."""
        return False if self.inference else self.forced or None

    def trains_here(self) -> bool:
        """Whether what is written is for training. The plan then serves in this mode alone."""
        self.runs.matters = True
        return self.forced or (self.runs.training and not self.inference)

    @contextmanager
    def mode(self, training: Training | None) -> Iterator[None]:
        """The mode inside a layer that was called with this `training`; it stays so further inside until another one
        is given.
        """
        before = self.inference, self.forced, self.by_default
        if training is not None:
            self.inference, self.forced = not training, bool(training) and not self.runs.only_training
            self.by_default = training is BY_DEFAULT
        try:
            yield
        finally:
            self.inference, self.forced, self.by_default = before
