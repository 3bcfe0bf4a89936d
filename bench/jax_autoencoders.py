"""The note's auto-encoders in JAX: NHWC, `lax.conv_general_dilated`, one jitted function per step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autoencoders import Convolution, convolutions
from harness import peers
from harness.arrays import Array


def logits_of(kind: str) -> Callable[[Any, Any], Any]:
    """A function of the weights and images that computes the model up to the final sigmoid."""
    jax = peers.jax()
    lax = jax.lax

    def convolve(c: Convolution, x: Any) -> Any:
        kernel = c.kernel
        borders: Any = c.padding.upper()
        if c.transposed:
            # At a stride of 1 it is a convolution with the kernel rotated by 180 degrees and its channels swapped.
            kernel = kernel[::-1, ::-1].swapaxes(2, 3)
            if c.padding == "valid":
                borders = [(size - 1, size - 1) for size in kernel.shape[:2]]
        return lax.conv_general_dilated(x, kernel, (1, 1), borders, dimension_numbers=("NHWC", "HWIO", "NHWC")) + c.bias

    def logits(weights: Any, x: Any) -> Any:
        for c in convolutions(kind, weights):
            x = convolve(c, x)
            if not c.final:
                x = jax.nn.relu(x)
            if c.then == "pool":
                window = (1, 2, 2, 1)
                x = lax.reduce_window(x, -np.inf, lax.max, window, window, c.padding.upper())
            elif c.then == "up":
                x = x.repeat(2, axis=1).repeat(2, axis=2)
        return x

    return logits


def predictor(kind: str, weights: list[Array]) -> Callable[[Any], Any]:
    """A jitted function of images."""
    jax = peers.jax()
    logits = logits_of(kind)
    constants = [jax.numpy.asarray(weight) for weight in weights]
    return jax.jit(lambda x: jax.nn.sigmoid(logits(constants, x)))  # type: ignore[no-any-return]


class Training:
    """Steps of Adadelta in one jitted function.

    rho is 0.95 and epsilon 1e-7, as in Keras; the learning rate is 1, as in the tutorial.
    """

    def __init__(self, kind: str, weights: list[Array]) -> None:
        jax = peers.jax()
        jnp, logits = jax.numpy, logits_of(kind)
        rho, epsilon = 0.95, 1e-7

        def loss_of(weights: Any, x: Any) -> Any:
            z = logits(weights, x)
            return jnp.mean(jnp.maximum(z, 0) - z * x + jnp.log1p(jnp.exp(-jnp.abs(z))))

        def update(weight: Any, gradient: Any, squares: Any, deltas: Any) -> Any:
            squares = rho * squares + (1 - rho) * gradient**2
            delta = gradient * jnp.sqrt(deltas + epsilon) / jnp.sqrt(squares + epsilon)
            return weight - delta, squares, rho * deltas + (1 - rho) * delta**2

        def step(state: Any, x: Any) -> Any:
            loss, gradients = jax.value_and_grad(loss_of)(state[0], x)
            changed = [update(*values) for values in zip(state[0], gradients, *state[1:], strict=True)]
            return tuple(map(list, zip(*changed, strict=True))), loss

        zeros = [jnp.zeros_like(jnp.asarray(weight)) for weight in weights]
        self._state: Any = ([jnp.asarray(weight) for weight in weights], zeros, zeros)
        self._step = jax.jit(step)

    def epoch(self, batches: list[Any]) -> Array:
        """Trains one epoch. Returns the mean of the losses of the batches."""
        losses = []
        for batch in batches:
            self._state, loss = self._step(self._state, batch)
            losses.append(float(loss))
        return np.array([np.mean(losses)])
