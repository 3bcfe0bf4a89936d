"""`Vocabulary`: tokens and their numbers, the special ones in front, made of a list or of counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._core.hashing import fingerprint64, siphash64
from ._encoding import DROPPED

_UNKNOWN = -2


class Vocabulary:
    """Tokens in the order of their numbers. The first numbers stand for masked tokens, then for unknown ones.

    Args:
        owner: the name of the layer, for messages.
        max_tokens: the largest size, special tokens included; None for any.
        oov_count: how many numbers stand for unknown tokens.
        mask_token, oov_token: the special tokens; None for none.
        numbers_mask: whether masked tokens have a number, 0; else they are dropped.
        reserves_oov: whether `oov_token` may not be a token of its own.
        by_remainder: unknown integers get the number of their remainder, not of a hash.
        key: of the hash of unknown tokens; None for the hash without one.

    Attributes:
        tokens: without the special ones.
        numbers: of the tokens.
        idf: the weight of each number, where weights were given or counted; float32.
    """

    def __init__(
        self,
        owner: str,
        max_tokens: int | None,
        oov_count: int,
        mask_token: Any,
        oov_token: Any,
        *,
        numbers_mask: bool,
        reserves_oov: bool,
        by_remainder: bool,
        key: tuple[int, int] | None,
    ) -> None:
        self.owner, self.max_tokens, self.oov_count = owner, max_tokens, oov_count
        self.mask_token, self.oov_token = mask_token, oov_token
        self.numbers_mask, self.reserves_oov = numbers_mask, reserves_oov
        self.by_remainder, self.key = by_remainder, key
        self.oov_start = int(mask_token is not None and numbers_mask)
        self.first = self.oov_start + oov_count
        self.tokens: list[Any] = []
        self.numbers: dict[Any, int] = {}
        self.idf: NDArray[np.float32] | None = None
        self.forget_counts()

    def __len__(self) -> int:
        return self.first + len(self.tokens)

    @property
    def special(self) -> list[Any]:
        """The tokens of the first numbers."""
        return [self.mask_token] * self.oov_start + [self.oov_token] * self.oov_count

    # ---- from a list ----

    def assign(self, tokens: Sequence[Any], idf_weights: Any = None) -> None:
        """Takes tokens, with or without the special ones in front, and maybe a weight of each.

        Raises:
            ValueError: no token, one that comes twice, too many, a special one in another place; another number of
                weights.
        """
        tokens = list(tokens)
        if not tokens:
            raise ValueError(f"vocabulary of layer {self.owner!r} is empty; expected at least one token")
        weights = None if idf_weights is None else np.asarray(idf_weights, np.float64)
        if weights is not None and weights.shape != (len(tokens),):
            raise ValueError(f"idf_weights has shape {weights.shape}; expected ({len(tokens)},), one per token")
        complete = tokens[: self.first] == self.special
        self.replace(tokens[self.first :] if complete else tokens)
        if weights is not None:
            self._weigh(weights if complete else self._with_average(weights))

    def replace(self, tokens: Sequence[Any]) -> None:
        """Takes tokens without the special ones."""
        repeated = [token for token, count in Counter(tokens).items() if count > 1]
        if repeated:
            shown = ", ".join(map(repr, repeated[:5]))
            raise ValueError(f"vocabulary holds {shown} more than once; expected no repeats")
        for name, token in (("mask_token", self.mask_token), ("oov_token", self.oov_token)):
            if token is not None and (name == "mask_token" or self.reserves_oov) and token in tokens:
                raise ValueError(
                    f"vocabulary holds {name} {token!r} among the tokens; expected the special tokens in front, as "
                    f"{self.special}, or none of them"
                )
        size = self.first + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(f"vocabulary has {size} tokens, special ones included; expected at most {self.max_tokens}")
        self.tokens = list(tokens)
        self.numbers = {token: self.first + place for place, token in enumerate(self.tokens)}

    def _with_average(self, weights: NDArray[Any]) -> NDArray[Any]:
        """The weights of unknown tokens are the average of all."""
        return np.concatenate([np.full(self.first, weights.mean(dtype=np.float64)), weights])

    def _weigh(self, weights: NDArray[Any]) -> None:
        self.idf = weights.astype(np.float32)

    # ---- from counts ----

    def forget_counts(self) -> None:
        """Starts counting over."""
        self._counts: Counter[Any] = Counter()
        self._in_documents: Counter[Any] = Counter()
        self._documents = 0

    def count(self, documents: Iterable[Sequence[Any]]) -> None:
        """Counts tokens, and in how many documents each is."""
        for document in documents:
            self._counts.update(document)
            self._in_documents.update(set(document))
            self._documents += 1

    def learn(self, with_weights: bool) -> None:
        """Takes the tokens that were counted, the most frequent first, of equals the one that sorts last.

        Args:
            with_weights: also weigh each: log(1 + documents / (1 + documents that have it)).
        """
        for special in (self.mask_token, self.oov_token):
            self._counts.pop(special, None)
        if self._counts:
            order = sorted(self._counts.items(), key=lambda item: (item[1], item[0]), reverse=True)
            room = None if self.max_tokens is None else self.max_tokens - self.first
            tokens = [token for token, _ in order[:room]]
            self.replace(tokens)
            if with_weights:
                seen = np.array([self._in_documents[token] for token in tokens], np.float64)
                self._weigh(self._with_average(np.log(1 + self._documents / (1 + seen)).astype(np.float32)))
        self.forget_counts()

    # ---- look-ups ----

    def numbers_of(self, tokens: Sequence[Any]) -> NDArray[np.int64]:
        """The number of each token; `DROPPED` for masked ones without a number.

        ValueError for an unknown token where no number stands for these.
        """
        found = np.fromiter((self.numbers.get(token, _UNKNOWN) for token in tokens), np.int64, len(tokens))
        unknown = np.flatnonzero(found == _UNKNOWN).tolist()
        if self.mask_token is not None and unknown:
            masked = [place for place in unknown if tokens[place] == self.mask_token]
            found[masked] = 0 if self.numbers_mask else DROPPED
            unknown = np.flatnonzero(found == _UNKNOWN).tolist()
        if not unknown:
            return found
        if self.oov_count == 0:
            shown = ", ".join(repr(tokens[place]) for place in unknown[:5])
            raise ValueError(
                f"layer {self.owner!r} was given {shown}, not in its vocabulary; expected known tokens, for "
                "num_oov_indices=0"
            )
        found[unknown] = self.oov_start + np.array([self._bucket(tokens[place]) for place in unknown])
        return found

    def _bucket(self, token: Any) -> int:
        if self.oov_count == 1:
            return 0
        return (int(token) if self.by_remainder else hashed(token, self.key)) % self.oov_count

    def tokens_of(self, numbers: Sequence[int]) -> list[Any]:
        """The token of each number; the one for unknown tokens where there is none."""
        front = [self.mask_token] if self.mask_token is not None else []
        known = dict(enumerate(front)) | {number: token for token, number in self.numbers.items()}
        return [known.get(number, self.oov_token) for number in numbers]


def hashed(token: Any, key: tuple[int, int] | None) -> int:
    """The 64-bit hash of a string, or of an integer's digits: FarmHash, with a key SipHash."""
    data = str(token).encode()
    return fingerprint64(data) if key is None else siphash64(data, key)
