"""A race, for ThreadSanitizer to find: two threads train one model, of which docs/reliability.md promises nothing."""

from __future__ import annotations

import threading

import numpy as np

from day33 import layers, models

model = models.Sequential([layers.Input((6,)), layers.Dense(300), layers.Dense(2)])
model.compile("sgd", "mse")
x, y = np.ones((40, 6), np.float32), np.zeros((40, 2), np.float32)


def train() -> None:
    """Writes the weights, outside of the GIL."""
    for _ in range(300):
        model.train_on_batch(x, y)


workers = [threading.Thread(target=train) for _ in range(2)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
