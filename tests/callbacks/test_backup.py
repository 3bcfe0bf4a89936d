"""`BackupAndRestore`: runs that are killed and go on, damaged states; and the archives they are kept in."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest

import day33
from day33 import Sequential, callbacks, layers
from day33._io.npz import read_npz, read_sealed, write_npz, write_sealed
from support.small_models import watched_model as model
from support.small_models import watched_samples as samples

# ---- a run that is killed and goes on ----

SCRIPT = """
    import json, os, signal, sys
    import numpy as np
    import day33
    from day33 import Sequential, callbacks, layers, optimizers

    folder, kill_after, save_freq, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    # Without the seeds of a resumed run being those of the killed one by luck.
    day33.set_random_seed(os.getpid())
    model = Sequential([
        layers.Input((8, 8, 1)), layers.Conv2D(3, 3, activation="relu"), layers.BatchNormalization(),
        layers.Flatten(), layers.Dropout(0.3, seed=5), layers.Dense(3),
    ])
    rng = np.random.default_rng(1)
    model.set_weights([rng.standard_normal(w.shape) * 0.1 + (w == 1) for w in model.get_weights()])
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"])
    x, y = rng.random((60, 8, 8, 1), np.float32), rng.random((60, 3), np.float32)
    parts = [(x[i:i + 10], y[i:i + 10]) for i in range(0, 60, 10)]

    class Kill(callbacks.Callback):
        batches = 0
        def on_train_batch_begin(self, batch, logs=None):
            self.batches += 1
            if self.batches == kill_after:
                os.kill(os.getpid(), signal.SIGKILL)

    class Seed(callbacks.Callback):
        # A new run begins with a known seed, so that there is something to compare with. One that goes on has to find
        # it in the state.
        def on_train_begin(self, logs=None):
            if not backup.path.exists():
                self.model.training_state.seed = 12345

    backup = callbacks.BackupAndRestore(
        os.path.join(folder, "backup"), int(save_freq) if save_freq.isdigit() else save_freq, delete_checkpoint=False)
    watchers = [
        Seed(), backup, Kill(),
        callbacks.EarlyStopping("loss", patience=3, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=0.01),
        callbacks.CSVLogger(os.path.join(folder, "log.csv")),
    ]
    arguments = dict(epochs=5, verbose=0, callbacks=watchers, validation_data=(x[:20], y[:20]))
    if kind == "arrays":
        history = model.fit(x, y, batch_size=10, **arguments)
    elif kind == "batches":
        history = model.fit(parts, **arguments)
    else:
        history = model.fit((part for _ in range(9) for part in parts), steps_per_epoch=4, **arguments)
    np.savez(os.path.join(folder, "result.npz"), *model.get_weights(), *model.optimizer.variables)
    with open(os.path.join(folder, "result.json"), "w") as stream:
        json.dump([history.epoch, history.history, model.optimizer.iterations, model.optimizer.learning_rate], stream)
