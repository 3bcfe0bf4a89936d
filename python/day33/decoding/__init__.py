"""Language models that write: a model's weights packed once, and a loop that takes one step a token.

The model is an `Embedding`, a stack of `LSTM` layers and a `Dense` layer that gives logits over the vocabulary. The
state of the LSTM layers is carried, so that nothing is computed twice; the whole loop is native and releases the GIL.

    decoder = Decoder(embedding, [(kernel, recurrent_kernel, bias), ...], dense_kernel, dense_bias)
    decoder.generate([2, 7, 31])                       # greedy: [2, 7, 31, ...]
    generate(model, "<start> i love", tokenizer=tokenizer, temperature=0.8, top_p=0.95, seed=1)
    for word in stream(model, "<start> i love", tokenizer=tokenizer): ...

A prompt is a text, or a list or array of ids; a list of either, or a 2-D array, is a batch. Answers are given in kind,
prompt included: text for text (its words joined by single spaces), lists for lists, arrays for arrays. `[]` is an empty
batch. Prompts of a batch may differ in length, and no answer depends on the other prompts of its batch.

Weights can be packed as ``"float32"``; as ``"bfloat16"``, rounded to nearest even, sums in float32; or as ``"int8"``,
with a scale for each output, summed exactly over activations of 8 bits, with a scale for each vector of them. What int8
sums up is the same on every instruction set.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _native
from .._core.arrays import as_float32, as_int, check_shape
from .options import prepare_options
from .prompts import FROM_TOKENIZER, Batch, FromTokenizer, Prompts, Token, Tokenizer, Words, as_ids

if TYPE_CHECKING:
    from .._native import Float32

__all__ = ["Decoder", "Generated", "State", "decoder_of", "generate", "stream"]

WEIGHTS = ("float32", "bfloat16", "int8")

_MAX_ROWS = 256  # rows of one native batch; more are decoded in turn
_TOKENS_A_CALL = 8  # then Python looks for Ctrl-C


class Generated(NamedTuple):
    """Answers with the log-probability of every token that follows the prompt, a float32 array an answer."""

    answer: Any
    scores: Any


class State:
    """h and c of every LSTM layer for a number of rows; made by `Decoder.start`, moved on by `Decoder.step`."""

    def __init__(self, decoder: Decoder, rows: int) -> None:
        self._native = _native.DecoderState(decoder._native, rows)

    @property
    def rows(self) -> int:
        """Number of sequences."""
        return self._native.rows

    def reset(self) -> None:
        """Zeros, as at the start of a sequence."""
        self._native.clear()

    def get(self) -> list[tuple[Float32, Float32]]:
        """Copies of (h, c), each (rows, units), by layer."""
        return self._native.get()

    def set(self, layers: Sequence[tuple[ArrayLike, ArrayLike]]) -> None:
        """Takes (h, c) by layer, as `get` gives them. ValueError for other shapes."""
        arrays = [(as_float32("h", h), as_float32("c", c)) for h, c in layers]
        self._native.set(arrays)

    def reorder(self, parents: ArrayLike) -> None:
        """Row i goes on from where row ``parents[i]`` was. ValueError for a row that does not exist."""
        self._native.reorder(np.ascontiguousarray(parents, np.int64))


class Decoder:
    """A language model packed for decoding. Later changes of the arrays do not show; safe to use from many threads.

    With ``x`` the row of `embedding` of a token, every LSTM layer computes ``z = x K + h R + b``, split into the gates
    i, f, c, o; ``c = sigmoid(f) c + sigmoid(i) tanh(g)``; ``h = sigmoid(o) tanh(c)``, which is the next layer's x; and
    the logits are ``h kernel + bias`` (Keras's LSTM and Dense).

    Args:
        embedding: (V, E).
        lstm: for each layer kernel (in, 4U), recurrent kernel (U, 4U) and bias (4U,) or None. At least one.
        kernel, bias: (U, V) and (V,) or None.
        weights: "float32", "bfloat16" or "int8".
        mask_zero: token 0 is padding, which leaves the state as it is (Keras's ``Embedding(mask_zero=True)``).

    Raises:
        TypeError: arrays that are not real numbers.
        ValueError: shapes that do not fit, an unknown `weights`, NaN or infinity with int8.
    """

    def __init__(
        self, embedding: ArrayLike, lstm: Sequence[Sequence[ArrayLike | None]], kernel: ArrayLike,
        bias: ArrayLike | None = None, *, weights: str = "float32", mask_zero: bool = False,
    ) -> None:  # fmt: skip
        if weights not in WEIGHTS:
            raise ValueError(f"weights is {weights!r}; expected one of {', '.join(map(repr, WEIGHTS))}")
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
            check_shape(f"kernel of lstm[{i}]", first, (width, 4 * units), "what its input and units want")
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
        """V."""
        return self._native.vocabulary

    @property
    def nbytes(self) -> int:
        """Bytes of the packed weights."""
        return self._native.nbytes

    def __repr__(self) -> str:
        return (
            f"<Decoder vocab_size={self.vocab_size}, embedding_size={self.embedding_size}, units={self.units}, "
            f"weights={self.weights!r}>"
        )

    def start(self, rows: int = 1) -> State:
        """A fresh state (zeros) for `rows` sequences, for use with `step`."""
        return State(self, as_int("rows", rows, 0))

    def step(self, state: State, tokens: ArrayLike) -> Float32:
        """Feeds one token to every row of `state`, which moves on; returns the logits (rows, V).

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
        """See `generate`."""
        return generate(self, prompts, **options)

    def stream(self, prompt: Prompts, **options: Any) -> Iterator[Any]:
        """See `stream`."""
        return stream(self, prompt, **options)


def generate(
    model: Any, prompts: Prompts, *, tokenizer: Tokenizer | None = None, weights: str = "float32", max_len: int = 20,
    end_token: Token | Sequence[Token | None] | FromTokenizer | None = FROM_TOKENIZER,
    start_token: Token | FromTokenizer = FROM_TOKENIZER, temperature: float | None = None, top_k: int | None = None,
    top_p: float | None = None, seed: int | Sequence[int] | None = None, beams: int = 1, length_penalty: float = 1.0,
    banned: Iterable[Token] = (), forced: Mapping[int, Token] | Sequence[Token] = (), scores: bool = False,
) -> Any:  # fmt: skip
    """Continues each prompt until the model ends it or it is `max_len` long.

    Without options the answer is greedy: every token is the first of the largest logits. That is the loop ::

        while True:
            token = argmax(softmax(model(tokens)))[-1]
            tokens.append(token)
            if token == end_token or len(tokens) >= max_len:
                break

    so a prompt that is already `max_len` long still gets one token.

    Args:
        model: a `Decoder`, or a model of an Embedding, LSTM layers and a Dense layer (see `decoder_of`).
        prompts: a text, ids, or a batch of either (see the module).
        tokenizer: for texts, and for words in the other arguments. Unknown words follow its rule (out-of-vocabulary
            token, or left out).
        weights: how the weights of a model are packed; a `Decoder` is packed already.
        max_len: the length, prompt included, that ends an answer.
        end_token: id or word that ends an answer (and belongs to it), None for none; or one for each prompt. By default
            ``<end>`` where there is a tokenizer that knows it.
        start_token: what an empty prompt begins with, by default the tokenizer's ``<start>``.
        temperature: above 0: tokens are drawn from softmax(logits / temperature). None or 0 means greedy, or 1 where
            `top_k` or `top_p` is given.
        top_k: only the k most probable tokens are drawn (on a tie the lower id first).
        top_p: of these, only the smallest set of most probable ones that has at least this share of the probability.
        seed: of the drawing. One int: prompt i draws from stream i of that seed; or an int for each prompt, which then
            draws from stream 0. So an answer depends on seed and stream only, on no other prompt, and on no number of
            threads. None takes the next seed of `day33.random`.
        beams: more than 1: beam search. It keeps the `beams` continuations of the largest summed log-probability, ranks
            those that ended, and at `max_len` also those that did not, by sum / length**length_penalty (`length`
            counts the tokens after the prompt, the end token too), and stops when no open one can overtake the best
            `beams` that ended.
        length_penalty: 0 ranks by the sum, 1 by the mean of the log-probabilities.
        banned: ids or words that are never chosen.
        forced: the tokens that an answer begins with after its prompt; or a mapping from the number of a token after
            the prompt (0 the first) to that token. Forced tokens may be banned elsewhere.
        scores: also return the log-probability of every token after the prompt, as softmax(logits) gives it: before
            temperature, top_k, top_p and bans.

    Returns:
        The answers in the kind of the prompts, or `Generated` with `scores`.

    Raises:
        TypeError: prompts that are neither text nor ids, texts without a tokenizer.
        ValueError: options out of range, ids outside the vocabulary, unknown words in options, an empty prompt without
            a start token; logits that are NaN where tokens are drawn or searched for.
    """
    decoder = model if isinstance(model, Decoder) else decoder_of(model, weights=weights)
    words = Words(tokenizer, decoder.vocab_size)
    batch = Batch(prompts, words, start_token)
    make = prepare_options(
        words, max_len, end_token, temperature, top_k, top_p, seed, beams, length_penalty, banned, forced, scores
    )
    prepare = make(len(batch.ids))
    tokens: list[list[int]] = []
    values: list[Float32] = []
    portion = max(1, _MAX_ROWS // beams)
    for first in range(0, len(batch.ids), portion):
        part = slice(first, first + portion)
        run = _native.Generation(decoder._native, batch.ids[part], **prepare.of(part))
        while run.generate(_TOKENS_A_CALL):
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
    banned: Iterable[Token] = (), forced: Mapping[int, Token] | Sequence[Token] = (),
) -> Iterator[Any]:  # fmt: skip
    """The tokens that `generate` puts after one prompt, each as soon as it is chosen: words for a text, else ids.

    Arguments and errors are those of `generate`; errors are raised at once, not at the first token.
    """
    decoder = model if isinstance(model, Decoder) else decoder_of(model, weights=weights)
    words = Words(tokenizer, decoder.vocab_size)
    batch = Batch(prompt, words, start_token)
    if not batch.single:
        raise ValueError(f"prompt is a batch of {len(batch.ids)}; expected one text or one list of ids")
    make = prepare_options(words, max_len, end_token, temperature, top_k, top_p, seed, 1, 1.0, banned, forced, False)
    run = _native.Generation(decoder._native, batch.ids, **make(1).of(slice(0, 1)))

    def tokens() -> Iterator[Any]:
        more = True
        while more:
            more = run.generate(1)
            token = run.answers(0)[0][0][-1]
            yield words.word(token) if batch.text else token

    return tokens()


# ---- models ----


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


class _Packed(NamedTuple):
    version: tuple[Any, ...]
    decoder: Decoder


_packed: weakref.WeakKeyDictionary[Any, dict[str, _Packed]] = weakref.WeakKeyDictionary()
_packed_lock = threading.Lock()


def decoder_of(model: Any, *, weights: str = "float32") -> Decoder:
    """The decoder of a model: its Embedding, LSTM layers and last Dense layer, in this order.

    Dropout layers between them do nothing when a model writes. The packed weights are kept with the model, for each
    kind of `weights`, and packed anew when a weight has changed.

    Raises:
        TypeError: something without layers.
        ValueError: other layers, an LSTM layer other than Keras's default (activations, direction, stateful), a Dense
            layer with an activation, weights that do not exist yet.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights is {weights!r}; expected one of {', '.join(map(repr, WEIGHTS))}")
    embedding, lstm, dense = _parts(model)
    used = [embedding.embeddings, *(v for layer in lstm for v in _lstm_variables(layer)), dense.kernel]
    used += [dense.bias] if dense.bias is not None else []
    if any(variable is None for variable in used):
        raise ValueError(f"{model!r} has no weights yet; build it, or call it once")
    version = (_native.isa(), *((id(v), v.parameter.version) for v in used))
    with _packed_lock:
        kept = _packed.setdefault(model, {}).get(weights)
    if kept is not None and kept.version == version:
        return kept.decoder
    decoder = Decoder(
        embedding.embeddings.value,
        [
            (layer.kernel.value, layer.recurrent_kernel.value, None if layer.bias is None else layer.bias.value)
            for layer in lstm
        ],
        dense.kernel.value,
        None if dense.bias is None else dense.bias.value,
        weights=weights,
        mask_zero=bool(embedding.mask_zero),
    )
    with _packed_lock:
        _packed.setdefault(model, {})[weights] = _Packed(version, decoder)
    return decoder


def _lstm_variables(layer: Any) -> list[Any]:
    return [layer.kernel, layer.recurrent_kernel, *([] if layer.bias is None else [layer.bias])]


def _parts(model: Any) -> tuple[Any, list[Any], Any]:
    from .. import layers as kinds

    if not hasattr(model, "layers"):
        raise TypeError(f"model is {model!r}; expected a Decoder or a model with layers")
    passive = (kinds.Dropout, kinds.InputLayer) if hasattr(kinds, "InputLayer") else (kinds.Dropout,)
    layers = [layer for layer in model.layers if not isinstance(layer, passive)]
    expected = "expected an Embedding, LSTM layers and a Dense layer"
    names = ", ".join(type(layer).__name__ for layer in layers) or "none"
    if (
        len(layers) < 3
        or not isinstance(layers[0], kinds.Embedding)
        or not all(isinstance(layer, kinds.LSTM) for layer in layers[1:-1])
        or not isinstance(layers[-1], kinds.Dense)
    ):
        raise ValueError(f"{model!r} has the layers {names}; {expected}")
    dense = layers[-1]
    if dense.activation.get_config() not in (None, "linear"):
        raise ValueError(f"{dense!r} has the activation {dense.activation.get_config()!r}; expected logits")
    for layer in layers[1:-1]:
        config = layer.get_config()
        wanted = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False, "stateful": False}
        for option, value in wanted.items():
            if config.get(option, value) != value:
                raise ValueError(f"{layer!r} has {option}={config[option]!r}; decoding knows {value!r} only")
    return layers[0], layers[1:-1], dense
