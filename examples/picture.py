"""One number from a large picture: how many weights a strided convolution saves.

A batch of pictures of 1920 x 1080 pixels with 3 colours goes through a 5 x 5 convolution with stride 5 and 16 filters,
which yields 384 x 216 x 16 = 1,327,104 values per picture. A dense layer reduces them to one number. Without the
convolution the dense layer would need 6,220,800 weights.

A batch of 64 takes 1.6 GB. The model runs a few pictures at a time through all of its layers, so that it needs little
memory beyond that.

    python examples/picture.py [--batch 64]
"""

from __future__ import annotations

import argparse

import numpy as np

import day33
from day33 import Sequential, layers

SHAPE = (1920, 1080, 3)


def network() -> Sequential:
    """A convolution, a flattening and a dense layer, without biases."""
    return Sequential(
        [
            layers.Input(SHAPE),
            layers.Conv2D(16, (5, 5), strides=5, use_bias=False),
            layers.Flatten(),
            layers.Dense(1, use_bias=False),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64, help="pictures per batch (default: 64)")
    batch = parser.parse_args().batch
    day33.set_random_seed(33)

    model = network()
    pictures = np.zeros((batch, *SHAPE), np.float32)
    print(f"pictures          {pictures.shape}, {pictures.nbytes / 1e9:.2f} GB")
    for layer in model.layers:
        shape = (batch, *layer.output.shape[1:])
        print(f"{layer.name:17} {shape}, {layer.count_params():,} parameters")
    y = model(pictures)
    print(f"result            {y.shape}, {y.nbytes} bytes")
    model.summary()


if __name__ == "__main__":
    main()