"""


def run_script(folder, kill_after, save_freq, kind):
    folder.mkdir(exist_ok=True)
    python_path = os.pathsep.join([os.path.dirname(os.path.dirname(day33.__file__)), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder), str(kill_after), save_freq, kind],
        env={**os.environ, "PYTHONPATH": python_path}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def results(folder):
    with np.load(folder / "result.npz") as arrays:
        weights = [arrays[name] for name in arrays.files]
    return json.loads((folder / "result.json").read_text()), weights, (folder / "log.csv").read_bytes()


@pytest.mark.parametrize(
    ("save_freq", "kind", "kills"),
    [
        ("epoch", "arrays", [9, 9]),  # twice, in the middle of an epoch
        ("epoch", "batches", [13]),
        ("epoch", "steps", [11]),
        ("4", "arrays", [9, 11]),  # the state is from the middle of an epoch
        ("3", "batches", [11]),
        ("3", "steps", [12]),
        ("epoch", "arrays", [2]),  # before there is any state
    ],
)
def test_a_killed_run_ends_with_the_same_bits(tmp_path, save_freq, kind, kills):
    straight = run_script(tmp_path / "straight", 0, save_freq, kind)
    assert straight.returncode == 0, straight.stderr
    for kill_after in kills:
        killed = run_script(tmp_path / "killed", kill_after, save_freq, kind)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not (tmp_path / "killed" / "result.json").exists()
    ended = run_script(tmp_path / "killed", 0, save_freq, kind)
    assert ended.returncode == 0, ended.stderr
    (mine, weights, log), (expected, expected_weights, expected_log) = (
        results(tmp_path / "killed"), results(tmp_path / "straight"))  # fmt: skip
    assert mine == expected
    assert mine[0] == list(range(5))
    for a, b in zip(weights, expected_weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert log == expected_log


def backed_up(folder, epochs=2, **arguments):
    made = model(optimizer="adam")
    made.fit(*samples(), epochs=epochs, verbose=0,
             callbacks=[callbacks.BackupAndRestore(folder, delete_checkpoint=False, **arguments)])  # fmt: skip
    return made


def test_more_epochs_go_on_from_a_kept_state(tmp_path):
    day33.set_random_seed(1)
    straight = model(optimizer="adam")
    first = straight.get_weights()
    day33.set_random_seed(2)
    expected = straight.fit(*samples(), epochs=5, verbose=0).history
    made = model(optimizer="adam")
    made.set_weights(first)
    day33.set_random_seed(2)
    keep = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    made.fit(*samples(), epochs=2, verbose=0, callbacks=[keep])
    other = model(optimizer="adam")
    history = other.fit(*samples(), epochs=5, verbose=0, callbacks=[keep])
    assert history.history == expected and history.epoch == [0, 1, 2, 3, 4]
    for a, b in zip(other.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_state_is_deleted_at_the_end(tmp_path):
    folder = tmp_path / "new" / "backup"
    model().fit(*samples(), verbose=0, callbacks=[callbacks.BackupAndRestore(folder)])
    assert not folder.exists() and folder.parent.exists()
    folder.mkdir()
    (folder / "mine.txt").write_text("stays")
    model().fit(*samples(), verbose=0, callbacks=[callbacks.BackupAndRestore(folder)])
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_half_written_files_of_a_killed_run_are_cleared(tmp_path):
    (tmp_path / ".training_state-0123abcd.npz").write_bytes(b"half")
    backed_up(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["training_state.npz"]


def forge(path, **changes):
    arrays = read_sealed(path)
    meta = json.loads(arrays["meta"].tobytes())
    meta.update(changes)
    write_sealed(path, {**arrays, "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)})


def replace_member(path, name, value):
    arrays = read_sealed(path)
    arrays[name] = value
    write_sealed(path, arrays)


def exchange(path, first, second):
    """Two members of equal shape in each other's place: names, shapes and the archive's own checksums stay right."""
    arrays = read_npz(path)
    assert arrays[first].shape == arrays[second].shape
    arrays[first], arrays[second] = arrays[second], arrays[first]
    write_npz(path, arrays)


def poison(path):
    arrays = read_npz(path)
    arrays["weights/0"] = np.full_like(arrays["weights/0"], np.nan)
    write_npz(path, arrays)


def unseal(path):
    arrays = read_npz(path)
    del arrays["sha256"]
    write_npz(path, arrays)


def as_before_there_were_checksums(path):
    forge(path, format="day33 training state 1")
    unseal(path)


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


DAMAGES = {
    "empty": (lambda path: path.write_bytes(b""), "not a usable .npz file"),
    "noise": (lambda path: path.write_bytes(os.urandom(500)), "not a usable .npz file"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-30]), "not a usable .npz file"),
    "cut in half": (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "not a usable"),
    "one bit": (lambda path: path.write_bytes(flip(path.read_bytes())), "not a usable .npz file: Bad CRC-32"),
    "pickle": (
        lambda path: np.savez(path, meta=np.array([Bomb()], dtype=object)),
        "holds Python objects, which are never loaded",
    ),
    "other file": (lambda path: write_sealed(path, {"meta": np.zeros(3)}), "it is not a training state"),
    "no description": (lambda path: write_sealed(path, {"x": np.zeros(3)}), "it is not a training state"),
    "exchanged": (
        lambda path: exchange(path, "optimizer/0/momentum", "optimizer/0/velocity"),
        "its checksum does not fit its content",
    ),
    "not a number": (poison, "its checksum does not fit its content"),
    "no checksum": (unseal, "has no checksum"),
    "other version": (lambda path: forge(path, format="day33 training state 99"), "not in the format"),
    "not json": (lambda path: replace_member(path, "meta", np.full(9, 123, np.uint8)), "its description is damaged"),
    "other optimizer": (lambda path: forge(path, optimizer="SGD"), "trained with SGD, not Adam"),
    "negative epoch": (
        lambda path: forge(path, training={"seed": 1, "epoch": -1, "step": 0, "means": {}}),
        "its epoch is -1",
    ),
    "no epoch": (lambda path: forge(path, training={"seed": 1}), "'epoch' is missing"),
    "other shape": (lambda path: replace_member(path, "weights/0", np.zeros((2, 2), np.float32)), "weights of shapes"),
    "other dtype": (lambda path: replace_member(path, "weights/0", np.zeros((3, 4))), "not float32"),
    "optimizer state": (
        lambda path: replace_member(path, "optimizer/0/momentum", np.zeros(2, np.float32)),
        "does not fit adam",
    ),
}


def flip(data):
    """One bit changed in the middle of the first array."""
    changed = bytearray(data)
    changed[data.index(b"\x93NUMPY") + 150] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_states_are_refused(tmp_path, monkeypatch, damage):
    monkeypatch.chdir(tmp_path)
    backed_up(tmp_path / "backup")
    path = tmp_path / "backup" / "training_state.npz"
    harm, message = DAMAGES[damage]
    harm(path)
    made = model(optimizer="adam")
    before = made.get_weights()
    with pytest.raises(ValueError, match=message) as caught:
        made.fit(*samples(), epochs=3, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path / "backup")])
    assert str(path) in str(caught.value)
    for a, b in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert made.optimizer.iterations == 0
    assert path.exists() and not (tmp_path / "exploded").exists()


# ---- nothing is restored where anything is damaged ----


class Remembers(callbacks.Callback):
    """A callback of a user: it checks nothing, and fails half way."""

    def __init__(self):
        super().__init__()
        self.epochs, self.inside = 0, None

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1
        self.inside = np.arange(2)

    def get_state(self):
        return {"epochs": self.epochs, "deep": {"inside": self.inside}}

    def set_state(self, state):
        self.epochs = state["epochs"] + 0
        self.inside = state["deep"]["inside"]


def watchers(folder):
    return [
        callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("loss"),
        Remembers(),
        callbacks.ModelCheckpoint(folder / "best.npz", "loss", save_best_only=True),
        callbacks.CSVLogger(folder / "log.csv"),
        callbacks.History(),
    ]


class InTheMiddle(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if (self.model.training_state.epoch, batch) == (1, 1):
            raise KeyboardInterrupt


def test_a_state_from_before_there_were_checksums_is_read(tmp_path):
    day33.set_random_seed(5)
    unbroken = model(optimizer="adam")
    unbroken.fit(*samples(), 8, 3, verbose=0)
    folder = tmp_path / "backup"
    day33.set_random_seed(5)
    with pytest.raises(KeyboardInterrupt):
        model(optimizer="adam").fit(
            *samples(), 8, 3, verbose=0, callbacks=[callbacks.BackupAndRestore(folder), InTheMiddle()]
        )
    as_before_there_were_checksums(folder / "training_state.npz")
    resumed = model(optimizer="adam")
    resumed.fit(*samples(), 8, 3, verbose=0, callbacks=[callbacks.BackupAndRestore(folder)])
    for a, b in zip(resumed.get_weights(), unbroken.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """The state of a run that was interrupted inside of its second epoch, and its description."""
    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.raises(KeyboardInterrupt):
        model(optimizer="adam").fit(*samples(), 8, 3, verbose=0, callbacks=[
            *watchers(folder), callbacks.BackupAndRestore(folder / "backup"), InTheMiddle()])  # fmt: skip
    arrays = read_sealed(folder / "backup" / "training_state.npz")
    return arrays, json.loads(arrays["meta"].tobytes())


def places(value, path=()):
    """The path of every item of nested dicts and lists."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(item, (*path, key))


