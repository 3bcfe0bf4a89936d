"""A language model: the probabilities of the next word, and what its loss says about a line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from .._core.arrays import as_count
from ..decoding import Decoder, decoder_of
from ..lyricist.model import clean_prompt
from ..text.cleaning import END, START, Clean, preprocess_sentence
from ._arrays import Floats
from ._explanation import Explanation, Section
from ._figure import NEGATIVE, POSITIVE
from ._words import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["loss", "next_word"]

_MOST_LOGITS, _MOST_STEPS, _MOST_WORDS = 120_000, 12, 40


class _Language:
    """A decoder and the words of its tokens, of whatever the reader has: a lyricist, a model, or a decoder."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        inner = getattr(model, "model", model)  # of a Lyricist
        self.decoder: Decoder = inner if isinstance(inner, Decoder) else decoder_of(inner)
        own = tokenizer or getattr(inner, "tokenizer", None) or getattr(model, "tokenizer", None)
        if own is None:
            raise ValueError("tokenizer is None and the model has none; expected the one that it was trained with")
        self.tokenizer: Any = own
        self.clean: Clean = getattr(inner, "clean", "note")
        if self.decoder.vocab_size * 2 > _MOST_LOGITS:
            raise ValueError(
                f"model has {self.decoder.vocab_size} tokens; expected at most {_MOST_LOGITS // 2} to draw"
            )

    def word(self, token: int) -> str:
        return str(self.tokenizer.index_word.get(token, "<pad>" if token == 0 else f"<{token}>"))

    def ids(self, text: str) -> list[int]:
        found = self.tokenizer.texts_to_sequences([text])[0]
        if not found:
            raise ValueError(f"no word of {text!r} is in the vocabulary; expected at least one")
        return [int(token) for token in found]

    def logits(self, tokens: list[int]) -> Floats:
        """(T, V): what follows each token."""
        state = self.decoder.start()
        return np.concatenate([self.decoder.step(state, [token]) for token in tokens])


