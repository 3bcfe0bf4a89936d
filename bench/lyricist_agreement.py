"""How often a trained lyricist with packed weights predicts the same next word as with float32 weights.

python bench/lyricist_agreement.py my-lyricist shakespeare.txt

The lines that were held out from training are fed word by word, the same words for each kind of weights, and the most
likely next words are compared. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from day33 import decoding, lyricist, text


def choices(model: Any, tokens: Any, weights: str) -> Any:
    """The most likely next token at each position of tokens (lines, positions)."""
    decoder = decoding.decoder_of(model, weights=weights)
    state = decoder.start(len(tokens))
    return np.stack([decoder.step(state, column).argmax(axis=1) for column in tokens.T], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="the folder of a trained lyricist")
    parser.add_argument("paths", nargs="+", help="the files it was trained on")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the training, which determines the split")
    arguments = parser.parse_args()

    writer = lyricist.Lyricist.load(arguments.model)
    _, held_out = text.split_sentences(text.load_corpus(arguments.paths).sentences, seed=arguments.seed)
    source, _ = text.make_dataset(writer.tokenizer.texts_to_sequences(held_out))
    real = source != 0
    reference = choices(writer.model, source, "float32")
    print(f"{len(source):,} held-out lines, {int(real.sum()):,} tokens\n")
    print("| weights | same word as float32 |\n|---|---|")
    for weights in ("bfloat16", "int8"):
        same = (choices(writer.model, source, weights) == reference)[real].mean()
        print(f"| {weights} | {100 * same:.2f}% |")


if __name__ == "__main__":
    main()
