"""Images in other sizes and places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .._graph.functions import Function, Given, Operand, Spec, Writer
from ._elementwise import as_float


@dataclass(frozen=True)
class Resize(Function):
    """Images (N, H, W, C) in another size."""

    size: tuple[int, int]
    interpolation: str
    antialias: bool
    samples: ClassVar[int] = 1
    keras_name = "Resize"
    keras_module = "image"

    def infer(self, *given: Spec) -> Spec:
        batch, channels = image_of(given[0])
        return Spec((batch, *self.size, channels))

    def keeps_samples(self, *given: Given) -> bool:
        return given[0].batched

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        return [plan.builder.resize(as_float(plan, operands[0]), self.size, self.interpolation, self.antialias)]


@dataclass(frozen=True)
class AffineTransform(Function):
    """Images (N, H, W, C) whose pixels come from elsewhere: for each sample, eight numbers say from where."""

    interpolation: str
    fill_mode: str
    fill_value: float
    samples: ClassVar[int] = 2
    keras_name = "AffineTransform"
    keras_module = "image"

    def infer(self, *given: Spec) -> Spec:
        images, transform = given
        image_of(images)
        if len(transform.shape) != 2 or transform.shape[1] != 8:
            raise ValueError(f"transform has shape {transform.shape}; expected (N, 8)")
        return Spec(images.shape)

    def keeps_samples(self, *given: Given) -> bool:
        return all(item.batched for item in given)

    def emit(self, plan: Writer, operands: Sequence[Operand], first: int) -> list[int]:
        images, transform = (as_float(plan, item) for item in operands)
        return [plan.builder.affine_transform(images, transform, self.interpolation, self.fill_mode, self.fill_value)]


def image_of(spec: Spec) -> tuple[int | None, int | None]:
    """Number and channels of images. ValueError for what is none."""
    if len(spec.shape) != 4:
        raise ValueError(f"images have shape {spec.shape}; expected (N, H, W, C)")
    return spec.shape[0], spec.shape[3]
