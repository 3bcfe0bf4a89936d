"""`PictureLogger`: what a model makes of the same pictures, epoch by epoch."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.arrays import as_count, as_float32, drop_last_axis
from .._io.npz import Headers, read_npz, write_npz
from .base import Callback, Logs

_UInt8 = NDArray[np.uint8]
_ARRAYS = {"originals": 3, "pictures": 4, "epochs": 1}  # of the file, and the rank of each
_MOST_BYTES = 20_000_000


class Pictures(NamedTuple):
    """The content of a file of `PictureLogger`.

    Attributes:
        originals: (N, H, W), from 0 to 255.
        pictures: (E, N, H, W), from 0 to 255: what the model made of them after each of E epochs.
        epochs: the numbers of these epochs, rising, from 0.
    """

    originals: _UInt8
    pictures: _UInt8
    epochs: NDArray[np.int64]


class PictureLogger(Callback):
    """Writes what the model makes of a few pictures, epoch by epoch, to a file that `day33.explain.training` shows.

    As ``pictures.npz`` beside the ``history.csv`` of a `CSVLogger`, it belongs to the folder of a run.

    Args:
        filename: an .npz file, replaced as a whole. A `fit` that does not begin with epoch 0, such as one that
            `BackupAndRestore` resumes, goes on with the epochs that are in it.
        pictures: (N, H, W) or (N, H, W, 1); uint8 of 0 to 255, or floats of 0 to 1. The model gets (N, H, W, 1) of 0
            to 1, and has to return as much; values outside are cut off, and all are rounded to 256 steps.
        most_epochs: how many epochs are kept at most, evenly spaced: every one, every second, every fourth, ..., and
            the last.

    Raises:
        TypeError: `most_epochs` is no integer, or `pictures` are no numbers.
        ValueError: `most_epochs` is below 2, pictures of another shape or, at the end of an epoch, outputs of another
            shape. OSError: the file cannot be written.
    """

    def __init__(self, filename: str | os.PathLike[str], pictures: ArrayLike, most_epochs: int = 32) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.most_epochs = as_count("most_epochs", most_epochs, 2)  # the first and the last
        given = np.asarray(pictures)
        scale = 255 if given.dtype == np.uint8 else 1
        array = drop_last_axis(as_float32("pictures", given), 3)
        if array.ndim != 3 or 0 in array.shape:
            raise ValueError(f"pictures has shape {given.shape}; expected (N, H, W) or (N, H, W, 1) with N >= 1")
        self._inputs = array[..., None] / np.float32(scale)
        self._originals = _as_bytes(self._inputs[..., 0])
        self._frames: dict[int, _UInt8] | None = None  # by epoch
        self._written = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._frames = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        outputs = np.asarray(self.model.predict_on_batch(self._inputs))
        if outputs.shape != self._inputs.shape:
            raise ValueError(f"the model returns shape {outputs.shape} for pictures {self._inputs.shape}; expected it")
        if self._frames is None:
            self._frames = self._before(epoch)
        every = _step(epoch + 1, self.most_epochs)
        self._frames = {number: frame for number, frame in self._frames.items() if number % every == 0}
        self._frames[epoch] = _as_bytes(outputs[..., 0])
        self._written = False
        if epoch % every == 0:
            self._write()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._write()

    def _before(self, epoch: int) -> dict[int, _UInt8]:
        """The frames of earlier epochs of this run."""
        if epoch == 0 or not Path(self.filename).exists():
            return {}
        try:
            kept = read_pictures(self.filename)
        except ValueError as error:
            warnings.warn(f"pictures of earlier epochs are lost: {error}", stacklevel=2)
            return {}
        if not np.array_equal(kept.originals, self._originals):
            warnings.warn(f"{self.filename} holds other pictures; they are replaced", stacklevel=2)
            return {}
        return {int(n): frame for n, frame in zip(kept.epochs, kept.pictures, strict=True) if n < epoch}

    def _write(self) -> None:
        if self._frames is None or self._written:
            return
        epochs = np.array(sorted(self._frames), np.int64)
        frames = np.stack([self._frames[int(n)] for n in epochs])
        write_npz(self.filename, {"originals": self._originals, "pictures": frames, "epochs": epochs})
        self._written = True


def read_pictures(path: str | os.PathLike[str]) -> Pictures:
    """What `PictureLogger` wrote. FileNotFoundError without the file, ValueError where it holds anything else."""

    def check(headers: Headers) -> list[str]:
        if headers.keys() != _ARRAYS.keys():
            raise ValueError(f"it holds {', '.join(sorted(headers)) or 'nothing'}; expected {', '.join(_ARRAYS)}")
        for name, rank in _ARRAYS.items():
            shape, dtype = headers[name]
            expected = np.dtype(np.int64 if name == "epochs" else np.uint8)
            if len(shape) != rank or dtype != expected or 0 in shape:
                raise ValueError(f"{name} has shape {shape} and dtype {dtype}; expected {rank} axes of {expected}")
        originals, pictures, epochs = (headers[name][0] for name in _ARRAYS)
        if pictures != (*epochs, *originals):
            raise ValueError(f"pictures has shape {pictures}; expected {(*epochs, *originals)}")
        size = int(np.prod(pictures, dtype=object))
        if size > _MOST_BYTES:
            raise ValueError(f"pictures has {size:,} values; expected at most {_MOST_BYTES:,}")
        return list(_ARRAYS)

    arrays: dict[str, Any] = read_npz(path, check)
    found = Pictures(arrays["originals"], arrays["pictures"], arrays["epochs"])
    if found.epochs[0] < 0 or (np.diff(found.epochs) <= 0).any():
        raise ValueError(f"{path} is not a usable .npz file: epochs is {found.epochs}; expected rising numbers")
    return found


def _step(done: int, most: int) -> int:
    """The smallest power of two that keeps at most so many of the epochs that are done, the last one included."""
    every = 1
    while len({*range(0, done, every), done - 1}) > most:
        every *= 2
    return every


def _as_bytes(pictures: NDArray[Any]) -> _UInt8:
    values: _UInt8 = np.rint(np.clip(np.nan_to_num(pictures), 0, 1) * 255).astype(np.uint8)
    return values
