"""Peak memory of one workload in this process: `python bench/memory_steps.py training-upsampling day33`.

Prints a JSON object: bytes at rest after the imports, bytes at the peak, seconds of each step. There is one participant
per process, because memory that an allocator keeps from one would count for the next. `test_memory.py` calls it.
"""

from __future__ import annotations

from harness import THREADS, memory, peers

# isort: split
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import day33
import lyricist_peers
from autoencoder_races import PREDICTORS, made, trainers
from day33 import lyricist

STEPS = 3  # plans, traces and slots of optimizers are there after the first
TRAINING_BATCH, INFERENCE_BATCH = 256, 2048
LINES, LENGTH, VOCABULARY, WIDTH, UNITS = 256, 20, 7001, 256, 1024


def import_library(participant: str) -> bool:
    """Imports the participant's library; False where it is not installed."""
    if participant.startswith(("keras", "tf")):
        if peers.tensorflow() is None:
            return False
        import keras  # noqa: F401
    elif participant == "torch":
        return peers.torch() is not None
    elif participant == "onnxruntime":
        return peers.onnx_node("Relu", ("x",)) is not None
    elif participant == "jax":
        return peers.jax() is not None
    return True


# ---- workloads: each makes one participant's step ----


def training(kind: str, participant: str) -> Callable[[], Any]:
    return made(trainers(TRAINING_BATCH), kind, TRAINING_BATCH, [participant])[participant].run


def inference(kind: str, participant: str) -> Callable[[], Any]:
    return made(PREDICTORS, kind, INFERENCE_BATCH, [participant])[participant].run


def lyricist_weights() -> list[Any]:
    """In the order of day33 and Keras, without a model of either."""
    rng = np.random.default_rng(33)
    shapes: list[tuple[int, ...]] = [(VOCABULARY, WIDTH)]
    for inputs in (WIDTH, UNITS):
        shapes += [(inputs, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)]
    return [rng.normal(0, 0.02, shape).astype(np.float32) for shape in [*shapes, (UNITS, VOCABULARY), (VOCABULARY,)]]


def lyricist_training(participant: str) -> Callable[[], Any]:
    rng, weights = np.random.default_rng(33), lyricist_weights()
    source, target = (rng.integers(1, VOCABULARY, (LINES, LENGTH), dtype=np.int32) for _ in range(2))
    if participant == "torch":
        steps = lyricist_peers.TorchTraining(lyricist_peers.torch_model(weights))
        read, say = (peers.torch().from_numpy(numbers).long() for numbers in (source, target))
        return lambda: steps.step(read, say)
    if participant == "keras":
        model = lyricist_peers.keras_model(weights, mask=False)
    else:
        model = lyricist.TextGenerator(VOCABULARY, WIDTH, UNITS, padding="count")
        model.build_weights()
        model.set_weights(weights)
        model.compile()
    return lambda: model.train_on_batch(source, target)


TRAINING = ("day33", "keras", "keras XLA", "torch", "jax")
PREDICTING = ("day33", "tf XLA", "keras predict", "torch", "onnxruntime", "jax")
# By name on the command line: the title, the participants, and what makes a step of one of them.
WORKLOADS: dict[str, tuple[str, tuple[str, ...], Callable[[str], Callable[[], Any]]]] = {
    **{
        f"training-{kind}": (
            f"auto-encoder ({kind}), training step, batch {TRAINING_BATCH}", TRAINING,
            lambda participant, kind=kind: training(kind, participant),
        )
        for kind in ("upsampling", "transposed")
    },
    **{
        f"inference-{kind}": (
            f"auto-encoder ({kind}), inference, batch {INFERENCE_BATCH}", PREDICTING,
            lambda participant, kind=kind: inference(kind, participant),
        )
        for kind in ("upsampling", "transposed")
    },
    "lyricist": (
        f"lyricist, training step, batch {LINES} × {LENGTH}", ("day33", "keras", "torch"), lyricist_training,
    ),
}  # fmt: skip


def main() -> None:
    workload, participant = sys.argv[1:]
    if not import_library(participant):
        print(json.dumps(None))
        return
    day33.set_num_threads(THREADS)
    make = WORKLOADS[workload][2]
    print(json.dumps(memory.measure(lambda: make(participant), STEPS)))


if __name__ == "__main__":
    main()
