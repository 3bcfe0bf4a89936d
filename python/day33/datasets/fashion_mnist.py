"""Pictures of ten kinds of clothes in the format of MNIST: `keras.datasets.fashion_mnist` (Xiao et al., 2017)."""

from __future__ import annotations

from .._io.download import cache_dir, fetch
from ._fetched import KERAS_DATASETS
from .mnist import Split, load_mnist

__all__ = ["load_data"]

URL = KERAS_DATASETS
# The MD5 that the authors give (https://github.com/zalandoresearch/fashion-mnist).
MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}


def load_data() -> tuple[Split, Split]:
    """The pictures from the cache, downloaded if they are not there.

    Returns:
        ``((x_train, y_train), (x_test, y_test))``: images uint8 (N, 28, 28), labels uint8 (N,) from 0 to 9: T-shirt,
        trousers, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Raises:
        OSError: a file could not be downloaded. ValueError: it is damaged or another one.
    """
    folder = cache_dir() / "fashion-mnist"
    for name, known_hash in MD5.items():
        fetch(f"{URL}{name}", known_hash, folder / name, name, True, algorithm="md5")
    return load_mnist(folder)
