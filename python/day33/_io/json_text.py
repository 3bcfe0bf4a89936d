"""JSON from elsewhere, of bounded size and depth: neither the parser nor what walks the result recurses too deep."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

MAX_BYTES = 16 << 20
MAX_DEPTH = 200
# A string, or what has no end. It never goes back: otherwise the time would grow with the square of the length.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def parse_object(data: bytes | str, what: str) -> dict[str, Any]:
    """The JSON object in `data`.

    Args:
        data: text, in UTF-8 where it is bytes.
        what: for messages, such as "its configuration".

    Raises:
        ValueError: not JSON, not an object, longer than MAX_BYTES or nested more than MAX_DEPTH deep.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        raise ValueError(f"{what} has {len(raw)} bytes; at most {MAX_BYTES} are read")
    deepest = _depth(raw)
    if deepest > MAX_DEPTH:
        raise ValueError(f"{what} is nested {deepest} deep; at most {MAX_DEPTH} are read")
    value = json.loads(raw.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{what} is a JSON {type(value).__name__}; expected an object")
    return value


def _depth(raw: bytes) -> int:
    """How deep brackets are nested, those in strings left out."""
    characters = np.frombuffer(_STRING.sub(b"", raw), np.uint8)
    steps = np.zeros(len(characters), np.int32)
    steps[(characters == ord("[")) | (characters == ord("{"))] = 1
    steps[(characters == ord("]")) | (characters == ord("}"))] = -1
    return int(np.cumsum(steps).max(initial=0))
