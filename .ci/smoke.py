"""What a fresh wheel has to show on every platform: it imports fast, it computes exactly, it learns."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

import day33
from day33 import autoencoder, explain, ops, optimizers

rng = np.random.default_rng(0)


def direct_conv2d(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve (N, H, W, C) with (K, K, C, O), stride 1, VALID, as the sum over the taps of the definition."""
    side = kernel.shape[0]
    height, width = x.shape[1] - side + 1, x.shape[2] - side + 1
    taps = ((i, j) for i in range(side) for j in range(side))
    return sum(np.einsum("nhwc,co->nhwo", x[:, i : i + height, j : j + width], kernel[i, j]) for i, j in taps)


# Integers this small are exact in float32, so the answer has to be equal, not close.
for channels, filters in ((1, 16), (3, 5), (32, 24)):
    x = rng.integers(-4, 5, (9, 11, 13, channels)).astype(np.float32)
    kernel = rng.integers(-4, 5, (3, 3, channels, filters)).astype(np.float32)
    np.testing.assert_array_equal(ops.conv2d(x, kernel), direct_conv2d(x, kernel))

model = autoencoder.build("upsampling")
model.compile(optimizer=optimizers.Adadelta(learning_rate=1.0), loss="binary_crossentropy")
images = np.zeros((256, 28, 28, 1), np.float32)
images[:, 8:20, 8:20] = 1.0
losses = model.fit(images, images, epochs=20, batch_size=32, verbose=0).history["loss"]
assert losses[-1] < 0.5 * losses[0], losses

# Style and scripts of the pages are files in the package.
page = explain.conv2d_transpose().html()
assert "day33.widgets.stamps = " in page and "--positive: #0072b2" in page

heavy = "{'matplotlib', 'scipy', 'sklearn', 'rich', 'typer', 'pooch'}"
subprocess.run([sys.executable, "-c", f"import day33, sys; assert not {heavy} & set(sys.modules)"], check=True)

print(f"day33 {day33.__version__}: exact, and the loss fell from {losses[0]:.3f} to {losses[-1]:.3f}")
