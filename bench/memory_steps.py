"""Peak memory of one workload in this process: `python bench/memory_steps.py training-upsampling day33`.

Prints a JSON object: bytes at rest after the imports, bytes at the peak, seconds of each step; or null if the
participant is not installed. There is one participant per process, because memory that an allocator keeps from one
would count for the next. `test_memory.py` calls this script.
"""

from __future__ import annotations

from harness import THREADS, memory, peers

# isort: split
import json
import sys
from collections.abc import Callable
from typing import Any

import autoencoder_races
import day33
import lyricist_races
from autoencoder_races import KINDS, made

STEPS = 3  # plans, traces and the slots of optimizers exist after the first step
TRAINING_BATCH, INFERENCE_BATCH = 256, 2048
Step = Callable[[], Any]


def import_library(participant: str) -> bool:
    """Imports the participant's library. Returns False if it is not installed."""
    if participant.startswith(("keras", "tf")):
        if peers.tensorflow() is None:
            return False
        import keras  # noqa: F401
    elif participant == "torch":
        return peers.torch() is not None
    elif participant == "onnxruntime":
        return peers.onnxruntime() is not None and peers.onnx_chain() is not None
    elif participant == "jax":
        return peers.jax() is not None
    return True


# ---- workloads: each makes the step of one participant ----


def training(kind: str, participant: str) -> Step:
    makers = autoencoder_races.trainers(TRAINING_BATCH)
    return made(makers, kind, TRAINING_BATCH, [participant])[participant].run


def inference(kind: str, participant: str) -> Step:
    return made(autoencoder_races.PREDICTORS, kind, INFERENCE_BATCH, [participant])[participant].run


def lyricist_training(participant: str) -> Step:
    found = lyricist_races.TRAINERS[participant](lyricist_races.random_weights(), *lyricist_races.full_lines())
    assert found is not None  # its library has been imported
    return found.run


TRAINERS = ("day33", "keras", "keras XLA", "torch", "jax")
PREDICTORS = ("day33", "tf XLA", "keras predict", "torch", "onnxruntime", "jax")
# By name on the command line: the title, the participants, and a function that makes the step of one of them.
WORKLOADS: dict[str, tuple[str, tuple[str, ...], Callable[[str], Step]]] = {
    **{
        f"training-{kind}": (
            f"auto-encoder ({kind}), training step, batch {TRAINING_BATCH}",
            TRAINERS,
            lambda participant, kind=kind: training(kind, participant),
        )
        for kind in KINDS
    },
    **{
        f"inference-{kind}": (
            f"auto-encoder ({kind}), inference, batch {INFERENCE_BATCH}", PREDICTORS,
            lambda participant, kind=kind: inference(kind, participant),
        )
        for kind in KINDS
    },
    "lyricist": (
        f"lyricist, training step, batch {lyricist_races.LINES} × {lyricist_races.LENGTH}",
        tuple(lyricist_races.TRAINERS), lyricist_training,
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
