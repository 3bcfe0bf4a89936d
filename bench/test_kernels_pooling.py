"""Pooling and up-sampling, compared with other libraries: `python -m pytest bench/test_kernels_pooling.py`."""

from __future__ import annotations

import math
from typing import Any

import pytest

from day33 import ops
from harness import peers
from harness.arrays import normal
from harness.limits import Work, floats
from harness.race import Participant

IMAGES = 256
PARTICIPANTS = ("day33", "tensorflow", "torch", *peers.ONNX_RUNTIMES)
FAMILY = "pooling and up-sampling"
LARGE, POOLED = (IMAGES, 28, 28, 16), (IMAGES, 14, 14, 16)


def pooling(indices: bool) -> dict[str, Participant]:
    x = normal(*LARGE)

    def ours() -> Any:
        return ops.max_pool2d(x, 2, return_indices=indices)

    found = {"day33": Participant(ours, lambda: ours()[0] if indices else ours())}
    if tf := peers.tensorflow():
        tx = tf.constant(x)
        if indices:
            found["tensorflow"] = Participant(
                lambda: tf.nn.max_pool_with_argmax(tx, 2, 2, "VALID"),
                lambda: tf.nn.max_pool_with_argmax(tx, 2, 2, "VALID")[0].numpy(),
            )
        else:
            found["tensorflow"] = peers.of_tensorflow(lambda: tf.nn.max_pool2d(tx, 2, 2, "VALID"))
    if torch := peers.torch():
        px = peers.channels_last(x)
        pool = torch.nn.functional.max_pool2d
        if indices:
            found["torch"] = Participant(
                lambda: pool(px, 2, return_indices=True),
                lambda: peers.last(pool(px, 2, return_indices=True)[0].numpy()),
            )
        else:
            found["torch"] = peers.of_torch(lambda: pool(px, 2))
    if chain := peers.onnx_chain():
        types = ("FLOAT", "INT64") if indices else ("FLOAT",)
        chain.add("MaxPool", types=types, kernel_shape=[2, 2], strides=[2, 2])
        found |= peers.of_onnx(chain, x)
    return found


@pytest.mark.parametrize("participant", PARTICIPANTS)
@pytest.mark.parametrize("indices", [False, True])
def test_max_pooling(contest, indices, participant):
    name = f"max pooling 2x2 on 28x28, 16 channels, batch {IMAGES}" + (", with indices" if indices else "")
    work = Work(bytes=floats(LARGE, POOLED) + (8 * math.prod(POOLED) if indices else 0))  # the indices are int64
    contest(name, participant, lambda: pooling(indices), unit="images", amount=IMAGES, family=FAMILY, work=work)


def average_pooling() -> dict[str, Participant]:
    x = normal(*LARGE)
    found = {"day33": peers.of_numpy(lambda: ops.avg_pool2d(x, 2))}
    if tf := peers.tensorflow():
        tx = tf.constant(x)
        found["tensorflow"] = peers.of_tensorflow(lambda: tf.nn.avg_pool2d(tx, 2, 2, "VALID"))
    if torch := peers.torch():
        px = peers.channels_last(x)
        found["torch"] = peers.of_torch(lambda: torch.nn.functional.avg_pool2d(px, 2))
    if chain := peers.onnx_chain():
        found |= peers.of_onnx(chain.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2]), x)
    return found


@pytest.mark.parametrize("participant", PARTICIPANTS)
def test_average_pooling(contest, participant):
    name = f"average pooling 2x2 on 28x28, 16 channels, batch {IMAGES}"
    work = Work(bytes=floats(LARGE, POOLED))
    contest(name, participant, average_pooling, unit="images", amount=IMAGES, family=FAMILY, work=work)


def up_sampling(interpolation: str) -> dict[str, Participant]:
    x = normal(IMAGES, 14, 14, 8)
    found = {"day33": peers.of_numpy(lambda: ops.up_sampling2d(x, 2, interpolation=interpolation))}
    if tf := peers.tensorflow():
        tx = tf.constant(x)
        resize = {"nearest": tf.raw_ops.ResizeNearestNeighbor, "bilinear": tf.raw_ops.ResizeBilinear}[interpolation]
        found["tensorflow"] = peers.of_tensorflow(
            lambda: resize(images=tx, size=(28, 28), half_pixel_centers=interpolation == "bilinear")
        )
    if torch := peers.torch():
        px = peers.channels_last(x)
        found["torch"] = peers.of_torch(lambda: torch.nn.functional.interpolate(px, scale_factor=2, mode=interpolation))
    if chain := peers.onnx_chain():
        found |= peers.of_onnx(chain.add_upsampling(interpolation), x)
    return found


@pytest.mark.parametrize("participant", PARTICIPANTS)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_up_sampling(contest, interpolation, participant):
    name = f"{interpolation} up-sampling of 14x14, 8 channels, batch {IMAGES}"
    contest(
        name, participant, lambda: up_sampling(interpolation), unit="images", amount=IMAGES, family=FAMILY,
        work=Work(bytes=floats((IMAGES, 14, 14, 8), (IMAGES, 28, 28, 8))),
    )  # fmt: skip