def changed(value, path, item):
    """`value` with `item` at `path`, or without what is there for MISSING."""
    key, *rest = path
    new = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        new[key] = changed(value[key], rest, item)
    elif item is MISSING:
        del new[key]
    else:
        new[key] = item
    return new


MISSING = object()


def resume_from(arrays, folder):
    """True where training went on from such a state; False where it was refused, with everything as before."""
    path = folder / "backup" / "training_state.npz"
    path.parent.mkdir(exist_ok=True)
    write_sealed(path, arrays)
    made, watching = model(optimizer="adam"), watchers(folder)
    made.optimizer.build(made.trainable_variables)

    def all_there_is():
        return [made.get_weights(), made.optimizer.get_state(), [w.get_state() for w in watching], made.stop_training]

    before = repr(all_there_is())
    try:
        made.fit(*samples(), 8, 3, verbose=0, callbacks=[*watching, callbacks.BackupAndRestore(path.parent)])
    except ValueError as error:
        assert str(error).startswith(f"cannot resume from {path}: ")
        assert repr(all_there_is()) == before
        return False
    return True


@pytest.mark.filterwarnings("ignore:the run in", "ignore:.* is shorter than")
@pytest.mark.parametrize(
    "item", [None, "x", -1, 7, 3.5, True, 10**30, math.nan, [], [1, "a"], {}, {"dict": {}}, {"array": "none"}, MISSING],
    ids=lambda item: "missing" if item is MISSING else str(item),
)  # fmt: skip
def test_any_damage_of_the_description(tmp_path, interrupted, item):
    arrays, meta = interrupted
    refused = 0
    for path in places(meta):
        forged = json.dumps(changed(meta, path, item)).encode()
        refused += not resume_from({**arrays, "meta": np.frombuffer(forged, np.uint8)}, tmp_path)
    assert refused > 20


