"""Full training of the note's auto-encoders on MNIST, in day33 and in Keras, from the same initial weights.

python bench/epochs.py mnist.npz --epochs 50

The two alternate every few epochs, so that other load on the machine slows both. Prints a Markdown table.
"""

from __future__ import annotations

from harness import THREADS

# isort: split
import argparse
import time
from typing import Any

import numpy as np

import autoencoder_races
import autoencoders
import day33
from day33 import datasets

EPOCHS_PER_TURN = 5
BATCH = 256


class Run:
    """A model in training, with its seconds and losses."""

    def __init__(self, name: str, model: Any) -> None:
        self.name, self.model = name, model
        self.seconds = 0.0
        self.history: dict[str, list[float]] = {"loss": [], "val_loss": []}

    def train(self, x: Any, validation: Any, first: int, last: int) -> None:
        begin = time.perf_counter()
        history = self.model.fit(
            x,
            x,
            batch_size=BATCH,
            initial_epoch=first,
            epochs=last,
            validation_data=(validation, validation),
            verbose=0,
        ).history
        self.seconds += time.perf_counter() - begin
        for key, values in self.history.items():
            values += [float(value) for value in history[key]]


def compete(kind: str, x: Any, validation: Any, epochs: int) -> list[Run]:
    ours = autoencoder_races.our_model(kind, seed=0)
    theirs = autoencoders.keras_model(kind, ours.get_weights())
    assert theirs is not None, "Keras is not installed; expected TensorFlow and Keras for the comparison"
    runs = [Run("day33", ours), Run("Keras", theirs)]
    for first in range(0, epochs, EPOCHS_PER_TURN):
        for run in runs:
            run.train(x, validation, first, min(first + EPOCHS_PER_TURN, epochs))
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mnist", help="an .npz file with the keys of Keras, or a folder of IDX files")
    parser.add_argument("--epochs", type=int, default=50)
    arguments = parser.parse_args()

    day33.set_num_threads(THREADS)
    (x, _), (validation, _) = datasets.load_mnist(arguments.mnist)
    x, validation = (np.asarray(images, np.float32)[..., None] / 255 for images in (x, validation))
    print(f"{len(x)} training and {len(validation)} test images, {arguments.epochs} epochs, batch {BATCH}\n")
    print("| auto-encoder | trained with | final loss | final validation loss | seconds | day33 is faster by |")
    print("|---|---|---|---|---|---|")
    for kind in autoencoder_races.KINDS:
        runs = compete(kind, x, validation, arguments.epochs)
        for run in runs:
            ratio = f"{run.seconds / runs[0].seconds:.1f}×" if run is not runs[0] else ""
            losses = f"{run.history['loss'][-1]:.4f} | {run.history['val_loss'][-1]:.4f}"
            print(f"| {kind} | {run.name} | {losses} | {run.seconds:.1f} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
