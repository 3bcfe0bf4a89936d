"""Names of types that several rooms use."""

from __future__ import annotations

import os
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
PathLike = str | os.PathLike[str]
Shape = tuple[int | None, ...]  # with the batch first; None where a size is not known yet
