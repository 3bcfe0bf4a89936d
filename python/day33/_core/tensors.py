"""`Tensor`: a NumPy array with the one method that notebooks call on TensorFlow's."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray


class Tensor(np.ndarray[Any, Any]):
    """A NumPy array that also answers ``.numpy()``. Made by the functions of `day33.tf`."""

    def numpy(self) -> NDArray[Any]:
        """The same values as a plain NumPy array; a NumPy number where there is no axis."""
        plain = self.view(np.ndarray)
        return plain if plain.ndim else cast("NDArray[Any]", plain[()])

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found if isinstance(found, np.ndarray) else as_tensor(np.asarray(found))


def as_tensor(array: Any) -> Tensor:
    """A view on the memory of `array`."""
    return np.asarray(array).view(Tensor)


def like_inputs(inputs: list[Any], results: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """`results`, as tensors if one of `inputs` is one."""
    return [as_tensor(array) for array in results] if any(isinstance(x, Tensor) for x in inputs) else results
