"""`Measured`: the loss of a model and what it measures, for steps that are native and for the user's own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from .._core import tree
from .._core.tensors import as_tensor, mask_of, set_mask
from ..metrics import Mean, Metric
from .batches import Batch
from .hooks import overrides, part_of_step
from .meters import Meters, StepResult
from .plans import TrainingPlans
from .predictor import Predictor
from .standardize import Standardizer
from .steps import Logs, MetricStates, plain_logs
from .structures import is_array

if TYPE_CHECKING:
    from .objective import Objective


class Measured(Predictor):
    """Losses and metrics for `Evaluator` and `Trainer`, and the methods of steps that compute them."""

    if TYPE_CHECKING:

        def metrics_inside(self) -> list[Metric]: ...

        @property
        def losses(self) -> list[Any]: ...

    _training_plans: TrainingPlans | None = None
    _unmeasured: Sequence[tuple[Mean, Any, int]] = ()  # losses of outputs that the means have not taken yet

    @property
    def _objective(self) -> Objective | None:
        return None if self._training_plans is None else self._training_plans.objective

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self._training_plans is not None

    @property
    def compile_arguments(self) -> dict[str, Any] | None:
        """`loss`, `loss_weights`, `metrics` and `weighted_metrics` as `compile` was given them; None before it."""
        return None if self._objective is None else self._objective.arguments

    def _require_compiled(self, method: str) -> TrainingPlans:
        if self._training_plans is None:
            raise ValueError(f"call compile(optimizer, loss) before {method}")
        return self._training_plans

    # ---- metrics ----

    @property
    def metrics(self) -> list[Metric]:
        """The running mean of the loss, the metrics of `compile`, and metrics kept as attributes of the model or of
        layers inside. Those of `compile` stand there one by one after the first batch, which shows the shapes; before
        it, one "compile_metrics" stands for all of them. A subclass may override it.
        """
        return [*self._compiled_metrics(), *self.metrics_inside()]

    def _compiled_metrics(self) -> list[Metric]:
        objective = self._objective
        if objective is None:
            return []
        found = objective.meters.metrics
        return found if objective.meters.is_built else [*found, _CompiledMetrics(self._update_compiled)]

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Starts the means of `metrics` over. Called before each epoch, evaluation and single batch."""
        for metric in self.metrics:
            metric.reset_state()

    def _has_own_metrics(self) -> bool:
        """Whether `metrics` are others than those of `compile`."""
        return type(self).metrics is not Measured.metrics or bool(self.metrics_inside())

    def _metric_logs(self, plans: TrainingPlans) -> Callable[[], Logs]:
        """What gives the values of the metrics, for callbacks."""
        if overrides(self, "get_metrics_result") or self._has_own_metrics():
            return lambda: plain_logs(self.get_metrics_result())
        return plans.objective.meters.logs

    def _metric_states(self, plans: TrainingPlans) -> Meters | MetricStates:
        """What saves the metrics and goes on with them."""
        meters = plans.objective.meters
        return MetricStates(meters, lambda: self.metrics) if self._has_own_metrics() else meters

    def _ordered(self, logs: Mapping[str, Any]) -> list[Any]:
        """The values of logs in the order of `metrics`, then the others by name."""
        objective = self._objective
        assert objective is not None
        if not self._has_own_metrics():
            return objective.meters.ordered(logs)
        names = [metric.name for metric in self.metrics]
        return [logs[name] for name in names if name in logs] + [logs[n] for n in sorted(logs) if n not in names]

    # ---- in a step ----

    @part_of_step
    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss of `compile` and what layers add to it. A step of the user's calls it on a tape.

        A subclass that overrides it decides what is minimised: steps then run on a tape, with this loss.

        Args:
            x: what the model was given; for overriding methods.
            y: targets, for each output as the loss takes them.
            y_pred: outputs of the model.
            sample_weight: as in `fit`.
            training: whether a training step calls; for overriding methods.

        Returns:
            A number.

        Raises:
            ValueError: there is no loss, or shapes do not fit.
        """
        plans = self._require_compiled("compute_loss")
        objective = plans.objective
        total: Any = None
        if objective.arguments["loss"] is not None:
            objective.resolve(self.output_keys())
            values = objective.losses_of(y, tree.flatten(y_pred), sample_weight)
            for item, value in zip(objective.losses, values, strict=True):
                weighted = value if item.weight == 1.0 else ops.multiply(value, item.weight)
                total = weighted if total is None else ops.add(total, weighted)
            size = _batch_size(y_pred)
            self._unmeasured = [
                (mean, value, size) for mean, value in zip(objective.meters.parts, values, strict=False)
            ]
        for loss in self.losses:
            total = ops.sum(loss) if total is None else ops.add(total, ops.sum(loss))
        if total is None:
            raise ValueError(f"model {self.name!r} has no loss to compute; expected a loss in compile, or add_loss")
        return total

    @part_of_step
    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Logs:
        """Adds a batch to the metrics of `compile`. A subclass may override it to measure more.

        Args:
            x: what the model was given; for overriding methods.
            y, y_pred, sample_weight: as in `compute_loss`.

        Returns:
            What `get_metrics_result` gives.
        """
        self._update_compiled(y, y_pred, sample_weight)
        return self.get_metrics_result()

    @part_of_step
    def get_metrics_result(self) -> Logs:
        """The values of `metrics` so far by name; those of a metric whose result is a dict by their own names."""
        objective = self._objective
        unmeasured, self._unmeasured = self._unmeasured, ()
        for mean, value, size in unmeasured:
            mean.update_state(value, sample_weight=size)
        names = {} if objective is None else {id(metric): name for name, metric in objective.meters.named()}
        found: Logs = {}
        for metric in self.metrics:
            if isinstance(metric, _CompiledMetrics):
                continue
            result = metric.result()
            if isinstance(result, Mapping):
                found.update(result)
            else:
                found[names.get(id(metric), metric.name)] = result
        return found

    def _update_compiled(self, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        plans = self._require_compiled("compute_metrics")
        objective = plans.objective
        if objective.want_outputs:
            objective.resolve(self.output_keys())
            given = tree.flatten(y_pred)
            masks = {number: mask for number, output in enumerate(given) if (mask := mask_of(output)) is not None}
            outputs = [np.asarray(output) for output in given]
            batch = Standardizer(self, plans).measured(y, outputs, sample_weight)
            objective.meters.measure(batch, StepResult([], outputs, masks))

    def _track_loss(self, loss: Any, x: Any) -> None:
        """Adds the loss of a batch to the mean that is reported."""
        assert self._objective is not None
        self._objective.meters.total.update_state(np.asarray(loss), sample_weight=_batch_size(x))

    def _want_outputs(self, plans: TrainingPlans) -> bool:
        return plans.objective.want_outputs or overrides(self, "compute_metrics")

    def _measure(self, plans: TrainingPlans, batch: Batch, result: StepResult, data: tuple[Any, Any, Any]) -> Logs:
        """Adds what a native step gave to the metrics: the logs that a step returns."""
        x, y, sample_weight = data
        if not overrides(self, "compute_metrics"):
            plans.objective.update(batch, result)
            return self.get_metrics_result()
        plans.objective.update_losses(batch, result)
        return self.compute_metrics(x, y, self._pack(_with_masks(result)), sample_weight)


def _with_masks(result: StepResult) -> list[Any]:
    """The outputs of a step; those with a mask as tensors that know it."""
    outputs: list[Any] = list(result.outputs)

    def counts(number: int) -> Any:
        return result.masks[number] != 0

    for number in result.masks:
        outputs[number] = as_tensor(outputs[number])
        set_mask(outputs[number], functools.partial(counts, number))
    return outputs


class _CompiledMetrics(Metric):
    """Stands for the metrics of `compile` until the first batch shows the shapes by which they are made."""

    def __init__(self, update: Callable[..., None]) -> None:
        super().__init__(name="compile_metrics")
        self._update = update

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._update(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        return {}

    def reset_state(self) -> None:
        """Nothing to do."""


def _batch_size(x: Any) -> int:
    return next((leaf.shape[0] for leaf in tree.flatten(x) if is_array(leaf)), 1)
