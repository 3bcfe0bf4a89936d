"""`tf.strings`: functions of strings, and of arrays and lists of them.

They give tensors of strings. What TensorFlow has ragged tensors for are `Rows` here. Capitals and white space are those
of ASCII, as in TensorFlow, unless an encoding is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._core.arrays import as_int
from .._core.hashing import fingerprint64
from .._core.namespaces import absent
from .._core.strings import ASCII_LOWER, ASCII_SPACES, ASCII_UPPER, ASCII_WORDS, as_strings
from .._core.tensors import Tensor, as_tensor
from ._patterns import compiled, replacer

__all__ = [
    "Rows", "as_string", "join", "length", "lower", "reduce_join", "regex_full_match", "regex_replace", "split",
    "strip", "substr", "to_hash_bucket_fast", "to_number", "unicode_decode", "unicode_encode", "unicode_split", "upper",
]  # fmt: skip

__getattr__ = absent("tf.strings")

_UNITS = ("BYTE", "UTF8_CHAR")


def __dir__() -> list[str]:
    return list(__all__)


class Rows(list[Tensor]):
    """Tensors of different lengths, one for each string. It has the simplest methods of TensorFlow's RaggedTensor."""

    def to_list(self) -> list[list[Any]]:
        """Lists of strings or numbers."""
        return [row.tolist() for row in self]

    def row_lengths(self) -> Tensor:
        """How long each row is (int64)."""
        return as_tensor(np.array([len(row) for row in self], np.int64))

    def to_tensor(self, default_value: Any = None) -> Tensor:
        """The rows as one tensor, filled up with `default_value`, by default "" or 0."""
        lists = self.to_list()
        is_text = not self or self[0].dtype.kind == "U"
        filling = ("" if is_text else 0) if default_value is None else default_value
        width = max(map(len, lists), default=0)
        rows = [row + [filling] * (width - len(row)) for row in lists]
        return as_tensor(np.array(rows, np.str_ if is_text else self[0].dtype).reshape(len(rows), width))


def lower(input: Any, encoding: str = "", name: Any = None) -> Tensor:
    """Small letters for capitals: those of ASCII, with the encoding "utf-8" all."""
    return _of_each("lower", str.lower if _is_unicode(encoding) else lambda text: text.translate(ASCII_LOWER), input)


def upper(input: Any, encoding: str = "", name: Any = None) -> Tensor:
    """Capitals for small letters: those of ASCII, with the encoding "utf-8" all."""
    return _of_each("upper", str.upper if _is_unicode(encoding) else lambda text: text.translate(ASCII_UPPER), input)


def strip(input: Any, name: Any = None) -> Tensor:
    """Strings without white space at both ends."""
    return _of_each("strip", lambda text: text.strip(ASCII_SPACES), input)


def length(input: Any, name: Any = None, unit: str = "BYTE") -> Tensor:
    """The number of bytes of UTF-8, or with "UTF8_CHAR" of characters (int32)."""
    in_bytes = _is_bytes(unit)
    return _of_each("length", lambda text: len(text.encode() if in_bytes else text), input, np.int32)


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: Any = None) -> Tensor:
    """The part of each string that begins at `pos`, from the end if negative, with at most `len` bytes or characters.

    ValueError where `pos` lies outside of a string, or where the bytes are no whole characters.
    """
    texts, starts, sizes = np.broadcast_arrays(as_strings("tf.strings.substr", input), pos, len)
    in_bytes = _is_bytes(unit)
    places = zip(texts.ravel(), starts.ravel().tolist(), sizes.ravel().tolist(), strict=True)
    return _strings([_part(*place, in_bytes) for place in places], texts.shape, input)


def _part(text: str, start: int, size: int, in_bytes: bool) -> str:
    letters = text.encode() if in_bytes else text
    if not -len(letters) <= start <= len(letters):
        raise ValueError(f"pos is {start}; expected a place in {text!r}, which has the length {len(letters)}")
    start += len(letters) if start < 0 else 0
    part = letters[start : start + max(size, 0)]
    try:
        return part if isinstance(part, str) else part.decode()
    except UnicodeDecodeError:
        raise ValueError(
            f"pos is {start} and len {size} in {text!r}, which are no whole characters; expected unit='UTF8_CHAR'"
        ) from None


