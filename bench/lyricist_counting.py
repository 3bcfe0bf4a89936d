"""Interpolated, modified Kneser-Ney models of lines: what counting words reaches on the split of the lyricist.

python bench/lyricist_counting.py shakespeare.txt

Each line is a text of its own, from ``<start>`` to ``<end>``; vocabulary, unknown words and held-out lines are those of
`Lyricist`, and so is the perplexity: over every token after ``<start>``. (Chen and Goodman 1999, "An empirical study of
smoothing techniques for language modeling", section 3.)
"""

from __future__ import annotations

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from day33 import lyricist, text

Gram = tuple[int, ...]


class _Order(NamedTuple):
    """What one length of n-grams knows."""

    counts: Counter[Gram]
    discounts: tuple[float, float, float]  # of n-grams seen once, twice, more often
    totals: Counter[Gram]  # of each context
    taken: dict[Gram, float]  # what the discounts have taken from each context


class KneserNey:
    """Probabilities of tokens after their contexts.

    Args:
        lines: token numbers of lines, from the one for ``<start>`` to the one for ``<end>``.
        order: the length of the longest n-grams; at least 1.
        words: how many different tokens can follow.
    """

    def __init__(self, lines: Sequence[Sequence[int]], order: int, words: int) -> None:
        self.words = words
        counted = [_count(lines, length) for length in range(1, order + 1)]
        # Below the longest n-grams counts what could precede one, but for those that begin a line.
        for length in range(order - 1, 0, -1):
            before = Counter(gram[1:] for gram in counted[length])
            starts = {gram: count for gram, count in counted[length - 1].items() if gram[0] == lines[0][0]}
            counted[length - 1] = Counter({**before, **(starts if length > 1 else {})})
        self.orders = [_order(counts) for counts in counted]

    def probability(self, context: Gram, word: int) -> float:
        """Of a token after the tokens before it, of which the last ones count."""
        result = 1.0 / self.words
        for length, order in enumerate(self.orders, 1):
            if length - 1 > len(context):
                break
            tail = context[len(context) - length + 1 :]
            total = order.totals[tail]
            if not total:
                break
            count = order.counts[(*tail, word)]
            left = max(count - order.discounts[min(count, 3) - 1], 0.0) if count else 0.0
            result = (left + order.taken[tail] * result) / total
        return result

    def perplexity(self, lines: Sequence[Sequence[int]]) -> float:
        """``exp`` of the mean negative log-likelihood of every token after the first of a line."""
        longest = len(self.orders) - 1
        total = tokens = 0.0
        for line in lines:
            for place in range(1, len(line)):
                total -= math.log(self.probability(tuple(line[max(place - longest, 0) : place]), line[place]))
            tokens += len(line) - 1
        return math.exp(total / tokens)


def _count(lines: Sequence[Sequence[int]], length: int) -> Counter[Gram]:
    """The n-grams of a length that end in a token that is predicted."""
    return Counter(tuple(line[end - length : end]) for line in lines for end in range(max(length, 2), len(line) + 1))


def _order(counts: Counter[Gram]) -> _Order:
    frequency = Counter(counts.values())
    n1, n2, n3, n4 = (max(frequency[times], 1) for times in (1, 2, 3, 4))
    share = n1 / (n1 + 2 * n2)
    discounts = (1 - 2 * share * n2 / n1, 2 - 3 * share * n3 / n2, 3 - 4 * share * n4 / n3)
    totals: Counter[Gram] = Counter()
    taken: dict[Gram, float] = defaultdict(float)
    for gram, count in counts.items():
        totals[gram[:-1]] += count
        taken[gram[:-1]] += min(discounts[min(count, 3) - 1], count)
    return _Order(counts, discounts, totals, taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", help="text files, folders or patterns")
    parser.add_argument("--words", type=int, default=7000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    corpus = text.load_corpus(arguments.paths)
    training, validation = text.split_sentences(corpus.sentences, seed=arguments.seed)
    writer = lyricist.Lyricist(arguments.words, 1, 1)
    vocabulary = writer.prepare(training).vocab_size
    learnt, held_out = (writer.tokenizer.texts_to_sequences(part) for part in (training, validation))
    print(f"{len(learnt):,} lines counted, {len(held_out):,} held out, a vocabulary of {vocabulary:,}\n")
    print("| n-grams up to | perplexity |\n|---|---|")
    for order in (1, 2, 3, 4, 5):
        model = KneserNey(learnt, order, vocabulary - 2)  # neither padding nor <start> follows anything
        print(f"| {order} | {model.perplexity(held_out):.1f} |", flush=True)


if __name__ == "__main__":
    main()
