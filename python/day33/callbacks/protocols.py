"""What callbacks see of the model in training. `day33.Model` is one; tests and other trainers may bring their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .._core.types import PathLike
    from .._core.variables import Variable
    from ..metrics import Metric
    from ..optimizers import Optimizer


class Progress(Protocol):
    """How much of an epoch, an evaluation or a prediction is done."""

    @property
    def unit(self) -> str:
        """What is counted, in the plural: "samples"."""

    @property
    def done(self) -> int:
        """How many of them."""


class TrainingState(Protocol):
    """Where a `fit` stands.

    Attributes:
        seed: what the order of the samples and dropout derive from. Settable in `on_train_begin`.
        epoch: the epoch in work, from 0. step: the batches done in it.
        between_batches: whether some are done and others follow, so that all there is to save belongs together.
    """

    seed: int
    epoch: int
    step: int
    between_batches: bool

    def get_state(self) -> dict[str, Any]:
        """What `set_state` takes: numbers and dicts of numbers."""

    def check_state(self, state: Mapping[str, Any]) -> None:
        """ValueError or KeyError where `set_state` could not take `state`."""

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes on where `get_state` stood. In `on_train_begin` only."""


class TrainedModel(Protocol):
    """A model as callbacks see it.

    Attributes:
        optimizer: that of `compile`.
        stop_training: set it to True to end `fit` after the batch.
        history: the `History` of the `fit`.
    """

    optimizer: Optimizer | None
    stop_training: bool
    history: Any

    @property
    def training_state(self) -> TrainingState | None:
        """Where the `fit` stands; None before the first one."""

    @property
    def progress(self) -> Progress:
        """How much of the epoch, evaluation or prediction is done."""

    def own_optimizers(self) -> Mapping[str, Optimizer]:
        """The optimizers that the model keeps beside that of `compile`, by attribute."""

    @property
    def metrics(self) -> list[Metric]:
        """The mean of the loss, and the metrics of `compile`."""

    @property
    def variables(self) -> list[Variable]:
        """All weights, trainable or not."""

    @property
    def trainable_variables(self) -> list[Variable]:
        """Those that the optimizer changes."""

    def get_weights(self) -> list[Any]:
        """Copies of all weights."""

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Writes what `get_weights` gave."""

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for a batch."""

    def save(self, filepath: PathLike) -> None:
        """Writes the whole model to a file."""

    def save_weights(self, filepath: PathLike) -> None:
        """Writes the weights to a file."""
