"""Names for types that several rooms share. Nothing else of the package is needed to use them."""

from __future__ import annotations

import os
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
PathLike = str | os.PathLike[str]

# Of a symbolic tensor or a layer: the batch first, None where a size is not known yet, as (None, 28, 28, 1).
Shape = tuple[int | None, ...]
# Of an array, or of a plan's input: every size is known.
KnownShape = tuple[int, ...]

# One integer for height and width, or one for each.
PairLike = int | tuple[int, int] | list[int]
