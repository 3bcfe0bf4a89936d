"""Linear algebra on arrays alone, under the names of `keras.ops`.

NumPy (LAPACK) computes in double, and the results are rounded to float32. Leading axes are batches of matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._alone import double, single


def _matrices(function: str, x: Any, name: str = "x", square: bool = False) -> NDArray[np.float64]:
    found = double(function, x, name)
    if found.ndim < 2 or (square and found.shape[-1] != found.shape[-2]):
        kind = "square matrices (..., M, M)" if square else "matrices (..., M, N)"
        raise ValueError(f"{name} has shape {found.shape}; {function} expected {kind}")
    return found


def _finite(function: str, x: Any, name: str = "x") -> NDArray[np.float64]:
    """Matrices for singular values, of which LAPACK looks for infinite ones without an end."""
    found = _matrices(function, x, name)
    if not np.isfinite(found).all():
        raise ValueError(f"{name} of shape {found.shape} holds NaN or infinity; {function} expected finite numbers")
    return found


def _solved(function: str, call: Any, *arrays: NDArray[Any]) -> Any:
    try:
        return call(*arrays)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"{function} of matrices of shape {arrays[0].shape}: {error}") from None


def cholesky(x: Any, upper: bool = False) -> Any:
    """The lower triangular L with ``x = L Lᵀ``, or Lᵀ.

    Args:
        x: symmetric, positive definite matrices (..., M, M), of which the lower triangles are read.
        upper: whether Lᵀ is meant.

    Raises:
        ValueError: no such matrices.
    """
    lower = _solved("cholesky", np.linalg.cholesky, _matrices("cholesky", x, square=True))
    return single(np.swapaxes(lower, -1, -2) if upper else lower)


def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """The inverse of ``x xᵀ`` for lower triangular x, of ``xᵀ x`` for upper ones."""
    factor = _matrices("cholesky_inverse", x, square=True)
    factor = np.triu(factor) if upper else np.swapaxes(np.tril(factor), -1, -2)
    inverse = _solved("cholesky_inverse", np.linalg.inv, factor)
    return single(inverse @ np.swapaxes(inverse, -1, -2))


def det(x: Any) -> Any:
    """The determinants of square matrices (..., M, M)."""
    return single(np.linalg.det(_matrices("det", x, square=True)))


def slogdet(x: Any) -> tuple[Any, Any]:
    """Signs of determinants, and logarithms of their absolute values."""
    sign, logarithm = np.linalg.slogdet(_matrices("slogdet", x, square=True))
    return single(sign), single(logarithm)


def logdet(x: Any) -> Any:
    """The logarithms of the determinants of symmetric, positive definite matrices; NaN for other ones."""
    values = _solved("logdet", np.linalg.eigvalsh, _matrices("logdet", x, square=True))
    positive = values > 0
    logarithms = np.log(np.where(positive, values, 1.0))
    return single(np.where(positive.all(-1), logarithms.sum(-1), np.nan))


def eigh(x: Any) -> tuple[Any, Any]:
    """Eigenvalues of symmetric matrices in ascending order, and eigenvectors as columns."""
    values, vectors = _solved("eigh", np.linalg.eigh, _matrices("eigh", x, square=True))
    return single(values), single(vectors)


def inv(x: Any) -> Any:
    """The inverses of square matrices. ValueError for a singular one."""
    return single(_solved("inv", np.linalg.inv, _matrices("inv", x, square=True)))


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The x of least length for which ``|a x - b|`` is least.

    Args:
        a: (M, N). b: (M,) or (M, K).
        rcond: singular values below this part of the largest count as 0; the rounding of float32 by default.
    """
    matrix, right = _finite("lstsq", a, "a"), double("lstsq", b, "b")
    if matrix.ndim != 2 or right.ndim not in (1, 2) or len(matrix) != len(right):
        raise ValueError(f"a has shape {matrix.shape} and b {right.shape}; expected (M, N) and (M,) or (M, K)")
    cut = max(matrix.shape) * float(np.finfo(np.float32).eps) if rcond is None else rcond
    return single(_solved("lstsq", lambda m, r: np.linalg.lstsq(m, r, cut)[0], matrix, right))


