"""`StagedPlan`: the stages of a graph, run one after the other, with the methods of a native plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .._core.slices import SliceSums, Wanted
from .._core.variables import Variable
from .._native import Parameter, ParameterList
from .staging import LossPlace, StagedLowering

if TYPE_CHECKING:
    from .._core.types import Array
    from .staging import Stage, Value


Versions = Mapping[int, Mapping[Variable, Parameter]]
_NOW: Versions = {}


class Gradients(NamedTuple):
    """What a run backward gives.

    Attributes:
        values: of the losses. outputs: of the graph.
        variables: gradients by variable. inputs: gradients of the inputs, None for one without.
        slices: sums over slices, for the variables whose gradients are sums of slices alone.
    """

    values: list[float]
    outputs: list[Array]
    variables: dict[Variable, Array]
    inputs: list[Array | None]
    slices: dict[Variable, SliceSums]


class Cut:
    """A graph in stages, for inputs of known shapes, batch included.

    Args:
        lowering: in which the graph was written.
        inputs, outputs: numbers of values.
        losses: where each loss is computed, in their order, and whether its value is the mean.

    Attributes:
        variables: of all stages, each once.
        is_random: whether a run draws random numbers.
        changes_variables: whether a run in training does (moving averages), or any run does (states).
        crosses_samples: whether the outputs of a sample depend on the other samples.
        samples: of every run, where layers keep states from one to the next; None for any number.
    """

    def __init__(
        self, lowering: StagedLowering, inputs: Sequence[int], outputs: Sequence[int],
        losses: Sequence[tuple[LossPlace, bool]] = ()
    ) -> None:  # fmt: skip
        self._inputs = [lowering.value(number) for number in inputs]
        self._stages, self._outputs = lowering.finish(outputs)
        self._losses = list(losses)
        found: dict[Variable, None] = {}
        for stage in self._stages:
            own = [v for slot, v in enumerate(stage.lowering.variables) if slot not in stage.derived]
            found.update(dict.fromkeys(own))
            # A variable that a layer takes as samples comes in as an input.
            found.update({v.source.variable(): None for v in stage.inputs if v.source is not None})
        self.variables = list(found)
        self.is_random = any(stage.native.is_random for stage in self._stages)
        self.changes_variables = any(stage.lowering.written or stage.lowering.states for stage in self._stages)
        self.samples = next((n for n in (stage.native.samples for stage in self._stages) if n is not None), None)
        # Whether a sample's result depends on others: stages of weights alone do not count.
        self.crosses_samples = any(
            stage.batch is None and any(value.source is None for value in stage.inputs) and stage.passed_on
            for stage in self._stages
        )

    @property
    def output_shapes(self) -> list[tuple[int, ...]]:
        """With the batch."""
        return [value.shape for value in self._outputs]

    def forward(self, inputs: Sequence[Array], training: bool, seed: int) -> list[Array]:
        """The outputs."""
        run = _Run(dict(zip(self._inputs, inputs, strict=True)), training, seed)
        for stage in self._stages:
            if stage.outputs:
                run.forward(stage)
        return [run.array(value) for value in self._outputs]

    def losses(
        self, inputs: Sequence[Array], targets: Sequence[Array | None] = (), weights: Sequence[Array | None] = (), *,
        training: bool = False, seed: int = 0, versions: Versions = _NOW,
    ) -> tuple[list[float], list[Array]]:  # fmt: skip
        """The values of the losses, and the outputs.

        Args:
            versions: earlier values of variables, by version and variable; see `Call`.
        """
        run = _Run(dict(zip(self._inputs, inputs, strict=True)), training, seed, versions)
        values: dict[LossPlace, float] = {}
        for stage in self._stages:
            if stage.losses:
                places, own_targets, own_weights = self._of_stage(stage, targets, weights)
                values.update(zip(places, run.losses(stage, own_targets, own_weights), strict=True))
            else:
                run.forward(stage)
        return self._values(values), [run.array(value) for value in self._outputs]

    def gradients(
        self, inputs: Sequence[Array], targets: Sequence[Array | None] = (), weights: Sequence[Array | None] = (), *,
        output_gradients: Sequence[Array | None] = (), training: bool = True, seed: int = 0,
        versions: Versions = _NOW, want_outputs: bool = True, into: GradientArrays | None = None,
        slice_sums: Wanted = (),
    ) -> Gradients:  # fmt: skip
        """Gradients of the losses and of outputs. Arguments are as in `losses`.

        Args:
            want_outputs: whether the outputs are given.
            into: arrays that the gradients of variables are written to; new ones by default.
            slice_sums: which sums over slices are wanted.
        """
        run = _Run(dict(zip(self._inputs, inputs, strict=True)), training, seed, versions, into, slice_sums)
        for stage in self._stages:
            if stage.passed_on:
                run.forward(stage)
        for value, gradient in zip(self._outputs, output_gradients, strict=False):
            if gradient is not None:
                run.add_gradient(value, np.asarray(gradient, np.float32))
        values: dict[LossPlace, float] = {}
        for stage in reversed(self._stages):
            if stage.losses:
                places, own_targets, own_weights = self._of_stage(stage, targets, weights)
                if stage.has_gradients:
                    found = run.losses_backward(stage, own_targets, own_weights, want_outputs)
                else:
                    found = run.losses(stage, own_targets, own_weights)
                values.update(zip(places, found, strict=True))
            run.outputs_backward(stage)
        for stage in self._stages:
            if stage.outputs and want_outputs:
                run.forward(stage)
        return Gradients(
            self._values(values), [run.array(value) for value in self._outputs] if want_outputs else [],
            run.variable_gradients,
            [run.gradients.get(value) for value in self._inputs],
            {variable: sums for variable, sums in run.slices.items() if sums is not None},
        )  # fmt: skip

    def describe(self, training: bool) -> list[dict[str, object]]:
        """The ops of all stages, numbered through."""
        rows: list[dict[str, object]] = []
        for stage in self._stages:
            before = int(rows[-1]["stage"]) if rows else 0  # type: ignore[call-overload]
            for row in stage.native.describe(stage.batch or 1, training=training):
                number = before + int(row["stage"])  # type: ignore[call-overload]
                rows.append({**row, "stage": number, "layout": row["layout"] if stage.batch else "whole array"})
        return rows

    def _of_stage(
        self, stage: Stage, targets: Sequence[Array | None], weights: Sequence[Array | None]
    ) -> tuple[list[LossPlace], list[Any], list[Any]]:
        """The places of a stage's losses in its order, with their targets and weights."""
        chosen = sorted((place.index, number) for number, (place, _) in enumerate(self._losses) if place.stage is stage)
        numbers = [number for _, number in chosen]
        own_targets = [targets[number] if targets else None for number in numbers]
        own_weights = [weights[number] if weights else None for number in numbers]
        if stage.batch is None:  # one sample, and weights that are all the same
            own_weights = [None if weight is None else weight[:1] for weight in own_weights]
        return [self._losses[number][0] for number in numbers], own_targets, own_weights

    def _values(self, found: dict[LossPlace, float]) -> list[float]:
        return [found[place] / max(place.positions, 1) if mean else found[place] for place, mean in self._losses]


