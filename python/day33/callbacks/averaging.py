"""`SwapEMAWeights`: the running means of weights in the place of the weights while a model is evaluated."""

from __future__ import annotations

from .base import Callback, Logs


class SwapEMAWeights(Callback):
    """Evaluates, validates and predicts with the running means that an optimizer with `use_ema` keeps.

    Args:
        swap_on_epoch: whether the means also take the place of the weights between the end of an epoch and the start of
            the next one, so that callbacks after this one, such as `ModelCheckpoint`, save them.

    Raises:
        ValueError: when the model is used, an optimizer without `use_ema`.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = bool(swap_on_epoch)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._have_means(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._have_means(True)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._have_means(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._have_means(False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._have_means(True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._have_means(False)

    def on_exception(self) -> None:
        optimizer = self.model.optimizer
        if optimizer is not None and optimizer.averages_in_place:
            optimizer.swap_averages()

    def _have_means(self, wanted: bool) -> None:
        """Sees to it that the model has the means, or the weights."""
        optimizer = self.model.optimizer
        if optimizer is None or not optimizer.use_ema:
            raise ValueError(
                "SwapEMAWeights needs the running means of weights; expected an optimizer with use_ema=True"
            )
        if wanted != optimizer.averages_in_place:
            optimizer.swap_averages()
