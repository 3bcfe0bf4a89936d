"""`tf.linalg`: products of matrices, and norms."""

from __future__ import annotations

from .._core.namespaces import absent
from .arrays import einsum, eye, matmul, norm, tensordot
from .math import l2_normalize

__all__ = ["einsum", "eye", "l2_normalize", "matmul", "norm", "tensordot"]

__getattr__ = absent("tf.linalg")


def __dir__() -> list[str]:
    return list(__all__)
