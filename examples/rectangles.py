"""Two rectangles through one, two and three dense layers: which inputs the weights of a layer can distinguish.

A rectangle is an array (4, 2) of its four corners. A dense layer operates on the last axis, so that ``Dense(1)`` maps
each corner to one number with the same 2 weights; another ``Dense(1)`` maps the four numbers to one.

    python examples/rectangles.py [--batch 64]
"""

from __future__ import annotations

import argparse

import numpy as np

import day33
from day33 import Sequential, layers

RECTANGLES = np.array(
    [
        [[1, 1], [1, 3], [4, 1], [4, 3]],  # 3 wide, 2 high
        [[1, 1], [3, 1], [1, 4], [3, 4]],  # 2 wide, 3 high
    ],
    np.float32,
)


def network(widths: tuple[int, ...]) -> Sequential:
    """Dense layers without biases, the last one after a flattening of the four corners into one row."""
    model = Sequential([layers.Input((4, 2))])
    for number, units in enumerate(widths):
        if number == len(widths) - 1:
            model.add(layers.Flatten())
        model.add(layers.Dense(units, use_bias=False))
    return model


def describe(widths: tuple[int, ...], batch: int) -> int:
    """Print the shape of a batch after each layer, and return the number of parameters."""
    model = network(widths)
    x = np.resize(RECTANGLES, (batch, 4, 2))
    print(f"\nDense layers: {len(widths)}")
    print(f"  input            {x.shape}")
    for layer in model.layers:
        x = layer(x)
        weight = f"   weights {layer.kernel.shape}" if isinstance(layer, layers.Dense) else ""
        print(f"  {layer.name:16} {x.shape}{weight}")
    print(f"  {model.count_params()} parameters")
    return model.count_params()


def collapse() -> None:
    """Show that one column of weights can map both rectangles to the same numbers, which later layers cannot undo."""
    print("\nCorners of both rectangles after the first layer")
    for weights in ([[1], [1]], [[1, 1, 0], [1, 0, 1]]):
        kernel = np.array(weights, np.float32)
        first = layers.Dense(kernel.shape[1], use_bias=False)
        first.build((None, 4, 2))
        first.set_weights([kernel])
        wide, high = first(RECTANGLES)
        print(f"  weights {weights}: {'the same' if np.array_equal(wide, high) else 'different'}")
        for name, corners in (("wide", wide), ("high", high)):
            print(f"    {name} {corners.tolist()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64, help="rectangles per batch (default: 64)")
    batch = parser.parse_args().batch
    day33.set_random_seed(33)
    counts = [describe(widths, batch) for widths in ((1,), (1, 1), (3, 1, 1))]
    print(f"\nParameters with one, two and three layers: {', '.join(map(str, counts))}")
    collapse()


if __name__ == "__main__":
    main()
