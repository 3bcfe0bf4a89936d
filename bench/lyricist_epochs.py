"""Training of the lyricist in day33 and in Keras: the same split, initial weights, batches and number of epochs.

python bench/lyricist_epochs.py shakespeare.txt --epochs 10 --embedding 128 --hidden 256
python bench/lyricist_epochs.py shakespeare.txt --tied --dropout 0.35 --batch-size 16 --learning-rate 0.003 --cosine \
    --clip-norm 1  # as `day33 lyricist train`

day33 skips padding and Keras masks it, so that both minimise the loss per real token. The two alternate after every
epoch, so that other load on the machine slows both. Prints a Markdown table. Without dropout the losses agree to
rounding, with `--per-slice` where the table is an embedding of its own; what dropout drops, each draws for itself.
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
from day33.lyricist import LengthBatches
from harness import peers
from harness.arrays import Array


class Day33:
    """Without computation past the end of a line, as in `Lyricist.fit`."""

    name = "day33"

    def __init__(self, model: Any, batches: LengthBatches, validation: LengthBatches) -> None:
        self._model, self._batches, self._validation = model, batches, validation

    def epoch(self, number: int) -> None:
        self._batches.epoch = number
        self._model.fit(self._batches, initial_epoch=number, epochs=number + 1, verbose=0)

    def validation_loss(self) -> float:
        return float(self._model.evaluate(self._validation, verbose=0, return_dict=True)["loss"])


class Keras:
    """All lines padded to one length, with the padding masked.

    Args:
        weighted: whether the logits have no mask, so that the loss needs weights of its own.
    """

    name = "Keras"

    def __init__(self, model: Any, batches: LengthBatches, validation: LengthBatches, weighted: bool) -> None:
        self._model, self._batches, self._validation = model, batches, validation
        self._weighted = weighted

    def epoch(self, number: int) -> None:
        self._batches.epoch = number
        arrays = (self._arrays(*batch) for batch in self._batches)
        self._model.fit(arrays, steps_per_epoch=len(self._batches), shuffle=False, verbose=0)

    def validation_loss(self) -> float:
        """The mean over all real tokens. `evaluate` of Keras would give all batches the same weight."""
        losses, tokens = [], []
        for source, target in self._validation:
            self._model.reset_metrics()
            losses.append(float(self._model.test_on_batch(*self._arrays(source, target))))
            tokens.append(int(np.count_nonzero(source)))
        return float(np.average(losses, weights=tokens))

    def _arrays(self, source: Array, target: Array) -> tuple[Array, ...]:
        if not self._weighted:
            return source, target
        real = source != 0
        return source, target, (real / real.mean()).astype(np.float32)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", help="text files, folders or patterns")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--words", type=int, default=7000)
    parser.add_argument("--embedding", type=int, default=128)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--tied", action="store_true", help="one matrix for embedding and output, of --hidden columns")
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--pool", type=int, default=1, help="batches that are sorted by length together")
    parser.add_argument("--learning-rate", type=float, default=0.001)
    parser.add_argument("--cosine", action="store_true", help="the rate falls to 0 at the last epoch")
    parser.add_argument("--clip-norm", type=float, help="upper bound for the norm of all gradients together")
    parser.add_argument("--per-slice", action="store_true", help="day33 squares the embedding's gradient as Keras does")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def adam(module: Any, arguments: argparse.Namespace, steps: int, **options: Any) -> Any:
    """The optimizer of day33's or Keras's module."""
    rate = arguments.learning_rate
    if arguments.cosine:
        rate = module.schedules.CosineDecay(rate, steps * arguments.epochs)
    return module.Adam(learning_rate=rate, global_clipnorm=arguments.clip_norm, **options)


def prepare(arguments: argparse.Namespace) -> list[Day33 | Keras]:
    """Both models with the same weights, before the first epoch; prints what they learn."""
    corpus = text.load_corpus(arguments.paths)
    training, validation = text.split_sentences(corpus.sentences, seed=arguments.seed)
    embedding = arguments.hidden if arguments.tied else arguments.embedding
    writer = lyricist.Lyricist(
        arguments.words, embedding, arguments.hidden, dropout=arguments.dropout, tied=arguments.tied
    )
    ours = writer.prepare(training)
    numbers, held_out = (writer.tokenizer.texts_to_sequences(part) for part in (training, validation))
    batches = LengthBatches(numbers, arguments.batch_size, pool=arguments.pool)
    batches.seed = arguments.seed
    measured = LengthBatches(held_out, arguments.batch_size, pool=0)
    assert peers.tensorflow(), "Keras is not installed; expected TensorFlow and Keras for the comparison"
    import keras

    optimizer = adam(keras.optimizers, arguments, len(batches))
    theirs = lyricist_peers.keras_model(ours.get_weights(), mask=True, dropout=arguments.dropout, optimizer=optimizer)
    ours.compile(optimizer=adam(optimizers, arguments, len(batches), per_slice=arguments.per_slice))
    print(
        f"{corpus.describe()}\n{len(training):,} training and {len(validation):,} validation lines; vocabulary "
        f"{ours.vocab_size:,}, embedding {embedding}, hidden {arguments.hidden}, batch {arguments.batch_size}\n"
    )
    return [Day33(ours, batches, measured), Keras(theirs, batches, measured, weighted=arguments.tied)]


def main() -> None:
    arguments = parse()
    day33.set_num_threads(THREADS)
    day33.set_random_seed(arguments.seed)
    runs = prepare(arguments)
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
