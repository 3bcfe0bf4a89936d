"""Training of the lyricist in day33 and in Keras, with the same split, initial weights and number of epochs.

python bench/lyricist_epochs.py shakespeare.txt --epochs 10 --embedding 128 --hidden 256

day33 skips padding and Keras masks it, so that both minimise the loss per real token. The two alternate after every
epoch, so that other load on the machine slows both. Prints a Markdown table.
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


class Day33:
    """Without computation past the end of a line, as in `Lyricist.fit`."""

    name = "day33"

    def __init__(self, model: Any, training: Any, validation: Any, batch_size: int, pool: int, per_slice: bool) -> None:
        self.model = model
        model.compile(optimizer=optimizers.Adam(per_slice=per_slice))
        self._batches = lyricist.LengthBatches(training, batch_size, pool=pool)
        self._validation = lyricist.LengthBatches(validation, batch_size, pool=0)

    def epoch(self, number: int) -> None:
        self._batches.epoch = number
        self.model.fit(self._batches, initial_epoch=number, epochs=number + 1, verbose=0)

    def validation_loss(self) -> float:
        return float(self.model.evaluate(self._validation, verbose=0, return_dict=True)["loss"])


class Keras:
    """All lines padded to one length, with the padding masked."""

    name = "Keras"

    def __init__(self, model: Any, training: Any, validation: Any, batch_size: int) -> None:
        self.model = model
        self._batch_size = batch_size
        self._training = text.make_dataset(training)
        self._validation = text.make_dataset(validation)

    def epoch(self, number: int) -> None:
        self.model.fit(*self._training, batch_size=self._batch_size, verbose=0)

    def validation_loss(self) -> float:
        """The mean over all real tokens. `evaluate` of Keras would give all batches the same weight."""
        total, tokens = 0.0, 0
        for first in range(0, len(self._validation[0]), self._batch_size):
            source, target = (part[first : first + self._batch_size] for part in self._validation)
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
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--pool", type=int, default=1, help="batches of day33 that are sorted by length together")
    parser.add_argument("--per-slice", action="store_true", help="day33 squares the embedding's gradient as Keras does")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    day33.set_num_threads(THREADS)
    day33.set_random_seed(arguments.seed)
    corpus = text.load_corpus(arguments.paths)
    training, validation = text.split_sentences(corpus.sentences, seed=arguments.seed)
    writer = lyricist.Lyricist(arguments.words, arguments.embedding, arguments.hidden)
    ours = writer.prepare(training)
    theirs = lyricist_peers.keras_model(ours.get_weights(), mask=True)
    assert theirs is not None, "Keras is not installed; expected TensorFlow and Keras for the comparison"
    numbers, held_out = (writer.tokenizer.texts_to_sequences(part) for part in (training, validation))
    size = arguments.batch_size
    runs: list[Day33 | Keras] = [
        Day33(ours, numbers, held_out, size, arguments.pool, arguments.per_slice),
        Keras(theirs, numbers, held_out, size),
    ]
    print(
        f"{corpus.describe()}\n{len(training):,} training and {len(validation):,} validation lines; vocabulary "
        f"{ours.vocab_size:,}, embedding {arguments.embedding}, hidden {arguments.hidden}, batch {size}\n"
    )
    print("| epoch | " + " | ".join(f"{run.name}: validation loss, perplexity, seconds" for run in runs) + " |")
    print("|---|" + "---|" * len(runs))
    seconds = [0.0] * len(runs)
    first = list(seconds)  # seconds of the first epoch, in which Keras traces its functions
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
