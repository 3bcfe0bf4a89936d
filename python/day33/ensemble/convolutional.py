"""A scikit-learn classifier around a convolutional network of day33."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .. import layers, losses, optimizers
from .._core.arrays import as_int
from ..initializers import HeNormal, Initializer
from ..models import Model
from ..optimizers.schedules import CosineDecay
from ..random import SeedGenerator
from ..sklearn.inputs import validated
from ..sklearn.randomness import OwnSeed, generator_of
from ._networks import restored
from .augmentation import Augmentation
from .channels import as_pictures, as_rows, plain_shape

__all__ = ["ConvClassifier"]

_Float32 = NDArray[np.float32]

_WARMUP, _START = 0.3, 1 / 25


def _one_cycle(peak: float, steps: int) -> CosineDecay:
    """A rate that climbs from 1/25 of its peak for 30% of the steps and falls along a cosine to 0 in the others.

    Smith and Topin, Super-Convergence (2018), section 4, with the proportions of torch's OneCycleLR.
    """
    warmup = max(int(steps * _WARMUP), 1)
    return CosineDecay(peak * _START, max(steps - warmup, 1), warmup_target=peak, warmup_steps=warmup)


class ConvClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A small convolutional network as a scikit-learn classifier, trained by day33's own kernels.

    Blocks of two 3 x 3 convolutions, each with batch normalisation and ReLU, are followed by 2 x 2 max-pooling and
    dropout; then a dense layer, dropout, and a softmax over the classes. Columns of X behind the picture (the letter as
    one-hot) join in front of the dense layer. Adam with decoupled weight decay, a one-cycle learning rate and
    label smoothing train it.

    Args:
        image_shape: (H, W) of the picture in the leading columns of X; None takes all columns as a square, or as a
            picture one pixel high where their number is no square.
        n_extra: columns behind the picture.
        preprocessor: what every row goes through before the network, after any augmentation: a scikit-learn transformer
            such as `ChannelSplitter`. It may multiply the pixels (to channels), not the extra columns.
        augment: an `Augmentation` whose `redraw` gives the training set of each epoch; None trains on the same rows.
        filters: of each convolution; two make a block. dense_units: of the dense layer. dropout: rate before the
            softmax; half of it after each block.
        epochs, batch_size: as in ``fit`` of a model. learning_rate: the peak of the cycle.
        shift: pixels; where it is not 0, probabilities are the mean of those of the picture itself, twice, and of the
            picture moved by so many pixels up, down, left and right, with black behind it. Five times the work.
        weight_decay, label_smoothing: as in `day33.optimizers.Adam` and `day33.losses.CategoricalCrossentropy`.
        random_state: fixes weights, order, augmentation and dropout.
        verbose: as in ``fit`` of a model.

    Attributes:
        model_: the `day33.Model`. classes_: the labels. history_: the loss after each epoch. scale_: what pixels are
            divided by.
    """

    def __init__(
        self,
        image_shape: tuple[int, int] | None = None,
        *,
        n_extra: int = 0,
        preprocessor: Any = None,
        augment: Augmentation | None = None,
        filters: tuple[int, ...] = (32, 32, 64, 64),
        dense_units: int = 128,
        dropout: float = 0.1,
        epochs: int = 60,
        batch_size: int = 64,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
        label_smoothing: float = 0.1,
        shift: int = 0,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.image_shape = image_shape
        self.n_extra = n_extra
        self.preprocessor = preprocessor
        self.augment = augment
        self.filters = filters
        self.dense_units = dense_units
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.shift = shift
        self.random_state = random_state
        self.verbose = verbose

    # ---- training ----

    def fit(self, X: Any, y: Any) -> ConvClassifier:
        """Train the network.

        Args:
            X: rows (N, F) of numbers. y: labels (N,).

        Raises:
            TypeError: X or y is a masked array, or a parameter has a wrong type.
            ValueError: fewer than two classes, NaN or infinity, columns that do not hold pictures of `image_shape`, or
                a parameter out of range.
        """
        X, y = validated(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y holds one class only ({self.classes_[0]!r}); a classifier needs two or more")
        for name, minimum in (("epochs", 1), ("batch_size", 1), ("n_extra", 0), ("shift", 0)):
            as_int(name, getattr(self, name), minimum)
        rng = generator_of(self.random_state)
        self.preprocessor_ = None if self.preprocessor is None else clone(self.preprocessor).fit(X)
        self.scale_ = float(np.abs(X[:, : X.shape[1] - self.n_extra]).max(initial=0)) or 1.0
        self.input_shape_ = self._input_shape(self._transformed(X[:1]).shape[1])
        self.model_ = self._build(int(rng.integers(2**31)))
        batches = _Batches(self, X, codes, rng)
        self.model_.compile(
            optimizer=optimizers.Adam(
                learning_rate=_one_cycle(self.learning_rate, self.epochs * batches.count),
                weight_decay=self.weight_decay or None,
            ),
            loss=losses.CategoricalCrossentropy(label_smoothing=self.label_smoothing),
        )
        history = self.model_.fit(
            batches,
            epochs=self.epochs,
            steps_per_epoch=batches.count,
            callbacks=[OwnSeed(int(rng.integers(2**63)))],
            verbose=self.verbose,
        )
        self.history_ = list(history.history["loss"])
        return self

    def _restore(self, weights: Sequence[NDArray[Any]]) -> None:
        """Make `model_` with weights of another one of the same parameters. ValueError where their shapes differ."""
        self.model_ = restored(lambda: self._build(seed=0), weights)

    def _build(self, seed: int) -> Model:
        """The network; the seed is that of its weights and of dropout."""
        if not self.filters:
            raise ValueError("filters is empty; expected the number of filters of one convolution or more")
        initial = HeNormal(seed=SeedGenerator(seed))
        picture = layers.Input(shape=self.input_shape_, name="picture")
        inputs, x = [picture], picture
        for index, filters in enumerate(self.filters):
            x = self._convolution(x, filters, initial, index + 1)
            if index % 2 == 1 or index == len(self.filters) - 1:
                x = layers.MaxPooling2D(2, padding="same")(x)
                x = layers.Dropout(self.dropout / 2, seed=seed + index)(x)
        x = layers.Flatten()(x)
        if self.n_extra:
            extra = layers.Input(shape=(self.n_extra,), name="extra")
            inputs.append(extra)
            x = layers.Concatenate()([x, extra])
        x = layers.Dense(self.dense_units, use_bias=False, kernel_initializer=initial, name="dense")(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.Dropout(self.dropout, seed=seed + len(self.filters))(x)
        y = layers.Dense(len(self.classes_), activation="softmax", kernel_initializer=initial, name="classes")(x)
        return Model(inputs if self.n_extra else picture, y, name="conv_classifier")

    @staticmethod
    def _convolution(x: Any, filters: int, initial: Initializer, number: int) -> Any:
        name = f"conv_{number}"
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer=initial, name=name)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    def _input_shape(self, columns: int) -> tuple[int, int, int]:
        pixels = columns - self.n_extra
        shape = plain_shape(self.image_shape, max(pixels, 0))
        area = shape[0] * shape[1]
        if area < 1 or pixels < area or pixels % area:
            raise ValueError(
                f"X gives {columns} columns to the network, {self.n_extra} of them extra; "
                f"expected a multiple of the {area} pixels of image_shape {self.image_shape}, and the extra ones"
            )
        return (*shape, pixels // area)

    def _transformed(self, X: Any) -> _Float32:
        rows = X if self.preprocessor_ is None else self.preprocessor_.transform(X)
        return np.asarray(rows, dtype=np.float32)

    def _inputs(self, X: Any) -> Any:
        """What the network takes: pictures of 0 to 1 (N, H, W, C), and the extra columns where there are any."""
        rows = self._transformed(X)
        pixels = rows.shape[1] - self.n_extra
        pictures = (rows[:, :pixels] / np.float32(self.scale_)).reshape(len(rows), *self.input_shape_)
        return [pictures, np.ascontiguousarray(rows[:, pixels:])] if self.n_extra else pictures

    # ---- use ----

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The network's probabilities.

        Args:
            X: rows (N, F) of numbers.

        Returns:
            (N, K), float64; each row sums to 1.

        Raises:
            TypeError: X is a masked array.
            ValueError: X has another number of columns than `fit` saw, or NaN or infinity.
        """
        check_is_fitted(self)
        X = validated(self, X, reset=False, dtype=np.float32)
        probabilities = self._probabilities(X)
        if self.shift:
            probabilities = 2 * probabilities + sum(self._probabilities(moved) for moved in self._moved(X))
        return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))

    def _probabilities(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(self.model_.predict(self._inputs(X), verbose=0), np.float64)

    def _moved(self, X: _Float32) -> Iterator[_Float32]:
        """The rows with their pictures moved by `shift` in each of four directions."""
        pictures, rest = as_pictures(X, plain_shape(self.image_shape, X.shape[1] - self.n_extra))
        for axis, step in itertools.product((1, 2), (self.shift, -self.shift)):
            yield as_rows(_shifted(pictures, step, axis), rest)

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each row of X (N, F), as labels (N,); the lowest of several."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    # A model does not pickle; its weights do, and the network around them is built anew.
    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = self.model_.get_weights()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "model_" in state:
            self._restore(state["model_"])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags


def _shifted(pictures: _Float32, step: int, axis: int) -> _Float32:
    """Pictures (N, H, W, C) moved by a step along an axis, with 0 where nothing comes from."""
    moved = np.zeros_like(pictures)
    size = pictures.shape[axis]
    kept = max(size - abs(step), 0)
    to, start = max(step, 0), max(-step, 0)
    target, source = [slice(None)] * 4, [slice(None)] * 4
    target[axis], source[axis] = slice(to, to + kept), slice(start, start + kept)
    moved[tuple(target)] = pictures[tuple(source)]
    return moved


class _Batches:
    """Endless batches (inputs, one-hot): a newly drawn and shuffled training set per epoch, cut into equal parts.

    Attributes:
        count: batches per epoch.
    """

    def __init__(self, owner: ConvClassifier, X: Any, codes: NDArray[np.intp], rng: np.random.Generator) -> None:
        self._owner, self._X, self._codes, self._rng = owner, X, codes, rng
        self._drawn = self._draw()
        self.count = math.ceil(len(self._drawn[0]) / owner.batch_size)

    def _draw(self) -> tuple[Any, NDArray[np.intp]]:
        augment = self._owner.augment
        return (self._X, self._codes) if augment is None else augment.redraw(self._X, self._codes, self._rng)

    def __iter__(self) -> Iterator[tuple[Any, _Float32]]:
        eye = np.eye(len(self._owner.classes_), dtype=np.float32)
        while True:
            X, codes = self._drawn
            for rows in np.array_split(self._rng.permutation(len(X)), self.count):
                yield self._owner._inputs(X[rows]), eye[codes[rows]]
            self._drawn = self._draw()