def join(inputs: Sequence[Any], separator: str = "", name: Any = None) -> Tensor:
    """The strings that stand at the same place of all inputs, as one. An input without axes goes to all places."""
    arrays = [as_strings("tf.strings.join", value) for value in inputs]
    shapes = {array.shape for array in arrays if array.ndim}
    if len(shapes) > 1:
        raise ValueError(f"inputs have the shapes {sorted(shapes)}; expected one shape")
    if not arrays:
        raise ValueError("inputs is empty; expected one or more")
    table = np.broadcast_arrays(*arrays)
    joined = [separator.join(parts) for parts in zip(*(array.ravel() for array in table), strict=True)]
    return _strings(joined, table[0].shape, *inputs)


def reduce_join(inputs: Any, axis: Any = None, keepdims: bool = False, separator: str = "", name: Any = None) -> Tensor:
    """The strings along `axis`, an axis or several of which the first is joined first, as one; by default all."""
    texts = as_strings("tf.strings.reduce_join", inputs)
    given = range(texts.ndim)[::-1] if axis is None else np.atleast_1d(axis).tolist()
    axes = [as_int("axis", each, -texts.ndim, texts.ndim - 1) % texts.ndim for each in given]
    kept = [each for each in range(texts.ndim) if each not in axes]
    shape = tuple(texts.shape[each] for each in kept)
    table = texts.transpose(*kept, *axes[::-1]).reshape(int(np.prod(shape)), -1)
    if keepdims:
        shape = tuple(1 if each in axes else size for each, size in enumerate(texts.shape))
    return _strings([separator.join(row) for row in table], shape, inputs)


def regex_replace(input: Any, pattern: str, rewrite: str, replace_global: bool = True, name: Any = None) -> Tensor:
    r"""Strings in which what matches `pattern` is replaced.

    Args:
        input: strings.
        pattern: a regular expression as RE2 has them; those parts of its syntax that Python's `re` also has.
        rewrite: what stands in place of a match; ``\0`` in it is the match, ``\1`` to ``\9`` are its groups.
        replace_global: replace all matches, not the first one only.
        name: for the sake of TensorFlow code.

    Raises:
        ValueError: a pattern that `re` does not read, a backslash in `rewrite` that means nothing.
    """
    return _of_each("regex_replace", replacer(_text(pattern), _text(rewrite), replace_global), input)


def regex_full_match(input: Any, pattern: str, name: Any = None) -> Tensor:
    """Whether the whole of each string matches a pattern; see `regex_replace`."""
    expression = compiled(_text(pattern))
    return _of_each("regex_full_match", lambda text: expression.fullmatch(text) is not None, input, np.bool_)


def split(input: Any, sep: str | None = None, maxsplit: int = -1, name: Any = None) -> Tensor | Rows:
    """The words of one string as a tensor (words,), those of strings (N,) as `Rows`.

    Args:
        input: strings.
        sep: what stands between words; by default any amount of white space.
        maxsplit: the number of places to split at; -1 for all.
        name: for the sake of TensorFlow code.
    """
    if sep:
        return _rows("split", lambda text: text.split(sep, maxsplit), input)
    if maxsplit < 0:
        return _rows("split", ASCII_WORDS.findall, input)
    return _rows("split", lambda text: _first_words(text, maxsplit), input)


def _first_words(text: str, count: int) -> list[str]:
    """As many words and the rest; where there are as many, but no rest, "" stands for it, as in TensorFlow."""
    if not count:
        return [text]
    words = list(ASCII_WORDS.finditer(text))[:count]
    found = [word.group() for word in words]
    return found if len(words) < count else [*found, text[words[-1].end() :].lstrip(ASCII_SPACES)]


def unicode_split(input: Any, input_encoding: str, name: Any = None) -> Tensor | Rows:
    """The characters of one string as a tensor, those of strings (N,) as `Rows`."""
    _is_unicode(input_encoding)
    return _rows("unicode_split", list, input)


def unicode_decode(input: Any, input_encoding: str, name: Any = None) -> Tensor | Rows:
    """The code points (int32) of the characters of one string as a tensor, those of strings (N,) as `Rows`."""
    _is_unicode(input_encoding)
    return _rows("unicode_decode", lambda text: list(map(ord, text)), input, np.int32)


