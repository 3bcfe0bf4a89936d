"""The functions of `keras.ops.linalg`. All but `norm` take arrays alone."""

from __future__ import annotations

from .algebra import (
    cholesky,
    cholesky_inverse,
    det,
    eigh,
    inv,
    lstsq,
    matrix_rank,
    pinv,
    qr,
    solve,
    solve_triangular,
    svd,
)
from .norms import norm

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eigh",
    "inv",
    "lstsq",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]
