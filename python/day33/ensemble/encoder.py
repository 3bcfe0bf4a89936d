"""The code of an auto-encoder as features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .. import optimizers
from .._core.arrays import as_int
from ..autoencoder import build
from ..models import Model
from ..sklearn.inputs import validated
from ..sklearn.randomness import OwnSeed, generator_of
from ._networks import restored
from .channels import as_pictures, plain_shape

__all__ = ["EncoderFeatures"]

_Float32 = NDArray[np.float32]


class EncoderFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Trains one of day33's auto-encoders on the pictures, without their labels, and hands on their codes.

    An auto-encoder takes pictures of certain sizes only (see `day33.autoencoder.build`); others get black rows and
    columns at their lower and right edge, up to the next such size.

    Args:
        image_shape: (H, W) of the picture in the leading columns of X; None takes all columns as a square, or as a
            picture one pixel high where their number is no square.
        kind: "upsampling" (64 values for 28 x 28) or "transposed" (36 values, at most 28 x 28), see
            `day33.autoencoder`.
        passthrough: whether the columns of X stay, in front of the code.
        epochs, batch_size: of the training. learning_rate: of Adam.
        random_state: fixes weights and order.

    Attributes:
        model_: the trained auto-encoder. encoder_: its first half. scale_: what pixels are divided by.
        image_shape_: (H, W) of the picture in a row.
    """

    image_shape_: tuple[int, int]
    model_: Model
    encoder_: Model
    scale_: float

    def __init__(
        self,
        image_shape: tuple[int, int] | None = (28, 28),
        *,
        kind: str = "upsampling",
        passthrough: bool = True,
        epochs: int = 30,
        batch_size: int = 64,
        learning_rate: float = 2e-3,
        random_state: Any = None,
    ) -> None:
        self.image_shape = image_shape
        self.kind = kind
        self.passthrough = passthrough
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> EncoderFeatures:
        """Train on the pictures in rows.

        Args:
            X: rows (N, F) of numbers; pixels are divided by the largest one, and those below 0 count as 0.
            y: not looked at.

        Raises:
            TypeError: X is a masked array, or a parameter has a wrong type.
            ValueError: X has fewer columns than the picture, or there is no auto-encoder of that kind and size.
        """
        X = validated(self, X, dtype=np.float32)
        for name in ("epochs", "batch_size"):
            as_int(name, getattr(self, name), 1)
        rng = generator_of(self.random_state)
        self.image_shape_ = plain_shape(self.image_shape, X.shape[1])
        pictures, _ = as_pictures(X, self.image_shape_)
        self.scale_ = float(np.abs(pictures).max(initial=0)) or 1.0
        self._set_network(self._build(int(rng.integers(2**31))))
        shown = self._shown(X)
        self.model_.compile(optimizer=optimizers.Adam(learning_rate=self.learning_rate), loss="binary_crossentropy")
        self.model_.fit(
            shown,
            shown,
            epochs=self.epochs,
            batch_size=self.batch_size,
            callbacks=[OwnSeed(int(rng.integers(2**63)))],
            verbose=0,
        )
        return self

    def _build(self, seed: int) -> Model:
        """A new auto-encoder for pictures of `image_shape_`. ValueError where there is none of that kind and size."""
        height, width = (_network_side(self.kind, side) for side in self.image_shape_)
        return build(self.kind, (height, width, 1), seed=seed)  # type: ignore[arg-type]

    def _restore(self, weights: Sequence[NDArray[Any]]) -> None:
        """Make the networks with weights of another one. ValueError where their shapes differ."""
        self._set_network(restored(lambda: self._build(seed=0), weights))

    def _set_network(self, model: Model) -> None:
        self.model_ = model
        self.encoder_ = Model(model.inputs[0], model.get_layer("code").output, name="encoder")

    def _shown(self, X: _Float32) -> _Float32:
        """What the network sees of rows (N, F): pictures of 0 to 1 (N, H, W, 1), with black rows and columns added."""
        pictures, _ = as_pictures(X, self.image_shape_)
        height, width = self.model_.input_shape[1:3]
        below, right = height - pictures.shape[1], width - pictures.shape[2]
        shown: _Float32 = np.clip(pictures / np.float32(self.scale_), 0, 1)
        return np.pad(shown, ((0, 0), (0, below), (0, right), (0, 0))) if below or right else shown

    def transform(self, X: Any) -> _Float32:
        """The codes of pictures.

        Args:
            X: rows (N, F) of numbers.

        Returns:
            (N, F + K) with a code of K values behind the columns of X, or (N, K) without `passthrough`; float32.

        Raises:
            TypeError: X is a masked array.
            ValueError: X has another number of columns than `fit` saw, or NaN or infinity.
        """
        check_is_fitted(self)
        X = validated(self, X, reset=False, dtype=np.float32)
        code = self.encoder_.predict(self._shown(X), verbose=0)
        flat = np.asarray(code.reshape(len(X), -1), np.float32)
        return np.concatenate([X, flat], axis=1) if self.passthrough else flat

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """The names of the columns of X where they stay, then ``code_0, code_1, ...``."""
        check_is_fitted(self)
        code = [f"code_{number}" for number in range(self._code_size)]
        names = _check_feature_names_in(self, input_features)
        return np.asarray([*(names if self.passthrough else ()), *code], dtype=object)

    @property
    def _code_size(self) -> int:
        """How many values the code of a picture has."""
        return int(np.prod(self.encoder_.output_shape[1:]))

    # A model does not pickle; its weights do, and the network around them is built anew.
    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = self.model_.get_weights()
            del state["encoder_"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "model_" in state:
            self._restore(state["model_"])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.non_deterministic = self.random_state is None
        return tags


def _network_side(kind: str, side: int) -> int:
    """The side of the smallest picture that the auto-encoder takes and that has room for `side` pixels."""
    return 8 * -(-(side + 4) // 8) - 4 if kind == "upsampling" else max(side, 28)
