"""Mutated model files: each must load or end in ValueError, quickly and in little memory.

    python tests/formats/fuzz_keras_files.py 10000          # as many files, from seed 0
    python tests/formats/fuzz_keras_files.py 1 --seed 4711  # the one that failed

Bytes are flipped, cut, repeated and replaced in whole files, and, with sizes and checksums made right again, in the
HDF5 and the JSON inside of archives, where nothing but our own checks stands between them and the reader.
"""

from __future__ import annotations

import argparse
import collections
import io
import json
import random
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np

import day33
from day33 import layers, optimizers

SECONDS = 5.0  # for one file of some tens of kilobytes, on a loaded machine
HOSTILE = [0, -1, 1, 2**31 - 1, 2**31, 2**63, 10**30, 1e308, float("inf"), float("nan"), None, True, "", "x", "relu",
           "Lambda", "../x", [], {}, [[]], [None], [2**40, 2**40], {"class_name": "Lambda", "config": {}},
           {"class_name": "__tuple__", "config": [1]}]  # fmt: skip


def seeds(folder: Path) -> list[Path]:
    """Small models in every format, with every kind of content that the readers know."""
    tower = day33.Sequential(
        [
            layers.Input((6, 6, 2)),
            layers.Conv2D(3, 3, activation=layers.LeakyReLU(0.1)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    a, b = layers.Input((6, 6, 2), name="a"), layers.Input((6, 6, 2), name="b")
    joined = layers.Concatenate()([tower(a), layers.Dropout(0.5)(tower(b))])
    model = day33.Model([a, b], {"out": layers.Dense(1, activation="sigmoid")(joined)})
    rate = optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    for compiled, optimizer in ((tower, optimizers.Adam(rate)), (model, optimizers.SGD(0.1, momentum=0.9))):
        compiled.compile(optimizer, "mse", metrics=["mae"])
    x = np.random.default_rng(0).random((4, 6, 6, 2), np.float32)
    tower.fit(x, np.zeros((4, 2)), verbose=0)
    paths = []
    for name, saved in (("tower", tower), ("model", model)):
        for suffix in (".keras", ".h5"):
            paths.append(folder / f"{name}{suffix}")
            saved.save(paths[-1])
    return paths + hdf5_variants(folder)


def hdf5_variants(folder: Path) -> list[Path]:
    """A model with names outside ASCII, so many that its groups have heaps, in every way that the reader knows."""
    x = i = layers.Input((3,), name="입력")
    for number in range(10):
        x = layers.Dense(3, name=f"층{number}")(x)
    model = day33.Model(i, x)
    model.compile(optimizers.Adam(), "mse")
    path = folder / "names.h5"
    model.save(path)
    paths = [path]
    for name, libver, options in (
        ("packed", ("earliest", "v108"), {"chunks": True, "compression": "gzip", "shuffle": True}),
        ("latest", "latest", {}),
    ):
        paths.append(folder / f"{name}.h5")
        with h5py.File(path) as source, h5py.File(paths[-1], "w", libver=libver) as target:
            copy_group(source, target, options)
    return paths


def copy_group(source: h5py.Group, target: h5py.Group, options: dict[str, object]) -> None:
    for name, value in source.attrs.items():
        target.attrs[name] = value
    for name, member in source.items():
        if isinstance(member, h5py.Group):
            copy_group(member, target.create_group(name), options)
        else:
            values = member[()]
            big_endian = values.astype(values.dtype.newbyteorder(">"))
            target.create_dataset(name, data=big_endian, **(options if values.ndim else {}))


def mutated_bytes(rng: random.Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        # The structure of HDF5 files is mostly at their beginning and between the arrays.
        place = rng.randrange(min(len(found), 4096) if rng.random() < 0.5 else len(found)) if found else 0
        kind = rng.randrange(8)
        if kind < 3:
            found[place : place + 1] = bytes([found[place] ^ 1 << rng.randrange(8)]) if found else b""
        elif kind < 5:
            found[place : place + 1] = bytes([rng.choice([0, 1, 0x7F, 0x80, 0xFF])])
        elif kind == 5:
            length = rng.choice([2, 4, 8])
            value = rng.choice([0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1, len(data), place])
            found[place : place + length] = (value % (1 << 8 * length)).to_bytes(length, "little")
        elif kind == 6:
            del found[place : place + rng.choice([1, 8, 64, len(found)])]
        else:
            source = rng.randrange(max(len(found), 1))
            length = rng.choice([8, 24, 64, 512])
            found[place : place + length] = found[source : source + length]
    return bytes(found)


def mutated_json(rng: random.Random, value: object) -> object:
    places: list[tuple[object, object]] = []
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict | list):
            keys = list(item) if isinstance(item, dict) else list(range(len(item)))
            places += [(item, key) for key in keys]
            pending += [item[key] for key in keys]
    for _ in range(rng.choice([1, 1, 2, 4])):
        holder, key = rng.choice(places)
        try:
            if rng.random() < 0.15:
                del holder[key]
            elif rng.random() < 0.3:
                other, source = rng.choice(places)
                holder[key] = json.loads(json.dumps(other[source]))
            else:
                holder[key] = json.loads(json.dumps(rng.choice(HOSTILE)))
        except (KeyError, IndexError):  # the place has gone with another one
            pass
    return value


def mutated_archive(rng: random.Random, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w") as target:
        members = {name: source.read(name) for name in source.namelist()}
        chosen = rng.choice(["config.json", "config.json", "config.json", "model.weights.h5", "model.weights.h5"])
        if chosen == "config.json" and rng.random() < 0.8:
            members[chosen] = json.dumps(mutated_json(rng, json.loads(members[chosen]))).encode()
        else:
            members[chosen] = mutated_bytes(rng, members[chosen])
        compression = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
        for name, content in members.items():
            target.writestr(name, content, compression)
    return buffer.getvalue()


def mutated(rng: random.Random, path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".keras" and rng.random() < 0.75:
        return mutated_archive(rng, data)
    return mutated_bytes(rng, data)


def run(count: int, first_seed: int, folder: Path) -> collections.Counter[str]:
    """Loads `count` mutated files; the number of those that loaded and that were refused."""
    originals = seeds(folder)
    outcome: collections.Counter[str] = collections.Counter()
    for seed in range(first_seed, first_seed + count):
        rng = random.Random(seed)
        original = rng.choice(originals)
        path = folder / f"mutated{original.suffix}"
        path.write_bytes(mutated(rng, original))
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                day33.load_model(path)
            outcome["loaded"] += 1
        except ValueError as error:
            assert str(path) in str(error), f"seed {seed}: {error}"
            outcome["refused"] += 1
        except BaseException as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__} instead of ValueError: {error}") from error
        seconds = time.perf_counter() - start
        assert seconds < SECONDS, f"seed {seed}: {seconds:.1f} s for {path.stat().st_size} bytes"
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", type=int, default=4096, help="megabytes of address space that must suffice")
    arguments = parser.parse_args()
    try:
        import resource
    except ImportError:  # Windows
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (arguments.memory << 20, arguments.memory << 20))
    with tempfile.TemporaryDirectory() as folder:
        print(dict(run(arguments.count, arguments.seed, Path(folder))))


if __name__ == "__main__":
    main()
