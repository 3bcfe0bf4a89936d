"""The numbers that a language model of lines reports beside its loss.

- *perplexity*: ``exp`` of the mean negative log-likelihood of the real tokens (every word, mark and ``<end>``).
- *padded loss*: the mean over all positions of lines that are filled up to one length, padding included, which is what
  Keras reports for a model without a mask. The more padding, the lower it is.

Where padding is counted, the padded loss is the loss itself. Where padding is skipped, the model predicts nothing after
``<end>``, since that is known: padding counts as predicted with certainty.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .._training.meters import Meters, StepResult
from .._training.state import Progress
from ..callbacks import Callback
from ..metrics import Mean, Metric

if TYPE_CHECKING:
    from .._core.types import Array
    from .._training.batches import Batch
    from ..callbacks.base import Logs

__all__ = ["PaddedLosses", "SkippedPadding"]


class Perplexity(Mean):
    """``exp`` of the mean; infinity where that exceeds the range of floats."""

    def result(self) -> float:
        return perplexity(super().result()) if self.count else 0.0


def perplexity(loss: float) -> float:
    """``exp(loss)``; infinity where that exceeds the range of floats."""
    return math.exp(loss) if loss < 700 else math.nan if math.isnan(loss) else math.inf


class SkippedPadding(Meters):
    """Means over real tokens instead of lines, with perplexity and padded loss.

    Where tokens have weights, as those of `PassageBatches`, the means are weighted, and the padded loss is what it
    would be with the mean for the loss of each real token.

    Attributes:
        line_length: the length that lines are filled up to in the padded loss; None for that of each batch.
    """

    def __init__(self, given: Any, weighted: Any, line_length: int | None) -> None:
        super().__init__(given, weighted)
        self.line_length = line_length
        self._perplexity = Perplexity("perplexity")
        self._padded = Mean("padded_loss")

    @property
    def metrics(self) -> list[Metric]:
        return [*super().metrics, self._perplexity, self._padded]

    def named(self) -> list[tuple[str, Metric]]:
        return [*super().named(), ("perplexity", self._perplexity), ("padded_loss", self._padded)]

    def share(self, batch: Batch) -> float:
        """The loss of a batch is the mean over its real tokens, so it counts by their number, or their weight."""
        weights, real = batch.weights[0], batch.inputs[0] != 0
        if weights is None:
            return int(np.count_nonzero(real))
        # One for each line, or one for each token, with or without an axis of 1 behind.
        weights = np.asarray(weights, np.float64).reshape(len(real), -1)
        return float((real * weights).sum())

    def update_losses(self, batch: Batch, total: float, result: StepResult) -> None:
        tokens, share = int(np.count_nonzero(batch.inputs[0])), self.share(batch)
        # What is minimised is the weighted sum over the number of real tokens, as in Keras.
        mean = (total - result.penalty) * tokens / share + result.penalty if share else 0.0
        super().update_losses(batch, mean, result)
        width = batch.inputs[0].shape[1]
        self._perplexity.add(mean * share, share)
        self._padded.add(mean * tokens, batch.size * max(self.line_length or width, width))


class TokenProgress(Progress):
    """Counts tokens: the real ones where padding is skipped, else all positions."""

    unit = "tokens"

    def __init__(self, skips_padding: bool) -> None:
        super().__init__()
        self._skips_padding = skips_padding

    def amount(self, batch: Batch) -> int:
        tokens = batch.inputs[0]
        return int(np.count_nonzero(tokens)) if self._skips_padding else tokens.size


class PaddedLosses(Callback):
    """Adds the perplexity per real token to the logs of a training in which padding counts.

    The loss of such a training includes padding, so the loss of real tokens is measured after the epoch: on the
    validation lines, and on a sample of the training lines.

    Args:
        sample: source and target of training lines.
        validation: source and target of the validation lines, or None.
        batch_size: lines that are computed at a time.
    """

    def __init__(self, sample: tuple[Array, Array], validation: tuple[Array, Array] | None, batch_size: int) -> None:
        super().__init__()
        self._parts = {"": sample} if validation is None else {"": sample, "val_": validation}
        self._batch_size = batch_size

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        model: Any = self.model
        for prefix, (source, target) in self._parts.items():
            logs[f"{prefix}padded_loss"] = logs[f"{prefix}loss"]
            logs[f"{prefix}perplexity"] = perplexity(real_token_loss(model, source, target, self._batch_size))


def real_token_loss(model: Any, source: Array, target: Array, batch_size: int) -> float:
    """The mean loss over positions that have a target, of a model in which padding counts."""
    real = target != 0
    over_all = model.evaluate(source, target, batch_size, verbose=0, sample_weight=real.astype(np.float32))
    return float(over_all) * target.size / int(real.sum())
