"""`Evaluator`: compile, evaluate and test_on_batch of models, as Keras documents them."""

from __future__ import annotations

from typing import Any

from .. import optimizers
from .._core.arrays import as_optional_count
from ..callbacks import CallbackList
from ..metrics import Metric
from .batches import IterableData, are_batches, array_data, refuse_empty
from .hooks import refuse_attributes, refuse_model_hooks
from .objective import Objective
from .plans import TrainingPlans
from .predictor import Data, Predictor
from .standardize import Standardizer


class Evaluator(Predictor):
    """What a model is compiled with, and how well it does. See `compile`, `evaluate`.

    Attributes:
        optimizer: the compiled optimizer.
        stop_evaluating: set it to True (from a callback) to end `evaluate` after the batch.
    """

    optimizer: optimizers.Optimizer | None = None
    stop_training: bool = False
    stop_evaluating: bool = False
    _training_plans: TrainingPlans | None = None
    _warned: bool = False  # that there is nothing to train

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
    ) -> None:
        """Says how to train.

        Args:
            optimizer: a `day33.optimizers` object, its name in any case, or what `optimizers.serialize` returned.
            loss: a `day33.losses` object or name, or a function ``fn(y_true, y_pred)`` of your own, written with
                functions of `day33.ops`; for several outputs one for all, a list, or a dict by the names of the
                outputs, with None for outputs without a loss. None where `add_loss` gives all there is to minimise.
            loss_weights: factors of the losses in the total that is minimised: a number, list or dict.
            metrics: list of metrics: names, `day33.metrics` objects, or functions ``fn(y_true, y_pred)``. "accuracy"
                is the binary, categorical or sparse one by the shapes of the data. For several outputs a list with an
                entry for each, or a dict by their names.
            weighted_metrics: the same, with sample weights.
            run_eagerly, steps_per_execution, jit_compile: accepted so that code for Keras runs; without effect.

        Raises:
            ValueError: an unknown name; a subclass that overrides what Keras calls in a step and day33 does not, such
                as `train_step`.
            TypeError: an optimizer or metric that is none.
        """
        refuse_model_hooks(self)
        if type(self).metrics is not Evaluator.metrics:
            raise ValueError(
                f"{type(self).__name__} overrides metrics, which day33 does not look at; expected metrics in compile"
            )
        chosen = optimizers.get(optimizer)
        refuse_attributes(chosen)
        objective = self._make_objective(loss, loss_weights, metrics, weighted_metrics)
        self._training_plans = TrainingPlans(self, objective)
        self._warned = False
        self.optimizer = chosen
        self.stop_training = False

    def _make_objective(self, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any) -> Objective:
        """What is minimised and measured, from the arguments of `compile`; a hook for models that measure more."""
        return Objective(loss, loss_weights, metrics, weighted_metrics)

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

    @property
    def metrics(self) -> list[Metric]:
        """The running mean of the loss and the metrics; those asked for in `compile` appear with the first batch."""
        return [] if self._objective is None else self._objective.meters.metrics

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Starts the means of `metrics` over. Called before each epoch, evaluation and single batch."""
        for metric in self.metrics:
            metric.reset_state()

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """The loss and the metrics on samples, in inference mode.

        Args:
            x, y, batch_size, sample_weight, verbose, callbacks: as in `fit`.
            steps: batches to evaluate, all by default.
            return_dict: return a dict by name instead of a list.

        Returns:
            The loss alone where there are no metrics, else a list in the order of `metrics`, or a dict.

        Raises:
            ValueError, TypeError: as `fit`.
        """
        plans = self._require_compiled("evaluate")
        standardize = Standardizer(self, plans)
        limit = as_optional_count("steps", steps)
        data: Data
        if are_batches(x, y, sample_weight):
            data = IterableData(x, standardize, limit, 1)
        else:
            data = array_data(standardize(x, y, sample_weight), batch_size, limit)
        listeners = self._callback_list(callbacks, verbose, epochs=1, steps=data.steps)
        with self._measured():
            try:
                logs = self._evaluation(plans, data, listeners, 0)
            except BaseException:
                listeners.on_exception()
                raise
        return logs if return_dict else _scalar_or_list(plans.objective.meters.ordered(logs))

    def _evaluation(self, plans: TrainingPlans, data: Data, listeners: CallbackList, epoch: int) -> dict[str, float]:
        self.stop_evaluating = False
        listeners.on_begin("test")
        self.reset_metrics()
        tells_begin = listeners.listens("on_test_batch_begin")
        tells_end = listeners.listens("on_test_batch_end")
        step = 0
        # Without shuffling, an evaluation of arrays is always the first epoch; iterables go on by themselves.
        for batch in data.batches(epoch if isinstance(data, IterableData) else 0):
            if batch.size == 0:
                continue
            if tells_begin:
                listeners.on_batch("on_test_batch_begin", step)
            program = plans.program(batch)
            result = program.evaluate(batch, plans.objective.want_outputs)
            plans.objective.update(batch, result)
            self.progress.add(batch)
            if tells_end:
                listeners.on_batch("on_test_batch_end", step, plans.objective.meters.logs())
            step += 1
            if self.stop_evaluating:
                break
        logs = plans.objective.meters.logs()
        listeners.on_end("test", dict(logs))
        return logs

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> float | list[float] | dict[str, float]:
        """`evaluate` for one batch.

        Args:
            x, y, sample_weight: as in `fit`.
            return_dict: return a dict by name instead of a list.

        Returns:
            What `evaluate` returns.

        Raises:
            ValueError, TypeError: as `fit`.
        """
        plans = self._require_compiled("test_on_batch")
        batch = Standardizer(self, plans)(x, y, sample_weight)
        refuse_empty(batch)
        self.reset_metrics()
        program = plans.program(batch)
        result = program.evaluate(batch, plans.objective.want_outputs)
        plans.objective.update(batch, result)
        return self._results(plans, return_dict)

    def _results(self, plans: TrainingPlans, return_dict: bool) -> float | list[float] | dict[str, float]:
        logs = plans.objective.meters.logs()
        return logs if return_dict else _scalar_or_list(plans.objective.meters.ordered(logs))

    def _require_compiled(self, method: str) -> TrainingPlans:
        if self._training_plans is None:
            raise ValueError(f"call compile(optimizer, loss) before {method}")
        return self._training_plans


def _scalar_or_list(values: list[float]) -> float | list[float]:
    return values[0] if len(values) == 1 else values
