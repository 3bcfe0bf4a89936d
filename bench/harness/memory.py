"""Peak memory of one workload in this process: `python bench/memory.py training-upsampling day33`.

Prints a JSON object: bytes at rest after the imports, bytes at the peak, seconds of each step. One participant a
process, because memory that an allocator keeps from one would count for the next. `test_memory.py` calls it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = 3  # plans, traces and slots of optimizers are there after the first
TRAINING_BATCH, INFERENCE_BATCH = 256, 2048
LINES, LENGTH, VOCABULARY, WIDTH, UNITS = 256, 20, 7001, 256, 1024
STATUS = Path("/proc/self/status")


def begin_peak() -> None:
    """Lets the peak begin at what is resident now, where the system allows (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak() -> int:
    """Bytes. On Linux of this program only: ru_maxrss there begins with what the parent had."""
    if STATUS.is_file():
        for line in STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def import_all(participant: str) -> bool:
    """Everything a workload of this participant imports; False where it is not installed."""
    import lyricist_peers  # noqa: F401
    import peers
    from day33 import lyricist, optimizers  # noqa: F401

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
    from autoencoder_races import made, trainers

    return made(trainers(TRAINING_BATCH), kind, TRAINING_BATCH, [participant])[participant].run


def inference(kind: str, participant: str) -> Callable[[], Any]:
    from autoencoder_races import PREDICTORS, made

    return made(PREDICTORS, kind, INFERENCE_BATCH, [participant])[participant].run


def lyricist_weights() -> list[Any]:
    """In the order of day33 and Keras, without a model of either."""
    import numpy as np

    rng = np.random.default_rng(33)
    shapes: list[tuple[int, ...]] = [(VOCABULARY, WIDTH)]
    for inputs in (WIDTH, UNITS):
        shapes += [(inputs, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)]
    return [rng.normal(0, 0.02, shape).astype(np.float32) for shape in [*shapes, (UNITS, VOCABULARY), (VOCABULARY,)]]


def lyricist_training(participant: str) -> Callable[[], Any]:
    import numpy as np

    import lyricist_peers
    import peers

    rng, weights = np.random.default_rng(33), lyricist_weights()
    source, target = (rng.integers(1, VOCABULARY, (LINES, LENGTH), dtype=np.int32) for _ in range(2))
    if participant == "torch":
        steps = lyricist_peers.TorchTraining(lyricist_peers.torch_model(weights))
        read, say = (peers.torch().from_numpy(numbers).long() for numbers in (source, target))
        return lambda: steps.step(read, say)
    if participant == "keras":
        model = lyricist_peers.keras_model(weights, mask=False)
    else:
        from day33 import lyricist

        model = lyricist.TextGenerator(VOCABULARY, WIDTH, UNITS, padding="count")
        model.build_weights()
        model.set_weights(weights)
        model.compile()
    return lambda: model.train_on_batch(source, target)


TRAINERS = ("day33", "keras", "keras XLA", "torch", "jax")
PREDICTORS = ("day33", "tf XLA", "keras predict", "torch", "onnxruntime", "jax")
# By name on the command line: the title, the participants, and what makes a step of one of them.
WORKLOADS: dict[str, tuple[str, tuple[str, ...], Callable[[str], Callable[[], Any]]]] = {
    **{
        f"training-{kind}": (
            f"auto-encoder ({kind}), training step, batch {TRAINING_BATCH}", TRAINERS,
            lambda participant, kind=kind: training(kind, participant),
        )
        for kind in ("upsampling", "transposed")
    },
    **{
        f"inference-{kind}": (
            f"auto-encoder ({kind}), inference, batch {INFERENCE_BATCH}", PREDICTORS,
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
    threads = os.environ.setdefault("OMP_NUM_THREADS", "2")
    if not import_all(participant):
        print(json.dumps(None))
        return
    import day33

    day33.set_num_threads(int(threads))
    begin_peak()
    at_rest = peak()
    step = WORKLOADS[workload][2](participant)
    seconds = []
    for _ in range(STEPS):
        begin = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"at_rest": at_rest, "peak": peak(), "seconds": seconds}))


if __name__ == "__main__":
    main()
