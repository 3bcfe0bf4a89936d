"""The lyricist in day33 and in Keras: same split, same weights at the start, same number of epochs.

python bench/lyricist_epochs.py shakespeare.txt --epochs 10 --embedding 128 --hidden 256

day33 skips padding; Keras gets the same lines with a mask, so both minimise the loss per real token. The two take turns
of an epoch, so that a busy machine slows both alike. Prints a Markdown table.
"""

from __future__ import annotations

from harness import THREADS

# isort: split
import argparse
import math
import time
from typing import Any

import numpy as np

import day33
import lyricist_peers
from day33 import lyricist, optimizers, text

BATCH = 256


class Day33:
    """The pipeline's own way: lines of like length in a batch, finished ones computed no further."""

    name = "day33"

    def __init__(self, model: Any, training: Any, validation: Any) -> None:
        self.model = model
        model.compile(optimizer=optimizers.Adam())
        self._batches = lyricist.LengthBatches(training, BATCH)
        self._validation = lyricist.LengthBatches(validation, BATCH, pool=0)

    def epoch(self, number: int) -> None:
        self._batches.epoch = number
        self.model.fit(self._batches, initial_epoch=number, epochs=number + 1, verbose=0)

    def validation_loss(self) -> float:
        return float(self.model.evaluate(self._validation, verbose=0, return_dict=True)["loss"])


class Keras:
    """All lines filled up to one length, padding masked."""

    name = "Keras"

    def __init__(self, model: Any, training: Any, validation: Any) -> None:
        self.model = model
        self._training = text.make_dataset(training)
        self._validation = text.make_dataset(validation)

    def epoch(self, number: int) -> None:
        self.model.fit(*self._training, batch_size=BATCH, verbose=0)

    def validation_loss(self) -> float:
        """Per real token over the whole set; Keras's own number weights every batch alike."""
        total, tokens = 0.0, 0
        for first in range(0, len(self._validation[0]), BATCH):
            source, target = (part[first : first + BATCH] for part in self._validation)
            count = int(np.count_nonzero(source))
            total += float(self.model.test_on_batch(source, target)) * count
            tokens += count
        return total / tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", help="text files, folders or patterns")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--words", type=int, default=7000)
    parser.add_argument("--embedding", type=int, default=128)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    day33.set_num_threads(THREADS)
    day33.set_random_seed(arguments.seed)
    corpus = text.load_corpus(arguments.paths)
    training, validation = text.split_sentences(corpus.sentences, seed=arguments.seed)
    writer = lyricist.Lyricist(arguments.words, arguments.embedding, arguments.hidden)
    ours = writer.prepare(training)
    theirs = lyricist_peers.keras_model(ours.get_weights(), mask=True)
    assert theirs is not None, "this needs TensorFlow"
    numbers, held_out = (writer.tokenizer.texts_to_sequences(part) for part in (training, validation))
    runs: list[Day33 | Keras] = [Day33(ours, numbers, held_out), Keras(theirs, numbers, held_out)]
    print(
        f"{corpus.describe()}\n{len(training):,} lines to learn, {len(validation):,} to measure on; vocabulary "
        f"{ours.vocab_size:,}, embedding {arguments.embedding}, hidden {arguments.hidden}, batch {BATCH}\n"
    )
    print("| epoch | " + " | ".join(f"{run.name}: validation loss, perplexity, seconds" for run in runs) + " |")
    print("|---|" + "---|" * len(runs))
    seconds = [0.0] * len(runs)
    first = list(seconds)  # of the first epoch, in which Keras traces its functions
    for epoch in range(arguments.epochs):
        cells = []
        for index, run in enumerate(runs):
            begin = time.perf_counter()
            run.epoch(epoch)
            seconds[index] += time.perf_counter() - begin
            first[index] = first[index] or seconds[index]
            loss = run.validation_loss()
            cells.append(f"{loss:.4f}, {math.exp(loss):.2f}, {seconds[index]:.1f}")
        print(f"| {epoch + 1} | {' | '.join(cells)} |", flush=True)
    if arguments.epochs > 1:
        later = [total - begun for total, begun in zip(seconds, first, strict=True)]
        print(f"\nAfter the first epoch Keras took {later[1] / later[0]:.2f} times as long.")


if __name__ == "__main__":
    main()
