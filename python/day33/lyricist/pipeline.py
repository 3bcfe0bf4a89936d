"""`Lyricist`: sentences in, lines out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from .. import optimizers, text
from .._core.arrays import as_count, as_int, as_optional_count
from .._core.types import PathLike
from .._formats import weight_files
from .._io.files import make_folder, open_regular, read_json, write_json, write_text
from ..callbacks import EarlyStopping, ReduceLROnPlateau
from ..text import Tokenizer, make_dataset, pad_sequences, tokenizer_from_json
from ..text.cleaning import END, START, Clean
from ..text.corpus import MOST_CONTEXT
from .batches import FollowEpochs, LengthBatches, batch_size_for
from .measuring import PaddedLosses
from .model import Padding, TextGenerator, clean_prompt
from .passages import PassageBatches

if TYPE_CHECKING:
    from ..callbacks import Callback, History
    from ..decoding.prompts import Token

__all__ = ["Lyricist"]

Schedule = Literal["constant", "cosine", "plateau"]

UNKNOWN = "<unk>"
WEIGHTS_FILE = "weights.npz"
TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "lyricist.json"
SCHEDULES: tuple[Schedule, ...] = ("constant", "cosine", "plateau")
# With fewer token numbers there is room for padding, unknown words, start and end, but not for one word.
_SMALLEST_VOCABULARY = 5
_LARGEST_SEED = 2**64 - 1


def count_lines(passages: Iterable[str]) -> int:
    """How many lines begin in passages of them."""
    return sum(passage.split().count(START) for passage in passages)


class _Data(NamedTuple):
    """What a model is trained with.

    Attributes:
        steps: in an epoch. arguments: of `Model.fit`. callback: that belongs to them.
    """

    steps: int
    arguments: dict[str, Any]
    callback: Callback


class Lyricist:
    """Training and use of a `TextGenerator`.

    Sentences are those of `day33.text.Corpus`: cleaned, from ``<start>`` to ``<end>``. The vocabulary comes from the
    training sentences alone; words that are not in it, or too rare, are one token, ``<unk>``.

    Args:
        num_words: the upper bound of token numbers: the vocabulary holds the `num_words` - 1 most frequent tokens.
        embedding_size, hidden_size, dropout, tied, padding: see `TextGenerator`. With "count", all lines are filled up
            to one length, and the padding is learnt as well.
        clean: how prompts are cleaned: as the sentences were, see `day33.text.preprocess_sentence` and
            `day33.text.Corpus.clean`.
        context: how many lines before a line the model reads to write it, up to 1,000. With 0 each line stands alone,
            as in the note; otherwise `fit` is given passages, and `write_passage` writes lines that follow each other.

    Attributes:
        num_words, padding, clean, context: as given.
        tokenizer: the `Tokenizer`, whose vocabulary `fit` makes.
        model: the `TextGenerator`, made by `fit`. AttributeError before.
        files: the names of the files that `save` writes.

    Raises:
        TypeError: a size that is no integer.
        ValueError: an argument out of its range, or sizes that do not fit `tied`.
    """

    files: ClassVar[tuple[str, ...]] = (WEIGHTS_FILE, TOKENIZER_FILE, CONFIG_FILE)

    def __init__(
        self,
        num_words: int = 7000,
        embedding_size: int = 256,
        hidden_size: int = 1024,
        *,
        dropout: float = 0.0,
        tied: bool = False,
        padding: Padding = "skip",
        clean: Clean = "note",
        context: int = 0,
    ) -> None:
        self.num_words = as_count("num_words", num_words, _SMALLEST_VOCABULARY)
        self._sizes: dict[str, Any] = {
            "embedding_size": embedding_size, "hidden_size": hidden_size, "dropout": dropout, "tied": tied,
            "padding": padding, "clean": clean,
        }  # fmt: skip
        TextGenerator(2, **self._sizes)  # checks the sizes; nothing is allocated before it sees a batch
        self.padding = padding
        self.clean = clean
        self.context = as_int("context", context, 0, MOST_CONTEXT)
        if self.context and padding != "skip":
            raise ValueError(f"padding is {padding!r}; expected 'skip' with context={context}")
        self.tokenizer = Tokenizer(num_words=self.num_words, filters=" ", oov_token=UNKNOWN)
        self._model: TextGenerator | None = None

    @property
    def model(self) -> TextGenerator:
        """The language model. AttributeError before there is one."""
        if self._model is None:
            raise AttributeError("there is no model yet: call fit, or load a lyricist that was saved")
        return self._model

    # ---- training ----

    def prepare(self, sentences: Sequence[str]) -> TextGenerator:
        """Make the vocabulary and the model, as `fit` does where there is no model yet.

        Args:
            sentences: those to learn from.

        Returns:
            The model, with its initial weights.

        Raises:
            ValueError: there are no sentences, or ``<start>`` and ``<end>`` are not among their most frequent tokens.
        """
        if not sentences:
            raise ValueError("there are no sentences to learn from")
        self.tokenizer.fit_on_texts(sentences)
        absent = [token for token in (START, END) if not self._knows(token)]
        if absent:
            raise ValueError(
                f"{' and '.join(absent)} not among the {self.num_words - 1} most frequent tokens of the sentences; "
                "day33.text.preprocess_sentence adds them"
            )
        # As many numbers as there are words, not as there may be; the note's 7,001 where the vocabulary is full.
        size = _vocabulary_size(self.tokenizer)
        self._model = TextGenerator(size, tokenizer=self.tokenizer, **self._sizes)
        self._model.build_weights()
        return self._model

    def _knows(self, token: str) -> bool:
        return 0 < self.tokenizer.word_index.get(token, 0) < self.num_words

    def fit(
        self,
        training: Sequence[str],
        validation: Sequence[str] | None = None,
        *,
        epochs: int = 30,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        schedule: Schedule = "constant",
        clip_norm: float | None = 1.0,
        patience: int | None = None,
        callbacks: Sequence[Callback] | None = None,
        verbose: str | int = "auto",
    ) -> History:
        """Learn the sentences with Adam.

        Args:
            training: sentences to learn; with `context` passages, as `day33.text.split_passages` gives them.
            validation: other sentences, to measure on after every epoch; with `context` passages that end with them.
            epochs: the number of the last epoch.
            batch_size: sentences per step; None for a number that follows from that of the sentences.
            learning_rate: of Adam, at the start.
            schedule: "constant"; "cosine", which falls to 0 at the last epoch; "plateau", halved after every epoch in
                which the validation perplexity did not fall.
            clip_norm: upper bound for the norm of all gradients together; None for none.
            patience: stop when the validation perplexity has not fallen for this many epochs, and keep the weights of
                the best one; None never stops early.
            callbacks, verbose: as in Keras's ``fit``.

        Returns:
            The `History`: ``loss``, ``perplexity`` and ``padded_loss``, with ``val_`` in front for the validation. See
            `day33.lyricist.measuring`. With `context`, the validation measures the last line of each passage alone.

        Raises:
            TypeError: a number that is no integer where one is expected.
            ValueError: no sentences, or an argument out of its range; "plateau" or `patience` without validation;
                with `context`, texts that are no passages, or none of two lines.
        """
        self._check(validation, learning_rate, schedule, patience)
        if self.context:
            self._check_passages(training, validation)
        model = self._model or self.prepare(training)
        batch_size = self.batch_size(training) if batch_size is None else as_count("batch_size", batch_size)
        numbers = self.tokenizer.texts_to_sequences(training)
        held_out = self.tokenizer.texts_to_sequences(validation) if validation else None
        data = (self._skipping if self.padding == "skip" else self._counting)(numbers, held_out, batch_size)
        rate: Any = learning_rate
        if schedule == "cosine":
            rate = optimizers.schedules.CosineDecay(learning_rate, max(data.steps * epochs, 1))
        model.compile(optimizer=optimizers.Adam(learning_rate=rate, global_clipnorm=clip_norm))
        following: list[Callback] = [data.callback, *(callbacks or ())]
        if schedule == "plateau":
            following.append(ReduceLROnPlateau("val_perplexity", factor=0.5, patience=1, mode="min"))
        if patience is not None:
            following.append(EarlyStopping("val_perplexity", patience=patience, mode="min", restore_best_weights=True))
        return model.fit(**data.arguments, epochs=epochs, callbacks=following, verbose=verbose)

    def batch_size(self, training: Sequence[str]) -> int:
        """How many lines a step of `fit` has where nothing else is said; `training` as `fit` takes it."""
        if not self.context:
            return batch_size_for(len(training))
        return batch_size_for(count_lines(training))

    def _check_passages(self, training: Sequence[str], validation: Sequence[str] | None) -> None:
        for name, passages in (("training", training), ("validation", validation or ())):
            for passage in passages:
                if not isinstance(passage, str) or passage.split()[:1] != [START]:
                    raise ValueError(f"{name} holds {passage!r}; expected passages of lines that begin with {START}")
        if not any(passage.split().count(START) > 1 for passage in training):
            raise ValueError(
                f"training holds {len(training)} lines, each alone, and context is {self.context}; expected passages "
                "of several lines, as day33.text.split_passages gives them"
            )

    def _skipping(self, numbers: list[list[int]], held_out: list[list[int]] | None, batch_size: int) -> _Data:
        validation: LengthBatches | PassageBatches | None = None
        batches: LengthBatches | PassageBatches
        if self.context:
            batches = PassageBatches(numbers, self.context, batch_size)
            if held_out is not None:
                validation = PassageBatches(held_out, self.context, batch_size, last_only=True)
            self.model.set_line_length(None)
        else:
            width = max(map(len, numbers + (held_out or []))) - 1
            batches = LengthBatches(numbers, batch_size, width=width)
            if held_out is not None:
                validation = LengthBatches(held_out, batch_size, pool=0, width=width)
            self.model.set_line_length(width)
        return _Data(len(batches), {"x": batches, "validation_data": validation}, FollowEpochs(batches))

    def _counting(self, numbers: list[list[int]], held_out: list[list[int]] | None, batch_size: int) -> _Data:
        longest = max(map(len, numbers + (held_out or [])))
        self.model.set_line_length(longest - 1)

        def padded(sequences: list[list[int]]) -> Any:
            return make_dataset(pad_sequences(sequences, longest, padding="post"))

        source, target = padded(numbers)
        validation = None if held_out is None else padded(held_out)
        chosen = np.random.Generator(np.random.PCG64(0)).permutation(len(source))[: len(held_out or source)]
        measured = PaddedLosses((source[chosen], target[chosen]), validation, batch_size)
        arguments = {"x": source, "y": target, "batch_size": batch_size, "validation_data": validation}
        return _Data(-(-len(source) // batch_size), arguments, measured)

    @staticmethod
    def _check(
        validation: Sequence[str] | None, learning_rate: float, schedule: Schedule, patience: int | None
    ) -> None:
        if not 0 < learning_rate < math.inf:
            raise ValueError(f"learning_rate is {learning_rate}; expected a positive number")
        if schedule not in SCHEDULES:
            raise ValueError(f"schedule is {schedule!r}; expected one of {', '.join(SCHEDULES)}")
        as_optional_count("patience", patience)
        if not validation and (patience is not None or schedule == "plateau"):
            raise ValueError("validation is empty; expected sentences, which patience and the schedule 'plateau' need")

    # ---- writing ----

    def write(
        self,
        prompt: str = "",
        *,
        detokenize: bool = True,
        unknown: bool = False,
        max_repeats: int | None = 2,
        **options: Any,
    ) -> str:
        """Write a line that begins with a prompt.

        `TextGenerator.generate` writes as the note does: whatever the model says, ``<unk>`` and repetitions included.

        Args:
            prompt: how the line begins. Words that are not in the vocabulary are read as ``<unk>``; `unknown_words`
                tells which.
            detokenize: give the line as `day33.text.detokenize` makes it. With False, its words, spaces between them,
                ``<start>`` and ``<end>`` among them.
            unknown: whether ``<unk>`` may be written.
            max_repeats: how often a word may stand in a row; None for no limit.
            options: those of `TextGenerator.generate`, except `scores`.

        Returns:
            The line.

        Raises:
            AttributeError: there is no model yet.
            ValueError, TypeError: as `TextGenerator.generate`.
        """
        (line,) = self.write_many(prompt, detokenize=detokenize, unknown=unknown, max_repeats=max_repeats, **options)
        return line

    def write_many(
        self,
        prompt: str = "",
        lines: int = 1,
        *,
        detokenize: bool = True,
        unknown: bool = False,
        max_repeats: int | None = 2,
        banned: Iterable[Token] = (),
        **options: Any,
    ) -> list[str]:
        """Write several lines that begin with a prompt, drawn independently of each other where options say to draw.

        Args:
            prompt, detokenize, unknown, max_repeats, options: as `write`.
            lines: how many.
            banned: numbers or words that are not written.

        Returns:
            The lines, as `write` gives them.

        Raises:
            AttributeError, ValueError, TypeError: as `write`; `lines` is negative or no integer.
        """
        prompts = [prompt] * as_count("lines", lines, 0)
        if not unknown:
            banned = [*banned, UNKNOWN]
        written = self.model.generate(prompts, banned=banned, max_repeats=max_repeats, **options)
        return [text.detokenize(line) for line in written] if detokenize else written

    def write_passage(
        self,
        prompt: str = "",
        lines: int = 1,
        *,
        after: Sequence[str] = (),
        detokenize: bool = True,
        unknown: bool = False,
        max_repeats: int | None = 2,
        banned: Iterable[Token] = (),
        max_len: int = 20,
        seed: int | None = None,
        **options: Any,
    ) -> list[str]:
        """Write lines that follow each other: each after as many of those before it as `context` says.

        Args:
            prompt: how the first line begins.
            lines: how many to write.
            after: lines that stand before the first; those that a corpus leaves out are left out here, too.
            detokenize, unknown, max_repeats, banned, options: as of `write_many`. Repetitions are those in a line.
            max_len: tokens in a line at most, ``<start>`` and ``<end>`` included.
            seed: of the first line, from 0 to 2**64 - 1; each further one adds 1.

        Returns:
            The lines that were written, as `write` gives them.

        Raises:
            AttributeError, ValueError, TypeError: as `write_many`; the lyricist has no `context`; `after` is one text.
        """
        if not isinstance(prompt, str):
            raise TypeError(f"prompt is {prompt!r}; expected a text")
        if not self.context:
            raise ValueError("context is 0: this lyricist knows lines alone; expected one with a context above 0")
        if not isinstance(after, list | tuple) or not all(isinstance(line, str) for line in after):
            raise TypeError(f"after is {after!r}; expected a list of lines")
        max_len = as_int("max_len", max_len, 1)
        first_seed = None if seed is None else as_int("seed", seed, 0, _LARGEST_SEED)
        banned = list(banned)
        # Without what a corpus leaves out.
        before = text.Corpus.from_lines(after, clean=self.clean).sentences
        written: list[str] = []
        for number in range(as_count("lines", lines, 0)):
            lead = " ".join(before[-self.context :]).split()
            begun = clean_prompt("" if number else prompt, self.clean)
            (whole,) = self.write_many(
                " ".join([*lead, begun]), detokenize=False, unknown=unknown, max_repeats=max_repeats, banned=banned,
                max_len=len(lead) + max_len, **options,
                seed=None if first_seed is None else (first_seed + number) % (_LARGEST_SEED + 1),
            )  # fmt: skip
            line = whole.split()[len(lead) :]
            written.append(" ".join(line))
            before.append(" ".join(line if line[-1] == END else [*line, END]))
        return [text.detokenize(line) for line in written] if detokenize else written

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of a prompt that are not in the vocabulary, each once, in their order."""
        return [word for word in dict.fromkeys(clean_prompt(prompt, self.clean).split()) if not self._knows(word)]

    # ---- files ----

    def save(self, directory: PathLike) -> None:
        """Write the weights (``weights.npz``), the vocabulary (``tokenizer.json``, which Keras reads as well) and what
        is needed to build the model (``lyricist.json``). Each file appears whole or not at all.

        Args:
            directory: the folder for the files; made if it is missing.

        Raises:
            AttributeError: there is no model yet.
            OSError: the folder cannot be made, or a file cannot be written.
        """
        folder = Path(directory)
        make_folder(folder)
        self.model.save_weights(folder / WEIGHTS_FILE)
        write_text(folder / TOKENIZER_FILE, self.tokenizer.to_json() + "\n")
        config = {
            "num_words": self.num_words, "vocab_size": self.model.vocab_size, "context": self.context, **self._sizes
        }  # fmt: skip
        write_json(folder / CONFIG_FILE, config)

    @classmethod
    def load(cls, directory: PathLike) -> Lyricist:
        """Load the lyricist that `save`, or ``day33 lyricist train``, wrote to a folder. Initial weights are not drawn.

        Args:
            directory: the folder.

        Returns:
            The lyricist. Its optimizer's state is not kept: `fit` would start it anew.

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
        lyricist.tokenizer = model.tokenizer = _read_tokenizer(folder / TOKENIZER_FILE)
        absent = [token for token in (START, END, UNKNOWN) if not lyricist._knows(token)]
        if absent:
            raise ValueError(f"{folder / TOKENIZER_FILE}: its vocabulary is without {', '.join(absent)}")
        words = _vocabulary_size(lyricist.tokenizer)
        if words != size:
            raise ValueError(f"{folder}: a vocabulary of {words} tokens, but a model for {size}")

        def build() -> TextGenerator:
            model.build_weights()
            return model

        lyricist._model = weight_files.load_new(folder / WEIGHTS_FILE, build, lambda built: built)
        return lyricist


def _vocabulary_size(tokenizer: Tokenizer) -> int:
    """How many token numbers are used, 0 for padding included."""
    return min(tokenizer.num_words or len(tokenizer.word_index), len(tokenizer.word_index)) + 1


def _read_tokenizer(path: Path) -> Tokenizer:
    with open_regular(path) as stream:
        data = stream.read()
    try:
        return tokenizer_from_json(data.decode("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