def next_word(model: Any, prompt: str = "", *, tokenizer: Any = None, steps: int = 8, seed: int = 0) -> Explanation:
    """Explain how a language model writes: the probabilities of each next word, on a greedy and a sampled path.

    On the page, temperature and top-k are sliders on the model's own logits.

    Args:
        model: a `Lyricist`, a `TextGenerator`, or a model or `Decoder` that `day33.decoding` takes.
        prompt: a text, cleaned as a line of a corpus is; it begins with ``<start>``.
        tokenizer: for models that have none of their own.
        steps: how many words are written, at most 12 and fewer where the vocabulary is large.
        seed: of the sampled path.

    Returns:
        The explanation.

    Raises:
        TypeError, ValueError: as of `day33.decoding.generate`; a model without tokenizer, a vocabulary of more than
            60,000 tokens, a prompt without a known word.
    """
    language = _Language(model, tokenizer)
    V = language.decoder.vocab_size
    steps = max(1, min(as_count("steps", steps), _MOST_STEPS, _MOST_LOGITS // (2 * V)))
    start = language.ids(clean_prompt(prompt, language.clean))
    end = language.tokenizer.word_index.get(END)
    paths = []
    for name, options in (("greedy", {}), ("sampled", {"temperature": 1.0, "seed": seed})):
        tokens = language.decoder.generate(start, max_len=len(start) + steps, end_token=end, **options)
        tokens = [int(token) for token in tokens]
        logits = language.logits(tokens[:-1])[len(start) - 1 :]
        paths.append((name, tokens[len(start) :], logits))
    words = [language.word(token) for token in range(V)]
    begun = [words[token] for token in start]
    data = {
        "prompt": begun,
        "words": words,
        "paths": [
            {"name": name, "tokens": tokens, "logits": _rounded(logits)} for name, tokens, logits in paths
        ],
    }  # fmt: skip
    repeated = _repetition(begun[1:] if begun[:1] == [START] else begun, [words[token] for token in paths[0][1]])
    lines = [f"Prompt: {' '.join(begun)}"]
    for name, tokens, logits in paths:
        lines.append(f"The {name} path: {' '.join(words[token] for token in tokens)}")
        shares = ops.softmax(logits)
        for step, token in enumerate(tokens):
            best = np.argsort(-shares[step], kind="stable")[:5]
            listed = ", ".join(f"{words[n]} {shares[step, n]:.1%}" for n in best)
            lines.append(f"  step {step + 1}: {listed}; chosen: {words[token]} {shares[step, token]:.1%}")
    lines.append(repeated)
    return Explanation(
        "The next word",
        "A language model gives each word of its vocabulary a probability to be the next one. How one of them is "
        "chosen, and it alone, is what writing decides.",
        [
            Section(
                "Step by step",
                [
                    "Choose a path and a step. The bars are `softmax(logits / temperature)`, over the k largest where "
                    "top-k is set. Low temperature sharpens, high temperature flattens; 0 is greedy: the largest "
                    "always wins. Temperature and top-k change the bars, not the path, which is written already.",
                ],
                "next",
                data,
            ),
            Section(
                "Why greedy repeats itself",
                [
                    "Greedy takes the most probable word at every step; chance plays no part. A model goes mostly by "
                    "the last few words, so that behind a phrase it has written before it often finds the same word "
                    "most probable again, then the next, and may go round in circles. A sampled path leaves the "
                    "circle sooner or later. " + repeated,
                ],
            ),
            Section(
                "Check yourself",
                questions=[
                    "What does the temperature change? The ratios of the probabilities, not their order: each is "
                    "raised to the power 1 / temperature, and all are divided by their sum. The word that greedy "
                    "takes stays the same.",
                    "What does top-k change? All words but the k most probable get 0, and the others share what these "
                    "had, in their own ratios. With k = 1 a sampled path is a greedy one.",
                ],
            ),
        ],
        words=lines,
        draw=lambda: _draw_steps(paths, words),
    )


def _rounded(logits: Floats) -> list[list[float]]:
    """Five significant digits: what differs then is below a thousandth of a probability."""
    return [[float(f"{value:.5g}") for value in row] for row in logits.tolist()]


def _repetition(prompt: list[str], written: list[str]) -> str:
    """Whether the written words go round in a circle, or say again what was said before. Both may begin in the prompt.

    Only a return inside the written words counts: what the prompt repeats is not the model's.
    """
    words = prompt + written
    for length in range(
        1, len(words) // 2 + 1
    ):  # The shortest circle first: two rounds of it are one of twice the length.
        for first in range(len(words) - 2 * length + 1):
            last = first
            while last + length < len(words) and words[last] == words[last + length]:
                last += 1
            if last - first >= length and first + 2 * length > len(prompt):
                return (
                    f"Here the greedy path goes round in a circle of {_counted(length)}: "
                    f"“{' '.join(words[first : first + length])}”, {(last - first) // length + 1} times in a row."
                )
    for length in range(len(words) - 1, 1, -1):
        for first in range(len(words) - length):
            for again in range(max(first + length, len(prompt) - length + 1), len(words) - length + 1):
                if words[first : first + length] == words[again : again + length]:
                    return (
                        f"Here the greedy path comes back to “{' '.join(words[first : first + length])}”, "
                        f"{_counted(again - first - length)} after it said it, and then goes on differently or ends."
                    )
    return "On this prompt the greedy path does not repeat itself yet."


def _counted(words: int) -> str:
    return f"{words} word{'' if words == 1 else 's'}"


def _draw_steps(paths: list[tuple[str, list[int], Floats]], words: list[str]) -> Figure:
    from .._io.figures import new_figure

    steps = min(4, max(len(tokens) for _, tokens, _ in paths))
    figure = new_figure((2.6 * steps, 5.2))
    axes = figure.subplots(len(paths), steps, squeeze=False)
    for line, (name, tokens, logits) in enumerate(paths):
        shares = ops.softmax(logits)
        for step in range(steps):
            ax = axes[line, step]
            if step >= len(tokens):
                ax.set_axis_off()
                continue
            best = np.argsort(-shares[step], kind="stable")[:8]
            colours = [NEGATIVE if n == tokens[step] else POSITIVE for n in best]
            ax.barh([words[n] for n in best][::-1], shares[step, best][::-1], color=colours[::-1])
            ax.set_title(f"{name}, step {step + 1}", fontsize=9)
            ax.tick_params(labelsize=7)
            ax.spines[["top", "right"]].set_visible(False)
    return figure


def loss(model: Any, line: str, *, tokenizer: Any = None, line_length: int = 20) -> Explanation:
    """Explain the loss of a language model on a line: loss per token, padded loss, perplexity per real token.

    Args:
        model: a `Lyricist`, a `TextGenerator`, or a model or `Decoder` that `day33.decoding` takes.
        line: a text, cleaned as a line of a corpus is.
        tokenizer: for models that have none of their own.
        line_length: the positions that lines are filled up to in the padded loss.

    Returns:
        The explanation. Of lines of more than 40 tokens it shows the first ones, and says so.

    Raises:
        TypeError, ValueError: as of `next_word`.
    """
    language = _Language(model, tokenizer)
    line_length = as_count("line_length", line_length)
    given = preprocess_sentence(line, language.clean) if line.split()[:1] != [START] else line
    tokens = language.ids(given)
    if len(tokens) < 2:
        raise ValueError(f"line is {line!r}; expected at least one word")
    notes = []
    if len(tokens) - 1 > _MOST_WORDS:
        notes.append(f"The line has {len(tokens) - 1} tokens to predict; the first {_MOST_WORDS} are shown.")
        tokens = tokens[: _MOST_WORDS + 1]
    logits = language.logits(tokens[:-1])
    likelihoods = np.asarray(ops.log_softmax(logits))
    losses = -likelihoods[np.arange(len(tokens) - 1), tokens[1:]].astype(np.float64)
    words = [language.word(token) for token in tokens]
    T, total = len(losses), float(losses.sum())
    mean = total / T
    length = max(line_length, T)
    rows = [
        {"before": words[t], "word": words[t + 1], "loss": float(losses[t]), "share": math.exp(-losses[t]),
         "rank": int((likelihoods[t] > likelihoods[t, tokens[t + 1]]).sum()) + 1}
        for t in range(T)
    ]  # fmt: skip
    formulas = [
        f"`loss per real token = (sum of the losses) / T = {number(total)} / {T} = {number(mean)}`",
        f"`perplexity = exp({number(mean)}) = {number(math.exp(mean))}`",
        f"`padded loss = (sum of the losses) / line length = {number(total)} / {length} = {number(total / length)}`",
    ]
    return Explanation(
        "The loss of a line",
        "The loss of a word is −log of the probability that the model gave it. A loss of 0 is certainty; each 0.69 "
        "more halves the probability.",
        [
            Section(
                "Loss per token",
                ["Point at a bar. Long bars are words that surprised the model."],
                "tokens",
                {"rows": rows, "length": length},
            ),
            Section(
                "The same line, two numbers",
                [
                    *formulas,
                    "Lines are filled up to one length. A model without a mask also predicts the padding, which it "
                    "soon does without any loss, so that the mean over all positions falls the more padding there is: "
                    "nothing was learnt by it. The perplexity per real token says among how many equally likely words "
                    "the model hesitates, and padding does not change it. Move the slider below the bars.",
                ],
            ),
            Section(
                "Check yourself",
                questions=[
                    "Is a loss of 2.2 good? It depends on what is counted. Over real tokens it is a perplexity of 9. "
                    "Over all positions, half of them padding that is predicted without loss, it is 4.4 for each real "
                    "token, a perplexity of 81. Ask for the perplexity per real token.",
                    f"What would a model have that knows nothing? `log V = log {language.decoder.vocab_size} = "
                    f"{number(math.log(language.decoder.vocab_size))}` for each token.",
                ],
            ),
        ],
        words=[
            f"Line: {' '.join(words)}",
            *(
                f"  {row['word']}: loss {number(row['loss'])}, probability {row['share']:.2%}, rank {row['rank']}"
                for row in rows
            ),
            *(formula.replace("`", "") for formula in formulas),
        ],
        draw=lambda: _draw_losses(words[1:], losses, mean, total / length),
        notes=notes,
    )


def _draw_losses(words: list[str], losses: np.ndarray[Any, Any], mean: float, padded: float) -> Figure:
    from .._io.figures import new_figure

    figure = new_figure((max(5.0, 0.6 * len(words) + 2), 3.6))
    ax = figure.subplots()
    ax.bar(range(len(words)), losses, color=POSITIVE)
    ax.set_xticks(range(len(words)), words, rotation=45, ha="right")
    ax.axhline(mean, color=NEGATIVE, label=f"per real token {mean:.3f}")
    ax.axhline(padded, color=NEGATIVE, linestyle=":", label=f"padding counted {padded:.3f}")
    ax.set_ylabel("loss")
    ax.set_title("The loss of a line")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure
