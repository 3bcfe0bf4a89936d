"""Data sets from a file or a checked download, and small ones that need no download.

Pictures: MNIST, and the digits of scikit-learn. Text: Shakespeare's plays, and lines from a grammar.

Every loader of pictures returns ``((x_train, y_train), (x_test, y_test))``: images uint8 of shape (N, 28, 28), labels
uint8 of shape (N,). Files are read without pickle, and their headers are checked before memory is allocated, so a
damaged or hostile file raises a ValueError that says what is wrong with it.
"""

from __future__ import annotations

from . import mnist
from .digits import load_digits_small
from .hidden_digits import HiddenDigits, hidden_digit_features, load_hidden_digits, make_hidden_digits
from .lyrics import generate_lyrics
from .mnist import download_mnist, load_mnist, mnist_cache_path
from .shakespeare import download_shakespeare, load_shakespeare, shakespeare_cache_path

__all__ = [
    "HiddenDigits",
    "download_mnist",
    "download_shakespeare",
    "generate_lyrics",
    "hidden_digit_features",
    "load_digits_small",
    "load_hidden_digits",
    "load_mnist",
    "load_shakespeare",
    "make_hidden_digits",
    "mnist",
    "mnist_cache_path",
    "shakespeare_cache_path",
]


def __dir__() -> list[str]:
    return list(__all__)
