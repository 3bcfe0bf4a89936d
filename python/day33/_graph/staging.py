"""Graphs that one plan cannot run, cut into stages.

A plan knows one sample. Where something takes the batch as a whole (a mean over it, products between samples) or is
made of weights alone (a penalty), the graph is cut: a *stage* is a plan either for samples in batches of one size, or
for one "sample" that is a whole array. Between stages values are arrays: an array (N, ...) is a batch of N samples to
one stage and a single array to another, and what is the same for all samples enters a stage as a parameter, which has a
gradient.

`StagedLowering` decides while graphs are lowered, call by call, which stage a call belongs to: the first one of its
form that comes after the stages of its arguments. `StagedPlan` has the methods of a native plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from .._native import Plan
from .draws import Call, Draws
from .functions import Function, Given, Source, known_shape
from .lowering import BY_DEFAULT, AddedLoss, Lowering, Mode, Shared, Training, Trains, Write, is_trainable

_EXTERNAL = -1  # the level of what comes from outside


@dataclass(eq=False)
class Value:
    """A value of the graph.

    Attributes:
        shape: of the whole array, with the batch.
        batch: the number of samples, if it is known to consist of samples; None for what is one array.
        level: of the stage that makes it.
        source: a variable or constant; None for results and for what is given. version: of its values, see `Call`.
        has_gradient: whether its gradient leads to something that is trained, or is itself wanted.
    """

    shape: tuple[int, ...]
    dtype: str
    batch: int | None
    level: int = _EXTERNAL
    source: Source | None = None
    version: int = 0
    has_gradient: bool = False

    def can_be_batch(self, size: int) -> bool:
        return self.source is None and self.shape[:1] == (size,)


@dataclass(eq=False)
class Stage:
    """A plan in the making.

    Attributes:
        batch: the number of samples; None for a stage with one sample that is the whole array.
        inputs, derived: values that enter as inputs, and as parameters that have a gradient.
        made: the values that it makes, with the plan's tensors. outputs: those wanted later.
        passed_on: whether other stages take some of them.
        losses: how many there are.
    """

    level: int
    batch: int | None
    lowering: Lowering
    inputs: list[Value] = field(default_factory=list)
    derived: dict[int, Value] = field(default_factory=dict)
    made: dict[Value, int] = field(default_factory=dict)
    outputs: list[Value] = field(default_factory=list)
    losses: int = 0
    passed_on: bool = False
    plan: Plan | None = None
    _taken: dict[tuple[Value, bool], Any] = field(default_factory=dict)

    def take(self, value: Value) -> int:
        """A value as a tensor of the plan: as samples, or, where the stage has one sample, as it is."""
        if value in self.made:
            return self.made[value]
        key = value, True
        if key not in self._taken:
            if self.batch is None and value.source is not None:
                self._taken[key] = self.share(value).tensor
            else:
                # A variable that is used as samples comes in as an array as well: its gradient is that of the input.
                shape = value.shape if self.batch is None else value.shape[1:]
                self._taken[key] = self.lowering.input(shape, "int32" if value.dtype == "bool" else value.dtype)
                self.lowering.set_dtype(self._taken[key], value.dtype)
                self.inputs.append(value)
        return int(self._taken[key])

    def share(self, value: Value) -> Shared:
        """A value as a parameter of the plan."""
        key = value, False
        if key not in self._taken:
            if value.source is not None:
                slot = self.lowering.slot_of(value.source.variable(), value.version)
                number, held = value.source.number, value.source.value
            else:
                slot, number, held = self.lowering.new_slot(value.shape, value.has_gradient), None, None
                self.derived[slot] = value
            self._taken[key] = Shared(self.lowering, slot, value.shape, value.dtype, number, held)
        taken: Shared = self._taken[key]
        return taken

    def want(self, value: Value) -> None:
        """Makes a value of this stage an output."""
        if value not in self.outputs:
            self.outputs.append(value)

    @property
    def has_gradients(self) -> bool:
        """Whether there is anything to which gradients go."""
        return any(self.lowering.trained) or self.passes_back

    @property
    def passes_back(self) -> bool:
        """Whether inputs have gradients."""
        return any(value.has_gradient for value in self.inputs)

    @property
    def native(self) -> Plan:
        """The plan, once `finish` was called."""
        assert self.plan is not None
        return self.plan

    def finish(self) -> None:
        """Makes the plan."""
        if self.batch is None and not self.inputs:
            self.lowering.input((1,), "float32")  # a plan counts the samples of its inputs
        self.plan = self.lowering.builder.build([self.made[value] for value in self.outputs])


@dataclass(frozen=True)
class LossPlace:
    """Where a loss is computed: the stage, its number there, and how many positions it is the sum over."""

    stage: Stage
    index: int
    positions: int


class StagedLowering:
    """What `Lowering` is to graphs and layers, for several plans at once. Values are numbers from 0.

    Args:
        wants_penalties, trains, mode: see `Lowering`.

    Attributes:
        losses: what else is minimised. loss_constant: a number in it.
    """

    def __init__(self, wants_penalties: bool = False, trains: Trains = is_trainable, mode: Mode | None = None) -> None:
        self.stages: dict[tuple[int, int | None], Stage] = {}
        self.wants_penalties = wants_penalties
        self.losses: list[AddedLoss] = []
        self.loss_constant = 0.0
        self._values: list[Value] = []
        self._sources: dict[Any, int] = {}
        self._mode: Training | None = None
        self.draws = Draws()
        self._trains = trains
        self.runs = Mode() if mode is None else mode
        self._call: Call | None = None

    # ---- values ----

    def give(self, shape: Sequence[int], dtype: str, batch: int | None, has_gradient: bool = False) -> int:
        """A value from outside, `shape` with the batch. `has_gradient` says whether its gradient is wanted."""
        return self._add(Value(tuple(shape), dtype, batch, has_gradient=has_gradient and dtype == "float32"))

    def value(self, number: int) -> Value:
        """The value of that number."""
        return self._values[number]

    def stage_of(self, number: int) -> Stage | None:
        """The stage that makes a value; None for one from outside."""
        value = self._values[number]
        return next((stage for stage in self.stages.values() if value in stage.made), None)

    def shape(self, number: int) -> tuple[int, ...]:
        """Without the batch, if the value consists of samples."""
        value = self._values[number]
        return value.shape if value.batch is None else value.shape[1:]

    def dtype(self, number: int) -> str:
        """The dtype of a value: "float32", "int32" or "bool"."""
        return self._values[number].dtype

    def set_dtype(self, number: int, dtype: str) -> None:
        """Notes the dtype of a result."""
        self._values[number].dtype = dtype

    def has_samples(self, number: int) -> bool:
        """Whether a value is one for each sample."""
        return self._values[number].batch is not None

    def mask(self, number: int) -> int:
        """1 for a value that has a mask in its stage, -1 for one without."""
        stage = self.stage_of(number)
        return -1 if stage is None or stage.lowering.mask(stage.made[self._values[number]]) < 0 else 1

    def share(self, source: Source) -> int:
        """A number for a variable or constant."""
        version = 0 if self._call is None else self._call.version
        key = source.key(), version
        if key not in self._sources:
            spec = source.spec()
            value = Value(known_shape(spec), spec.dtype, None, source=source, version=version)
            value.has_gradient = source.number is None and self._trains(source.variable())
            self._sources[key] = self._add(value)
        return self._sources[key]

    def _add(self, value: Value) -> int:
        self._values.append(value)
        return len(self._values) - 1

    # ---- calls ----

    def apply(self, function: Function, inputs: Sequence[int]) -> list[int]:
        """Writes a function of values, sample by sample where that is possible."""
        values = [self._values[number] for number in inputs]
        if function.samples:
            return self._apply_samplewise(function, values)
        sizes = {value.batch for value in values if value.batch is not None}
        if len(sizes) == 1:
            size = next(iter(sizes))
            assert size is not None
            rank = max(len(value.shape) for value in values if value.batch is not None)
            batched = [
                value.batch == size or (len(value.shape) == rank and value.can_be_batch(size)) for value in values
            ]
            given = [Given(value.shape, one) for value, one in zip(values, batched, strict=True)]
            if function.keeps_samples(*given):
                return self._apply_to_samples(function, values, batched, size)
        return self._apply_to_whole(function, values)

    def _apply_samplewise(self, function: Function, values: Sequence[Value]) -> list[int]:
        """Writes a function whose first arguments consist of samples."""
        count = function.samples
        wrong = next((value.shape for value in values[count:] if value.batch is not None), None)
        if wrong is not None:
            raise ValueError(
                f"{function.keras_name.lower()} was given weights of shape {wrong} that depend on the samples; "
                "expected variables, constants, or what is made of them alone"
            )
        return self._apply_to_samples(function, values, [number < count for number in range(len(values))],
                                      self._batch_of(values[:count]))  # fmt: skip

    def _apply_to_samples(
        self, function: Function, values: Sequence[Value], batched: Sequence[bool], size: int
    ) -> list[int]:
        stage = self._stage(size, values)
        operands = [
            stage.take(value) if one else stage.share(value) for value, one in zip(values, batched, strict=True)
        ]
        with stage.lowering.calling(self._call):
            results = stage.lowering.write(function, operands, 1)
        return self._results(stage, results, any(value.has_gradient for value in values))

    def _apply_to_whole(self, function: Function, values: Sequence[Value]) -> list[int]:
        stage = self._stage(None, values)
        operands = [stage.share(value) if value.source is not None else stage.take(value) for value in values]
        with stage.lowering.calling(self._call):
            results = stage.lowering.write(function, operands, 0)
        return self._results(stage, results, any(value.has_gradient for value in values))

    def call(self, write: Write, inputs: Sequence[int]) -> list[int]:
        """Writes a layer, whose inputs are samples."""
        values = [self._values[number] for number in inputs]
        size = self._batch_of(values)
        stage = self._stage(size, values)
        tensors = [stage.take(value) for value in values]
        with stage.lowering.mode(self._mode), stage.lowering.calling(self._call):
            results = write(stage.lowering, tensors)
        trained = any(stage.lowering.trained)  # or by another layer, which is no loss
        added, stage.lowering.losses = stage.lowering.losses, []
        for loss, number in zip(added, self._results(stage, [loss.value for loss in added], trained), strict=True):
            self.losses.append(loss._replace(value=number))
        self.loss_constant += stage.lowering.loss_constant
        stage.lowering.loss_constant = 0.0
        return self._results(stage, results, trained or any(value.has_gradient for value in values))

    def batched(self, inputs: Sequence[int]) -> list[int]:
        """The same values, which from now on count as samples."""
        values = [self._values[number] for number in inputs]
        size = self._batch_of(values)
        for value in values:
            value.batch = size
        return list(inputs)

    def _batch_of(self, values: Sequence[Value]) -> int:
        """The number of samples of the inputs of a layer."""
        sizes = {value.batch for value in values if value.batch is not None}
        sizes = sizes or {value.shape[0] for value in values if value.shape}
        wrong = [value for value in values if not value.shape or value.shape[0] not in sizes]
        if len(sizes) != 1 or wrong:
            raise ValueError(
                f"a layer was given values of shapes {[value.shape for value in values]}; expected the same first "
                "axis, the batch"
            )
        size = next(iter(sizes))
        assert size is not None
        return size

    def with_masks(self, numbers: Sequence[int], masks: Sequence[int | None], by_call: bool = True) -> list[int]:
        """See `Lowering.with_masks`."""
        if not masks:
            return list(numbers)
        given = [mask for mask in masks if mask is not None]
        count = len(numbers)

        def write(lowering: Lowering, tensors: list[int]) -> list[int]:
            rest = iter(tensors[count:])
            wanted = [None if mask is None else next(rest) for mask in masks]
            return lowering.with_masks(tensors[:count], wanted, by_call)

        return self.call(write, [*numbers, *given])

    @property
    def by_default(self) -> bool:
        """See `Lowering`."""
        return self._mode is BY_DEFAULT

    def trains_here(self) -> bool:
        """See `Lowering.trains_here`."""
        self.runs.matters = True
        return self._mode is True or (self.runs.training and self._mode is None)

    @contextmanager
    def mode(self, training: Training | None) -> Iterator[None]:
        """See `Lowering.mode`."""
        before = self._mode
        self._mode = before if training is None else training
        try:
            yield
        finally:
            self._mode = before

    def inside(self, layer: str) -> AbstractContextManager[None]:
        """See `Lowering.inside`; plans in stages have no use for names."""
        return nullcontext()

    @contextmanager
    def calling(self, call: Call | None) -> Iterator[None]:
        """See `Lowering.calling`."""
        before, self._call = self._call, call or self._call
        try:
            yield
        finally:
            self._call = before

    def add_loss(self, number: int, reduction: str, factor: float, per_sample_of: int | None = None) -> None:
        """See `Lowering.add_loss`."""
        samples = None if per_sample_of is None else self._values[per_sample_of].shape[0]
        self.losses.append(AddedLoss(number, reduction, factor, samples))

    # ---- stages ----

    def _stage(self, batch: int | None, values: Sequence[Value]) -> Stage:
        """The first stage of that form that may read all values."""
        level = 0
        for value in values:
            if value.level != _EXTERNAL:
                here = self.stages.get((value.level, batch))
                level = max(level, value.level if here is not None and value in here.made else value.level + 1)
        stage = self.stages.get((level, batch))
        if stage is None:
            stage = self.stages[level, batch] = Stage(
                level, batch, Lowering(self.draws, self.wants_penalties, self._trains, self.runs)
            )
        for value in values:
            for other in self.stages.values():
                if other is not stage and value in other.made:
                    other.want(value)
                    other.passed_on = True
        return stage

    def _results(self, stage: Stage, tensors: Sequence[int], has_gradient: bool) -> list[int]:
        numbers = []
        for tensor in tensors:
            shape = stage.lowering.shape(tensor)
            full = shape if stage.batch is None else (stage.batch, *shape)
            value = Value(full, stage.lowering.dtype(tensor), stage.batch, stage.level)
            value.has_gradient = has_gradient and value.dtype == "float32"
            stage.made[value] = tensor
            numbers.append(self._add(value))
        return numbers

    def loss(self, number: int, kind: str, **options: Any) -> LossPlace:
        """Adds a loss of the native kinds on a value, in the stage that makes it."""
        value = self._values[number]
        stage = self.stage_of(number)
        if stage is None or (kind != "value" and stage.batch is None):
            stage = self._stage(value.batch, [value])
        stage.lowering.builder.loss(stage.take(value), kind, **options)
        stage.losses += 1
        return LossPlace(stage, stage.losses - 1, math.prod(value.shape if kind == "value" else value.shape[:-1]))

    def finish(self, outputs: Sequence[int]) -> tuple[list[Stage], list[Value]]:
        """Makes the plans. The stages in an order in which they can run, and the values of the outputs."""
        for number in outputs:
            stage = self.stage_of(number)
            if stage is not None:
                stage.want(self._values[number])
        ordered = sorted(self.stages.values(), key=lambda stage: (stage.level, stage.batch or 0))
        ordered = [stage for stage in ordered if stage.outputs or stage.losses]
        for stage in ordered:
            stage.finish()
        return ordered, [self._values[number] for number in outputs]


PlanWriters = Lowering | StagedLowering  # what graphs and layers are written to
