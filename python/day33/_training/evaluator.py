"""`Evaluator`: compile, evaluate and test_on_batch of models, as Keras documents them."""

from __future__ import annotations

from functools import partial
from typing import Any

from .. import optimizers
from .._core.arrays import as_optional_count
from ..callbacks import CallbackList
from ..random import next_seed
from .batches import Batch, IterableData, are_batches, array_data, unpack
from .hooks import overrides, part_of_step, refuse_attributes, refuse_model_hooks
from .measured import Measured
from .objective import Objective
from .plans import TrainingPlans
from .predictor import Data
from .standardize import Standardizer
from .steps import Logs, OwnStep, Steps


class Evaluator(Measured):
    """What a model is compiled with, and how well it does. See `compile`, `evaluate`.

    Attributes:
        optimizer: the compiled optimizer.
        stop_evaluating: set it to True (from a callback) to end `evaluate` after the batch.
    """

    optimizer: optimizers.Optimizer | None = None
    stop_training: bool = False
    stop_evaluating: bool = False
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
            ValueError: an unknown name; a subclass that defines `make_train_function` or its like.
            TypeError: an optimizer or metric that is none.
        """
        refuse_model_hooks(self)
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
        how = self._test_steps("evaluate")
        limit = as_optional_count("steps", steps)
        data: Data
        if are_batches(x, y, sample_weight):
            data = IterableData(x, how.standardize.item, limit, 1)
        else:
            data = array_data(how.standardize(x, y, sample_weight), batch_size, limit)
        listeners = self._callback_list(callbacks, verbose, epochs=1, steps=data.steps)
        with self._measured():
            try:
                logs = self._evaluation(how, data, listeners, 0)
            except BaseException:
                listeners.on_exception()
                raise
        return self._results(logs, return_dict)

    def _test_steps(self, method: str) -> Steps[Any]:
        """How to evaluate batches; `method` is what asks, for a message."""
        if overrides(self, "test_step", "compute_loss", "compute_metrics"):
            self._require_compiled(method)
            return OwnStep(self.test_step, self.get_metrics_result).steps()
        plans = self._require_compiled(method)
        run = partial(self._test, plans)
        return Steps(Standardizer(self, plans), run, self._metric_logs(plans), self._metric_logs(plans))

    def _test(self, plans: TrainingPlans, batch: Batch, _draw_seed: object = None) -> None:
        result = plans.program(batch).evaluate(batch, plans.objective.want_outputs)
        plans.objective.update(batch, result)

    def _evaluation(self, how: Steps[Any], data: Data, listeners: CallbackList, epoch: int) -> dict[str, Any]:
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
            how.run(batch, next_seed)
            self.progress.add(batch)
            if tells_end:
                listeners.on_batch("on_test_batch_end", step, how.logs())
            step += 1
            if self.stop_evaluating:
                break
        logs = how.final_logs()
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
        how = self._test_steps("test_on_batch")
        batch = how.standardize.single(x, y, sample_weight)
        self.reset_metrics()
        how.run(batch, next_seed)
        return self._results(how.logs(), return_dict)

    @part_of_step
    def test_step(self, data: Any) -> Logs:
        """What `evaluate` does with a batch: the loss and the metrics in inference mode.

        A subclass that overrides it, or `compute_loss` or `compute_metrics`, has its steps run as written, one batch
        after the other; any other model is evaluated as native code. The same goes for `train_step`.

        Args:
            data: x, (x, y) or (x, y, sample_weight) as `day33.utils.unpack_x_y_sample_weight` takes it apart. Arrays of
                a batch; from an iterable, what it gave.

        Returns:
            A dict of values by name, for the logs.
        """
        x, y, sample_weight = unpack(data)
        if overrides(self, "compute_loss"):
            y_pred = self(x, training=False)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)
            self._track_loss(loss, x)
            return self.compute_metrics(x, y, y_pred, sample_weight)
        plans = self._require_compiled("test_step")
        batch = Standardizer(self, plans)(x, y, sample_weight)
        result = plans.program(batch).evaluate(batch, self._want_outputs(plans))
        return self._measure(plans, batch, result, (x, y, sample_weight))

    def _results(self, logs: Logs, return_dict: bool) -> float | list[float] | dict[str, float]:
        if return_dict:
            return logs
        values = self._ordered(logs)
        return values[0] if len(values) == 1 else values
