"""Many threads of Python, many threads of the pool: each gets the bits that it would get alone.

`nox -s sanitizers -- python` runs these tests under ThreadSanitizer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import day33
from day33 import _native, layers, models, ops
from day33.decoding import Decoder
from support.language_models import random_weights

SAMPLES = 40


def of_images() -> tuple[Any, Any, Any]:
    model = models.Sequential([
        layers.Input((8, 8, 2)), layers.Conv2D(6, 3, padding="same"), layers.BatchNormalization(),
        layers.Activation("relu"), layers.MaxPooling2D(2), layers.SpatialDropout2D(0.2),
        layers.DepthwiseConv2D(3, activation="gelu"), layers.UpSampling2D(2), layers.Conv2DTranspose(3, 3, strides=2),
        layers.GlobalAveragePooling2D(), layers.LayerNormalization(), layers.Dense(3, activation="softmax"),
    ])  # fmt: skip
    rng = np.random.default_rng(0)
    return model, rng.random((SAMPLES, 8, 8, 2), np.float32), rng.integers(0, 3, SAMPLES)


def of_texts() -> tuple[Any, Any, Any]:
    tokens = layers.Input((7,), dtype="int32")
    x = layers.Embedding(20, 8, mask_zero=True)(tokens)
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True))(x)
    x = layers.GRU(6, dropout=0.2)(x)
    model = models.Model(tokens, layers.Dense(3, activation="softmax")(x))
    rng = np.random.default_rng(1)
    return model, rng.integers(0, 20, (SAMPLES, 7)).astype(np.int32), rng.integers(0, 3, SAMPLES)


KINDS = {"images": of_images, "texts": of_texts}


def trained(kind: str) -> list[bytes]:
    """What a new model predicts, and its weights, after two epochs."""
    model, x, y = KINDS[kind]()
    rng = np.random.default_rng(2)
    model.set_weights([rng.uniform(0.1, 0.4, weight.shape).astype(np.float32) for weight in model.get_weights()])
    model.compile(day33.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for step in range(4):
        part = slice(step % 2 * SAMPLES // 2, (step % 2 + 1) * SAMPLES // 2)
        model.train_on_batch(x[part], y[part])
    return [model.predict_on_batch(x).tobytes(), *(weight.tobytes() for weight in model.get_weights())]


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What work(0), work(1), ... return, called at once. What one of them raises is raised."""
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait()
            results[number] = work(number)
        except BaseException as error:
            results[number] = error

    workers = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@pytest.mark.parametrize("kind", KINDS)
def test_training_on_any_number_of_threads(restored_threads, kind):
    results = []
    for count in (1, 2, 4):
        _native.set_num_threads(count)
        day33.set_random_seed(0)
        results.append(trained(kind))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_meets_new_batches_in_many_threads(restored_threads, kind):
    """Plans are traced, and weights are packed, while other threads use them."""
    _native.set_num_threads(2)
    (model, x, _), (other, _, _) = KINDS[kind](), KINDS[kind]()
    other.set_weights(model.get_weights())
    expected = [other.predict_on_batch(x[: 1 + 7 * number]).tobytes() for number in range(6)]

    def work(number: int) -> list[bytes]:
        return [model.predict_on_batch(x[: 1 + 7 * (number + turn & 3)]).tobytes() for turn in range(4)]

    for number, found in enumerate(in_threads(4, work)):
        assert found == [expected[number + turn & 3] for turn in range(4)]


def test_each_thread_trains_a_model_of_its_own(restored_threads):
    """Without dropout, whose seeds all threads draw from one stream."""
    _native.set_num_threads(3)
    rng = np.random.default_rng(0)
    x, y = rng.random((SAMPLES, 6), np.float32), rng.random((SAMPLES, 2), np.float32)

    def work(_: int) -> list[bytes]:
        model = models.Sequential([layers.Input((6,)), layers.Dense(9, activation="tanh"), layers.Dense(2)])
        model.set_weights([np.full(weight.shape, 0.1, np.float32) for weight in model.get_weights()])
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
        return [weight.tobytes() for weight in model.get_weights()]

    alone = work(0)
    assert in_threads(4, work) == [alone] * 4


def test_functions_of_new_shapes_in_many_threads(restored_threads):
    """More shapes than the cache of plans holds, so that plans are dropped while other threads look for theirs."""
    rng = np.random.default_rng(0)
    x, kernel = rng.random((2, 12, 12, 3), np.float32), rng.random((2, 2, 3, 4), np.float32)

    def work(_: int) -> list[bytes]:
        sizes = [(height, width) for height in range(2, 9) for width in range(2, 9)]
        return [ops.conv2d(x[:, :height, :width], kernel).tobytes() for height, width in sizes]

    alone = work(0)
    assert in_threads(4, work) == [alone] * 4


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_a_decoder_in_many_threads(restored_threads, kind):
    _native.set_num_threads(3)
    decoder = Decoder(*random_weights(vocab_size=700, embedding_size=32, units=(48, 48)).arrays, weights=kind)

    def work(number: int) -> Any:
        prompts = [[1 + number, 2, 3], [4, 5 + number]]
        return decoder.generate(prompts, max_len=12, temperature=0.8, seed=number)

    alone = [work(number) for number in range(4)]
    assert in_threads(4, work) == alone
