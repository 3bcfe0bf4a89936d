"""Which random numbers the ops of a plan draw, and what else sets one call of a layer apart from others."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import NamedTuple


class Call(NamedTuple):
    """What a recorder knows of one call of a layer when a plan is made with it.

    Attributes:
        version: which values of the variables it sees: 0 for those they have now, others for earlier ones.
        repeated: whether the call was run before, so that what it counts (moving averages) is not counted again.
        draw: sets it apart from other calls, of the same layer or not, that draw random numbers.
    """

    version: int = 0
    repeated: bool = False
    draw: int = 0


# Added to the numbers of random ops without a seed: apart from those of layers and users.
_WITHOUT_SEED = 1 << 62


class Draws:
    """Seeds for the ops of a plan, or of the stages of one, that draw random numbers.

    Attributes:
        call: that is being written; see `Call.draw`.
        always: whether an op draws in inference as well.
    """

    def __init__(self) -> None:
        self.call = 0
        self.always = False
        self._used: Counter[tuple[int, int | None]] = Counter()

    def op(self, seed: int | None) -> int:
        """For an op that draws in inference as well: the seed that it was given, or one of its own in each call."""
        self.always = True
        return _WITHOUT_SEED + (self.call << 24) + self._use(None) if seed is None else seed

    def layer(self, own: int) -> int:
        """For an op of a layer with a seed of its own: that seed, and another one at each further call."""
        used = self._use(own)
        if not self.call and not used:
            return own
        digest = hashlib.blake2b(f"{own} {self.call} {used}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little") >> 2  # below the seeds of ops without one

    def _use(self, own: int | None) -> int:
        key = self.call, own
        self._used[key] += 1
        return self._used[key] - 1
