"""Odd calls: every public function, layer, loss, metric and method of models with arguments that nobody means.

Each call returns, or raises an error that says what is wrong: never a crash, a hang, or an error from the inside.
"""

from __future__ import annotations

import inspect
import random
import warnings
from typing import Any

import numpy as np

from torture.children import Limits, Tally, run_jobs
from torture.valid_calls import GROUPS, Call

_LIMITS = Limits(megabytes=3072, address_space=4096)
# MemoryError: a result of gigabytes that was asked for.
_DOCUMENTED = (TypeError, ValueError, MemoryError, NotImplementedError)

_LARGE = 300_000_000  # elements that fit into memory, and take long
_ODD: list[Any] = [
    0, -1, 1, 2, 3, 7, _LARGE, 2**31 - 1, 2**31, 2**32 + 1, 2**40, 2**63, -(2**63), 10**30, 0.5, -0.5, 1e-300,
    1e308, float("nan"), float("inf"), -float("inf"), 1j, None, True, "", "x", "relu", "same", b"x", [], (), {}, [[]],
    (1, 2), (1, 2, 3), (0, 0), (-1, 2), (2**31, 1), ((1, 2), (0, 1)), [None], {"a": 1}, np.int8(2), np.uint64(2**63),
    np.float16(0.5), np.array(2), np.array([2, 2]), np.array([]), object(), len, np.float32, slice(1), "\0", "é" * 100,
]  # fmt: skip


_SIZES = ("shape", "N", "M", "start", "stop", "num", "num_classes", "num_segments", "maxlen")
_REPEATS = (
    "epochs", "steps", "steps_per_epoch", "initial_epoch", "verbose", "repeats", "max_len", "indices_or_sections",
)  # fmt: skip


def _odd_array(rng: random.Random, array: np.ndarray[Any, Any]) -> Any:
    """`array` in another form, of another shape, with other values, or something else."""
    change = rng.randrange(24)
    dtypes = ["f2", "f8", ">f4", ">f8", "i1", "u1", "i4", "i8", "u8", "?", "f16", "c8", "U", "O", "S"]
    with np.errstate(all="ignore"):
        if change < 3:
            return array.astype(rng.choice(dtypes))
        if change == 3:
            return np.flip(array)
        if change == 4:
            return np.asfortranarray(array)
        if change == 5:
            return array[..., ::-1]
        if change == 6:
            return np.broadcast_to(array[..., :1], array.shape) if array.ndim and array.shape[-1] else array
        if change == 7:
            raw = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
            raw[...] = array
            return raw
        if change == 8:
            return array[:0]
        if change == 9:
            return array[..., :0]
        if change == 10:
            return array[..., np.newaxis]
        if change == 11:
            return array[0] if len(array.shape) and len(array) else array
        if change == 12:
            return array.reshape(-1)
        if change == 13:
            return array[: max(len(array) - 1, 0)] if array.ndim else array
        if change == 14:
            return np.concatenate([array, array], axis=rng.randrange(array.ndim)) if array.ndim else array
        if change in (15, 16) and array.size:
            found = np.array(array)
            value = rng.choice([np.nan, np.inf, -np.inf, 3e38, -1, 1e-42, 2**31, 2**40, 2**63])
            found.reshape(-1)[rng.randrange(array.size)] = np.array(value, np.float64).astype(array.dtype)
            return found
        if change == 17:
            return np.ma.masked_array(array, array > 0)
        if change == 18:
            return array.tolist()
        if change == 19:
            return np.zeros(rng.choice([(), (0,), (1,), (1, 1, 1, 1), (2, 0, 3), (1,) * 12]), array.dtype)
        if change == 20:
            frozen = array.copy()
            frozen.flags.writeable = False
            return frozen
        if change == 21:
            return memoryview(np.ascontiguousarray(array))
    return rng.choice(_ODD)


def _odd_value(rng: random.Random, name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _odd_array(rng, value)
    odd = rng.choice(_ODD)
    # How long a call takes, and how large its result is, is what it was asked for.
    while (name in _SIZES and odd is _LARGE) or (
        name in _REPEATS and isinstance(odd, int | float | np.generic) and not odd < 4
    ):
        odd = rng.choice(_ODD)
    return odd


def _documented(name: str) -> tuple[type[Exception], ...]:
    if name.endswith(("getitem", "get_item")):
        return (*_DOCUMENTED, IndexError)
    if name.endswith(("Lookup", "TextVectorization")):  # whose vocabulary may be a file
        return (*_DOCUMENTED, OSError)
    return _DOCUMENTED


def run(group: str, seeds: range) -> Tally:
    """One odd call for each seed: one to three of the arguments of a call that works are replaced."""
    table: dict[str, Call] = {}

    def work(seed: int) -> str:
        if not table:  # in the child, since it computes
            table.update(GROUPS[group]())
        rng = random.Random(f"{group} {seed}")
        name = rng.choice(sorted(table))
        function, valid = table[name]
        given = dict(valid)
        try:
            others = [p for p in inspect.signature(function).parameters if p not in ("arguments", "kwargs", "self")]
        except ValueError:
            others = []
        names = [*valid, *valid, *others]
        for _ in range(rng.choice([1, 1, 2, 3])):
            changed = rng.choice(names)
            given[changed] = _odd_value(rng, changed, valid.get(changed))
        described = ", ".join(f"{key}={_short(value)}" for key, value in given.items() if value is not valid.get(key))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                function(**given)
            except _documented(name) as error:
                if not str(error) and not isinstance(error, MemoryError):
                    raise AssertionError(f"{name}({described}): {type(error).__name__} without a message") from error
                return "refused"
            except BaseException as error:
                error.args = (f"{error} in {name}({described})",)
                raise
        return "answered"

    return run_jobs(seeds, work, _LIMITS)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} {value.shape}>"
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
