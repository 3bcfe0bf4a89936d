"""Data sets from a file or a checked download, and small ones that need no download.

Pictures: MNIST, and the digits of scikit-learn. Text: Shakespeare's plays, and lines from a grammar. Modules with
Keras's names and a `load_data` each fetch what is not in the cache: `mnist`, `fashion_mnist`, `cifar10`, `cifar100`,
`imdb`, `reuters`, `boston_housing`, `california_housing`.

The loaders of digits return ``((x_train, y_train), (x_test, y_test))``: images uint8 of shape (N, 28, 28), labels uint8
of shape (N,). No file is trusted: headers are checked before memory is allocated, no pickle is run, so a damaged or
hostile file raises a ValueError that says what is wrong with it.
"""

from __future__ import annotations

from . import boston_housing, california_housing, cifar10, cifar100, fashion_mnist, imdb, mnist, reuters
from .digits import load_digits_small
from .hidden_digits import HiddenDigits, hidden_digit_features, load_hidden_digits, make_hidden_digits
from .lyrics import generate_lyrics
from .mnist import download_mnist, load_mnist, mnist_cache_path
from .shakespeare import download_shakespeare, load_shakespeare, shakespeare_cache_path

__all__ = [
    "HiddenDigits",
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "download_mnist",
    "download_shakespeare",
    "fashion_mnist",
    "generate_lyrics",
    "hidden_digit_features",
    "imdb",
    "load_digits_small",
    "load_hidden_digits",
    "load_mnist",
    "load_shakespeare",
    "make_hidden_digits",
    "mnist",
    "mnist_cache_path",
    "reuters",
    "shakespeare_cache_path",
]


def __dir__() -> list[str]:
    return list(__all__)
