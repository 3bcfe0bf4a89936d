"""Hashes of bytes, beside TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

from day33._core.hashing import fingerprint64, siphash64

tf = pytest.importorskip("tensorflow")
PRIME = 2**62 - 57  # TensorFlow gives remainders; this one keeps nearly all bits


def texts():
    """Of every length up to three times the longest piece, and some longer ones."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, size, np.uint8).tobytes() for size in [*range(200), 256, 777, 4000]]


def test_fingerprints():
    assert [fingerprint64(text) % PRIME for text in texts()] == tf.strings.to_hash_bucket_fast(
        texts(), PRIME
    ).numpy().tolist()


@pytest.mark.parametrize("key", [(0, 0), (133, 137), (-1, 2**63 - 1)])
def test_hashes_with_a_key(key):
    expected = tf.strings.to_hash_bucket_strong(texts(), PRIME, key=list(key)).numpy().tolist()
    assert [siphash64(text, key) % PRIME for text in texts()] == expected
