"""Scaling with threads, instruction set, batch size and image side: `python -m pytest bench/test_scaling.py`.

Threads (1, 2, 4, 8, 16, as far as there are cores) and instruction sets are ladders: one race has all libraries, each
with every number of threads or instruction set (a rung). The remaining benchmarks are ordinary races at several sizes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import autoencoder_races
import convnets
import day33
import test_kernels
import test_kernels_dense
from autoencoder_races import PREDICTORS, made, onnx_on, trainers, work
from day33 import _native
from harness import THREADS, arrays, peers
from harness.limits import Work, of_model
from harness.race import Participant

Makers = Callable[[], dict[str, Participant]]
BATCH = 256
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
RUNGS = [threads for threads in (1, 2, 4, 8, 16) if threads <= CORES]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    isa = _native.isa()
    yield
    _native.select_isa(isa)
    day33.set_num_threads(THREADS)
    peers.torch()  # resets its threads


def prepared(participant: Participant, prepare: Callable[[], Any]) -> Participant:
    """The participant with `prepare` called before each call, which takes at most a microsecond."""

    def with_switch(function: Callable[[], Any]) -> Callable[[], Any]:
        def call() -> Any:
            prepare()
            return function()

        return call

    return Participant(with_switch(participant.run), with_switch(participant.answer))


# The workloads of ladders: the participants by library, the unit, the amount of it per call, the tolerance, the work.
WORKLOADS: dict[str, tuple[Makers, str, float, float, Callable[[], Work]]] = {
    **{
        f"auto-encoder ({kind}), training, batch {BATCH}": (
            lambda kind=kind: made(trainers(BATCH), kind, BATCH, ("day33", "torch")), "samples", BATCH, 1e-3,
            lambda kind=kind: work(kind, BATCH, training=True),
        )
        for kind in autoencoder_races.KINDS
    },
    **{
        f"auto-encoder ({kind}), inference, batch {BATCH}": (
            lambda kind=kind: made(PREDICTORS, kind, BATCH, ("day33", "torch")), "images", BATCH, 1e-4,
            lambda kind=kind: work(kind, BATCH),
        )
        for kind in autoencoder_races.KINDS
    },
    **{
        str(w): (lambda w=w: test_kernels.convolution(w), "GFLOP", w.gigaflops(), 1e-4, w.work)
        for w in (test_kernels.CONVOLUTIONS[0], test_kernels.CONVOLUTIONS[4], test_kernels.CONVOLUTIONS[7])
    },
    "dense 1024 to 4096, 256 rows": (
        lambda: test_kernels_dense.dense(256, 1024, 4096), "GFLOP", 2e-9 * 256 * 1024 * 4096, 1e-4,
        lambda: test_kernels_dense.work(256, 1024, 4096),
    ),
}  # fmt: skip


# ---- threads ----


def switch(library: str, threads: int) -> Callable[[], Any]:
    if library == "day33":
        return lambda: day33.set_num_threads(threads)
    torch = peers.torch()
    return lambda: torch.get_num_threads() == threads or torch.set_num_threads(threads)


def rung(threads: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}"


def on_threads(workload: str) -> dict[str, Participant]:
    """ONNX Runtime has a session for each number of threads. TensorFlow and JAX cannot change it once they run."""
    found: dict[str, Participant] = {}
    for threads in RUNGS:
        # Each rung has models of its own, so that training starts from the same weights on all rungs.
        arrays.seed()
        for library, participant in WORKLOADS[workload][0]().items():
            if library in ("day33", "torch"):
                found[f"{library}, {rung(threads)}"] = prepared(participant, switch(library, threads))
        for kind in autoencoder_races.KINDS:
            if workload.startswith(f"auto-encoder ({kind}), inference"):
                found |= made({f"onnxruntime, {rung(threads)}": onnx_on("onnxruntime", threads)}, kind, BATCH)
    return found


@pytest.mark.skipif(len(RUNGS) == 1, reason="there is only one core")
@pytest.mark.parametrize("threads", RUNGS)
@pytest.mark.parametrize("library", ["day33", "torch", "onnxruntime"])
@pytest.mark.parametrize("workload", WORKLOADS)
def test_threads(contest, workload, library, threads):
    if library == "onnxruntime" and "inference" not in workload:
        pytest.skip("ONNX Runtime takes part in the inference of auto-encoders only")
    _, unit, amount, tolerance, needed = WORKLOADS[workload]
    contest(
        f"threads: {workload}", f"{library}, {rung(threads)}", lambda: on_threads(workload),
        unit=unit, amount=amount, tolerance=tolerance, library=library, rung=rung(threads),
        work=needed(), threads=threads,
    )  # fmt: skip


# ---- instruction sets ----


def on_isas(workload: str) -> dict[str, Participant]:
    found = {}
    for isa in _native.available_isas():
        arrays.seed()
        ours = WORKLOADS[workload][0]()["day33"]
        found[f"day33, {isa}"] = prepared(ours, lambda isa=isa: _native.select_isa(isa))
    return found


@pytest.mark.skipif(len(_native.available_isas()) == 1, reason="there is only one instruction set")
@pytest.mark.parametrize("isa", _native.available_isas())
@pytest.mark.parametrize("workload", WORKLOADS)
def test_instruction_sets(contest, workload, isa):
    _, unit, amount, tolerance, needed = WORKLOADS[workload]
    contest(
        f"instruction sets: {workload}", f"day33, {isa}", lambda: on_isas(workload),
        unit=unit, amount=amount, tolerance=tolerance, library="day33", rung=isa,
        work=needed(), isa=isa,
    )  # fmt: skip


# ---- batch ----

BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
PREDICTING = ("day33", "tf XLA", "torch", "onnxruntime", "jax")
TRAINING = ("day33", "keras", "torch", "jax")


@pytest.mark.parametrize("participant", PREDICTING)
@pytest.mark.parametrize("batch", BATCHES)
def test_inference_batch(contest, batch, participant):
    contest(
        f"batch: auto-encoder, inference, batch {batch}", participant,
        lambda: made(PREDICTORS, "upsampling", batch, PREDICTING),
        unit="images", amount=batch, work=work("upsampling", batch),
    )  # fmt: skip


@pytest.mark.parametrize("participant", TRAINING)
@pytest.mark.parametrize("batch", BATCHES)
def test_training_batch(contest, batch, participant):
    """Epochs of up to 32 steps, so that the overhead of `fit` per epoch is small."""
    images = batch * max(1, min(32, 1024 // batch))
    contest(
        f"batch: auto-encoder, training, batch {batch}", participant,
        lambda: made(trainers(batch), "upsampling", images, TRAINING),
        unit="samples", amount=images, tolerance=1e-3,
        work=work("upsampling", batch, training=True, times=images // batch),
    )  # fmt: skip


# ---- image side ----

SIDES = (28, 56, 112, 224)
SIDE_BATCH = 32


@pytest.mark.parametrize("participant", ["day33", "tf XLA", "torch", "onnxruntime"])
@pytest.mark.parametrize("side", SIDES)
def test_inference_side(contest, side, participant):
    contest(
        f"image side: small classifier, inference, {side}x{side}, batch {SIDE_BATCH}", participant,
        lambda: convnets.inference(side, SIDE_BATCH),
        unit="images", amount=SIDE_BATCH, work=of_model(convnets.our_model(side), SIDE_BATCH),
    )  # fmt: skip


@pytest.mark.parametrize("participant", ["day33", "keras", "torch"])
@pytest.mark.parametrize("side", SIDES)
def test_training_side(contest, side, participant):
    contest(
        f"image side: small classifier, training, {side}x{side}, batch {SIDE_BATCH}", participant,
        lambda: convnets.training(side, SIDE_BATCH),
        unit="samples", amount=SIDE_BATCH, tolerance=1e-3,
        work=of_model(convnets.our_model(side), SIDE_BATCH, training=True),
    )  # fmt: skip
