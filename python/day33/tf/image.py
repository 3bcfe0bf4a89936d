"""`tf.image`: images in other sizes."""

from __future__ import annotations

from typing import Any

from .. import ops
from .._core.namespaces import absent
from ._wrapping import answer

__all__ = ["flip_left_right", "flip_up_down", "resize", "rgb_to_grayscale"]

__getattr__ = absent("tf.image")


def resize(
    images: Any, size: Any, method: str = "bilinear", preserve_aspect_ratio: bool = False, antialias: bool = False,
    name: Any = None,
) -> Any:  # fmt: skip
    """Images (N, H, W, C) or (H, W, C) in another size, as float32.

    Args:
        images: real numbers. size: (height, width).
        method: "bilinear", "nearest", "bicubic", "area", "lanczos3" or "lanczos5".
        preserve_aspect_ratio: False.
        antialias: whether images that become smaller are smoothed.
    """
    if preserve_aspect_ratio:
        raise ValueError(f"preserve_aspect_ratio is {preserve_aspect_ratio!r}; expected False")
    return answer(ops.image.resize(ops.cast(images, "float32"), size, str(method).lower(), antialias))


def rgb_to_grayscale(images: Any, name: Any = None) -> Any:
    """The brightness of images of three colours."""
    return answer(ops.image.rgb_to_grayscale(images))


def flip_left_right(image: Any) -> Any:
    """Images (N, H, W, C) or (H, W, C) mirrored."""
    return answer(ops.flip(image, -2))


def flip_up_down(image: Any) -> Any:
    """Images (N, H, W, C) or (H, W, C) upside down."""
    return answer(ops.flip(image, -3))


def __dir__() -> list[str]:
    return list(__all__)
