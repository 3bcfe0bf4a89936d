"""`Trainer`: fit and train_on_batch of models, as Keras documents them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from .._core.arrays import as_int, as_optional_count
from .._tape import GradientTape
from ..callbacks import CallbackList, History
from ..callbacks.base import plain
from ..optimizers import Optimizer
from ..random import next_seed
from .batches import (
    Batch,
    IterableData,
    Samples,
    are_batches,
    array_data,
    split_validation,
    unpack,
    validation_parts,
)
from .evaluator import Evaluator
from .hooks import overrides, part_of_step, refuse_attributes, refuse_model_hooks
from .interrupts import InterruptGuard
from .meters import StepResult
from .plans import TrainingPlans
from .predictor import Data
from .standardize import Standardizer
from .state import TrainingState
from .steps import Logs, OwnStep, Steps


class Trainer(Evaluator):
    """Training and inference for `Model`. See `compile`, `fit`, `evaluate`, `predict`.

    Attributes:
        history: the `History` of the last `fit`.
        stop_training: set it to True (from a callback) to end `fit` after the batch.
        training_state: where the last `fit` stands or stood, None before one.
        progress: how much of the `fit` epoch, `evaluate` or `predict` in work is done.
    """

    history: History | None = None
    training_state: TrainingState | None = None

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Trains for a number of epochs.

        Args:
            x: samples: an array (N, ...), or a list or dict of arrays for several inputs. Or batches: an iterable of
                ``(x, y)`` or ``(x, y, sample_weight)``, iterated anew every epoch, or a function that returns one. A
                generator is used up once and needs `steps_per_epoch` for more than one epoch.
                C-contiguous float32 is used as it is, anything else is converted once.
            y: targets as the outputs, or class numbers for a sparse loss; not with batches.
            batch_size: samples per step, 32 by default; not with batches.
            epochs: the number of the last epoch.
            verbose: "auto" or 1 for a progress bar on a terminal or in a notebook (one line per epoch elsewhere), 2
                for one line per epoch, 0 for silence.
            callbacks: list of `day33.callbacks`.
            validation_split: part of the samples, taken from the end before shuffling, to validate on.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)``, as a tuple or list, or batches, to validate on
                after every epoch.
            shuffle: a new order of the samples in every epoch, or "batch" for a new order inside of each batch; not
                with batches. The order depends on one seed drawn when `fit` starts and the number of the epoch.
            class_weight: dict from class number to the weight of its samples.
            sample_weight: (N,), or one weight per position (N, ...) without the last axis of the output; a list or dict
                for several outputs. The loss is the weighted sum divided by the number of positions.
            initial_epoch: epoch to start from.
            steps_per_epoch: batches per epoch, one pass by default. The next epoch goes on where the last one stopped.
                Where the pass ends, so does the epoch, with a warning if it had more steps to go.
            validation_steps: batches per validation, one pass by default. A validation begins with the first batch.
            validation_batch_size: `batch_size` by default.
            validation_freq: validate after every so many epochs, or after the epochs listed (from 1).

        Returns:
            The `History`, also as ``model.history``. Reported values are means over the samples.

        Ctrl-C raises KeyboardInterrupt after the batch in work; the model is as that batch left it.

        Raises:
            ValueError: not compiled; shapes or numbers of samples that do not fit; no samples; bad arguments.
            TypeError: arrays of objects, strings or complex numbers.
        """
        how = self._train_steps("fit", class_weight)
        assert self.optimizer is not None
        refuse_model_hooks(self)
        if not (isinstance(shuffle, bool | np.bool_) or shuffle == "batch"):
            raise ValueError(f'shuffle is {shuffle!r}; expected True, False or "batch"')
        epochs, initial_epoch = as_int("epochs", epochs, 0), as_int("initial_epoch", initial_epoch, 0)
        _check_frequency(validation_freq)
        steps = as_optional_count("steps_per_epoch", steps_per_epoch)
        limit = as_optional_count("validation_steps", validation_steps)
        held_out: Samples | None = None
        data: Data
        if are_batches(x, y, sample_weight):
            if validation_split:
                raise ValueError("validation_split needs arrays; with batches hand over validation_data")
            data = IterableData(x, how.standardize.item, steps, epochs - initial_epoch)
        else:
            whole = how.standardize(x, y, sample_weight)
            if validation_split and validation_data is None:
                whole, held_out = split_validation(whole, validation_split, class_weight is not None)
            data = array_data(whole, batch_size, steps, shuffle=shuffle, first=initial_epoch)
        validation: Data | None = None
        small = validation_batch_size or batch_size
        if held_out is not None:
            validation = array_data(held_out, small, limit, name="validation_data")
        elif validation_data is not None:
            runs = sum(_validates(epoch, validation_freq) for epoch in range(initial_epoch, epochs))
            validation = self._validation(validation_data, small, limit, runs)

        listeners = self._callback_list(callbacks, verbose, add_history=True, epochs=epochs, steps=data.steps)
        means = how.states(self._metric_states(self._require_compiled("fit")))
        self.training_state = state = TrainingState(means, next_seed(), initial_epoch)
        self.stop_training = False
        self._prepare_optimizer()
        logs: dict[str, Any] = {}
        try:
            with InterruptGuard() as guard, self._measured():
                listeners.on_begin("train")
                if state.resumed:
                    had = range(initial_epoch, min(state.epoch, epochs))
                    data.skip(len(had))
                    if validation is not None:
                        validation.skip(sum(_validates(epoch, validation_freq) for epoch in had))
                data.seed = state.seed
                for epoch in range(state.epoch, epochs):
                    if self.stop_training:
                        break
                    if not data.ready():
                        warnings.warn(f"x has no more batches; training ends after {epoch} epochs", stacklevel=2)
                        break
                    logs = self._epoch(how, data, state, listeners, guard)
                    if validation is not None and _validates(epoch, validation_freq):
                        logs.update(self._validate(validation, listeners, epoch))
                    state.epoch, state.step = epoch + 1, 0
                    logs = plain(logs)
                    listeners.on_epoch_end(epoch, logs)
                if epochs > 0:
                    self.optimizer.finalize_variable_values(self.trainable_variables)
                listeners.on_end("train", logs)
        except BaseException:
            listeners.on_exception()
            raise
        assert listeners.history is not None
        return listeners.history

    def _epoch(
        self,
        how: Steps[Any],
        data: Data,
        state: TrainingState,
        listeners: CallbackList,
        guard: InterruptGuard,
    ) -> Logs:
        self.reset_metrics()
        state.restore_means()
        self.progress.done = 0
        listeners.on_epoch_begin(state.epoch)
        tells_begin = listeners.listens("on_train_batch_begin")
        tells_end = listeners.listens("on_train_batch_end")
        for batch in data.batches(state.epoch, state.step):
            if batch.size == 0:
                continue
            step = state.step
            if tells_begin:
                listeners.on_batch("on_train_batch_begin", step)
            guard.hold()
            how.run(batch, state.step_seed)
            self.progress.add(batch)
            state.step, state.between_batches = step + 1, True
            guard.release()
            if tells_end:
                listeners.on_batch("on_train_batch_end", step, how.logs())
            if self.stop_training:
                break
        state.between_batches = False
        return how.final_logs()

    # ---- steps ----

    def _train_steps(self, method: str, class_weight: Mapping[int, float] | None = None) -> Steps[Any]:
        """How to train on batches; `method` is what asks, for a message."""
        if overrides(self, "train_step", "compute_loss", "compute_metrics"):
            self._require_compiled(method)
            return OwnStep(self.train_step, self.get_metrics_result).steps(class_weight)
        plans = self._require_compiled(method)
        logs = self._metric_logs(plans)
        return Steps(Standardizer(self, plans, class_weight), partial(self._train, plans), logs, logs)

    def _train(self, plans: TrainingPlans, batch: Batch, draw_seed: Callable[[], int]) -> None:
        plans.objective.update(batch, self._native_step(plans, batch, draw_seed, plans.objective.want_outputs))

    def _native_step(
        self, plans: TrainingPlans, batch: Batch, draw_seed: Callable[[], int], want_outputs: bool
    ) -> StepResult:
        program = plans.program(batch, training=True)
        seed = draw_seed() if program.is_random else 0
        result = program.train(batch, seed, want_outputs, self.optimizer.slice_sums)  # type: ignore[union-attr]
        if program.trainable:
            if not self.optimizer.knows(program.trainable):  # type: ignore[union-attr]
                self._prepare_optimizer()
            self.optimizer.apply_gradients(zip(program.gradients, program.trainable, strict=True))  # type: ignore[union-attr]
        else:
            self._warn_of_nothing_to_train()
        return result

    def _warn_of_nothing_to_train(self) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn("the model has no trainable weights, so training changes nothing", stacklevel=6)

    @part_of_step
    def train_step(self, data: Any) -> Logs:
        """What `fit` does with a batch: loss, gradients, a step of the optimizer, metrics. See `test_step`.

        A step of the user's takes gradients with `day33.GradientTape`, hands them to ``self.optimizer.apply_gradients``
        (or to optimizers of its own), updates metrics kept as attributes and returns their values::

            def train_step(self, data):
                x, y = data
                with day33.GradientTape() as tape:
                    loss = self.compute_loss(y=y, y_pred=self(x, training=True))
                gradients = tape.gradient(loss, self.trainable_variables)
                self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
                self.loss_mean.update_state(loss)
                return {"loss": self.loss_mean.result()}

        What is random in a step derives from one seed per step, so that a run that is resumed goes on with the same
        bits.

        Args:
            data: x, (x, y) or (x, y, sample_weight), as `test_step` gets it.

        Returns:
            A dict of values by name, for the logs.
        """
        x, y, sample_weight = unpack(data)
        if overrides(self, "compute_loss"):
            return self._taped_step(x, y, sample_weight)
        plans = self._require_compiled("train_step")
        batch = Standardizer(self, plans)(x, y, sample_weight)
        result = self._native_step(plans, batch, next_seed, self._want_outputs(plans))
        return self._measure(plans, batch, result, (x, y, sample_weight))

    def _taped_step(self, x: Any, y: Any, sample_weight: Any) -> Logs:
        """A step whose loss is the user's own."""
        assert self.optimizer is not None
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
        variables = self.trainable_variables
        if variables:
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        else:
            self._warn_of_nothing_to_train()
        self._track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def own_optimizers(self) -> dict[str, Optimizer]:
        """The optimizers kept as attributes beside that of `compile`, also in lists, tuples and dicts, by the place:
        ``"critic_rule"``, ``"rules/0"``.
        """
        found: dict[str, Optimizer] = {}

        def look(place: str, value: Any) -> None:
            if isinstance(value, Optimizer):
                if value is not self.optimizer and all(value is not other for other in found.values()):
                    found[place] = value
            elif isinstance(value, list | tuple):
                for number, item in enumerate(value):
                    look(f"{place}/{number}", item)
            elif isinstance(value, dict):
                for key, item in value.items():
                    look(f"{place}/{key}", item)

        for name, value in vars(self).items():
            look(name, value)
        return found

    def _prepare_optimizer(self) -> None:
        """Makes the optimizer's slots in the order of the trainable weights, also of those that have become so."""
        optimizer = self.optimizer
        assert optimizer is not None
        refuse_attributes(optimizer)
        own = {id(variable) for variable in self.variables}
        if all(id(variable) in own for variable in optimizer.trainable_variables):
            if not optimizer.knows(self.trainable_variables):
                optimizer.extend(self.trainable_variables)
        optimizer.build(self.trainable_variables)

    def _validation(self, given: Any, batch_size: int | None, steps: int | None, runs: int) -> Data:
        standardize = self._test_steps("fit with validation_data").standardize
        try:
            inputs = len(self.inputs)
        except AttributeError:  # the model has not seen a batch yet
            inputs = None
        x, y, sample_weight = validation_parts(given, inputs)
        if are_batches(x, y, sample_weight):
            return IterableData(x, standardize.item, steps, runs, "validation_data")
        return array_data(standardize(x, y, sample_weight), batch_size, steps, name="validation_data")

    def _validate(self, data: Data, listeners: CallbackList, epoch: int) -> Logs:
        data.restart()
        if not data.ready():
            warnings.warn(f"validation_data has no more batches; epoch {epoch + 1} is not validated", stacklevel=3)
            return {}
        with self._measured():
            results = self._evaluation(self._test_steps("fit with validation"), data, listeners, epoch)
        return {f"val_{name}": value for name, value in results.items()}

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> float | list[float] | dict[str, float]:
        """One step on one batch.

        Args:
            x, y, sample_weight, class_weight: as in `fit`.
            return_dict: return a dict by name instead of a list.

        Returns:
            What `evaluate` returns, for this batch, before the step.

        Raises:
            ValueError, TypeError: as `fit`.
        """
        how = self._train_steps("train_on_batch", class_weight)
        batch = how.standardize.single(x, y, sample_weight)
        self.reset_metrics()
        how.run(batch, next_seed)
        return self._results(how.logs(), return_dict)


def _validates(epoch: int, frequency: int | Sequence[int]) -> bool:
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency


def _check_frequency(frequency: Any) -> None:
    if isinstance(frequency, int) and not isinstance(frequency, bool) and frequency >= 1:
        return
    if isinstance(frequency, list | tuple | set):
        return
    raise ValueError(f"validation_freq is {frequency!r}; expected an integer of at least 1 or a list of epochs from 1")
