"""Files of every kind that day33 reads, damaged: each is read, or refused with a documented error, soon."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import struct
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from formats import fuzz_keras_files
from torture.children import Limits, Tally, output_of, run_jobs
from torture.mutations import mutated, with_right_digests

LIMITS = Limits(megabytes=2048, address_space=6144)  # the latter with what day33 and its libraries have mapped
_DOCUMENTED = (ValueError, OSError)


@dataclass
class Kind:
    """A kind of file, or of folder.

    Attributes:
        make: writes good ones into a folder.
        read: reads one that `make` has named; it may do anything but compute for long.
        names: of what `read` gets, files or folders in that folder.
        named: whether `read` knows the path, so that its messages have to name it.
    """

    make: Callable[[Path], None]
    read: Callable[[Path], object]
    names: tuple[str, ...]
    named: bool = True

    def refusal(self, path: Path) -> Exception | None:
        """Reads a file. The documented error that refused it; any other error, or one that does not help, is raised."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.read(path)
            except _DOCUMENTED as error:
                if _out_of_memory(error):
                    raise AssertionError(f"out of memory, told as {type(error).__name__}: {error}") from error
                if not str(error) or (self.named and str(path) not in str(error)):
                    raise AssertionError(f"{type(error).__name__} that does not name the file: {error}") from error
                return error
        return None


def _small_model() -> Any:
    import day33
    from day33 import layers

    day33.set_random_seed(0)
    return day33.Sequential([layers.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(2)])


def _samples() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.random((20, 6), np.float32), rng.random((20, 2), np.float32)


# ---- models and weights ----


def _make_models(folder: Path) -> None:
    fuzz_keras_files.seeds(folder)


def _read_model(path: Path) -> None:
    import day33

    day33.load_model(path)


def _make_onnx(folder: Path) -> None:
    from support import zoo

    for name, model in (("images.onnx", zoo.branched()), ("sequences.onnx", zoo.sequence())):
        model.export(folder / name)


def _read_onnx(path: Path) -> None:
    import day33

    day33.from_onnx(path)


def _make_weights(folder: Path) -> None:
    model = _small_model()
    for name in ("weights.npz", "model.weights.h5"):
        model.save_weights(folder / name)


def _read_weights(path: Path) -> None:
    _small_model().load_weights(path)


def _make_sample(folder: Path) -> None:
    model = _small_model()
    (folder / "verified").mkdir()
    model.save(folder / "verified" / "model.keras", sample=_samples()[0])


def _read_sample(folder: Path) -> None:
    import day33

    day33.load_model(folder / "model.keras", verify=True)


# ---- training ----


def _fit(folder: Path, epochs: int) -> None:
    from day33 import callbacks

    model = _small_model()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(
        *_samples(), epochs=epochs, verbose=0, validation_split=0.2, batch_size=4,
        callbacks=[
            callbacks.EarlyStopping(patience=2), callbacks.ReduceLROnPlateau(patience=1),
            callbacks.CSVLogger(folder / "history.csv"), callbacks.BackupAndRestore(folder, delete_checkpoint=False),
        ],
    )  # fmt: skip


def _make_state(folder: Path) -> None:
    (folder / "state").mkdir()
    _fit(folder / "state", 2)


def _make_run(folder: Path) -> None:
    from day33.cli.runs import RunFolder

    with RunFolder(folder / "run", ("weights.npz",), {"epochs": int, "rate": float, "data": str | None}) as run:
        run.start({"epochs": 3, "rate": 0.5, "data": "x"}, overwrite=False)
    (folder / "run" / "history.csv").write_text("epoch,loss\n0,1.5\n")


def _read_run(folder: Path) -> None:
    from day33.cli.runs import RunFolder

    with RunFolder(folder, ("weights.npz",), {"epochs": int, "rate": float, "data": str | None}) as run:
        run.is_unfinished()
        run.resume(run.stored_settings())
        run.finish(3)


def _make_film(folder: Path) -> None:
    from day33 import autoencoder, callbacks

    (folder / "film").mkdir()
    digits = _digits()["x_train"][..., None] / np.float32(255)
    model = autoencoder.build("upsampling", seed=1)
    model.compile("adam", "binary_crossentropy")
    logger = callbacks.CSVLogger(folder / "film" / "history.csv")
    pictures = callbacks.PictureLogger(folder / "film" / "pictures.npz", digits)
    model.fit(digits, digits, epochs=3, verbose=0, callbacks=[logger, pictures])


