"""`TextGenerator`: embedding, two LSTM layers and a dense layer that gives the logits of the next token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import decoding, layers, losses
from .._core.arrays import as_count
from .._training.objective import Objective
from .._training.state import Progress
from ..models import Model
from ..text import preprocess_sentence
from ..text.cleaning import END, START, Clean, check_clean
from .measuring import SkippedPadding, TokenProgress

if TYPE_CHECKING:
    from ..text import Tokenizer

__all__ = ["TextGenerator"]

Padding = Literal["skip", "count"]


class TextGenerator(Model):
    """A language model: token numbers (N, T) to the logits of the token that follows each, (N, T, V).

    Args:
        vocab_size: V, the number of tokens, 0 for padding included.
        embedding_size: E, the width of the vectors of the embedding.
        hidden_size: U, the units of each of the two LSTM layers.
        dropout: fraction of the activations that is dropped in training, after the embedding and after each LSTM layer.
        tied: whether the logits are products with the vectors of the embedding (`layers.ReversibleEmbedding`), in
            place of a dense layer with weights and a bias of its own. Both sizes have to be the same then.
        padding: "skip": positions where the token is 0 are neither computed nor counted in the loss; "count": they are
            tokens like any other.
        tokenizer: translates between texts and token numbers in `generate`.
        clean: how the texts that `generate` is given are cleaned, see `day33.text.preprocess_sentence`.
        name: of the model.

    With "skip", the reported loss is the mean over the real tokens of all batches, and ``perplexity`` and
    ``padded_loss`` are reported as well; see `day33.lyricist.measuring`.

    Raises:
        TypeError: a size that is no integer.
        ValueError: fewer than two tokens, a width below 1, a dropout outside 0 to below 1, another `padding` or
            `clean`, or sizes that differ with `tied`.
    """

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int = 256,
        hidden_size: int = 1024,
        *,
        dropout: float = 0.0,
        tied: bool = False,
        padding: Padding = "skip",
        tokenizer: Tokenizer | None = None,
        clean: Clean = "note",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.vocab_size = as_count("vocab_size", vocab_size, 2)
        self.embedding_size = as_count("embedding_size", embedding_size, 1)
        self.hidden_size = as_count("hidden_size", hidden_size, 1)
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a number from 0 to below 1")
        if padding not in ("skip", "count"):
            raise ValueError(f"padding is {padding!r}; expected 'skip' or 'count'")
        if tied and self.embedding_size != self.hidden_size:
            raise ValueError(
                f"embedding_size is {self.embedding_size} and hidden_size is {self.hidden_size}; expected the same "
                "number for both with tied=True, where one matrix serves both ends"
            )
        self.dropout = float(dropout)
        self.tied = bool(tied)
        self.padding = padding
        check_clean(clean)
        self.tokenizer = tokenizer
        self.clean = clean
        self.line_length: int | None = None

        embedding = layers.ReversibleEmbedding if self.tied else layers.Embedding
        self.embedding = embedding(self.vocab_size, self.embedding_size, mask_zero=padding == "skip")
        self.rnn_1 = layers.LSTM(self.hidden_size, return_sequences=True)
        self.rnn_2 = layers.LSTM(self.hidden_size, return_sequences=True)
        if not self.tied:
            self.linear = layers.Dense(self.vocab_size)
        if self.dropout:
            # Seeds of their own, so that what is dropped follows from the seed of the training alone.
            self.embedding_dropout = layers.Dropout(self.dropout, seed=1)
            self.rnn_1_dropout = layers.Dropout(self.dropout, seed=2)
            self.rnn_2_dropout = layers.Dropout(self.dropout, seed=3)

    def call(self, x: Any) -> Any:
        x = self.embedding(x)
        if self.dropout:
            x = self.embedding_dropout(x)
        x = self.rnn_1(x)
        if self.dropout:
            x = self.rnn_1_dropout(x)
        x = self.rnn_2(x)
        if self.dropout:
            x = self.rnn_2_dropout(x)
        return self.embedding(x, reverse=True) if self.tied else self.linear(x)

    # ---- training ----

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
    ) -> None:
        """Set optimizer, loss and metrics, as `Model.compile`. The default loss is the cross-entropy of the logits."""
        if loss is None:
            loss = losses.SparseCategoricalCrossentropy(from_logits=True)
        super().compile(optimizer, loss, loss_weights, metrics, weighted_metrics)

    def _make_objective(self, loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any) -> Objective:
        meters = SkippedPadding(metrics, weighted_metrics, self.line_length) if self.padding == "skip" else None
        return Objective(loss, loss_weights, metrics, weighted_metrics, meters)

    def _new_progress(self) -> Progress:
        return TokenProgress(self.padding == "skip")

    def set_line_length(self, length: int | None) -> None:
        """Set to how many positions lines are filled up in ``padded_loss``; None for the length of each batch."""
        self.line_length = length
        meters = self._objective.meters if self._objective is not None else None
        if isinstance(meters, SkippedPadding):
            meters.line_length = length

    # ---- writing ----

    def generate(self, prompt: Any = "", **options: Any) -> Any:
        """Continue a prompt, or each of a batch, until the model ends it or it has `max_len` tokens.

        Without options the answer is greedy. The state of the LSTM layers is carried, so each token costs one step.

        Args:
            prompt: a text, where the model has a `tokenizer`; a list or array of token numbers; or a batch of either.
                A text is cleaned as a line of a corpus is, and begins with ``<start>``. A text that has ``<start>``
                already is taken as it is. An empty prompt is ``<start>`` alone.
            options: `max_len` (20), `end_token` (``<end>``), `weights` ("float32", "bfloat16" or "int8"),
                `temperature`, `top_k`, `top_p`, `seed`, `beams`, `length_penalty`, `banned`, `max_repeats`, `forced`,
                `scores`: see `day33.decoding.generate`.

        Returns:
            The answer, prompt included, in the kind of the prompt: a text of words with single spaces, ``<start>`` and
            ``<end>`` among them; a list or array of numbers; or a list of these. With ``scores=True`` a
            `day33.decoding.Generated`.

        Raises:
            ValueError, TypeError: as `day33.decoding.generate`; a text for a model without tokenizer.
        """
        return decoding.generate(self, self._cleaned(prompt), tokenizer=self.tokenizer, **options)

    def stream(self, prompt: Any = "", **options: Any) -> Iterator[Any]:
        """Continue one prompt token by token.

        Args:
            prompt: one prompt, as `generate` takes it.
            options: those of `generate`, except `beams`, `length_penalty` and `scores`.

        Returns:
            An iterator over the tokens after the prompt, each as soon as it is chosen: words for a text, else numbers.

        Raises:
            ValueError, TypeError: as `generate`.
        """
        return decoding.stream(self, self._cleaned(prompt), tokenizer=self.tokenizer, **options)

    def _cleaned(self, prompt: Any) -> Any:
        if isinstance(prompt, str):
            return clean_prompt(prompt, self.clean)
        if isinstance(prompt, list | tuple):
            return [clean_prompt(item, self.clean) if isinstance(item, str) else item for item in prompt]
        return prompt

    # ---- configuration ----

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, except `tokenizer`."""
        return {
            "vocab_size": self.vocab_size,
            "embedding_size": self.embedding_size,
            "hidden_size": self.hidden_size,
            "dropout": self.dropout,
            "tied": self.tied,
            "padding": self.padding,
            "clean": self.clean,
            "name": self.name,
        }

    def build_weights(self) -> None:
        """Makes the weights now instead of with the first batch."""
        if not self.built:
            self.build_for(np.zeros((1, 1), np.int32))


def clean_prompt(prompt: str, clean: Clean = "note") -> str:
    """A text as `TextGenerator.generate` reads it: cleaned and with ``<start>``, unless it has that already."""
    begun = prompt.split()[:1] == [START]
    return prompt if begun else preprocess_sentence(prompt, clean).removesuffix(END).strip()
