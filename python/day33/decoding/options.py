"""The options of `day33.decoding.generate`: checked, and in the form that `_native.Generation` takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from .. import random
from .._core.arrays import as_int
from .prompts import FromTokenizer, Token, Words


class Options:
    """What `_native.Generation` takes, for a slice of the prompts."""

    def __init__(self, common: dict[str, Any], by_prompt: dict[str, list[int]]) -> None:
        self._common, self._by_prompt = common, by_prompt

    def of(self, part: slice) -> dict[str, Any]:
        """The arguments of `_native.Generation` for these prompts."""
        return self._common | {name: values[part] for name, values in self._by_prompt.items()}


def _number(name: str, value: object, low: float, high: float, expected: str) -> float:
    """A float of (low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} is {value!r}; expected {expected}")
    if not low < float(value) <= high or math.isinf(float(value)):
        raise ValueError(f"{name} is {value!r}; expected {expected}")
    return float(value)


class OptionsMaker(Protocol):
    """Makes the native options for a number of prompts."""

    def __call__(self, prompts: int, /) -> Options: ...


def prepare_options(
    words: Words, max_len: int, end_token: Any, temperature: float | None, top_k: int | None, top_p: float | None,
    seed: int | Sequence[int] | None, beams: int, length_penalty: float, banned: Iterable[Token],
    max_repeats: int | None,
    forced: Mapping[int, Token] | Sequence[Token], scores: bool,
) -> OptionsMaker:  # fmt: skip
    """Checks the arguments of `generate`, and returns what makes native options for a number of prompts."""
    common: dict[str, Any] = {"max_len": as_int("max_len", max_len, 1), "scores": bool(scores)}
    sampled = bool(temperature) or (temperature is None and (top_k is not None or top_p is not None))
    if temperature is not None and temperature != 0:
        # Below the smallest normal float32 its reciprocal would be infinite.
        common["temperature"] = _number("temperature", temperature, 1e-37, 1e37, "a number of at least 0")
    if top_k is not None:
        common["top_k"] = as_int("top_k", top_k, 1)
    if top_p is not None:
        common["top_p"] = _number("top_p", top_p, 0.0, 1.0, "a number above 0 and up to 1")
    common["beams"] = as_int("beams", beams, 1, 1024)
    if common["beams"] > 1:
        if sampled:
            raise ValueError("beams is above 1 together with temperature, top_k or top_p; expected one or the other")
        if length_penalty != 0:
            _number("length_penalty", length_penalty, 0.0, 1e6, "a number of at least 0")
        common["length_penalty"] = float(length_penalty)
    common["strategy"] = "beam" if common["beams"] > 1 else "sample" if sampled else "greedy"

    if isinstance(banned, str) or not isinstance(banned, Iterable):
        raise TypeError(f"banned is {banned!r}; expected a list of ids or words")
    common["banned"] = sorted({words.token("banned", token) for token in banned})
    if len(common["banned"]) >= words.vocab_size:
        raise ValueError(f"banned holds all {words.vocab_size} ids of the model; expected at least one to be free")
    if max_repeats is not None:
        common["max_repeats"] = as_int("max_repeats", max_repeats, 1)
        if len(common["banned"]) == words.vocab_size - 1:
            raise ValueError("banned leaves one id, which max_repeats would rule out; expected at least two to be free")
    common["forced"] = _forced(words, forced)

    def make(prompts: int) -> Options:
        by_prompt = {"end_tokens": _end_tokens(words, end_token, prompts)}
        if sampled:
            by_prompt["keys"], by_prompt["streams"] = _seeds(seed, prompts)
        return Options(common, by_prompt)

    return make


def _forced(words: Words, forced: Mapping[int, Token] | Sequence[Token]) -> list[int]:
    if isinstance(forced, str) or not isinstance(forced, Iterable):
        raise TypeError(f"forced is {forced!r}; expected a list of ids or words, or a mapping from places to them")
    places = forced if isinstance(forced, Mapping) else dict(enumerate(forced))
    for place in places:
        as_int("place in forced", place, 0, 2**20 - 1)
    tokens = [-1] * (max(places, default=-1) + 1)
    for place, token in places.items():
        tokens[place] = words.token(f"forced[{place}]", token)
    return tokens


def _end_tokens(words: Words, end_token: Any, prompts: int) -> list[int]:
    if isinstance(end_token, FromTokenizer):
        known = words.known("<end>")
        return [-1 if known is None else known] * prompts
    if end_token is None:
        return [-1] * prompts
    if isinstance(end_token, str | int | np.integer):
        return [words.token("end_token", end_token)] * prompts
    if not isinstance(end_token, Iterable):
        raise TypeError(f"end_token is {end_token!r}; expected an id, a word or None, or one of these for each prompt")
    tokens = [-1 if token is None else words.token("end_token", token) for token in end_token]
    if len(tokens) != prompts:
        raise ValueError(f"end_token has {len(tokens)} entries for {prompts} prompts; expected one for each")
    return tokens


def _seeds(seed: int | Sequence[int] | None, prompts: int) -> tuple[list[int], list[int]]:
    if seed is None:
        seed = random.next_seed()
    if not isinstance(seed, Iterable):
        return [as_int("seed", seed, 0, 2**64 - 1)] * prompts, list(range(prompts))
    keys = [as_int(f"seed[{i}]", value, 0, 2**64 - 1) for i, value in enumerate(seed)]
    if len(keys) != prompts:
        raise ValueError(f"seed has {len(keys)} entries for {prompts} prompts; expected one for each")
    return keys, [0] * prompts
