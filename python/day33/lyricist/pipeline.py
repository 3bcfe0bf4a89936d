"""`Lyricist`: sentences in, lines out."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import optimizers
from .._core.arrays import as_int
from .._io.files import read_json, write_json, write_text
from ..callbacks import EarlyStopping, ReduceLROnPlateau
from ..text import Tokenizer, make_dataset, pad_sequences, tokenizer_from_json
from ..text.cleaning import END, START
from .batches import FollowEpochs, LengthBatches
from .measuring import PaddedLosses
from .model import Padding, TextGenerator

if TYPE_CHECKING:
    from ..callbacks import Callback, History

__all__ = ["Lyricist"]

PathLike = str | os.PathLike[str]
Schedule = Literal["constant", "cosine", "plateau"]

UNKNOWN = "<unk>"
WEIGHTS_FILE = "weights.npz"
TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "lyricist.json"
SCHEDULES: tuple[Schedule, ...] = ("constant", "cosine", "plateau")
# With fewer token numbers there is room for padding, unknown words, start and end, but not for one word.
_SMALLEST_VOCABULARY = 5


class Lyricist:
    """Training and use of a `TextGenerator`.

    Sentences are those of `day33.text.Corpus`: cleaned, from ``<start>`` to ``<end>``. The vocabulary comes from the
    training sentences alone; words that are not in it, or too rare, are one token, ``<unk>``.

    Args:
        num_words: token numbers stay below it, so the vocabulary holds the `num_words` - 1 most frequent tokens.
        embedding_size, hidden_size, dropout, padding: see `TextGenerator`. "skip" trains on lines of like length in
            batches of their own; "count" fills all lines up to one length and learns that as well, as the note does.

    Attributes:
        tokenizer: the `Tokenizer`; numbers words once `fit` has seen sentences.
        model: the `TextGenerator`, made by `fit`; before that AttributeError.

    Raises:
        ValueError: an argument out of its range.
    """

    def __init__(
        self,
        num_words: int = 7000,
        embedding_size: int = 256,
        hidden_size: int = 1024,
        *,
        dropout: float = 0.0,
        padding: Padding = "skip",
    ) -> None:
        self.num_words = as_int("num_words", num_words, _SMALLEST_VOCABULARY)
        self._sizes: dict[str, Any] = {
            "embedding_size": embedding_size, "hidden_size": hidden_size, "dropout": dropout, "padding": padding,
        }  # fmt: skip
        TextGenerator(2, **self._sizes)  # checks the sizes; nothing is allocated before it sees a batch
        self.padding = padding
        self.tokenizer = Tokenizer(num_words=self.num_words, filters=" ", oov_token=UNKNOWN)
        self._model: TextGenerator | None = None

    @property
    def model(self) -> TextGenerator:
        if self._model is None:
            raise AttributeError("there is no model yet: call fit, or load a lyricist that was saved")
        return self._model

    # ---- training ----

    def prepare(self, sentences: Sequence[str]) -> TextGenerator:
        """Count the words of `sentences` and make the model, as `fit` does at first. Returns the model.

        ValueError where there are no sentences, or their start and end are too rare for the vocabulary.
        """
        if not sentences:
            raise ValueError("there are no sentences to learn from")
        self.tokenizer.fit_on_texts(sentences)
        absent = [token for token in (START, END) if not 0 < self.tokenizer.word_index.get(token, 0) < self.num_words]
        if absent:
            raise ValueError(
                f"{' and '.join(absent)} not among the {self.num_words - 1} most frequent tokens of the sentences; "
                "day33.text.preprocess_sentence adds them"
            )
        # As many numbers as there are words, not as there may be; the note's 7,001 where the vocabulary is full.
        size = min(self.num_words, len(self.tokenizer.word_index)) + 1
        self._model = TextGenerator(size, tokenizer=self.tokenizer, **self._sizes)
        self._model.build_weights()
        return self._model

    def fit(
        self,
        training: Sequence[str],
        validation: Sequence[str] | None = None,
        *,
        epochs: int = 30,
        batch_size: int = 256,
        learning_rate: float = 0.001,
        schedule: Schedule = "constant",
        clip_norm: float | None = 1.0,
        patience: int | None = None,
        callbacks: Sequence[Callback] | None = None,
        verbose: str | int = "auto",
    ) -> History:
        """Learn the sentences with Adam.

        Args:
            training: sentences.
            validation: other sentences, to measure on after every epoch.
            epochs: the number of the last epoch.
            batch_size: sentences a step.
            learning_rate: of Adam, at the start.
            schedule: "constant"; "cosine", down to 0 at the last epoch; "plateau", half as large after every epoch in
                which the validation perplexity did not fall.
            clip_norm: upper bound for the norm of all gradients together; None for none.
            patience: stop when the validation perplexity has not fallen for so many epochs, and keep the weights of
                the best one; None trains through.
            callbacks, verbose: as in Keras's ``fit``.

        Returns:
            The `History`: ``loss``, ``perplexity`` and ``padded_loss``, with ``val_`` in front for the validation. See
            `day33.lyricist.measuring`.

        Raises:
            ValueError: no sentences, or an argument out of its range; "plateau" or `patience` without validation.
        """
        self._check(validation, learning_rate, schedule, patience)
        model = self._model or self.prepare(training)
        steps = -(-len(training) // as_int("batch_size", batch_size, 1))
        rate: Any = learning_rate
        if schedule == "cosine":
            rate = optimizers.schedules.CosineDecay(learning_rate, max(steps * epochs, 1))
        model.compile(optimizer=optimizers.Adam(learning_rate=rate, global_clipnorm=clip_norm))
        following: list[Callback] = [*(callbacks or ())]
        if schedule == "plateau":
            following.append(ReduceLROnPlateau("val_perplexity", factor=0.5, patience=1, mode="min"))
        if patience is not None:
            following.append(EarlyStopping("val_perplexity", patience=patience, mode="min", restore_best_weights=True))
        numbers = self.tokenizer.texts_to_sequences(training)
        held_out = self.tokenizer.texts_to_sequences(validation) if validation else None
        options = {"epochs": epochs, "verbose": verbose}
        if self.padding == "skip":
            return self._fit_skipping(numbers, held_out, batch_size, following, options)
        return self._fit_counting(numbers, held_out, batch_size, following, options)

    def _fit_skipping(
        self,
        numbers: list[list[int]],
        held_out: list[list[int]] | None,
        batch_size: int,
        callbacks: list[Callback],
        options: dict[str, Any],
    ) -> History:
        width = max(map(len, numbers + (held_out or []))) - 1
        batches = LengthBatches(numbers, batch_size, width=width)
        validation = None if held_out is None else LengthBatches(held_out, batch_size, pool=0, width=width)
        self.model.set_line_length(width)
        return self.model.fit(
            batches, validation_data=validation, callbacks=[FollowEpochs(batches), *callbacks], **options
        )

    def _fit_counting(
        self,
        numbers: list[list[int]],
        held_out: list[list[int]] | None,
        batch_size: int,
        callbacks: list[Callback],
        options: dict[str, Any],
    ) -> History:
        longest = max(map(len, numbers + (held_out or [])))
        self.model.set_line_length(longest - 1)

        def padded(sequences: list[list[int]]) -> Any:
            return make_dataset(pad_sequences(sequences, longest, padding="post"))

        source, target = padded(numbers)
        validation = None if held_out is None else padded(held_out)
        chosen = np.random.Generator(np.random.PCG64(0)).permutation(len(source))[: len(held_out or source)]
        measured = PaddedLosses((source[chosen], target[chosen]), validation, batch_size)
        return self.model.fit(
            source,
            target,
            batch_size=batch_size,
            validation_data=validation,
            callbacks=[measured, *callbacks],
            **options,
        )

    @staticmethod
    def _check(
        validation: Sequence[str] | None, learning_rate: float, schedule: Schedule, patience: int | None
    ) -> None:
        if not 0 < learning_rate < math.inf:
            raise ValueError(f"learning_rate must be a positive number, got {learning_rate}")
        if schedule not in SCHEDULES:
            raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule!r}")
        if patience is not None:
            as_int("patience", patience, 1)
        if not validation and (patience is not None or schedule == "plateau"):
            raise ValueError("patience and the schedule 'plateau' need validation sentences")

    # ---- writing ----

    def write(self, prompt: str = "", **options: Any) -> str:
        """A line that begins with `prompt`, as a reader would have it: no ``<start>`` and ``<end>``, marks attached.

        Options are those of `TextGenerator.generate`.
        """
        return readable(self.model.generate(prompt, **options))

    def write_many(self, prompt: str = "", lines: int = 1, **options: Any) -> list[str]:
        """As many lines as `write` gives it, drawn independently of each other where options say to draw."""
        return [readable(line) for line in self.model.generate([prompt] * lines, **options)]

    # ---- files ----

    def save(self, directory: PathLike) -> None:
        """Write the weights (``weights.npz``), the vocabulary (``tokenizer.json``, which Keras reads as well) and what
        is needed to build the model (``lyricist.json``). Each file appears whole or not at all.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_weights(folder / WEIGHTS_FILE)
        write_text(folder / TOKENIZER_FILE, self.tokenizer.to_json() + "\n")
        config = {"num_words": self.num_words, "vocab_size": self.model.vocab_size, **self._sizes}
        write_json(folder / CONFIG_FILE, config)

    @classmethod
    def load(cls, directory: PathLike) -> Lyricist:
        """The lyricist that `save`, or ``day33 lyricist train``, wrote to a folder.

        Raises:
            FileNotFoundError: one of the three files is missing.
            ValueError: a file is damaged, or the files do not belong together.
        """
        folder = Path(directory)
        config = read_json(folder / CONFIG_FILE)
        try:
            size = config.pop("vocab_size")
            lyricist = cls(**config)
            model = TextGenerator(size, **lyricist._sizes)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder / CONFIG_FILE}: not the description of a lyricist: {error}") from error
        try:
            tokenizer = tokenizer_from_json((folder / TOKENIZER_FILE).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{folder / TOKENIZER_FILE}: {error}") from error
        words = min(tokenizer.num_words or math.inf, len(tokenizer.word_index)) + 1
        if words != size:
            raise ValueError(f"{folder}: a vocabulary of {words} tokens, but a model for {size}")
        model.build_weights()
        model.load_weights(folder / WEIGHTS_FILE)
        lyricist.tokenizer = model.tokenizer = tokenizer
        lyricist._model = model
        return lyricist


def readable(line: str) -> str:
    """The line without the tokens for start and end, and with marks attached to the word before."""
    words = " ".join(word for word in line.split() if word not in (START, END))
    return re.sub(r" ([?.!,])", r"\1", words)
