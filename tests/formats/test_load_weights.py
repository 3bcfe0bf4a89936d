"""`load_weights`: by place, by name and past mismatches, beside Keras; and what it reads of files that do not fit."""

from __future__ import annotations

import os
import re
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

import day33
from day33 import layers
from support.keras_files import randomised
from support.zoo import random

keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")


def stack(library, sizes, names=None):
    make = library.layers
    names = names or [f"d{number}" for number in range(len(sizes))]
    return library.Sequential(
        [library.Input((4,)), *(make.Dense(size, name=name) for size, name in zip(sizes, names, strict=True))]
    )


def assert_same_weights(ours, theirs):
    for mine, correct in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, correct)


def both(sizes, names=None):
    """A model of each library with the same weights."""
    ours, theirs = stack(day33, sizes, names), stack(keras, sizes, names)
    randomised(ours)
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def with_optimizers(library):
    """A model for a step of its own, with optimizers as attributes, whose state Keras's files have."""

    class Game(library.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = library.layers.Dense(2), library.layers.Dense(1)

        def call(self, x):
            return self.second(self.first(x))

        def add_rules(self):
            self.d_optimizer = library.optimizers.Adam(library.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5))
            self.rules = [library.optimizers.SGD(momentum=0.5)]
            for rule in (self.d_optimizer, *self.rules):
                rule.build(self.trainable_variables)

    model = Game()
    model(np.zeros((1, 3), np.float32))
    return model


@pytest.mark.parametrize("suffix", ["weights.h5", "keras"])
def test_optimizers_that_are_attributes_are_passed_over(tmp_path, suffix):
    path, theirs = tmp_path / f"m.{suffix}", randomised(with_optimizers(keras))
    theirs.add_rules()
    theirs.save_weights(path) if suffix == "weights.h5" else theirs.save(path)
    for there in (False, True):
        ours = with_optimizers(day33)
        if there:
            ours.add_rules()
        ours.load_weights(path)
        assert_same_weights(ours, theirs)
        assert all(rule.iterations == 0 for rule in ours.own_optimizers().values())
    if suffix == "weights.h5":
        with h5py.File(path, "a") as file:
            assert {"d_optimizer", "rules"} <= set(file)
            file["third/vars/0"] = np.zeros(3, np.float32)
        with pytest.raises(ValueError, match="it has weights that no layer of .* takes: third/vars"):
            ours.load_weights(path)


def test_by_name(tmp_path):
    """Layers of the same name take the weights, wherever they stand; others keep theirs."""
    randomised(stack(keras, (4, 4, 2), ("a", "b", "c"))).save(tmp_path / "m.h5")
    ours, theirs = both((4, 4, 4), ("b", "other", "a"))
    before = ours.get_weights()
    for model in (ours, theirs):
        model.load_weights(tmp_path / "m.h5", by_name=True)
    assert_same_weights(ours, theirs)
    np.testing.assert_array_equal(ours.get_weights()[2], before[2])
    assert not np.array_equal(ours.get_weights()[0], before[0])


def test_by_name_other_shapes(tmp_path):
    randomised(stack(keras, (4, 3), ("a", "b"))).save(tmp_path / "m.h5")
    ours, theirs = both((4, 2), ("a", "b"))
    before = ours.get_weights()
    with pytest.raises(ValueError, match=r"'sequential.*b/kernel' has shape \(4, 3\).*expected \(4, 2\)"):
        ours.load_weights(tmp_path / "m.h5", by_name=True)
    for a, b in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match="layer 'b' keeps its weights"):
        ours.load_weights(tmp_path / "m.h5", by_name=True, skip_mismatch=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.load_weights(tmp_path / "m.h5", by_name=True, skip_mismatch=True)
    assert_same_weights(ours, theirs)


@pytest.mark.parametrize("file", ["m.h5", "m.keras", "m.weights.h5"])
def test_skip_mismatch(tmp_path, file):
    source = randomised(stack(keras, (4, 3)))
    (source.save_weights if "weights" in file else source.save)(tmp_path / file)
    ours, theirs = both((4, 2))
    with pytest.raises(ValueError, match="d1/kernel"):
        ours.load_weights(tmp_path / file)
    with pytest.warns(UserWarning, match="layer 'd1' keeps its weights"):
        ours.load_weights(tmp_path / file, skip_mismatch=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.load_weights(tmp_path / file, skip_mismatch=True)
    assert_same_weights(ours, theirs)
    np.testing.assert_array_equal(ours.get_weights()[0], source.get_weights()[0])


def test_npz_by_name_and_past_mismatches(tmp_path):
    source = randomised(stack(day33, (4, 3), ("a", "b")))
    source.save_weights(tmp_path / "w.npz")
    model = randomised(stack(day33, (4, 2), ("a", "b")))
    with pytest.warns(UserWarning, match="'b/.*it keeps its values"):
        model.load_weights(tmp_path / "w.npz", skip_mismatch=True)
    np.testing.assert_array_equal(model.get_weights()[0], source.get_weights()[0])
    model = stack(day33, (4, 3), ("x", "b"))
    before = model.get_weights()
    model.load_weights(tmp_path / "w.npz", by_name=True)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    np.testing.assert_array_equal(model.get_weights()[2], source.get_weights()[2])


def test_by_name_needs_names(tmp_path):
    model = stack(day33, (4,))
    model.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="by_name is True, but it has no names"):
        model.load_weights(tmp_path / "w.weights.h5", by_name=True)


def test_states_of_metrics_are_no_weights(tmp_path):
    """Keras 2 saves them beside the weights of a compiled model; a group that no layer has is still refused."""
    model = randomised(stack(day33, (4, 2)))
    path = tmp_path / "w.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "a") as file:
        file["metrics/mean/vars/0"], file["metrics/mean/vars/1"] = np.float32(1), np.float32(2)
    other = stack(day33, (4, 2))
    other.load_weights(path)
    assert_same_weights(other, model)
    with h5py.File(path, "a") as file:
        file["layers/surplus/vars/0"] = np.float32(1)
    with pytest.raises(ValueError, match="no layer of .* takes: layers/surplus/vars"):
        other.load_weights(path)


# ---- memory ----


def peak(action, reason):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=reason):
            action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_npz_of_other_weights_is_not_read(tmp_path):
    """Many members that unpack to much more than the file has: names and shapes are compared first."""
    path = tmp_path / "w.npz"
    zeros = np.zeros(5 << 20, np.float32)
    np.savez_compressed(path, **{f"d0/{number}": zeros for number in range(2)})
    assert path.stat().st_size < 1 << 20
    model = stack(day33, (4,))
    assert peak(lambda: model.load_weights(path), "missing .*unexpected") < 4 << 20
    np.savez_compressed(path, **{"d0/kernel": zeros, "d0/bias": zeros})
    assert peak(lambda: model.load_weights(path), r"expected \(4,.*\(5242880,\)|\(5242880,\).*expected") < 4 << 20


