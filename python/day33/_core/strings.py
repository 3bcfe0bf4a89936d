"""Arrays of strings."""

from __future__ import annotations

import re
import string
from typing import Any

import numpy as np
from numpy.typing import NDArray

# As TensorFlow has them: capitals, white space and punctuation are those of ASCII.
ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
ASCII_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
ASCII_SPACES = " \t\n\v\f\r"
ASCII_WORDS = re.compile(f"[^{ASCII_SPACES}]+")


def as_strings(what: str, value: Any) -> NDArray[np.object_]:
    """Strings as an array of Python's str objects, which takes no more memory than they have letters.

    Args:
        what: was given `value`, such as "layer 'lookup'"; for messages.
        value: a string, nested lists of strings, an array of str, bytes or objects.

    Raises:
        TypeError: something else than strings. ValueError: lists of different lengths.
    """
    lengths = f"{what} was given lists of different lengths; expected one length per axis"
    try:
        array = value if isinstance(value, np.ndarray) else np.array(value, dtype=object)
    except ValueError:
        raise ValueError(lengths) from None
    if array.dtype.kind == "U":
        return np.asarray(array, dtype=object)
    if array.dtype.kind not in "OS":
        raise TypeError(f"{what} was given dtype {array.dtype} and shape {array.shape}; expected strings")
    flat = array.astype(object).ravel()
    kinds = {type(item) for item in flat}
    if bytes in kinds or np.bytes_ in kinds:
        flat = np.array([item.decode() if isinstance(item, bytes) else item for item in flat] or [], dtype=object)
        kinds = {type(item) for item in flat}
    for kind in kinds:
        if issubclass(kind, list | tuple):
            raise ValueError(lengths)
        if not issubclass(kind, str):
            raise TypeError(f"{what} was given a {kind.__name__}; expected strings")
    return flat.reshape(array.shape)