def matrix_rank(x: Any, tol: float | None = None) -> Any:
    """How many singular values of matrices are above a bound: int32.

    Args:
        x: (..., M, N).
        tol: the bound; by default the largest singular value times max(M, N) times the rounding of float32.
    """
    matrices = _finite("matrix_rank", x)
    values = np.linalg.svd(matrices, compute_uv=False)
    eps = float(np.finfo(np.float32).eps)
    bound = values.max(-1, keepdims=True) * max(matrices.shape[-2:]) * eps if tol is None else np.asarray(tol)
    return np.asarray(np.count_nonzero(values > bound, axis=-1), np.int32)


def pinv(x: Any, rcond: float | None = None) -> Any:
    """The Moore-Penrose inverses of matrices.

    Args:
        x: (..., M, N).
        rcond: singular values below this part of the largest count as 0; by default ``10 max(M, N)`` times the
            rounding of float32.
    """
    matrices = _finite("pinv", x)
    cut = 10 * max(matrices.shape[-2:]) * float(np.finfo(np.float32).eps) if rcond is None else rcond
    return single(_solved("pinv", lambda m: np.linalg.pinv(m, cut), matrices))


def qr(x: Any, mode: str = "reduced") -> tuple[Any, Any]:
    """Q with orthonormal columns and upper triangular R with ``x = Q R``.

    Args:
        x: (..., M, N).
        mode: "reduced" for Q of min(M, N) columns, "complete" for M.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f'mode is {mode!r}; expected "reduced" or "complete"')
    q, r = np.linalg.qr(_matrices("qr", x), "complete" if mode == "complete" else "reduced")
    return single(q), single(r)


def solve(a: Any, b: Any) -> Any:
    """The x with ``a x = b``.

    Args:
        a: (..., M, M). b: (..., M) or (..., M, K).

    Raises:
        ValueError: a singular matrix, or shapes that do not fit.
    """
    matrices, right, narrow = _system("solve", a, b)
    found = _solved("solve", np.linalg.solve, matrices, right)
    return single(found[..., 0] if narrow else found)


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """The x with ``a x = b``, where of a only the upper, or lower, triangle counts."""
    matrices, right, narrow = _system("solve_triangular", a, b)
    matrices = np.tril(matrices) if lower else np.triu(matrices)
    found = _solved("solve_triangular", np.linalg.solve, matrices, right)
    return single(found[..., 0] if narrow else found)


def _system(function: str, a: Any, b: Any) -> tuple[NDArray[Any], NDArray[Any], bool]:
    """Matrices, right sides with an axis of columns, and whether they had none."""
    matrices, right = _matrices(function, a, "a", square=True), double(function, b, "b")
    narrow = right.ndim == matrices.ndim - 1
    right = right[..., np.newaxis] if narrow else right
    if right.ndim != matrices.ndim or right.shape[-2] != matrices.shape[-1]:
        raise ValueError(f"a has shape {matrices.shape} and b {np.shape(b)}; expected (..., M, M) and (..., M) or "
                         "(..., M, K)")  # fmt: skip
    return matrices, right, narrow


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular values of matrices in descending order, and orthonormal U and Vᵀ with ``x = U diag(s) Vᵀ``.

    Args:
        x: (..., M, N).
        full_matrices: whether U is (..., M, M) and Vᵀ (..., N, N), rather than with min(M, N) columns and rows.
        compute_uv: False for the singular values alone.

    Returns:
        The tuple of U, s and Vᵀ, or s.
    """
    matrices = _finite("svd", x)
    if not compute_uv:
        return single(_solved("svd", lambda m: np.linalg.svd(m, compute_uv=False), matrices))
    found = _solved("svd", lambda m: np.linalg.svd(m, full_matrices), matrices)
    return tuple(single(part) for part in found)