def unicode_encode(input: Any, output_encoding: str = "UTF-8", name: Any = None) -> Tensor:
    """The string of code points (length,), or strings of `Rows` and of (N, length)."""
    _is_unicode(output_encoding)
    if isinstance(input, Rows) or np.ndim(input) > 1:
        return _strings(["".join(map(chr, np.asarray(row).tolist())) for row in input], (len(input),))
    return _strings(["".join(map(chr, np.asarray(input).tolist()))], ())


def to_number(input: Any, out_type: DTypeLike = np.float32, name: Any = None) -> Tensor:
    """The numbers that strings spell. ValueError for any other string."""
    dtype = np.dtype(out_type)
    texts = as_strings("tf.strings.to_number", input)
    read: Callable[[str], Any] = int if dtype.kind in "iu" else float
    try:
        return as_tensor(np.array([read(text) for text in texts.ravel()], dtype).reshape(texts.shape))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"input has a string that is no {dtype}: {error}") from None


def as_string(
    input: ArrayLike,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: Any = None,
) -> Tensor:
    """Numbers as strings.

    Args:
        input: numbers or truth values.
        precision: of floats, the digits behind the point; 6 by default.
        scientific: floats as 1.5e+00. shortest: floats as they are shortest, 1.5.
        width: the least number of characters. fill: what fills up to the width, "0" or by default spaces.
        name: for the sake of TensorFlow code.
    """
    values = np.asarray(input)
    if values.dtype.kind not in "biuf" or (scientific and shortest):
        raise ValueError(
            f"input has dtype {values.dtype}, scientific is {scientific} and shortest {shortest}; expected numbers and "
            "at most one of both"
        )
    if values.dtype.kind == "b":
        form = "%s"
        items: list[Any] = [str(value).lower() for value in values.ravel().tolist()]
    else:
        items = values.ravel().tolist()
        sort = ("e" if scientific else "g" if shortest else "f") if values.dtype.kind == "f" else "d"
        digits = f".{precision}" if precision >= 0 and sort != "d" else ""
        form = f"%{fill if width >= 0 else ''}{width if width >= 0 else ''}{digits}{sort}"
    return _strings([form % item for item in items], values.shape)


def to_hash_bucket_fast(input: Any, num_buckets: int, name: Any = None) -> Tensor:
    """The hash of each string, modulo `num_buckets` (int64); FarmHash's Fingerprint64, as in TensorFlow."""
    buckets = as_int("num_buckets", num_buckets, 1)
    return _of_each("to_hash_bucket_fast", lambda text: fingerprint64(text.encode()) % buckets, input, np.int64)


def _of_each(what: str, function: Callable[[str], Any], value: Any, dtype: DTypeLike | None = None) -> Tensor:
    texts = as_strings(f"tf.strings.{what}", value)
    results = [function(text) for text in texts.ravel()]
    if dtype is not None:
        return as_tensor(np.array(results, dtype).reshape(texts.shape))
    return _strings(results, texts.shape, value)


def _rows(what: str, function: Callable[[str], list[Any]], value: Any, dtype: DTypeLike = np.str_) -> Tensor | Rows:
    texts = as_strings(f"tf.strings.{what}", value)
    if texts.ndim > 1:
        raise ValueError(f"tf.strings.{what} was given shape {texts.shape}; expected one string, or (N,)")
    rows = Rows(as_tensor(np.array(function(text), dtype)) for text in texts.ravel())
    return rows if texts.ndim else rows[0]


def _strings(texts: list[str], shape: tuple[int, ...], *given: Any) -> Tensor:
    """A tensor of strings: of Python's where those that were given are, else of NumPy's."""
    array: NDArray[Any] = np.empty(len(texts), object)
    array[:] = texts
    is_object = any(str(getattr(value, "dtype", "")) == "object" for value in given)
    return as_tensor((array if is_object else array.astype(np.str_)).reshape(shape))


def _text(value: Any) -> str:
    return str(as_strings("tf.strings", value)[()])


def _is_unicode(encoding: str) -> bool:
    if encoding.lower() not in ("", "utf-8"):
        raise ValueError(f"encoding is {encoding!r}; expected 'utf-8'")
    return bool(encoding)


def _is_bytes(unit: str) -> bool:
    if unit not in _UNITS:
        raise ValueError(f"unit is {unit!r}; expected one of {', '.join(_UNITS)}")
    return unit == "BYTE"