def test_the_sum_of_an_archive_is_bounded(tmp_path):
    """Members below the limit of one are together refused like a single one."""
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(40):
            archive.writestr(f"d{number}.npy", bytes(10 << 20))
    assert peak(lambda: day33._io.npz.read_npz(path), "looks like a bomb") < 4 << 20


def test_a_packed_keras_file_of_other_weights_is_not_read(tmp_path):
    model = stack(day33, (4,))
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    noise = np.random.default_rng(0).integers(0, 4, 110 << 20, np.uint8).tobytes()  # packs to a quarter
    with zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content if name != "model.weights.h5" else noise)
    reason = re.escape("member 'model.weights.h5' announces")
    assert peak(lambda: model.load_weights(tmp_path / "m.keras"), reason) < 4 << 20


def test_shapes_are_compared_before_chunks_are_unpacked(tmp_path):
    path = tmp_path / "w.weights.h5"
    stack(day33, (4,)).save_weights(path)
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", data=np.zeros((4000, 2000), np.float32), compression="gzip")
    model = stack(day33, (4,))
    assert peak(lambda: model.load_weights(path), r"shape \(4000, 2000\)") < 4 << 20


# ---- what HDF5 holds ----


@pytest.mark.parametrize("dtype", ["<f2", ">f2", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("options", [{}, dict(compression="gzip", shuffle=True)])
def test_weights_of_other_precisions_and_packed_ones(tmp_path, dtype, options):
    model = stack(day33, (4, 2))
    path = tmp_path / "w.weights.h5"
    model.save_weights(path)
    values = [random(*w.shape, seed=number).astype(dtype) for number, w in enumerate(model.get_weights())]
    with h5py.File(path, "a") as file:
        for number, value in enumerate(values):
            group = file[f"layers/dense{'_1' if number > 1 else ''}/vars"]
            del group[str(number % 2)]
            group.create_dataset(str(number % 2), data=value, **options)
    model.load_weights(path)
    for found, value in zip(model.get_weights(), values, strict=True):
        np.testing.assert_array_equal(found, value.astype(np.float32))
    theirs = stack(keras, (4, 2))
    theirs.load_weights(path)
    assert_same_weights(model, theirs)


def test_what_could_not_be_read_back_is_not_written(tmp_path):
    long = day33.Sequential([layers.Input((2,)), layers.Dense(1, name="a" * 1100)])
    with pytest.raises(ValueError, match="cannot be saved in a form that could be read back"):
        long.save(tmp_path / "m.h5")
    x = i = layers.Input((2,))
    for number in range(40):
        x = day33.Model(i, layers.Dense(2, name=f"d{number}")(x), name=f"m{number}")(i)
    deep = day33.Model(i, x)
    with pytest.raises(ValueError, match=r"HDF5 groups are nested more than 64 deep"):
        deep.save(tmp_path / "m.keras")
    for name in ("..", "C:", "\\x"):
        with pytest.raises(ValueError, match="leads out of the archive"):
            day33.Sequential([layers.Input((2,)), layers.Dense(1, name=name)]).save_weights(tmp_path / "w.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".npz", ".weights.h5", ".h5", ".keras"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_pipes_and_devices(tmp_path, suffix, make):
    """Reading one would wait for ever, or take all memory."""
    path = tmp_path / f"model{suffix}"
    make(path)
    model = day33.Sequential([layers.Input((2,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="is a folder, a FIFO or a device; expected a regular file"):
        model.load_weights(path)
    if suffix in (".h5", ".keras"):
        with pytest.raises(ValueError, match="is a folder, a FIFO or a device; expected a regular file"):
            day33.load_model(path)
