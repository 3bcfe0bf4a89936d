"""Ensembles that vote: bagged LightGBM and convolutional networks, and what feeds them.

from day33.ensemble import ChannelSplitter, ConvClassifier, HardVotingBagging, HorizontalFlip
"""

from __future__ import annotations

from .augmentation import Augmentation, Chain, HorizontalFlip, RandomAffine
from .bagging import HardVotingBagging
from .channels import ChannelSplitter
from .composition import ComposedDigits, Recomposed
from .convolutional import ConvClassifier
from .encoder import EncoderFeatures
from .saving import load_ensemble, save_ensemble
from .voting import HardVote

__all__ = [
    "Augmentation",
    "Chain",
    "ChannelSplitter",
    "ComposedDigits",
    "ConvClassifier",
    "EncoderFeatures",
    "HardVote",
    "HardVotingBagging",
    "HorizontalFlip",
    "RandomAffine",
    "Recomposed",
    "load_ensemble",
    "save_ensemble",
]


def __dir__() -> list[str]:
    return list(__all__)