def _read_film(folder: Path) -> None:
    from day33 import explain

    explain.training(folder).html()


# ---- data ----


def _digits() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (3, 28, 28)).astype(np.uint8), "y_train": np.arange(3).astype(np.uint8),
        "x_test": rng.integers(0, 256, (2, 28, 28)).astype(np.uint8), "y_test": np.arange(2).astype(np.uint8),
    }  # fmt: skip


def _make_mnist(folder: Path) -> None:
    np.savez(folder / "digits.npz", **_digits())
    np.savez(folder / "floats.npz", **{k: v / 255 if k[0] == "x" else v.astype(int) for k, v in _digits().items()})


def _make_idx(folder: Path) -> None:
    names = {"x_train": "train-images-idx3-ubyte", "y_train": "train-labels-idx1-ubyte",
             "x_test": "t10k-images-idx3-ubyte", "y_test": "t10k-labels-idx1-ubyte"}  # fmt: skip
    for packed in (False, True):
        place = folder / ("packed" if packed else "plain")
        place.mkdir()
        for key, array in _digits().items():
            data = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
            (place / (names[key] + ".gz" * packed)).write_bytes(gzip.compress(data, 1) if packed else data)


def _read_mnist(path: Path) -> None:
    from day33.datasets import load_mnist

    load_mnist(path)