class GradientArrays:
    """Arrays for the gradients of variables, which are added up in place.

    Args:
        given: those that the sums go to; others are made when they are needed.
    """

    def __init__(self, given: dict[Variable, Array]) -> None:
        self._given = given
        self._scratch: dict[Variable, Array] = {}

    def array(self, variable: Variable) -> Array:
        """Where the first gradient of a variable goes."""
        found = self._given.get(variable)
        return np.empty(variable.shape, np.float32) if found is None else found

    def first(self, variable: Variable, gradient: Array) -> Array:
        """The first gradient of a variable, where the others are added to it."""
        into = self._given.get(variable)
        if into is None or into is gradient:
            return gradient
        np.copyto(into, gradient)
        return into

    def scratch(self, variable: Variable) -> Array:
        """An array of the variable's shape that is free until the next one is asked for."""
        if variable not in self._given:
            return np.empty(variable.shape, np.float32)
        if variable not in self._scratch:
            self._scratch[variable] = np.empty(variable.shape, np.float32)
        return self._scratch[variable]


class _Run:
    """One run: the arrays between the stages, and the gradients on their way back."""

    def __init__(
        self, given: dict[Value, Array], training: bool, seed: int, versions: Versions = _NOW,
        into: GradientArrays | None = None, slice_sums: Wanted = (),
    ) -> None:  # fmt: skip
        self._wanted_sums = slice_sums
        self.slices: dict[Variable, SliceSums | None] = {}  # None where a part of the gradient is no sum of slices
        self._into = into or GradientArrays({})
        self._arrays = dict(given)
        self._training, self._seed, self._versions = training, seed, versions
        self._ran: set[Stage] = set()
        self._kept: set[Stage] = set()  # that have kept their states
        self._before: dict[Variable, Array] = {}  # those states, as they were
        self.gradients: dict[Value, Array] = {}
        self.variable_gradients: dict[Variable, Array] = {}

    def array(self, value: Value) -> Array:
        """The array of a value that is known by now."""
        if value not in self._arrays and value.source is not None:
            held = self._parameter(value.source.variable(), value.version).view()
            return held if value.dtype == "float32" else held.astype(np.int32)
        return self._arrays[value]

    def inputs(self, stage: Stage) -> list[Array]:
        arrays = [np.asarray(self.array(value), order="C") for value in stage.inputs]
        arrays = [array.astype(np.int32) if array.dtype == bool else array for array in arrays]
        if stage.batch is None:
            # One sample even where the stage takes no array: then its plan has an input that nothing reads.
            return [array[np.newaxis] for array in arrays] or [np.zeros((1, 1), np.float32)]
        return arrays

    def parameters(self, stage: Stage, keeps: bool = True) -> ParameterList:
        """The parameters of a stage. What it counts (moving averages) changes in its first run only, and so do its
        states, in the first run that keeps any: all others begin with those from before.
        """
        again, kept = stage in self._ran, stage in self._kept
        self._ran.add(stage)
        if keeps:
            self._kept.add(stage)
        lowering = stage.lowering
        parameters = []
        for slot, variable in enumerate(lowering.variables):
            if slot in stage.derived:
                parameter = _copy(np.require(self.array(stage.derived[slot]), np.float32, "C"))
            else:
                parameter = self._parameter(variable, lowering.versions[slot])
            if variable in lowering.states:
                if kept:
                    parameter = _copy(self._before[variable])
                else:
                    self._before[variable] = variable.numpy()
            elif slot in lowering.written and self._training and (again or slot in lowering.repeated):
                parameter = _copy(parameter.view())
            parameters.append(parameter)
        return ParameterList(parameters)

    def _parameter(self, variable: Variable, version: int) -> Parameter:
        held = self._versions[version].get(variable) if version else None
        return variable.parameter if held is None else held

    def forward(self, stage: Stage) -> None:
        """Computes the outputs of a stage that are not known yet."""
        if any(value not in self._arrays for value in stage.outputs):
            found = stage.native.forward(
                self.inputs(stage), self.parameters(stage), training=self._training, seed=self._seed
            )
            self._take(stage, found)

    def _take(self, stage: Stage, outputs: Sequence[Array]) -> None:
        for value, output in zip(stage.outputs, outputs, strict=True):
            plain = output if stage.batch is not None else output[0]
            self._arrays[value] = plain != 0 if value.dtype == "bool" else plain

    def losses(self, stage: Stage, targets: list[Any], weights: list[Any]) -> list[float]:
        """The sums of the losses of a stage; its outputs are known afterwards."""
        found, outputs = stage.native.evaluate(
            self.inputs(stage), targets, weights, self.parameters(stage), want_outputs=bool(stage.outputs),
            training=self._training, seed=self._seed,
        )  # fmt: skip
        if stage.outputs:
            self._take(stage, outputs)
        return list(found)

    def add_gradient(self, value: Value, gradient: Array) -> None:
        """Adds to the gradient of a value, if it has one."""
        if not value.has_gradient:
            return
        if value.source is not None:
            self._add_of_variable(value.source.variable(), gradient)
            self._note_slices(value.source.variable(), None)
            return
        before = self.gradients.get(value)
        self.gradients[value] = gradient if before is None else before + gradient

    def _add_of_variable(self, variable: Variable, gradient: Array) -> None:
        before = self.variable_gradients.get(variable)
        if before is None:
            self.variable_gradients[variable] = self._into.first(variable, gradient)
        else:
            np.add(before, gradient, out=before)

    def _note_slices(self, variable: Variable, sums: SliceSums | None) -> None:
        """Notes what a part of a gradient is: a sum of slices, or none."""
        before = self.slices.get(variable, sums)
        if variable in self.slices and sums is not None and before is not None:
            sums = before.plus(sums)
        self.slices[variable] = None if before is None else sums

    def _sums(self, stage: Stage, losses: bool) -> list[SliceSums | bool | None]:
        """For each parameter of a stage arrays for sums over slices; False where its gradient is no sum of slices, None
        where there is no gradient, or nobody wants the sums.
        """
        if not self._wanted_sums:
            return [None] * len(stage.lowering.variables)
        return [
            SliceSums.zeros(variable.shape, self._wanted_sums) if kind and slot not in stage.derived else kind
            for slot, (variable, kind) in enumerate(
                zip(stage.lowering.variables, stage.native.gradient_kinds(losses), strict=True)
            )
        ]

    def _slot(self, stage: Stage, slot: int) -> Array | None:
        """The array for a gradient of a parameter, of which a stage leaves nothing that was there; None for none."""
        if not stage.lowering.trained[slot]:
            return None
        variable = stage.lowering.variables[slot]
        if slot not in stage.derived and variable not in self.variable_gradients:
            return self._into.array(variable)
        return self._into.scratch(variable)

    def losses_backward(
        self, stage: Stage, targets: list[Any], weights: list[Any], want_outputs: bool = True
    ) -> list[float]:
        """The sums of the losses of a stage. Their gradients are added to what is known of others."""
        slots = [self._slot(stage, slot) for slot in range(len(stage.lowering.variables))]
        wanted = (want_outputs or stage.passed_on) and any(value not in self._arrays for value in stage.outputs)
        given = self.inputs(stage), targets, weights, self.parameters(stage), slots
        sums = self._sums(stage, True)
        gradients: Sequence[Array | None] = ()
        if stage.passes_back:
            found, outputs, gradients = stage.native.train_step(
                *given, seed=self._seed, want_outputs=wanted, want_input_gradients=True, slice_sums=_arrays(sums)
            )
        else:
            found, outputs = stage.native.train_step(
                *given, seed=self._seed, want_outputs=wanted, slice_sums=_arrays(sums)
            )
        if wanted:
            self._take(stage, outputs)
        self._take_back(stage, gradients, slots, sums)
        return list(found)

    def outputs_backward(self, stage: Stage) -> None:
        """Carries the gradients of the outputs of a stage back to what it takes."""
        wanted = [self.gradients.get(value) for value in stage.outputs]
        if not stage.has_gradients or all(gradient is None for gradient in wanted):
            return
        given = [
            np.zeros(value.shape, np.float32) if gradient is None else np.require(gradient, np.float32, "C")
            for value, gradient in zip(stage.outputs, wanted, strict=True)
        ]
        if stage.batch is None:
            given = [gradient[np.newaxis] for gradient in given]
        sums = self._sums(stage, False)
        gradients, slots = stage.native.backward(
            self.inputs(stage), given, self.parameters(stage, keeps=False), training=self._training, seed=self._seed,
            slice_sums=_arrays(sums),
        )  # fmt: skip
        self._take_back(stage, gradients, slots, sums)

    def _take_back(
        self, stage: Stage, inputs: Sequence[Array | None], slots: Sequence[Array | None],
        sums: Sequence[SliceSums | bool | None],
    ) -> None:  # fmt: skip
        for value, gradient in zip(stage.inputs, inputs, strict=False):
            if gradient is not None:
                self.add_gradient(value, gradient if stage.batch is not None else gradient[0])
        for slot, gradient in enumerate(slots):
            if gradient is None or not stage.lowering.trained[slot]:
                continue
            if slot in stage.derived:
                self.add_gradient(stage.derived[slot], gradient)
            else:
                variable = stage.lowering.variables[slot]
                self._add_of_variable(variable, gradient)
                found = sums[slot]
                if found is not None:
                    self._note_slices(variable, found if isinstance(found, SliceSums) else None)


