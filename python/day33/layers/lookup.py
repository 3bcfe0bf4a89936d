"""Layers that number words and integers by a vocabulary, and back: `StringLookup`, `IntegerLookup`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .._core.arrays import as_int
from .._core.types import Shape
from ._encoding import as_mode, encoded, encoded_shape, refuse_sparse
from ._vocabulary import Vocabulary
from .host import HostLayer, as_integers, batches_of
from .serialization import CustomObjects


class _Given:
    """What the constructor was given, in an object of its own: nothing looks for layers in it."""

    def __init__(self, vocabulary: list[Any] | None, idf_weights: Any) -> None:
        self.vocabulary = vocabulary
        self.idf_weights = None if idf_weights is None else np.asarray(idf_weights).tolist()


class IndexLookup(HostLayer):
    """Base of the layers that number tokens by a vocabulary; see the subclasses."""

    token_dtype = "string"

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        sparse: bool,
        pad_to_max_tokens: bool,
        oov_method: str = "floormod",
        salt: Any = None,
        vocabulary_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_sparse(sparse)
        self.sparse = False
        self.max_tokens = None if max_tokens is None else as_int("max_tokens", max_tokens, 2)
        self.num_oov_indices = as_int("num_oov_indices", num_oov_indices, 0)
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert = bool(invert)
        self.output_mode = as_mode(output_mode)
        self.pad_to_max_tokens = bool(pad_to_max_tokens)
        if self.pad_to_max_tokens and max_tokens is None:
            raise ValueError("pad_to_max_tokens is True and max_tokens is None; expected a number")
        if self.invert and self.output_mode != "int":
            raise ValueError(f'invert is True and output_mode is {output_mode!r}; expected "int"')
        if oov_method not in ("floormod", "farmhash"):
            raise ValueError(f'oov_method is {oov_method!r}; expected "floormod" or "farmhash"')
        self.oov_method = oov_method
        self.salt = as_key(salt)
        by_remainder = self.token_dtype == "int64" and oov_method == "floormod"
        if self.salt is not None and by_remainder:
            raise ValueError(f'salt is {salt!r} and oov_method is {oov_method!r}; expected "farmhash"')
        self._vocabulary = Vocabulary(
            self.name, self.max_tokens, self.num_oov_indices, mask_token, oov_token,
            numbers_mask=self.output_mode == "int", reserves_oov=self.invert, by_remainder=by_remainder, key=self.salt,
        )  # fmt: skip
        self._expected_size = vocabulary_size  # of the vocabulary that a file still has to bring
        self._is_static = vocabulary is not None
        self._given = _Given(None, None)
        if vocabulary is not None or idf_weights is not None:
            self.set_vocabulary(vocabulary, idf_weights)
            if not isinstance(vocabulary, str | Path):
                self._given = _Given(self._as_tokens(vocabulary), idf_weights)

    def _as_array(self, value: Any) -> NDArray[Any]:
        raise NotImplementedError

    def _as_tokens(self, value: Any) -> list[Any]:
        raise NotImplementedError

    # ---- the vocabulary ----

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens and their numbers. ValueError where there are none yet."""
        if not self._vocabulary.tokens:
            raise ValueError(f"layer {self.name!r} has no vocabulary; expected `vocabulary`, or a call of adapt before")
        return self._vocabulary

    @property
    def input_vocabulary(self) -> list[Any] | None:
        """The vocabulary that the constructor was given."""
        return self._given.vocabulary

    @property
    def idf_weights(self) -> NDArray[np.float32] | None:
        """For "tf_idf", the weight of each number."""
        weights = self._vocabulary.idf
        if weights is None or len(weights) >= self.depth:
            return weights
        return np.pad(weights, (0, self.depth - len(weights)))

    def vocabulary_size(self) -> int:
        """The number of tokens, those for unknown and masked ones included."""
        return len(self._vocabulary)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their numbers.

        Args:
            include_special_tokens: with the tokens for masked and unknown ones, which come first.
        """
        return (self._vocabulary.special if include_special_tokens else []) + self._vocabulary.tokens

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Replaces the vocabulary.

        Args:
            vocabulary: tokens in the order of their numbers, with or without the special ones in front; or the path of
                a text file with a token in each line.
            idf_weights: for `output_mode` "tf_idf" one weight per token.

        Raises:
            ValueError: no token, one that comes twice, more than `max_tokens`, a special token in another place;
                weights of another number, or where they mean nothing. FileNotFoundError: no such file.
        """
        if (idf_weights is not None) != (self.output_mode == "tf_idf"):
            given = "None" if idf_weights is None else "given"
            raise ValueError(
                f'idf_weights is {given} and output_mode is {self.output_mode!r}; expected weights for "tf_idf" alone'
            )
        if isinstance(vocabulary, str | Path):
            try:
                self._assign(Path(vocabulary).read_text(encoding="utf-8").splitlines(), idf_weights)
            except ValueError as error:
                raise ValueError(f"{vocabulary}: {error}") from error
        else:
            self._assign(vocabulary, idf_weights)

    def _assign(self, vocabulary: Any, idf_weights: Any) -> None:
        tokens = self._as_tokens(vocabulary)
        with self._same_size():
            self._vocabulary.assign(tokens, idf_weights)

    @contextlib.contextmanager
    def _same_size(self) -> Iterator[None]:
        """Puts the vocabulary back where outputs that are symbolic tensors would have another size with the new one."""
        before, kept = self.depth, (self._vocabulary.tokens, self._vocabulary.numbers, self._vocabulary.idf)
        yield
        if self._nodes and self.output_mode != "int" and self.depth != before:
            size = self.depth
            self._vocabulary.tokens, self._vocabulary.numbers, self._vocabulary.idf = kept
            raise ValueError(
                f"vocabulary has {size} tokens, special ones included; layer {self.name!r} was called on symbolic "
                f"tensors with {before}, and its outputs have that size"
            )

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Makes the vocabulary of the tokens in `data`: the most frequent first, of equals the one that sorts last.

        Args:
            data: an array or list of tokens, of (N,) or (N, T); or a data set or another iterable of batches of them.
            steps: how many batches of a data set; all by default.

        Raises:
            ValueError: the constructor was given a vocabulary.
        """
        self.reset_state()
        for batch in batches_of(self.name, data, steps, self._as_array):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets what `update_state` has counted."""
        self._vocabulary.forget_counts()

    def update_state(self, data: Any) -> None:
        """Counts the tokens of a batch (N, T); of (T,), which is one document."""
        array = self._as_array(data)
        self.count((array.reshape(1, -1) if array.ndim < 2 else array.reshape(len(array), -1)).tolist())

    def count(self, rows: Iterable[list[Any]]) -> None:
        """Counts tokens, row by row: a row is a document."""
        if self._is_static:
            raise ValueError(f"layer {self.name!r} has a vocabulary from its constructor; expected none, to adapt it")
        self._vocabulary.count(rows)

    def finalize_state(self) -> None:
        """Makes the vocabulary of what was counted."""
        with self._same_size():
            self._vocabulary.learn(self.output_mode == "tf_idf")

    # ---- calls ----

    @property
    def input_dtypes(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("int32" if self.invert or self.token_dtype == "int64" else "string",)

    @property
    def output_dtypes(self) -> tuple[str, ...]:  # type: ignore[override]
        if self.invert:
            return ("int32" if self.token_dtype == "int64" else "string",)
        return ("int32" if self.output_mode == "int" else "float32",)

    @property
    def depth(self) -> int:
        """The size of the last axis of the output, unless it holds numbers."""
        if self.pad_to_max_tokens and self.max_tokens is not None:
            return self.max_tokens
        return self.vocabulary_size() if self._vocabulary.tokens else self._expected_size or self.vocabulary_size()

    def compute_output_shape(self, input_shape: Any) -> Shape:
        return encoded_shape(input_shape, self.output_mode, self.depth)

    def compute(self, inputs: Any) -> NDArray[Any]:
        if self.invert:
            numbers = as_integers(self.name, inputs)
            tokens = self.vocabulary.tokens_of(numbers.ravel().tolist())
            return np.array(tokens, np.int64 if self.token_dtype == "int64" else np.str_).reshape(numbers.shape)
        array = self._as_array(inputs)
        return self.encode(self.vocabulary.numbers_of(array.ravel().tolist()).reshape(array.shape))

    def encode(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Numbers of tokens as the output mode says."""
        return indices if self.output_mode == "int" else self.weigh(encoded(indices, self.output_mode, self.depth))

    def weigh(self, counts: NDArray[Any]) -> NDArray[Any]:
        """Counts as they are, or times the weights of "tf_idf"."""
        weights = self.idf_weights if self.output_mode == "tf_idf" else None
        return counts if weights is None else counts.astype(np.float32) * weights

    # ---- files ----

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": False,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "idf_weights": self._given.idf_weights,
            "vocabulary": self._given.vocabulary,
            "vocabulary_size": len(self._vocabulary) if self._vocabulary.tokens else None,
            "oov_method": self.oov_method,
            "salt": None if self.salt is None else list(self.salt),
        }

    array_names = ("idf_weights",)

    def saved_config(self) -> dict[str, Any]:
        if not self._vocabulary.tokens:
            return self.get_config()
        weights = self._vocabulary.idf if self.output_mode == "tf_idf" else None
        return {
            **self.get_config(),
            "vocabulary": self.get_vocabulary(),
            "idf_weights": None if weights is None else weights.tolist(),
        }

    def saved_arrays(self) -> dict[str, NDArray[Any]]:
        weights = self.idf_weights
        return {} if weights is None else {"idf_weights": weights}

    def restore(self, arrays: Mapping[str, NDArray[Any]], lines: Sequence[str] | None) -> None:
        if lines is None or self._is_static:  # its vocabulary came with the configuration
            return
        tokens = self._as_tokens([*lines])
        if self.output_mode != "tf_idf":
            self.set_vocabulary(tokens)
        elif "idf_weights" in arrays:
            self.set_vocabulary(tokens, arrays["idf_weights"][: len(tokens)])

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        cls.refuse_paths(config)
        return super().from_config(config, custom_objects)

    @staticmethod
    def refuse_paths(config: Mapping[str, Any]) -> None:
        """ValueError where a configuration names a file: none is read because another one says so."""
        if isinstance(config.get("vocabulary"), str):
            raise ValueError(
                f"vocabulary of layer {config.get('name')!r} is the path {config['vocabulary']!r}, in a configuration; "
                "expected the tokens"
            )


class StringLookup(IndexLookup):
    """The number of each string in a vocabulary, or, inverted, the string of each number.

    The first numbers are special: 0 stands for `mask_token` if there is one, the next `num_oov_indices` for strings
    that the vocabulary lacks. Other modes give vectors along a last axis, one entry per number; masked strings count
    nowhere.

    Input strings of any shape, for "multi_hot", "count" and "tf_idf" (T,) or (N, T). Output int64 of the same shape, or
    vectors, int64, for "tf_idf" float32. In a model numbers are int32 and vectors float32.

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included; None for any.
        num_oov_indices: how many numbers unknown strings share, by their hash; with 0 they are refused.
        mask_token: the string that means that there is none; None for no such string.
        oov_token: what unknown numbers become, inverted.
        vocabulary: strings in the order of their numbers, or the path of a file with one in each line.
        idf_weights: with a `vocabulary` and "tf_idf", one weight per string.
        invert: from numbers to strings.
        output_mode: "int"; "one_hot", a vector for each string; "multi_hot", "count" or "tf_idf" for each sample.
        pad_to_max_tokens: vectors have the length `max_tokens`, even if the vocabulary is smaller.
        sparse: False.
        encoding: "utf-8".
        salt: a number or two, for another hash (SipHash) of unknown strings.
        name, trainable, dtype: see `Layer`.

    Raises:
        ValueError: an argument out of its range or together with one that it does not fit; when called, an unknown
            string where `num_oov_indices` is 0. TypeError: when called, anything but strings.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        oov_method: str = "floormod",
        vocabulary_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens, oov_method, salt, vocabulary_size, name=name, **kwargs,
        )  # fmt: skip
        self.encoding = as_encoding(encoding)

    def _as_array(self, value: Any) -> NDArray[Any]:
        return self.texts(value)

    def _as_tokens(self, value: Any) -> list[Any]:
        return self.texts(value).ravel().tolist()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoding": self.encoding}


class IntegerLookup(IndexLookup):
    """The number of each integer in a vocabulary, or, inverted, the integer of each number; see `StringLookup`.

    Input integers, output as `StringLookup`.

    Args:
        max_tokens, num_oov_indices, vocabulary, idf_weights, invert, output_mode, sparse, pad_to_max_tokens: see
            `StringLookup`.
        mask_token: the integer that means that there is none; None for no such integer.
        oov_token: what unknown numbers become, inverted.
        vocabulary_dtype: "int64".
        oov_method: how unknown integers share `num_oov_indices` numbers: by "floormod", their remainder, or by
            "farmhash", a hash of their digits.
        salt: with "farmhash", a number or two for another hash (SipHash).
        name, trainable, dtype: see `Layer`.

    Raises:
        ValueError, TypeError: as `StringLookup`.
    """

    token_dtype = "int64"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        vocabulary_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(f'vocabulary_dtype is {vocabulary_dtype!r}; expected "int64"')
        super().__init__(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, idf_weights, invert, output_mode, sparse,
            pad_to_max_tokens, oov_method, salt, vocabulary_size, name=name, **kwargs,
        )  # fmt: skip
        self.vocabulary_dtype = "int64"

    def _as_array(self, value: Any) -> NDArray[Any]:
        return as_integers(self.name, value)

    def _as_tokens(self, value: Any) -> list[Any]:
        if isinstance(value, list) and value and isinstance(value[0], str):  # the lines of a file
            value = [int(line) for line in value]
        return as_integers(self.name, value).ravel().tolist()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary_dtype": "int64"}


def as_encoding(value: Any) -> str:
    """ "utf-8", the encoding of bytes. ValueError for another one."""
    if not isinstance(value, str) or value.lower().replace("_", "-") not in ("utf-8", "utf8"):
        raise ValueError(f'encoding is {value!r}; expected "utf-8"')
    return "utf-8"


def as_key(salt: Any) -> tuple[int, int] | None:
    """A number or two as the key of a hash."""
    if salt is None:
        return None
    if isinstance(salt, tuple | list) and len(salt) == 2:
        return as_int("salt", salt[0], -(2**63), None), as_int("salt", salt[1], -(2**63), None)
    key = as_int("salt", salt, -(2**63), None)
    return key, key