def _make_csv(folder: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [",".join(["id", "digit", "letter", *map(str, range(784))])]
    for row in range(3):
        rows.append(f"{row + 1},{row},{'ABC'[row]}," + ",".join(map(str, rng.integers(0, 256, 784))))
    text = ("\n".join(rows) + "\n").encode()
    (folder / "train.csv").write_bytes(text)
    (folder / "train.csv.gz").write_bytes(gzip.compress(text, 1))


def _read_csv(path: Path) -> None:
    from day33.datasets import load_hidden_digits

    load_hidden_digits(path)


def _make_numbers(folder: Path) -> None:
    rows = np.array([[1, 4, 2], [7], [], [3, 3]], object)
    np.savez(folder / "reviews.npz", x_train=rows, y_train=np.arange(4) % 2, x_test=rows[:2], y_test=np.arange(2))
    np.savez(folder / "news.npz", x=rows, y=np.arange(4))
    np.savez(folder / "prices.npz", x=np.ones((5, 8), np.float32), y=np.arange(5.0))
    (folder / "words.json").write_text('{"the": 1, "moon": 2}')


def _read_numbers(path: Path) -> None:
    from day33.datasets import california_housing, imdb, reuters

    {
        "reviews": imdb.load_data, "news": reuters.load_data,
        "prices": lambda path: california_housing.load_data(path=path), "words": reuters.get_word_index,
    }[path.stem](str(path))  # fmt: skip


def _make_archives(folder: Path) -> None:
    import tarfile

    with zipfile.ZipFile(folder / "files.zip", "w") as packed:
        packed.writestr("a/b.txt", "text")
        packed.writestr("c.txt", "more")
    (folder / "c.txt").write_text("more")
    with tarfile.open(folder / "files.tar.gz", "w:gz") as tar:
        tar.add(folder / "c.txt", "a/c.txt")
    with tarfile.open(folder / "files.tar", "w") as tar:
        tar.add(folder / "c.txt", "a/c.txt")


def _read_archive(path: Path) -> None:
    from day33._io.unpacking import unpack

    unpack(path, path.with_name("unpacked"))


def _make_text(folder: Path) -> None:
    (folder / "lines.txt").write_text("I love the moon.\nThe moon, 입력, loves me!\n", encoding="utf-8")


def _read_text(path: Path) -> None:
    from day33.text import load_corpus

    load_corpus(path)


def _make_vocabulary(folder: Path) -> None:
    (folder / "vocabulary.txt").write_text("the\nmoon\n입력\n", encoding="utf-8")


def _read_vocabulary(path: Path) -> None:
    from day33 import layers

    layers.StringLookup(vocabulary=str(path))


# ---- folders ----


def _make_lyricist(folder: Path) -> None:
    from day33.lyricist import Lyricist

    made = Lyricist(200, 6, 8)
    made.prepare(["<start> i love the moon <end>", "<start> the moon loves me <end>"])
    made.save(folder / "lyricist")


def _read_lyricist(folder: Path) -> None:
    from day33.lyricist import Lyricist

    Lyricist.load(folder).write_many("the moon", 2, max_len=6)


def _make_tokenizer(folder: Path) -> None:
    from day33.text import Tokenizer

    for number, options in enumerate(({}, {"num_words": 5, "oov_token": "<unk>"}, {"char_level": True})):
        made = Tokenizer(**options)
        made.fit_on_texts(["the moon and the sun", "a moon"])
        (folder / f"tokenizer{number}.json").write_text(made.to_json())


def _read_tokenizer(path: Path) -> None:
    from day33.text import tokenizer_from_json

    made = tokenizer_from_json(path.read_text(encoding="utf-8", errors="surrogateescape"))
    made.sequences_to_texts(made.texts_to_sequences(["the moon and nobody"]))


def _make_autoencoder(folder: Path) -> None:
    from day33.autoencoder import AutoEncoder

    AutoEncoder("upsampling", input_shape=(12, 12, 1)).save(folder / "autoencoder")


def _read_autoencoder(folder: Path) -> None:
    from day33.autoencoder import AutoEncoder

    AutoEncoder.load(folder)


def _trees() -> Any:
    import lightgbm

    rng = np.random.default_rng(0)
    data = lightgbm.Dataset(rng.random((60, 3)), np.arange(60) % 3)
    options = {"objective": "multiclass", "num_class": 3, "num_leaves": 4, "verbosity": -1, "num_threads": 1}
    return lightgbm.train(options, data, num_boost_round=2)


def _make_trees(folder: Path) -> None:
    from day33.ensemble.boosting import BoosterMember
    from day33.ensemble.saving import save_ensemble

    save_ensemble(BoosterMember(_trees(), 3), folder / "trees")


def _make_ensemble(folder: Path) -> None:
    from day33.datasets import make_hidden_digits
    from day33.ensemble import hidden_digits
    from day33.ensemble.convolutional import ConvClassifier
    from day33.ensemble.saving import save_ensemble

    data = make_hidden_digits(n_samples=40, seed=3)
    settings = hidden_digits.Settings(
        members={"lgbm": 1, "encoder": 1, "conv": 1}, rounds=1, epochs=1, n_jobs=1, seed=0
    )  # fmt: skip
    save_ensemble(hidden_digits.fit_ensemble(data.features(), data.digits, settings), folder / "ensemble")
    rng = np.random.default_rng(0)
    network = ConvClassifier((8, 8), n_extra=1, filters=(2, 3), dense_units=4, epochs=1, random_state=0)
    network.fit(rng.random((12, 65), np.float32), np.arange(12) % 3)
    save_ensemble(network, folder / "network")


def _read_ensemble(folder: Path) -> None:
    from day33.ensemble.saving import load_ensemble

    load_ensemble(folder)


def _make_record(folder: Path) -> None:
    from day33.ensemble.checkpoint import Checkpoint
    from day33.ensemble.cross_validation import Fold, Scores

    generator = np.random.default_rng(0)
    fold = Fold(
        np.array([1, 4]), generator.random((2, 3)), generator.random((2, 3)), {"a": Scores(None, 0.1, 0.2, 2.5)}
    )
    checkpoint = Checkpoint(folder / "checkpoint")
    checkpoint.write_record("fold-0", fold.to_json())
    checkpoint.shelf("fold-0", "trees").seconds = 2.5


def _read_record(folder: Path) -> None:
    from day33.ensemble.checkpoint import Checkpoint
    from day33.ensemble.cross_validation import _kept_fold

    checkpoint = Checkpoint(folder)
    _kept_fold(checkpoint, "fold-0", np.array([1, 4]), 3)
    if not 0 <= checkpoint.shelf("fold-0", "trees").seconds < np.inf:
        raise AssertionError("a time that is none")


MODELS = ("tower.keras", "tower.h5", "model.keras", "model.h5", "names.h5", "packed.h5", "latest.h5")
KINDS: dict[str, Kind] = {
    "models (.keras, .h5)": Kind(_make_models, _read_model, MODELS),
    "models (.onnx)": Kind(_make_onnx, _read_onnx, ("images.onnx", "sequences.onnx")),
    "weights (.npz, .weights.h5)": Kind(_make_weights, _read_weights, ("weights.npz", "model.weights.h5")),
    "sample beside a model": Kind(_make_sample, _read_sample, ("verified",)),
    "training state": Kind(_make_state, lambda folder: _fit(folder, 3), ("state",)),
    "run.json": Kind(_make_run, _read_run, ("run",)),
    "a training to explain": Kind(_make_film, _read_film, ("film",)),
    "MNIST (.npz)": Kind(_make_mnist, _read_mnist, ("digits.npz", "floats.npz")),
    "MNIST (IDX, .gz)": Kind(_make_idx, _read_mnist, ("plain", "packed")),
    "hidden digits (.csv, .gz)": Kind(_make_csv, _read_csv, ("train.csv", "train.csv.gz")),
    "numbers of data sets (.npz, .json)": Kind(
        _make_numbers, _read_numbers, ("reviews.npz", "news.npz", "prices.npz", "words.json")
    ),
    "archives of get_file": Kind(_make_archives, _read_archive, ("files.zip", "files.tar", "files.tar.gz")),
    "text": Kind(_make_text, _read_text, ("lines.txt",)),
    "vocabulary": Kind(_make_vocabulary, _read_vocabulary, ("vocabulary.txt",)),
    "tokenizer": Kind(
        _make_tokenizer, _read_tokenizer, ("tokenizer0.json", "tokenizer1.json", "tokenizer2.json"), named=False
    ),
    "lyricist": Kind(_make_lyricist, _read_lyricist, ("lyricist",)),
    "auto-encoder": Kind(_make_autoencoder, _read_autoencoder, ("autoencoder",)),
    "trees of LightGBM": Kind(_make_trees, _read_ensemble, ("trees",)),
    "ensemble": Kind(_make_ensemble, _read_ensemble, ("ensemble", "network")),
    "checkpoint of an ensemble": Kind(_make_record, _read_record, ("checkpoint",)),
}


def prepare(folder: Path) -> None:
    """Good files of every kind, made by a child."""

    def make() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, kind in KINDS.items():
                place = folder / name.replace("/", "-")
                place.mkdir()
                kind.make(place)
                for original in kind.names:
                    target = place / "whole"
                    _copy(place / original, target / original)
                    kind.read(target / original)  # what is not damaged can be read
                    shutil.rmtree(target)
        return ""

    output_of(make)


def run(kind_name: str, folder: Path, seeds: range) -> Tally:
    """Damages and reads one file, or one file of a folder, for each seed."""
    kind = KINDS[kind_name]
    place = folder / kind_name.replace("/", "-")

    def work(seed: int) -> str:
        rng = random.Random(f"{kind_name} {seed}")
        original = place / rng.choice(kind.names)
        target = place / "damaged" / original.name
        shutil.rmtree(target.parent, ignore_errors=True)
        _copy(original, target)
        _damage(rng, kind_name, original, target)
        return "read" if kind.refusal(target) is None else "refused"

    return run_jobs(seeds, work, LIMITS)


def _damage(rng: random.Random, kind_name: str, original: Path, target: Path) -> None:
    if target.is_file():
        if kind_name.startswith("models") and rng.random() < 0.5:
            target.write_bytes(fuzz_keras_files.mutated(rng, original))
        else:
            target.write_bytes(mutated(rng, target.name, target.read_bytes()))
        return
    files = sorted(path for path in target.rglob("*") if path.is_file() and path.name != ".lock")
    for _ in range(rng.choice([1, 1, 1, 2])):
        path = rng.choice(files)
        action = rng.random()
        if action < 0.03:
            path.unlink(missing_ok=True)
        elif action < 0.06 and path.name != "history.csv":  # which is written, and may be a pipe if somebody likes
            path.unlink(missing_ok=True)
            place = rng.choice(["/dev/zero", "/etc/hostname", "nowhere", "."])
            path.symlink_to(place) if rng.random() < 0.7 else os.mkfifo(path)
        elif action < 0.09:
            other = rng.choice(files)
            if path.is_file() and other.is_file() and not other.is_symlink() and not path.is_symlink():
                path.write_bytes(other.read_bytes())
        elif path.is_file() and not path.is_symlink():
            path.write_bytes(mutated(rng, path.name, path.read_bytes()))
    manifest = target / "ensemble.json"
    if manifest.is_file() and not manifest.is_symlink() and rng.random() < 0.7:
        plain = {p.name: p.read_bytes() for p in files if p.is_file() and not p.is_symlink()}
        manifest.write_bytes(with_right_digests(manifest.read_bytes(), plain))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copyfile(source, target)


def _out_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False
