"""`Decoder`: a language model packed for decoding; and what it does, for models as well."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _native
from .._core.arrays import as_float32, as_indices, as_int, check_shape
from .models import parts_of
from .options import prepare_options
from .prompts import FROM_TOKENIZER, Batch, FromTokenizer, Prompts, Token, Tokenizer, Words, as_ids

if TYPE_CHECKING:
    from .._native import Float32

__all__ = ["Decoder", "Generated", "State", "decoder_of", "generate", "stream"]

WEIGHTS = ("float32", "bfloat16", "int8")
_MAX_ROWS = 256  # rows of one native batch; more are decoded in turn
_TOKENS_PER_CALL = 8  # between two calls Python looks for Ctrl-C


class Generated(NamedTuple):
    """Answers with their scores.

    Attributes:
        answer: the answer, or the list of answers, in the kind of the prompts.
        scores: the log-probability of every token after the prompt, float32; one array per answer.
    """

    answer: Any
    scores: Any


class State:
    """The states h and c of every LSTM layer for a number of sequences (rows).

    `Decoder.start` makes it, and `Decoder.step` changes it.
    """

    def __init__(self, decoder: Decoder, rows: int) -> None:
        self._native = _native.DecoderState(decoder._native, rows)

    @property
    def rows(self) -> int:
        """The number of sequences."""
        return self._native.rows

    def reset(self) -> None:
        """Set it to zeros, as at the start of a sequence."""
        self._native.clear()

    def get(self) -> list[tuple[Float32, Float32]]:
        """Copies of (h, c) for each layer, float32 (rows, units) each."""
        return self._native.get()

    def set(self, layers: Sequence[tuple[ArrayLike, ArrayLike]]) -> None:
        """Write the state.

        Args:
            layers: (h, c) for each layer, (rows, units) each, as `get` gives them.

        Raises:
            TypeError: arrays that are not real numbers.
            ValueError: other shapes.
        """
        arrays = [(as_float32("h", h), as_float32("c", c)) for h, c in layers]
        self._native.set(arrays)

    def reorder(self, parents: ArrayLike) -> None:
        """Let each row go on from the state of some row.

        Args:
            parents: (rows,) integers: row i gets the state of row ``parents[i]``.

        Raises:
            TypeError: not integers.
            ValueError: another number of them, or a row that does not exist.
        """
        rows = as_indices("parents", parents if np.size(parents) else np.zeros(0, np.int32), self.rows)
        check_shape("parents", rows, (self.rows,), "one row for each row of the state")
        self._native.reorder(rows.astype(np.int64))


class Decoder:
    """A language model packed for decoding. It can be used from many threads at once.

    The arrays are copied: later changes of them have no effect.

    With ``x`` the row of `embedding` of a token, every LSTM layer computes ``z = x K + h R + b``, split into the gates
    i, f, c, o (the third is the candidate, g below); ``c = sigmoid(f) c + sigmoid(i) tanh(g)``;
    ``h = sigmoid(o) tanh(c)``, which is the next layer's x. The logits are ``h kernel + bias``
    (Keras's LSTM and Dense).

    Args:
        embedding: (V, E).
        lstm: for each layer, of which there is at least one, kernel (in, 4U), recurrent kernel (U, 4U) and bias (4U,)
            or None.
        kernel, bias: of the Dense layer: (U, V), and (V,) or None.
        weights: how they are packed: "float32", "bfloat16" or "int8".
        mask_zero: token 0 is padding, which leaves the state as it is (Keras's ``Embedding(mask_zero=True)``).

    Attributes:
        weights: as given.
        embedding_size: E.
        units: U of each LSTM layer.

    Raises:
        TypeError: arrays that are not real numbers.
        ValueError: shapes that do not fit, an unknown `weights`, NaN or infinity with int8.
    """

    def __init__(
        self, embedding: ArrayLike, lstm: Sequence[Sequence[ArrayLike | None]], kernel: ArrayLike,
        bias: ArrayLike | None = None, *, weights: str = "float32", mask_zero: bool = False,
    ) -> None:  # fmt: skip
        _check_packing(weights)
        table = _matrix("embedding", embedding, "(V, E)")
        if not lstm:
            raise ValueError("lstm is empty; expected (kernel, recurrent kernel, bias) for each layer")
        layers: list[tuple[Float32, Float32, Float32 | None]] = []
        width = table.shape[1]
        for i, layer in enumerate(lstm):
            if len(layer) != 3:
                raise ValueError(f"lstm[{i}] has {len(layer)} arrays; expected kernel, recurrent kernel and bias")
            recurrent = _matrix(f"recurrent kernel of lstm[{i}]", layer[1], "(U, 4U)")
            units = recurrent.shape[0]
            check_shape(f"recurrent kernel of lstm[{i}]", recurrent, (units, 4 * units), "(U, 4U)")
            first = _matrix(f"kernel of lstm[{i}]", layer[0], "(in, 4U)")
            check_shape(f"kernel of lstm[{i}]", first, (width, 4 * units), "for its input and units")
            layers.append((first, recurrent, _vector(f"bias of lstm[{i}]", layer[2], 4 * units)))
            width = units
        dense = _matrix("kernel", kernel, "(U, V)")
        check_shape("kernel", dense, (width, table.shape[0]), "(units of the last LSTM layer, rows of embedding)")
        self.weights = weights
        self.embedding_size: int = table.shape[1]
        self.units: tuple[int, ...] = tuple(layer[1].shape[0] for layer in layers)
        self._native = _native.Decoder(
            table, layers, dense, _vector("bias", bias, table.shape[0]), weights, mask_zero=mask_zero
        )

    @property
    def vocab_size(self) -> int:
        """The number of tokens V."""
        return self._native.vocabulary

    @property
    def nbytes(self) -> int:
        """The size of the packed weights in bytes."""
        return self._native.nbytes

    def __repr__(self) -> str:
        return (
            f"<Decoder vocab_size={self.vocab_size}, embedding_size={self.embedding_size}, units={self.units}, "
            f"weights={self.weights!r}>"
        )

    def start(self, rows: int = 1) -> State:
        """Make a state of zeros for `step`.

        Args:
            rows: the number of sequences.

        Returns:
            The state.

        Raises:
            TypeError: `rows` is no integer. ValueError: it is negative.
        """
        return State(self, as_int("rows", rows, 0))

    def step(self, state: State, tokens: ArrayLike) -> Float32:
        """Feed one token to each row of a state, and change the state accordingly.

        Args:
            state: as `start` made it for this decoder.
            tokens: (rows,) integers.

        Returns:
            The logits of the next tokens, float32 (rows, V).

        Raises:
            TypeError: tokens that are not integers.
            ValueError: another number of tokens than rows, a token outside the vocabulary, a state of another decoder.
        """
        ids = as_ids("tokens", tokens, self.vocab_size)
        check_shape("tokens", ids, (state.rows,), "one token for each row of the state")
        logits = self._native.step(state._native, ids)
        assert logits is not None
        return logits

    def generate(self, prompts: Prompts, **options: Any) -> Any:
        """Continue prompts. See `day33.decoding.generate`."""
        return generate(self, prompts, **options)

    def stream(self, prompt: Prompts, **options: Any) -> Iterator[Any]:
        """Continue one prompt token by token. See `day33.decoding.stream`."""
        return stream(self, prompt, **options)


def generate(
    model: Any, prompts: Prompts, *, tokenizer: Tokenizer | None = None, weights: str = "float32", max_len: int = 20,
    end_token: Token | Sequence[Token | None] | FromTokenizer | None = FROM_TOKENIZER,
    start_token: Token | FromTokenizer = FROM_TOKENIZER, temperature: float | None = None, top_k: int | None = None,
    top_p: float | None = None, seed: int | Sequence[int] | None = None, beams: int = 1, length_penalty: float = 1.0,
    banned: Iterable[Token] = (), max_repeats: int | None = None,
    forced: Mapping[int, Token] | Sequence[Token] = (), scores: bool = False,
) -> Any:  # fmt: skip
    """Continue each prompt until the model ends it or it has `max_len` tokens.

    Without options the answer is greedy: each token is the one with the largest logit, on a tie the first. That is the
    loop ::

        while True:
            token = argmax(softmax(model(tokens)))[-1]
            tokens.append(token)
            if token == end_token or len(tokens) >= max_len:
                break

    so a prompt that has `max_len` tokens already still gets one more.

    Args:
        model: a `Decoder`, or a model of an Embedding, LSTM layers and a Dense layer (see `decoder_of`).
        prompts: a text, ids, or a batch of either (see the module).
        tokenizer: for texts, and for words in the other arguments. It decides what becomes of unknown words: its
            out-of-vocabulary token, or nothing.
        weights: how the weights of a model are packed; a `Decoder` is packed already.
        max_len: the number of tokens, prompt included, that ends an answer.
        end_token: id or word that ends an answer (and belongs to it), None for none; or one for each prompt. By default
            ``<end>`` where there is a tokenizer that knows it.
        start_token: what an empty prompt begins with, by default the tokenizer's ``<start>``.
        temperature: above 0: tokens are drawn from softmax(logits / temperature). None or 0 means greedy, or 1 where
            `top_k` or `top_p` is given.
        top_k: only the k most probable tokens are drawn (on a tie the lower id first).
        top_p: of these, only the smallest set of most probable ones whose probabilities sum up to at least this.
        seed: of the drawing. With one int, prompt i draws from stream i of that seed; with an int for each prompt, each
            draws from stream 0 of its seed. So an answer depends on seed and stream only, and neither on other prompts
            nor on the number of threads. None takes the next seed of `day33.random`.
        beams: more than 1: beam search. It keeps the `beams` continuations with the largest summed log-probability.
            Those that ended, and at `max_len` those that did not as well, are ranked by sum / length**length_penalty,
            where `length` counts the tokens after the prompt, the end token included. It stops when no open
            continuation can overtake the best `beams` that ended.
        length_penalty: 0 ranks by the sum, 1 by the mean of the log-probabilities.
        banned: ids or words that are never chosen.
        max_repeats: how often a token may stand in a row, those of the prompt included: after that many it is not
            chosen. None for no limit.
        forced: the tokens that an answer begins with after its prompt; or a mapping from a place after the prompt (0 is
            the first) to the token there. Forced tokens may be banned elsewhere.
        scores: also return the log-probability of every token after the prompt, as softmax(logits) gives it, before
            temperature, top_k, top_p and bans.

    Returns:
        The answers in the kind of the prompts, or `Generated` with `scores`.

    Raises:
        TypeError: prompts that are neither text nor ids, or texts without a tokenizer.
        ValueError: options out of range, ids outside the vocabulary, unknown words in options, an empty prompt without
            a start token, or NaN among the logits where tokens are drawn or searched for.
    """
    decoder = model if isinstance(model, Decoder) else decoder_of(model, weights=weights)
    words = Words(tokenizer, decoder.vocab_size)
    batch = Batch(prompts, words, start_token)
    make = prepare_options(
        words,
        max_len,
        end_token,
        temperature,
        top_k,
        top_p,
        seed,
        beams,
        length_penalty,
        banned,
        max_repeats,
        forced,
        scores,
    )
    prepare = make(len(batch.ids))
    tokens: list[list[int]] = []
    values: list[Float32] = []
    portion = max(1, _MAX_ROWS // beams)
    for first in range(0, len(batch.ids), portion):
        part = slice(first, first + portion)
        run = _native.Generation(decoder._native, batch.ids[part], **prepare.of(part))
        while run.generate(_TOKENS_PER_CALL):
            pass
        for i, prompt in enumerate(batch.ids[part]):
            answer, score = run.answers(i)[0]
            tokens.append(prompt + answer)
            values.append(score)
    answers = [batch.in_kind(i, answer) for i, answer in enumerate(tokens)]
    if not scores:
        return answers[0] if batch.single else answers
    return Generated(answers[0], values[0]) if batch.single else Generated(answers, values)


def stream(
    model: Any, prompt: Prompts, *, tokenizer: Tokenizer | None = None, weights: str = "float32", max_len: int = 20,
    end_token: Token | FromTokenizer | None = FROM_TOKENIZER, start_token: Token | FromTokenizer = FROM_TOKENIZER,
    temperature: float | None = None, top_k: int | None = None, top_p: float | None = None, seed: int | None = None,
    banned: Iterable[Token] = (), max_repeats: int | None = None,
    forced: Mapping[int, Token] | Sequence[Token] = (),
) -> Iterator[Any]:  # fmt: skip
    """Continue one prompt token by token.

    Args:
        model, tokenizer, weights, max_len, end_token, start_token, temperature, top_k, top_p, seed, banned,
            max_repeats, forced: as `generate`.
        prompt: one text, or one list or array of ids.

    Returns:
        An iterator over the tokens that `generate` puts after the prompt, each as soon as it is chosen: words for a
        text, else ids.

    Raises:
        TypeError, ValueError: as `generate`, at once and not with the first token; `prompt` is a batch.
    """
    decoder = model if isinstance(model, Decoder) else decoder_of(model, weights=weights)
    words = Words(tokenizer, decoder.vocab_size)
    batch = Batch(prompt, words, start_token)
    if not batch.single:
        raise ValueError(f"prompt is a batch of {len(batch.ids)}; expected one text or one list of ids")
    make = prepare_options(
        words, max_len, end_token, temperature, top_k, top_p, seed, 1, 1.0, banned, max_repeats, forced, False
    )
    run = _native.Generation(decoder._native, batch.ids, **make(1).of(slice(0, 1)))

    def tokens() -> Iterator[Any]:
        more = True
        while more:
            more = run.generate(1)
            token = run.answers(0)[0][0][-1]
            yield words.word(token) if batch.text else token

    return tokens()


def _check_packing(weights: str) -> None:
    if weights not in WEIGHTS:
        raise ValueError(f"weights is {weights!r}; expected one of {', '.join(map(repr, WEIGHTS))}")


def _matrix(name: str, value: ArrayLike | None, layout: str) -> Float32:
    if value is None:
        raise TypeError(f"{name} is None; expected {layout}")
    array = as_float32(name, value)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {layout}, all at least 1")
    return array


def _vector(name: str, value: ArrayLike | None, size: int) -> Float32 | None:
    if value is None:
        return None
    array = as_float32(name, value)
    check_shape(name, array, (size,), "one value for each output")
    return array


# ---- models ----


class _Packed(NamedTuple):
    version: tuple[Any, ...]
    decoder: Decoder


_packed: weakref.WeakKeyDictionary[Any, dict[str, _Packed]] = weakref.WeakKeyDictionary()
_packed_lock = threading.Lock()


def decoder_of(model: Any, *, weights: str = "float32") -> Decoder:
    """Pack a model of an Embedding, LSTM layers and a Dense layer, in this order.

    A `ReversibleEmbedding` at the beginning may give the logits as well, in place of the dense layer, by a call with
    ``reverse=True``. Dropout layers between them are left out. The packed weights are kept with the model, for each
    kind of `weights`, and packed anew when a weight has changed.

    Args:
        model: the model, with weights.
        weights: how they are packed: "float32", "bfloat16" or "int8".

    Returns:
        The decoder.

    Raises:
        TypeError: `model` has no layers.
        ValueError: other layers, an LSTM layer other than Keras's default (activations, direction, stateful), a Dense
            layer with an activation, a `logit_soft_cap`, or weights that do not exist yet.
    """
    _check_packing(weights)
    parts = parts_of(model)
    used = parts.variables()
    if any(variable is None for variable in used):
        raise ValueError(f"{model!r} has no weights yet; build it, or call it once")
    version = (_native.isa(), *((id(v), v.parameter.version) for v in used))
    with _packed_lock:
        kept = _packed.setdefault(model, {}).get(weights)
    if kept is not None and kept.version == version:
        return kept.decoder
    kernel, bias = parts.output_weights()
    decoder = Decoder(
        parts.embedding.embeddings.value,
        [
            (layer.kernel.value, layer.recurrent_kernel.value, None if layer.bias is None else layer.bias.value)
            for layer in parts.lstm
        ],
        kernel,
        bias,
        weights=weights,
        mask_zero=bool(parts.embedding.mask_zero),
    )
    with _packed_lock:
        _packed.setdefault(model, {})[weights] = _Packed(version, decoder)
    return decoder