def _arrays(sums: Sequence[SliceSums | bool | None]) -> list[SliceSums | None] | None:
    """As native plans take them."""
    arrays = [item if isinstance(item, SliceSums) else None for item in sums]
    return arrays if any(item is not None for item in arrays) else None


def _copy(array: Array) -> Parameter:
    parameter = Parameter(array.shape)
    parameter.assign(array)
    return parameter


def _fields(sums: Sequence[SliceSums | None]) -> Wanted:
    """Which sums there are arrays for."""
    first = next((item for item in sums if item is not None), None)
    return () if first is None else tuple(name for name, array in first._asdict().items() if array is not None)


_CUTS_KEPT = 8
_PROBES = (60, 32, 1)  # many numbers divide the first


class StagedPlan:
    """The methods of a native plan, for a graph in stages.

    Args:
        cut: makes the graph in stages for batches of a size.
        probes: sizes for which it is made first, until one of them fits what is done with the batch.
    """

    def __init__(self, cut: Callable[[int], Cut], probes: Sequence[int] = _PROBES) -> None:
        self._make = cut
        self._cuts: dict[int, Cut] = {}
        self._gradients: GradientArrays | None = None  # of the last training step
        for probe in probes:
            try:
                first = self._cut(probe)
                break
            except ValueError:
                if probe == probes[-1]:
                    raise
        self._variables = first.variables
        self.is_random = first.is_random
        self.crosses_samples = first.crosses_samples
        self.samples = first.samples
        self.output_shapes: list[tuple[int, ...]] = [shape[1:] for shape in first.output_shapes]

    def _cut(self, size: int) -> Cut:
        cut = self._cuts.get(size)
        if cut is None:
            cut = self._make(size)
            while len(self._cuts) >= _CUTS_KEPT:
                self._cuts.pop(next(iter(self._cuts)))
            self._cuts[size] = cut
        return cut

    def forward(
        self, inputs: Sequence[Array], parameters: object = None, *, training: bool = False, seed: int = 0
    ) -> list[Array]:
        """See `Plan.forward`. The parameters are always the variables of the graph."""
        cut = self._cut(len(inputs[0]))
        return cut.forward(inputs, training, seed)

    def evaluate(
        self, inputs: Sequence[Array], targets: Sequence[Array | None], sample_weights: Sequence[Array | None],
        parameters: object = None, *, want_outputs: bool = False, training: bool = False, seed: int = 0,
    ) -> tuple[list[float], list[Array]]:  # fmt: skip
        """See `Plan.evaluate`. Losses come as they are reported, not as sums."""
        return self._cut(len(inputs[0])).losses(inputs, targets, sample_weights, training=training, seed=seed)

    def train_step(
        self, inputs: Sequence[Array], targets: Sequence[Array | None], sample_weights: Sequence[Array | None],
        parameters: object, gradients: Sequence[Array | None], *, seed: int = 0, want_outputs: bool = False,
        slice_sums: list[SliceSums | None] | None = None,
    ) -> tuple[list[float], list[Array]]:  # fmt: skip
        """See `Plan.train_step`. Losses come as they are reported, not as sums.

        Args:
            slice_sums: entries become the sums over slices, and None where a gradient is no sum of slices.
        """
        arrays = {v: into for v, into in zip(self._variables, gradients, strict=True) if into is not None}
        if self._gradients is None or any(self._gradients.array(v) is not into for v, into in arrays.items()):
            self._gradients = GradientArrays(arrays)
        found = self._cut(len(inputs[0])).gradients(
            inputs, targets, sample_weights, seed=seed, want_outputs=want_outputs, into=self._gradients,
            slice_sums=_fields(slice_sums or ()),
        )  # fmt: skip
        for variable, into in arrays.items():
            if variable not in found.variables:
                into[...] = 0.0
        if slice_sums is not None:
            given = zip(self._variables, slice_sums, strict=True)
            slice_sums[:] = [None if into is None else found.slices.get(v) for v, into in given]
        return found.values, found.outputs

    def backward(
        self, inputs: Sequence[Array], output_gradients: Sequence[Array], parameters: object = None, *,
        training: bool = False, seed: int = 0,
    ) -> tuple[list[Array], list[Array]]:  # fmt: skip
        """See `Plan.backward`."""
        cut = self._cut(len(inputs[0]))
        found = cut.gradients(inputs, output_gradients=output_gradients, training=training, seed=seed)
        return (
            [np.zeros(x.shape, np.float32) if d is None else d for x, d in zip(inputs, found.inputs, strict=True)],
            [found.variables.get(variable, np.zeros(variable.shape, np.float32)) for variable in self._variables],
        )

    def gradient_kinds(self, losses: bool) -> list[bool | None]:
        """See `Plan.gradient_kinds`: True for all, since a step tells."""
        return [True] * len(self._variables)

    @property
    def variables(self) -> list[Variable]:
        """In slot order."""
        return self._variables

    def describe(self, samples: int = 256, *, training: bool = False) -> list[dict[str, object]]:
        """See `Plan.describe`: the ops of all stages."""
        return self._cut(samples).describe(training)
