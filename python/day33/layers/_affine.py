"""A factor and an offset for each entry, gamma and beta, as layers that normalise have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import constraints, initializers, regularizers
from .._core.variables import Variable
from ._attributes import OfWeight
from .base import Layer


class Affine(Layer):
    """Base of layers with the weights gamma, where `scale` is True, and beta, where `center` is.

    Args:
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: see `day33.initializers`.
        beta_regularizer, gamma_regularizer: see `day33.regularizers`.
        beta_constraint, gamma_constraint: see `day33.constraints`.
    """

    beta_regularizer = OfWeight(regularizers.get)
    gamma_regularizer = OfWeight(regularizers.get)
    beta_constraint = OfWeight(constraints.get)
    gamma_constraint = OfWeight(constraints.get)

    def __init__(
        self, center: bool = True, scale: bool = True, beta_initializer: initializers.InitializerLike = "zeros",
        gamma_initializer: initializers.InitializerLike = "ones",
        beta_regularizer: regularizers.RegularizerLike = None,
        gamma_regularizer: regularizers.RegularizerLike = None,
        beta_constraint: constraints.ConstraintLike = None, gamma_constraint: constraints.ConstraintLike = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer
        self.beta_constraint, self.gamma_constraint = beta_constraint, gamma_constraint
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def make_affine(self, shape: Sequence[int]) -> None:
        """Makes the weights."""
        if self.scale:
            self.gamma = self.add_weight(
                shape, self.gamma_initializer, name="gamma", regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )  # fmt: skip
        if self.center:
            self.beta = self.add_weight(
                shape, self.beta_initializer, name="beta", regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )  # fmt: skip

    def affine_config(self) -> dict[str, Any]:
        """The arguments of this class."""
        return {
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }
