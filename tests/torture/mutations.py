"""Damage by structure: what is inside of archives and gzip data is mutated, and sizes and checksums are made right.

Where bytes have no structure, `scramble` changes them: `mutated_bytes`, or a fuzzer that knows what is worth trying.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from formats.fuzz_keras_files import mutated_bytes, mutated_json

Scramble = Callable[[random.Random, bytes], bytes]
_SIDES = [0, 1, 2, 3, 28, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, -1, 10**30]
_DTYPES = ["<f4", ">f4", "<f8", "<f2", "|u1", "<i8", "|b1", "|O", "<U4", "|S3", "<c8", "<M8[s]", "|V8", "<f16", "x"]


def mutated(rng: random.Random, name: str, data: bytes, scramble: Scramble = mutated_bytes) -> bytes:
    """`data` with damage of a kind that fits the suffix of its name."""
    suffix = name.rpartition(".")[2]
    if rng.random() < 0.15:
        return scramble(rng, data)
    try:
        if suffix in ("npz", "keras", "zip"):
            return _mutated_zip(rng, data, scramble)
        if suffix == "npy":
            return _mutated_npy(rng, data, scramble)
        if suffix == "json":
            return _mutated_json_text(rng, data, scramble)
        if suffix == "gz":
            inner = mutated(rng, name.removesuffix(".gz"), gzip.decompress(data), scramble)
            return _packed(rng, inner, scramble)
        if suffix == "tar":
            return _mutated_tar(rng, data, scramble)
        if suffix in ("csv", "txt"):
            return _mutated_lines(rng, data)
        if suffix.endswith("ubyte"):
            return _mutated_idx(rng, data, scramble)
    except Exception:  # it is damaged already, in whatever way
        pass
    return scramble(rng, data)


def _mutated_zip(rng: random.Random, data: bytes, scramble: Scramble) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    names = list(members)
    action = rng.random()
    chosen = rng.choice(names)
    sealed = "sha256.npy" in members and rng.random() < 0.8
    if action < 0.1:
        del members[chosen]
    elif action < 0.2:
        other = rng.choice(names)
        members[chosen], members[other] = members[other], members[chosen]
    elif action < 0.25:
        members[rng.choice(["../x.npy", "/x.npy", "a" * 300 + ".npy", "x", "weights/99.npy"])] = members[chosen]
    else:
        for _ in range(rng.choice([1, 1, 2])):
            if chosen in members:
                members[chosen] = mutated(rng, chosen, members[chosen], scramble)
            chosen = rng.choice(names)
    if "meta.npy" in members and rng.random() < 0.5:
        with contextlib.suppress(Exception):  # it is damaged already
            members["meta.npy"] = _mutated_meta(rng, members["meta.npy"], scramble)
    if sealed:
        _seal(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice([zipfile.ZIP_STORED] * 2 + [zipfile.ZIP_DEFLATED])) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return buffer.getvalue() if rng.random() < 0.9 else scramble(rng, buffer.getvalue())


def _mutated_meta(rng: random.Random, data: bytes, scramble: Scramble) -> bytes:
    """JSON in an array of bytes."""
    text = np.load(io.BytesIO(data)).tobytes()
    return _npy(np.frombuffer(_mutated_json_text(rng, text, scramble), np.uint8))


def _seal(members: dict[str, bytes]) -> None:
    """Makes the checksum of a training state right again."""
    from day33._io.npz import digest

    try:
        arrays = {
            name.removesuffix(".npy"): np.load(io.BytesIO(content), allow_pickle=False)
            for name, content in members.items()
            if name != "sha256.npy"
        }
        members["sha256.npy"] = _npy(np.frombuffer(bytes.fromhex(digest(arrays)), np.uint8))
    except Exception:  # an array that NumPy refuses: the file stays unsealed
        pass


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array)
    return buffer.getvalue()


def _mutated_npy(rng: random.Random, data: bytes, scramble: Scramble) -> bytes:
    action = rng.random()
    if action < 0.3:
        return scramble(rng, data)
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if action < 0.6:  # a header that lies
        shape = list(array.shape) + [1] * rng.choice([0, 0, 0, 1, 30])
        for _ in range(rng.choice([1, 1, 2])):
            if shape:
                shape[rng.randrange(len(shape))] = rng.choice(_SIDES)
        descr = array.dtype.str if rng.random() < 0.5 else rng.choice(_DTYPES)
        header = f"{{'descr': '{descr}', 'fortran_order': {rng.random() < 0.2}, 'shape': {tuple(shape)}, }}"
        header += " " * (63 - (len(header) + 10) % 64) + "\n"
        return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.tobytes()
    # an honest one: of another shape or dtype, or with other values
    if action < 0.8 and array.dtype.kind in "fiu" and array.size:
        array = array.copy()
        flat = array.reshape(-1)
        value = rng.choice([0, 1, -1, 127, np.nan, np.inf, -np.inf, 3e38, 2**31 - 1, 2**40, -(2**63)])
        with np.errstate(all="ignore"):
            flat[rng.randrange(array.size)] = np.array(value, np.float64).astype(array.dtype)
    elif action < 0.9:
        array = array[..., np.newaxis] if rng.random() < 0.5 else array.reshape(-1)[: max(array.size - 1, 0)]
    elif array.dtype.kind in "fiu":
        with np.errstate(all="ignore"):
            array = array.astype(rng.choice(["f2", "f8", ">f4", "i8", "u1", "?", "c16"]))
    return _npy(np.ascontiguousarray(array))


def _mutated_json_text(rng: random.Random, data: bytes, scramble: Scramble) -> bytes:
    action = rng.random()
    if action < 0.15:
        return scramble(rng, data)
    if action < 0.2:
        deep = rng.choice([150, 1000, 100_000])
        return data.replace(b":", b": " + b"[" * deep + b"]" * deep + b', "x":', 1)
    value = json.loads(data)
    # JSON in strings in JSON, as in tokenizers
    nested = [(holder, key) for holder, key in _strings(value)]
    if nested and rng.random() < 0.5:
        holder, key = rng.choice(nested)
        holder[key] = json.dumps(mutated_json(rng, json.loads(holder[key])))
        return json.dumps(value).encode()
    return json.dumps(mutated_json(rng, value)).encode()


def _strings(value: Any) -> list[tuple[Any, Any]]:
    """Where in a JSON value strings are that are JSON objects themselves."""
    found = []
    pending = [value]
    while pending:
        item = pending.pop()
        for key in list(item) if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ():
            if isinstance(item[key], str) and item[key][:1] in "{[" and item[key][1:]:
                try:
                    if json.loads(item[key]):
                        found.append((item, key))
                except ValueError:
                    pass
            else:
                pending.append(item[key])
    return found


def _mutated_lines(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    values = [b"", b"-1", b"256", b"1e3", b"nan", b"inf", b"99999999999999999999", b"1099511627776", b"A", b"\"",
              b"\xff",               b"x" * 100_000, b"0", b"1", b"tree", b"\r", b"\0"]  # fmt: skip
    for _ in range(rng.choice([1, 1, 2, 4])):
        place = rng.randrange(len(lines))
        action = rng.random()
        if action < 0.1:
            del lines[place]
            lines = lines or [b""]
        elif action < 0.2:
            lines.insert(place, lines[rng.randrange(len(lines))])
        else:
            for mark in (b"=", b",", b" "):
                if mark in lines[place]:
                    fields = lines[place].split(mark)
                    fields[rng.randrange(len(fields))] = rng.choice(values)
                    if rng.random() < 0.1:
                        fields = fields[: rng.randrange(len(fields))]
                    lines[place] = mark.join(fields)
                    break
    return b"\n".join(lines)


def _mutated_idx(rng: random.Random, data: bytes, scramble: Scramble) -> bytes:
    if rng.random() < 0.3:
        return scramble(rng, data)
    found = bytearray(data)
    place = rng.choice([0, 1, 2, 3, *range(4, 16, 4)])
    value = rng.choice([0, 1, 3, 8, 0x0D, 2**31 - 1, 2**31, 2**32 - 1])
    size = 4 if place >= 4 else 1
    found[place : place + size] = (value % 256**size).to_bytes(size, "big")
    return bytes(found)


def _mutated_tar(rng: random.Random, data: bytes, scramble: Scramble) -> bytes:
    """The header of one member altered, its checksum made right."""
    found = bytearray(data)
    headers = [start for start in range(0, len(data), tarfile.BLOCKSIZE) if data[start + 257 : start + 262] == b"ustar"]
    start = rng.choice(headers)
    # Where each field of a header is: name, mode, size, time, kind, link, magic, devices, prefix.
    place, size = rng.choice(
        [(0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (257, 8), (329, 8), (345, 155)]
    )
    values = [
        b"7" * size,
        b"\xff" * size,
        b"\x80" + b"\0" * (size - 1),
        b"",
        b"../x",
        b"/x",
        b"1",
        b"2",
        b"5",
        b"x",
        b"L",
    ]
    field = scramble(rng, data[start + place : start + place + size]) if rng.random() < 0.3 else rng.choice(values)
    found[start + place : start + place + size] = field[:size].ljust(size, b"\0")
    header = found[start : start + tarfile.BLOCKSIZE]
    found[start + 148 : start + 156] = b"%06o\0 " % (sum(header) - sum(header[148:156]) + 8 * ord(" "))
    return bytes(found)


def _packed(rng: random.Random, data: bytes, scramble: Scramble) -> bytes:
    if rng.random() < 0.05:
        data += bytes(rng.choice([1 << 20, 80 << 20]))
    packed = gzip.compress(data, 1)
    return packed if rng.random() < 0.8 else scramble(rng, packed)


def with_right_digests(manifest: bytes, files: dict[str, bytes]) -> bytes:
    """The manifest of an ensemble with the SHA-256 of files as they are now."""
    try:
        value = json.loads(manifest)
        for name in value["files"]:
            if name in files:
                value["files"][name] = hashlib.sha256(files[name]).hexdigest()
    except (ValueError, KeyError, TypeError, RecursionError):
        return manifest
    return json.dumps(value).encode()
