"""Layers, with Keras's names and arguments. Images are (N, H, W, C)."""

from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .base import Layer
from .convolutional import Conv2D, Conv2DTranspose
from .core import Dense, Dropout, Input, InputLayer
from .merging import Add, Concatenate
from .normalization import BatchNormalization
from .pooling import GlobalAveragePooling2D, MaxPooling2D, MaxUnpooling2D, UpSampling2D
from .recurrent import LSTM, Embedding, Masking
from .reshaping import Flatten, Reshape

# Keras has the short names too.
MaxPool2D = MaxPooling2D
GlobalAvgPool2D = GlobalAveragePooling2D

__all__ = [
    "ELU",
    "LSTM",
    "Activation",
    "Add",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Conv2DTranspose",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "Input",
    "InputLayer",
    "Layer",
    "LeakyReLU",
    "Masking",
    "MaxPool2D",
    "MaxPooling2D",
    "MaxUnpooling2D",
    "ReLU",
    "Reshape",
    "Softmax",
    "UpSampling2D",
]
