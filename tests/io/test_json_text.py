"""JSON from elsewhere: its depth is found without recursion, in time in proportion to its size."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from day33._io.json_text import MAX_DEPTH, parse_object

VALUES = st.recursive(
    st.none() | st.integers() | st.text('"\\[]{}a', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\[]{}', max_size=4), inner, max_size=3),
)


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=3))
def test_what_is_written_is_read(value):
    text = json.dumps(value)
    assert parse_object(text, "it") == value == parse_object(text.encode(), "it")


@pytest.mark.parametrize("inside", [0, 1])
def test_depth(inside):
    for depth in (MAX_DEPTH, MAX_DEPTH + 1):
        brackets = depth - 1
        text = '{"]]]\\\\": ' + "[" * brackets + '"[[[\\"[["' * inside + "]" * brackets + "}"
        if depth <= MAX_DEPTH:
            assert len(parse_object(text, "it")) == 1
        else:
            with pytest.raises(ValueError, match=f"it is nested {depth} deep; at most {MAX_DEPTH} are read"):
                parse_object(text, "it")


# Each of these took the square of its length: hours.
@pytest.mark.parametrize("part", [b'\\"', b"\\\\", b"\\a", b"[", b"{"])
@pytest.mark.parametrize("start", [b'{"', b'"', b'{"a": "b", "'])
@pytest.mark.parametrize("end", [b"", b"\\"])
def test_strings_without_an_end(start, part, end):
    with pytest.raises(ValueError):
        parse_object(start + part * 1_000_000 + end, "it")


@pytest.mark.parametrize("text", [b"", b"[]", b"1", b'{"a": }', b"{", b'{"\xff": 1}', b'"', b"\\", b'{"a":1}}'])
def test_what_is_no_object(text):
    with pytest.raises(ValueError):
        parse_object(text, "it")
