"""Two convolutional auto-encoders, and a pipeline that trains and uses them.

An auto-encoder learns to rebuild its own input from a small code. Both models encode a 28 x 28 picture with 3 x 3
convolutions and 2 x 2 max-pooling and decode it with nearest-neighbour up-sampling: "upsampling" with plain
convolutions in between (code 4 x 4 x 4), "transposed" with transposed ones (code 3 x 3 x 4). Each has 3,369 parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import layers, optimizers
from ._core.arrays import as_int
from ._core.types import PathLike
from ._formats import weight_files
from ._io.files import make_folder, read_json, write_json
from .initializers import GlorotUniform, Initializer
from .models import Model
from .random import SeedGenerator

if TYPE_CHECKING:
    from .callbacks import Callback, History

__all__ = ["AutoEncoder", "build"]

_Kind = Literal["upsampling", "transposed"]
_Float32 = NDArray[np.float32]

_KINDS: tuple[_Kind, ...] = ("upsampling", "transposed")
_CODE_LAYER = "code"
_OPTIMIZERS: dict[str, type[optimizers.Optimizer]] = {
    "adadelta": optimizers.Adadelta,
    "adam": optimizers.Adam,
    "sgd": optimizers.SGD,
}
_WEIGHTS_FILE = "weights.npz"
_CONFIG_FILE = "autoencoder.json"

# Keras clips bare probabilities to [epsilon, 1 - epsilon] before it takes the logarithm.
_EPSILON = 1e-7
_SCORE_CHUNK = 1024


def build(kind: _Kind = "upsampling", input_shape: Sequence[int] = (28, 28, 1), *, seed: int | None = None) -> Model:
    """Build one of the two auto-encoders, not yet compiled.

    Args:
        kind: "upsampling" or "transposed".
        input_shape: (H, W, 1). The upsampling model rebuilds sides of 4, 12, 20, 28, ...; the transposed one only 28.
        seed: fixes the initial weights, whatever was drawn before; None draws them from the global stream.

    Returns:
        A `Model` from pictures (N, H, W, 1) of 0 to 1 to pictures of the same shape. The layer named "code" gives the
        encoder's output.

    Raises:
        TypeError: a side that is no integer.
        ValueError: unknown kind, or a shape that the model does not give back.
    """
    shape = _checked_shape(kind, input_shape)
    picture = layers.Input(shape=shape, name="picture")
    initial = GlorotUniform(seed=None if seed is None else SeedGenerator(seed))  # Keras's default for kernels
    return Model(picture, _decode(kind, _encode(kind, picture, initial), initial), name=f"{kind}_autoencoder")


def _checked_shape(kind: _Kind, input_shape: Sequence[int]) -> tuple[int, int, int]:
    """The shape as integers. TypeError and ValueError as `build`."""
    if kind not in _KINDS:
        raise ValueError(f"kind is {kind!r}; expected 'upsampling' or 'transposed'")
    if len(input_shape) != 3 or input_shape[2] != 1:
        raise ValueError(f"input_shape is {tuple(input_shape)}; expected (height, width, 1)")
    height, width = (as_int(f"input_shape[{axis}]", input_shape[axis]) for axis in (0, 1))
    if min(height, width) < 1 or (_rebuilt_side(kind, height), _rebuilt_side(kind, width)) != (height, width):
        sides = "4, 12, 20, 28, ..." if kind == "upsampling" else "28 only"
        raise ValueError(
            f"input_shape is {(height, width, 1)}, which the {kind} model cannot rebuild; expected sides of {sides}"
        )
    return height, width, 1


def _encode(kind: _Kind, x: Any, initial: Initializer) -> Any:
    """Three convolutions with pooling after the first two, and in the upsampling model after the third as well."""
    pooled_code = kind == "upsampling"
    padding = "same" if pooled_code else "valid"
    for index, filters in enumerate((16, 8, 4), start=1):
        last = index == 3
        name = _CODE_LAYER if last and not pooled_code else f"encoder_conv_{index}"
        convolution = layers.Conv2D(
            filters, 3, activation="relu", padding=padding, kernel_initializer=initial, name=name
        )
        x = convolution(x)
        if not last or pooled_code:
            name = _CODE_LAYER if last else f"encoder_pool_{index}"
            x = layers.MaxPooling2D((2, 2), padding=padding, name=name)(x)
    return x


def _decode(kind: _Kind, x: Any, initial: Initializer) -> Any:
    layer = layers.Conv2D if kind == "upsampling" else layers.Conv2DTranspose
    for index, filters in enumerate((4, 8, 16), start=1):
        # The third convolution is the only one of the decoder without "same": it brings 16 back to 14, or 12 up to 14.
        padding = "valid" if index == 3 else "same"
        name = f"decoder_conv_{index}"
        x = layer(filters, 3, activation="relu", padding=padding, kernel_initializer=initial, name=name)(x)
        x = layers.UpSampling2D((2, 2), name=f"decoder_upsample_{index}")(x)
    return layer(1, 3, activation="sigmoid", padding="same", kernel_initializer=initial, name="decoder_conv_4")(x)


def _rebuilt_side(kind: _Kind, side: int) -> int:
    """The side of the output for a side of the input; nothing positive where nothing is left of it on the way."""
    if kind == "upsampling":
        code = -(-side // 8)
        return 2 * (4 * code - 2)
    code = ((side - 2) // 2 - 2) // 2 - 2
    return 2 * (4 * code + 2) if code > 0 else 0


class AutoEncoder:
    """Training and use of one of the two auto-encoders.

    Pictures may be uint8 (divided by 255 here) or floats (taken as they are, expected in 0 to 1), of shape (N, H, W) or
    (N, H, W, 1).

    The loss is binary cross-entropy. The default optimizer is Adadelta at learning rate 1.0, which is the method as
    published (Zeiler 2012). The string "adadelta" in ``compile`` means 0.001, here as in Keras, at which these models
    hardly learn. `day33.set_random_seed` beforehand makes weights and training repeatable.

    Args:
        kind: "upsampling" or "transposed".
        input_shape: (H, W, 1).
        optimizer: "adadelta", "adam" or "sgd", or an optimizer object.
        learning_rate: None means 1.0 for "adadelta" and the optimizer's own default for the others. Not allowed
            together with an optimizer object, which carries its own.

    Attributes:
        kind, input_shape: as given.
        code_shape: the shape of a code, (4, 4, 4) or (3, 3, 4) for 28 x 28 pictures.
        model: the whole `Model`, compiled.
        encoder: pictures to codes; shares its weights with `model`.
        decoder: codes to pictures; shares its weights with `model`.
        learning_rates: the names of optimizers, and the learning rate of each by default.
        files: the names of the files that `save` writes.

    Raises:
        TypeError: a side of `input_shape` is no integer.
        ValueError: an argument is none of the above.
    """

    learning_rates: ClassVar[Mapping[str, float]] = MappingProxyType({"adadelta": 1.0, "adam": 0.001, "sgd": 0.01})
    files: ClassVar[tuple[str, ...]] = (_WEIGHTS_FILE, _CONFIG_FILE)

    def __init__(
        self,
        kind: _Kind = "upsampling",
        *,
        input_shape: Sequence[int] = (28, 28, 1),
        optimizer: str | optimizers.Optimizer = "adadelta",
        learning_rate: float | None = None,
    ) -> None:
        self.kind = kind
        self.model = build(kind, input_shape)
        self.input_shape = _checked_shape(kind, input_shape)
        self.model.compile(optimizer=_optimizer(optimizer, learning_rate), loss="binary_crossentropy")
        code = self.model.get_layer(_CODE_LAYER).output
        self.encoder = Model(self.model.inputs[0], code, name="encoder")
        self.code_shape: tuple[int, ...] = tuple(int(side) for side in code.shape[1:])
        self.decoder = self._build_decoder()

    def __repr__(self) -> str:
        return f"<AutoEncoder {self.kind!r}: {self.input_shape}, {self.model.count_params():,} parameters>"

    def _build_decoder(self) -> Model:
        names = [layer.name for layer in self.model.layers]
        entry = layers.Input(shape=self.code_shape, name="code_input")
        x = entry
        for layer in self.model.layers[names.index(_CODE_LAYER) + 1 :]:
            x = layer(x)
        return Model(entry, x, name="decoder")

    def fit(
        self,
        x: ArrayLike,
        validation_data: ArrayLike | tuple[ArrayLike, ArrayLike] | None = None,
        *,
        epochs: int = 50,
        batch_size: int = 256,
        shuffle: bool = True,
        callbacks: Sequence[Callback] | None = None,
        verbose: str | int = "auto",
    ) -> History:
        """Train on pictures; each is its own target.

        Args:
            x: pictures.
            validation_data: other pictures, or a pair whose second part (labels, or the same pictures) is ignored.
            epochs, batch_size, shuffle, callbacks, verbose: as in Keras's ``fit``.

        Returns:
            The `History` with ``"loss"`` and, with validation pictures, ``"val_loss"``.

        Raises:
            ValueError: a wrong shape, or floats outside 0 to 1.
            TypeError: pictures that are neither uint8 nor floats.
        """
        pictures = self._pictures(x, "x")
        _check_range(pictures, "x")
        validation = None
        if validation_data is not None:
            held_out = validation_data[0] if isinstance(validation_data, tuple) else validation_data
            validation = self._pictures(held_out, "validation_data")
            _check_range(validation, "validation_data")
        return self.model.fit(
            pictures,
            pictures,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            validation_data=None if validation is None else (validation, validation),
            callbacks=None if callbacks is None else list(callbacks),
            verbose=verbose,
        )

    def encode(self, x: ArrayLike, *, batch_size: int = 256) -> _Float32:
        """Encode pictures.

        Args:
            x: pictures.
            batch_size: pictures that are computed at a time.

        Returns:
            float32 (N, *code_shape).

        Raises:
            TypeError, ValueError: as `fit`, except that the range of floats is not checked.
        """
        return _predict(self.encoder, self._pictures(x, "x"), batch_size)

    def decode(self, codes: ArrayLike, *, batch_size: int = 256) -> _Float32:
        """Decode codes.

        Args:
            codes: (N, *code_shape), as `encode` gives them.
            batch_size: codes that are computed at a time.

        Returns:
            Pictures, float32 (N, H, W, 1) of 0 to 1.

        Raises:
            ValueError: another shape.
        """
        array = np.asarray(codes)
        if array.shape[1:] != self.code_shape or array.ndim != len(self.code_shape) + 1:
            raise ValueError(f"codes has shape {array.shape}; expected (N, {', '.join(map(str, self.code_shape))})")
        return _predict(self.decoder, array, batch_size)

    def reconstruct(self, x: ArrayLike, *, batch_size: int = 256) -> _Float32:
        """Encode pictures and decode them again.

        Args:
            x: pictures.
            batch_size: pictures that are computed at a time.

        Returns:
            Pictures, float32 (N, H, W, 1) of 0 to 1.

        Raises:
            TypeError, ValueError: as `encode`.
        """
        return _predict(self.model, self._pictures(x, "x"), batch_size)

    def anomaly_score(self, x: ArrayLike, *, metric: Literal["bce", "mse"] = "bce") -> NDArray[np.float64]:
        """Measure how badly each picture is rebuilt. Pictures unlike those the model was trained on score high.

        Args:
            x: pictures.
            metric: "bce", the mean binary cross-entropy between picture and reconstruction (the training loss, one
                picture at a time), or "mse", the mean squared difference. The cross-entropy of a perfect reconstruction
                is the entropy of the picture's greys and not 0, so compare scores, or use "mse".

        Returns:
            float64 (N,).

        Raises:
            ValueError: another metric, or a wrong shape.
        """
        if metric not in ("bce", "mse"):
            raise ValueError(f"metric is {metric!r}; expected 'bce' or 'mse'")
        pictures = self._pictures(x, "x")
        scores = np.empty(len(pictures), np.float64)
        for start in range(0, len(pictures), _SCORE_CHUNK):  # doubles for a chunk only, not for the whole set
            part = slice(start, start + _SCORE_CHUNK)
            target = pictures[part].astype(np.float64)
            rebuilt = _predict(self.model, pictures[part], 256).astype(np.float64)
            if metric == "mse":
                errors = np.square(target - rebuilt)
            else:
                p = np.clip(rebuilt, _EPSILON, 1 - _EPSILON)
                errors = -(target * np.log(p) + (1 - target) * np.log1p(-p))
            scores[part] = errors.mean(axis=(1, 2, 3))
        return scores

    def save(self, directory: PathLike) -> None:
        """Write the weights (``weights.npz``) and what is needed to build the model (``autoencoder.json``).

        The optimizer's state is not kept: `load` is for using the model. Each file appears whole or not at all.

        Args:
            directory: the folder for the files; made if it is missing.

        Raises:
            OSError: the folder cannot be made, or a file cannot be written.
        """
        folder = Path(directory)
        make_folder(folder)
        self.model.save_weights(folder / _WEIGHTS_FILE)
        write_json(folder / _CONFIG_FILE, {"kind": self.kind, "input_shape": list(self.input_shape)})

    @classmethod
    def load(cls, directory: PathLike) -> AutoEncoder:
        """Load the auto-encoder that `save`, or ``day33 autoencoder``, wrote to a folder.

        Initial weights are not drawn.

        Args:
            directory: the folder.

        Returns:
            The auto-encoder. Its optimizer is the default one, without state.

        Raises:
            FileNotFoundError: one of the two files is missing.
            ValueError: a file is damaged, or the weights are not those of the model.
        """
        folder = Path(directory)
        config = read_json(folder / _CONFIG_FILE)
        try:
            kind = config["kind"]
            shape = _checked_shape(kind, config["input_shape"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder / _CONFIG_FILE}: not the description of an auto-encoder: {error}") from error
        return weight_files.load_new(
            folder / _WEIGHTS_FILE, lambda: cls(kind, input_shape=shape), lambda made: made.model
        )

    def _pictures(self, x: ArrayLike, name: str) -> _Float32:
        array = np.asarray(x)
        expected = f"(N, {self.input_shape[0]}, {self.input_shape[1]}) with or without a last axis of 1"
        if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"{name} has dtype {array.dtype} and shape {array.shape}; expected uint8 or floats")
        if array.shape[1:] == self.input_shape[:2]:
            array = array[..., np.newaxis]
        if array.ndim != 4 or array.shape[1:] != self.input_shape:
            raise ValueError(f"{name} has shape {np.shape(x)}; expected {expected}")
        if array.dtype == np.uint8:
            array = array / np.float32(255)
        return np.asarray(array, dtype=np.float32)


def _predict(model: Model, x: NDArray[Any], batch_size: int) -> _Float32:
    outputs: _Float32 = model.predict(x, batch_size=batch_size, verbose=0)
    return outputs


def _optimizer(optimizer: str | optimizers.Optimizer, learning_rate: float | None) -> optimizers.Optimizer:
    if not isinstance(optimizer, str):
        if learning_rate is not None:
            raise ValueError(f"learning_rate is {learning_rate}; expected None with an optimizer object, which has one")
        return optimizer
    if optimizer not in _OPTIMIZERS:
        raise ValueError(
            f"optimizer is {optimizer!r}; expected one of {', '.join(_OPTIMIZERS)}, or an optimizer object"
        )
    rate = AutoEncoder.learning_rates[optimizer] if learning_rate is None else learning_rate
    if not rate > 0 or not np.isfinite(rate):
        raise ValueError(f"learning_rate is {learning_rate}; expected a positive number")
    return _OPTIMIZERS[optimizer](learning_rate=rate)


def _check_range(pictures: _Float32, name: str) -> None:
    if pictures.size and (pictures.min() < 0 or pictures.max() > 1):
        low, high = float(pictures.min()), float(pictures.max())
        raise ValueError(
            f"{name} has floats from {low:g} to {high:g}; expected 0 to 1 (pass uint8, or divide by 255 first)"
        )


def __dir__() -> list[str]:
    return list(__all__)
