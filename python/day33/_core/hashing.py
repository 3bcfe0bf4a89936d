"""64-bit hashes of bytes, the same on every machine: FarmHash's fingerprint, and SipHash, which takes a key.

FarmHash: Pike and Alakuijala, Google, 2014, after CityHash; the numbers of `fingerprint64` never change. SipHash-2-4:
Aumasson and Bernstein, 2012. All arithmetic is modulo 2**64.
"""

from __future__ import annotations

_ALL = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_Pair = tuple[int, int]


def _word(data: bytes, start: int, size: int = 8) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _right(value: int, count: int) -> int:
    """`value` rotated to the right."""
    value &= _ALL
    return (value >> count) | (value << (64 - count)) & _ALL


def _shifted(value: int) -> int:
    value &= _ALL
    return value ^ (value >> 47)


def _mixed(first: int, second: int, factor: int) -> int:
    """Two words as one."""
    a = _shifted((first ^ second) * factor)
    b = _shifted((second & _ALL ^ a) * factor)
    return b * factor & _ALL


def fingerprint64(data: bytes) -> int:
    """FarmHash's Fingerprint64, from 0 to 2**64 - 1: what ``tf.strings.to_hash_bucket_fast`` takes the remainder of."""
    size = len(data)
    if size <= 16:
        return _up_to_16(data, size)
    if size <= 64:
        return _up_to_64(data, size)
    return _longer(data, size)


def _up_to_16(data: bytes, size: int) -> int:
    factor = _K2 + 2 * size & _ALL
    if size >= 8:
        a, b = _word(data, 0) + _K2, _word(data, size - 8)
        return _mixed(_right(b, 37) * factor + a & _ALL, (_right(a, 25) + b) * factor & _ALL, factor)
    if size >= 4:
        return _mixed(size + (_word(data, 0, 4) << 3), _word(data, size - 4, 4), factor)
    if size:
        y, z = data[0] + (data[size // 2] << 8), size + (data[-1] << 2)
        return _shifted(y * _K2 & _ALL ^ z * _K0 & _ALL) * _K2 & _ALL
    return _K2


def _up_to_64(data: bytes, size: int) -> int:
    factor = _K2 + 2 * size & _ALL
    a = _word(data, 0) * (_K1 if size <= 32 else _K2) & _ALL
    b, c, d = _word(data, 8), _word(data, size - 8) * factor & _ALL, _word(data, size - 16) * _K2 & _ALL
    y = _right(a + b, 43) + _right(c, 30) + d & _ALL
    z = _mixed(y, a + _right(b + _K2, 18) + c & _ALL, factor)
    if size <= 32:
        return z
    e, f = _word(data, 16) * factor & _ALL, _word(data, 24)
    g = (y + _word(data, size - 32)) * factor & _ALL
    h = (z + _word(data, size - 24)) * factor & _ALL
    return _mixed(_right(e + f, 43) + _right(g, 30) + h & _ALL, e + _right(f + a, 18) + g & _ALL, factor)


def _of_32(data: bytes, start: int, a: int, b: int) -> _Pair:
    """32 bytes and two seeds as two words."""
    first, *middle, last = (_word(data, start + 8 * number) for number in range(4))
    a += first
    b = _right(b + a + last, 21)
    c = a
    a += sum(middle)
    return a + last & _ALL, b + _right(a, 44) + c & _ALL


def _longer(data: bytes, size: int) -> int:
    x = 81 * _K2 + _word(data, 0) & _ALL
    y = 81 * _K1 + 113 & _ALL
    z = _shifted(y * _K2 + 113) * _K2 & _ALL
    v: _Pair = (0, 0)
    w: _Pair = (0, 0)
    rest = (size - 1) % 64
    end = size - 1 - rest
    for start in range(0, end, 64):
        x, y, z, v, w = _round(data, start, (x, y, z), v, w, _K1, 1)
    factor = _K1 + 2 * (z & 0xFF)
    w = (w[0] + rest, w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x, y, z, v, w = _round(data, end + rest - 63, (x, y, z), v, w, factor, 9)
    return _mixed(
        _mixed(v[0], w[0], factor) + _shifted(y) * _K0 + z & _ALL, _mixed(v[1], w[1], factor) + x & _ALL, factor
    )


def _round(
    data: bytes, start: int, words: tuple[int, int, int], v: _Pair, w: _Pair, factor: int, weight: int
) -> tuple[int, int, int, _Pair, _Pair]:
    """64 bytes more; the last round weighs two of the words."""
    x, y, z = words
    x = _right(x + y + v[0] + _word(data, start + 8), 37) * factor & _ALL
    y = _right(y + v[1] + _word(data, start + 48), 42) * factor & _ALL
    x ^= w[1] * weight & _ALL
    y = y + v[0] * weight + _word(data, start + 40) & _ALL
    z = _right(z + w[0], 33) * factor & _ALL
    v = _of_32(data, start, v[1] * factor, x + w[0])
    w = _of_32(data, start + 32, z + w[1], y + _word(data, start + 16))
    return z, y, x, v, w


def siphash64(data: bytes, key: _Pair) -> int:
    """SipHash-2-4 with a key of two words: what ``tf.strings.to_hash_bucket_strong`` takes the remainder of."""
    first, second = (part & _ALL for part in key)
    state = [
        first ^ 0x736F6D6570736575,
        second ^ 0x646F72616E646F6D,
        first ^ 0x6C7967656E657261,
        second ^ 0x7465646279746573,
    ]
    size = len(data)
    padded = data + bytes(7 - size % 8) + bytes([size & 0xFF])
    for start in range(0, len(padded), 8):
        word = _word(padded, start)
        state[3] ^= word
        _sip(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _sip(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip(state: list[int], rounds: int) -> None:
    a, b, c, d = state
    for _ in range(rounds):
        a, c = a + b & _ALL, c + d & _ALL
        b, d = _right(b, 51) ^ a, _right(d, 48) ^ c
        a, c = _right(a, 32) + d & _ALL, c + b & _ALL
        b, d = _right(b, 47) ^ c, _right(d, 43) ^ a
        c = _right(c, 32)
    state[:] = a, b, c, d
