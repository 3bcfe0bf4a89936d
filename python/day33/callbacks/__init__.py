"""Callbacks: what `fit`, `evaluate` and `predict` call on the way. Names and behaviour follow Keras 3."""

from __future__ import annotations

from .averaging import SwapEMAWeights
from .base import Callback, CallbackList, History, LambdaCallback
from .checkpoints import BackupAndRestore, ModelCheckpoint
from .monitoring import (
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    MonitorCallback,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from .pictures import PictureLogger, Pictures, read_pictures

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "PictureLogger",
    "Pictures",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
    "read_pictures",
]


def __dir__() -> list[str]:
    return list(__all__)
