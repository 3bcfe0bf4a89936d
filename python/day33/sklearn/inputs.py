"""scikit-learn's check of rows and labels, with day33's rule for masked arrays."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import validate_data

from .._core.arrays import refuse_masked

_NO_LABELS = "no_validation"  # scikit-learn's own word for it


def validated(estimator: Any, X: Any, y: Any = _NO_LABELS, **options: Any) -> Any:
    """What `sklearn.utils.validation.validate_data` makes of X (N, F), and of y (N,) where it is given.

    Raises:
        TypeError: X or y is a masked array, of which scikit-learn would use what the mask hides.
        ValueError: whatever scikit-learn refuses.
    """
    refuse_masked("X", X)
    refuse_masked("y", y)
    return validate_data(estimator, X, y, **options)
