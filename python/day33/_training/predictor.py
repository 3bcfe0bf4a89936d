"""`Predictor`: the outputs of models for samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .._core import tree
from .._core.arrays import as_optional_count, needs_no_conversion
from .._core.types import Array
from .._core.variables import modes_version
from ..callbacks import CallbackList
from ..callbacks.progress import ProgressLogger
from .batches import ArrayData, Batch, IterableData, array_data, is_iterable_of_batches, unpack
from .given import Given, GivenStandardizer
from .hooks import overrides, part_of_step, refuse_model_hooks
from .plans import Shapes
from .standardize import InputSpec, InputStandardizer
from .state import Progress

if TYPE_CHECKING:
    from .._core.variables import Variable
    from .._graph.compiling import CompiledPlan, LossTerm
    from .._graph.graph import Graph
    from .._graph.tensors import SymbolicTensor
    from ..callbacks.protocols import TrainedModel

Data = ArrayData[Any] | IterableData[Any]

# predict hands samples to the plan in portions of about this many operations: well below a second, so that Ctrl-C is
# answered, and enough of them to make the cost of a call vanish.
_PORTION_FLOPS = 2e10
_BATCH = 32  # samples, as in Keras; portions are no smaller


@dataclass(frozen=True)
class _Ready:
    """The plan of the last call of `predict_on_batch` or `predict`, and what must not have changed for it to serve the
    next.

    For one array in and one out: a model of a few microseconds should not wait for its checks.
    """

    shape: tuple[int, ...]
    most: int  # samples that `predict` hands over at once by default
    modes: int
    graph: Graph
    compiled: CompiledPlan

    def at_once(self, batch_size: object) -> int:
        """The samples that `predict` hands over at once; -1 for a batch size that has to be looked at."""
        if batch_size is None:
            return self.most
        return batch_size if type(batch_size) is int and batch_size > 0 else -1

    def takes(self, model: Predictor, x: object) -> bool:
        return (
            needs_no_conversion(x)
            and x.ndim > 0
            and x.shape[1:] == self.shape
            and self.modes == modes_version()
            and self.graph is model.known_graph()
            and not overrides(model, "predict_step")
        )


class Predictor:
    """Inference for `Model`: `predict` and `predict_on_batch`. What it needs of the model is declared here."""

    if TYPE_CHECKING:
        name: str
        variables: list[Variable]
        trainable_variables: list[Variable]

        @property
        def inputs(self) -> list[SymbolicTensor]: ...
        def known_graph(self) -> Graph: ...
        def input_specs(self, x: Any) -> list[InputSpec]: ...
        def for_plan(self, inputs: list[Array]) -> list[Array]: ...
        def output_keys(self) -> list[str]: ...
        def compile_plan(
            self, input_shapes: Shapes, losses: tuple[LossTerm, ...] | None = None, training: bool = False
        ) -> CompiledPlan: ...
        def __call__(self, *arguments: Any, training: bool | None = None, **kwargs: Any) -> Any: ...

    stop_predicting: bool = False
    progress: Progress = Progress()
    _ready: _Ready | None = None

    def _new_progress(self) -> Progress:
        """What counts the work of a `fit`, an `evaluate` or a `predict`; a hook for models with another unit."""
        return Progress()

    @contextmanager
    def _measured(self) -> Iterator[None]:
        """Inside, `progress` starts from 0; after it, an outer call finds its own again."""
        outer, self.progress = self.progress, self._new_progress()
        try:
            yield
        finally:
            self.progress = outer

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for samples, in inference mode. The model need not be compiled.

        Args:
            x: as in `fit`; batches may be ``x`` or tuples that start with it.
            batch_size: samples handed over at once. By default the model takes as many as suit it, since what it
                needs of memory beyond inputs and outputs does not grow with their number; 32 with callbacks.
            verbose: 1 shows a progress bar, 2 a line; "auto" and 0 are silent.
            steps: batches to predict, all by default.
            callbacks: list of `day33.callbacks`.

        Returns:
            (N, ...), float32 or what the model gives, or a list or dict of these for several outputs. With no samples,
            an empty array.
        """
        ready = self._ready
        plain = steps is None and callbacks is None and verbose in ("auto", 0)
        if plain and ready is not None and ready.takes(self, x) and len(x) <= ready.at_once(batch_size):
            return ready.compiled.forward([x])[0]
        refuse_model_hooks(self)
        if verbose == "auto":
            verbose = 0
        limit = as_optional_count("steps", steps)
        own = overrides(self, "predict_step")
        standardize: GivenStandardizer | InputStandardizer = GivenStandardizer() if own else InputStandardizer(self)
        predict = self._predict_given if own else self._predict_batch
        watched = callbacks is not None or verbose != 0 or limit is not None
        data: Data
        if is_iterable_of_batches(x):
            data = IterableData(x, standardize.item, limit, 1)
        elif isinstance(standardize, GivenStandardizer):
            data = array_data(standardize(x), batch_size, limit)
        else:
            inputs = standardize(x)
            size = len(inputs[0])
            if not watched or size == 0:
                compiled_plan, outputs = self._forward(inputs, as_optional_count("batch_size", batch_size))
                return self._packed(x, inputs, compiled_plan, outputs)
            data = array_data(Batch(size, inputs), batch_size, limit)
        listeners = self._callback_list(callbacks, verbose, epochs=1, steps=data.steps)
        return self._prediction(data, predict, listeners)

    def _forward(self, inputs: list[Array], batch_size: int | None) -> tuple[CompiledPlan, list[Array]]:
        """The plan for arrays and its outputs, computed in portions."""
        compiled_plan = self.compile_plan(tuple(array.shape[1:] for array in inputs))
        size = len(inputs[0])
        # What depends on the batch gets batches of Keras's size, everything else as many samples as suit it.
        portion = batch_size or (_BATCH if compiled_plan.crosses_samples else self._portion(compiled_plan, size))
        if size <= portion:
            return compiled_plan, compiled_plan.forward(inputs)
        outputs: list[Array] = []
        for start in range(0, size, portion):
            part = compiled_plan.forward([array[start : start + portion] for array in inputs])
            outputs = outputs or [np.empty((size, *piece.shape[1:]), piece.dtype) for piece in part]
            for output, piece in zip(outputs, part, strict=True):
                output[start : start + portion] = piece
        return compiled_plan, outputs

    def _predict_batch(self, batch: Batch) -> Any:
        return self._pack(self._forward(batch.inputs, batch.size)[1])

    def _predict_given(self, given: Given) -> Any:
        return self.predict_step(given.data)

    def _portion(self, compiled_plan: CompiledPlan, size: int) -> int:
        fixed = compiled_plan.plan.samples
        if fixed is not None:  # as many as there are states
            return fixed
        if size <= _BATCH:
            return size
        flops = 0.0
        for op in compiled_plan.plan.describe():
            flops += float(op["flops"])  # type: ignore[arg-type]
        return max(_BATCH, int(_PORTION_FLOPS / max(flops, 1.0)))

    @part_of_step
    def predict_step(self, data: Any) -> Any:
        """What `predict` does with a batch: the outputs in inference mode.

        A subclass that overrides it has its steps run as written, one batch after the other, 32 samples by default.

        Args:
            data: x, or a tuple that begins with it.

        Returns:
            Arrays (N, ...), nested as wanted.
        """
        x, _, _ = unpack(data)
        return self(x, training=False)

    def _prediction(self, data: Data, predict: Callable[[Any], Any], listeners: CallbackList) -> Any:
        self.stop_predicting = False
        parts: list[list[Array]] = []
        structure: Any = None
        with self._measured():
            try:
                listeners.on_begin("predict")
                for step, batch in enumerate(data.batches(0)):
                    listeners.on_batch("on_predict_batch_begin", step)
                    structure = predict(batch)
                    parts.append([np.asarray(output) for output in tree.flatten(structure)])
                    self.progress.add(batch)
                    if listeners.listens("on_predict_batch_end"):
                        listeners.on_batch("on_predict_batch_end", step, {"outputs": structure})
                    if self.stop_predicting:
                        break
                listeners.on_end("predict")
            except BaseException:
                listeners.on_exception()
                raise
        if len({tuple(piece.shape[1:] for piece in part) for part in parts}) > 1:
            raise ValueError("the batches gave outputs of different shapes; predict them one by one")
        return tree.pack(structure, [np.concatenate(pieces) for pieces in zip(*parts, strict=True)])

    def _pack(self, outputs: Sequence[Array]) -> Any:
        return tree.pack(self.known_graph().output_structure, outputs)

    def _packed(self, x: Any, inputs: list[Array], compiled_plan: CompiledPlan, outputs: list[Array]) -> Any:
        """The outputs as the model gives them. Where array goes in and out as it is, the plan is ready for the next."""
        packed = self._pack(outputs)
        if inputs[0] is x and packed is outputs[0]:
            most = compiled_plan.plan.samples or _BATCH
            self._ready = _Ready(x.shape[1:], most, modes_version(), self.known_graph(), compiled_plan)
        return packed

    def predict_on_batch(self, x: Any) -> Any:
        """`predict` for one batch, handed over as a whole."""
        ready = self._ready
        if ready is not None and ready.takes(self, x):
            return ready.compiled.forward([x])[0]
        refuse_model_hooks(self)
        if overrides(self, "predict_step"):
            return tree.transform(np.asarray, self.predict_step((GivenStandardizer()(x).data,)))
        inputs = InputStandardizer(self)(x)
        compiled_plan = self.compile_plan(tuple(array.shape[1:] for array in inputs))
        return self._packed(x, inputs, compiled_plan, compiled_plan.forward(inputs))

    def _callback_list(
        self, callbacks: Any, verbose: str | int, add_history: bool = False, **params: Any
    ) -> CallbackList:
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f'verbose is {verbose!r}; expected "auto", 0, 1 or 2')
        if isinstance(callbacks, CallbackList):
            return callbacks
        progress = ProgressLogger(verbose) if verbose != 0 else None
        shown = 1 if verbose == "auto" else verbose
        return CallbackList(callbacks, add_history, progress, cast("TrainedModel", self), verbose=shown, **params)
