"""Layers, with Keras's names and arguments. Images are (N, H, W, C)."""

from .._graph.registry import CLASSES as _CLASSES
from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .base import Layer
from .categories import CategoryEncoding, Discretization, Hashing
from .convolutional import Conv1D, Conv2D, Conv2DTranspose, DepthwiseConv2D, SeparableConv2D
from .core import Dense, Dropout, Input, InputLayer, SpatialDropout1D
from .embedding import Embedding, Masking
from .lookup import IntegerLookup, StringLookup
from .merging import Add, Average, Concatenate, Maximum, Minimum, Multiply, Subtract
from .normalization import BatchNormalization, LayerNormalization
from .pooling import (
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling2D,
    MaxUnpooling2D,
    UpSampling2D,
)
from .preprocessing import Normalization, Rescaling
from .recurrent import GRU, LSTM, SimpleRNN
from .reshaping import Cropping2D, Flatten, Permute, RepeatVector, Reshape, ZeroPadding2D
from .text_vectorization import TextVectorization
from .wrappers import Bidirectional, TimeDistributed

# Keras has the short names too.
MaxPool2D = MaxPooling2D
AvgPool2D = AveragePooling2D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "Average",
    "AveragePooling2D",
    "AvgPool2D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Cropping2D",
    "Dense",
    "DepthwiseConv2D",
    "Discretization",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Hashing",
    "Input",
    "InputLayer",
    "IntegerLookup",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool2D",
    "MaxPooling2D",
    "MaxUnpooling2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "Normalization",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SeparableConv2D",
    "SimpleRNN",
    "Softmax",
    "SpatialDropout1D",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UpSampling2D",
    "ZeroPadding2D",
]

# What a configuration may name. `Layer` computes nothing, and `Input` is a function.
_CLASSES.update({name: globals()[name] for name in __all__ if name not in ("Input", "Layer")})
# More names of the same classes in Keras.
_CLASSES.update(Convolution2D=Conv2D, Convolution2DTranspose=Conv2DTranspose, SeparableConvolution2D=SeparableConv2D)


def __dir__() -> list[str]:
    return list(__all__)
