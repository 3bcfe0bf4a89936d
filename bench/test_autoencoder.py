"""The note's auto-encoders, training and inference: `python -m pytest bench/test_autoencoder.py`."""

from __future__ import annotations

import pytest

from autoencoder_races import KINDS, PREDICTORS, made, trainers, work

TRAINING_IMAGES, TRAINING_BATCH = 1024, 256
TRAINERS = trainers(TRAINING_BATCH)


@pytest.mark.parametrize("participant", TRAINERS)
@pytest.mark.parametrize("kind", KINDS)
def test_training(contest, kind, participant):
    contest(
        f"auto-encoder ({kind}), training, batch {TRAINING_BATCH}", participant,
        lambda: made(TRAINERS, kind, TRAINING_IMAGES),
        unit="samples", amount=TRAINING_IMAGES, tolerance=1e-3,
        work=work(kind, TRAINING_BATCH, training=True, times=TRAINING_IMAGES // TRAINING_BATCH),
    )  # fmt: skip


@pytest.mark.parametrize("participant", PREDICTORS)
@pytest.mark.parametrize("batch", [1, 256, 2048])
@pytest.mark.parametrize("kind", KINDS)
def test_inference(contest, kind, batch, participant):
    contest(
        f"auto-encoder ({kind}), inference, batch {batch}", participant, lambda: made(PREDICTORS, kind, batch),
        unit="images", amount=batch, work=work(kind, batch),
    )  # fmt: skip
