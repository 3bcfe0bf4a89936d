"""The code of an auto-encoder as features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import optimizers
from ..autoencoder import build
from ..models import Model
from ._randomness import OwnSeed, generator_of
from .channels import as_pictures

__all__ = ["EncoderFeatures"]


class EncoderFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Trains one of day33's auto-encoders on the pictures, without their labels, and hands on their codes.

    Args:
        image_shape: (H, W) of the picture in the leading columns of X.
        kind: "upsampling" (64 values) or "transposed" (36 values), see `day33.autoencoder`.
        passthrough: whether the columns of X stay, in front of the code.
        epochs, batch_size: of the training. learning_rate: of Adam.
        random_state: fixes weights and order.

    Attributes:
        model_: the trained auto-encoder. encoder_: its first half. scale_: what pixels are divided by.
    """

    def __init__(
        self,
        image_shape: tuple[int, int] = (28, 28),
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
        """Train on the pictures in X (N, F); y is not looked at.

        Raises ValueError where X has fewer columns than the picture, or a kind or shape that no auto-encoder has.
        """
        X = validate_data(self, X, dtype=np.float32)
        rng = generator_of(self.random_state)
        pictures, _ = as_pictures(X, self.image_shape)
        self.scale_ = float(np.abs(pictures).max(initial=0)) or 1.0
        pictures = np.clip(pictures / np.float32(self.scale_), 0, 1)
        self._build(int(rng.integers(2**31)))
        self.model_.compile(optimizer=optimizers.Adam(learning_rate=self.learning_rate), loss="binary_crossentropy")
        self.model_.fit(
            pictures,
            pictures,
            epochs=self.epochs,
            batch_size=self.batch_size,
            callbacks=[OwnSeed(int(rng.integers(2**63)))],
            verbose=0,
        )
        return self

    def _build(self, seed: int) -> None:
        self.model_ = build(self.kind, (*self.image_shape, 1), seed=seed)  # type: ignore[arg-type]
        self.encoder_ = Model(self.model_.inputs[0], self.model_.get_layer("code").output, name="encoder")

    def transform(self, X: Any) -> NDArray[np.float32]:
        """(N, F) to (N, F + 64), or to (N, 64) without `passthrough`."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float32)
        pictures, _ = as_pictures(X, self.image_shape)
        code = self.encoder_.predict(np.clip(pictures / np.float32(self.scale_), 0, 1), verbose=0)
        flat = np.asarray(code.reshape(len(X), -1), np.float32)
        return np.concatenate([X, flat], axis=1) if self.passthrough else flat

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
            self._build(0)
            self.model_.set_weights(state["model_"])
