"""What Keras code asks about its settings. day33 has no such settings, so the answers are always the same."""

from __future__ import annotations

from .._core.namespaces import absent

__all__ = ["epsilon", "floatx", "image_data_format"]

__getattr__ = absent("keras.config")


def __dir__() -> list[str]:
    return list(__all__)


def epsilon() -> float:
    """The small number of numeric expressions: 1e-7, as is Keras's default."""
    return 1e-7


def floatx() -> str:
    """The type of weights and results: "float32"."""
    return "float32"


def image_data_format() -> str:
    """Where the channels of images are: "channels_last", (N, H, W, C)."""
    return "channels_last"