@pytest.mark.filterwarnings("ignore:.* is shorter than")
def test_any_damage_of_the_arrays(tmp_path, interrupted):
    arrays, _ = interrupted
    assert resume_from(arrays, tmp_path)
    for name in arrays.keys() - {"meta", "callbacks/Remembers-0/deep/inside"}:
        for wrong in (arrays[name].astype(np.complex64), arrays[name][..., None]):
            assert not resume_from({**arrays, name: wrong}, tmp_path), name
        assert not resume_from({other: array for other, array in arrays.items() if other != name}, tmp_path), name


def test_a_callback_that_fails_leaves_all_as_it_was(tmp_path, interrupted):
    """The others have taken their states by then, and so has the model."""
    arrays, meta = interrupted
    forged = json.dumps(changed(meta, ("callbacks", "Remembers-0", "dict", "deep"), None)).encode()
    assert not resume_from({**arrays, "meta": np.frombuffer(forged, np.uint8)}, tmp_path)


def test_a_description_nested_too_deep(tmp_path, interrupted):
    arrays, _ = interrupted
    deep = b'{"format": "day33 training state 1", "callbacks": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert not resume_from({**arrays, "meta": np.frombuffer(deep, np.uint8)}, tmp_path)


def test_state_of_another_model(tmp_path):
    backed_up(tmp_path)
    other = Sequential([layers.Input((3,)), layers.Dense(1)])
    other.compile("adam", "mse")
    with pytest.raises(ValueError, match=r"weights of shapes \[\(3, 4\), .*the model \[\(3, 1\), \(1,\)\]"):
        other.fit(*samples(), verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path)])


def test_callbacks_that_came_or_went(tmp_path):
    made = model(optimizer="adam")
    keep = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    made.fit(*samples(), epochs=2, verbose=0, callbacks=[callbacks.EarlyStopping("loss", patience=9), keep])
    with pytest.warns(UserWarning, match="had a callback EarlyStopping-0"):
        made.fit(*samples(), epochs=3, verbose=0, callbacks=[keep])


def test_backup_arguments():
    with pytest.raises(ValueError, match="backup_dir is empty"):
        callbacks.BackupAndRestore("")
    with pytest.raises(ValueError, match="save_freq is 0"):
        callbacks.BackupAndRestore("x", save_freq=0)


# ---- archives of arrays ----


def test_archives_hold_any_plain_array(tmp_path):
    arrays = {
        "file": np.arange(3), "a/b": np.zeros((0, 4), np.float32), "scalar": np.array(7, np.int64),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "strided": np.arange(10)[::3],
    }  # fmt: skip
    write_npz(tmp_path / "x.npz", arrays)
    back = read_npz(tmp_path / "x.npz")
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)
    with np.load(tmp_path / "x.npz") as plain:
        np.testing.assert_array_equal(plain["a/b"], arrays["a/b"])
    np.savez_compressed(tmp_path / "y.npz", **{"a": np.arange(1000)})
    np.testing.assert_array_equal(read_npz(tmp_path / "y.npz")["a"], np.arange(1000))


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    write_npz(path, {"a": np.zeros(3)})
    before = path.read_bytes()
    with pytest.raises(TypeError, match="a has dtype object"):
        write_npz(path, {"a": np.array([{}])})

    def full(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="disk full"):
        write_npz(path, {"a": np.ones(3)})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.npz"]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.npz"
    link.symlink_to(tmp_path / "real" / "x.npz")
    write_npz(link, {"a": np.zeros(3)})
    assert link.is_symlink() and (tmp_path / "real" / "x.npz").is_file()


@pytest.mark.parametrize("shape", ["(10000000000,)", "(-3,)", "(3, 2305843009213693952)"])
def test_a_forged_size_is_not_allocated(tmp_path, shape):
    path = tmp_path / "x.npz"
    write_npz(path, {"a": np.zeros(3)})
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24))
    with pytest.raises(ValueError, match=r"x\.npz is not a usable .npz file: member 'a.npy' declares"):
        read_npz(path)
