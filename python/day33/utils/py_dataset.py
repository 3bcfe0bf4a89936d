"""`PyDataset`: batches that Python code makes by their number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any


class PyDataset:
    """Base class of data that is made batch by batch. `Model.fit`, `evaluate` and `predict` take it.

    A subclass defines ``__getitem__(index)``, which returns a whole batch (``x``, ``(x, y)`` or ``(x, y, weights)``),
    and ``__len__()``, the number of batches; or, in place of the latter, the property `num_batches`.

    Args:
        workers, use_multiprocessing, max_queue_size: for the sake of Keras code; batches are made in the thread that
            trains, when it needs them.
    """

    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__(index)")

    @property
    def num_batches(self) -> int | None:
        """The number of batches; None if there is no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} defines neither __len__() nor num_batches")

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Called before each epoch; does nothing."""

    def on_epoch_end(self) -> None:
        """Called after each epoch; does nothing."""
