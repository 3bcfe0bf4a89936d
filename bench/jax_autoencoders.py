"""The note's auto-encoders in JAX: NHWC, `lax.conv_general_dilated`, one jitted function a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autoencoders
from harness import peers

Array = np.ndarray[Any, np.dtype[Any]]


def logits_of(kind: str) -> Callable[[Any, Any], Any]:
    """A function of the weights and images, up to the final sigmoid."""
    jax = peers.jax()
    lax = jax.lax
    layers = autoencoders.LAYERS[kind]

    def convolution(index: int, padding: str, x: Any, kernel: Any) -> Any:
        borders: Any = padding.upper()
        if autoencoders.is_transposed(kind, index):
            # At a stride of 1 it is a convolution with the kernel turned round and its channels swapped.
            kernel = kernel[::-1, ::-1].swapaxes(2, 3)
            if padding == "valid":
                borders = [(size - 1, size - 1) for size in kernel.shape[:2]]
        return lax.conv_general_dilated(x, kernel, (1, 1), borders, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def logits(weights: Any, x: Any) -> Any:
        for index, (padding, then) in enumerate(layers):
            x = convolution(index, padding, x, weights[2 * index]) + weights[2 * index + 1]
            if index < len(layers) - 1:
                x = jax.nn.relu(x)
            if then == "pool":
                window = (1, 2, 2, 1)
                x = lax.reduce_window(x, -np.inf, lax.max, window, window, padding.upper())
            elif then == "up":
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
    """Adadelta as Keras has it (rho 0.95, epsilon 1e-7) at the tutorial's learning rate of 1, in one jitted step."""

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
        """The mean of the batches' losses."""
        losses = []
        for batch in batches:
            self._state, loss = self._step(self._state, batch)
            losses.append(float(loss))
        return np.array([np.mean(losses)])
