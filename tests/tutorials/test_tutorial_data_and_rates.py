"""Data sets that are made, changed and cut, and learning rates that follow a schedule."""

from __future__ import annotations

import numpy as np
import pytest

from support.tutorials import on_both, start

RNG = np.random.default_rng(91)
X = RNG.normal(size=(60, 5)).astype(np.float32)
Y = RNG.integers(0, 3, 60)


def pipelines(keras, tf):
    """What a guide to tf.data goes through: slices, generators, maps, windows, zips, and a model at the end."""
    Dataset = tf.data.Dataset
    numbers = Dataset.from_tensor_slices([8, 3, 0, 8, 2, 1])
    found = {
        "numbers": [int(n) for n in numbers], "sum": int(numbers.reduce(0, lambda total, n: total + n)),
        "even": list(Dataset.range(10).filter(lambda n: n % 2 == 0).as_numpy_iterator()),
        "skipped": [b.tolist() for b in Dataset.range(11).skip(2).take(6).batch(4).as_numpy_iterator()],
        "unbatched": list(Dataset.range(6).batch(4).unbatch().as_numpy_iterator()),
        "zipped": [(int(a), b.numpy().tolist()) for a, b in Dataset.zip((numbers, Dataset.range(0, 40, 7).batch(2)))],
        "interleaved": [
            int(n) for n in Dataset.range(3).interleave(lambda n: Dataset.from_tensors(n).repeat(2), cycle_length=2)
        ],
        "enumerated": [(int(i), int(n)) for i, n in numbers.enumerate(start=5)],
        "concatenated": [int(n) for n in numbers.take(2).concatenate(numbers.skip(4))],
        "windows": [[int(n) for n in window] for window in Dataset.range(7).window(3, shift=2)],
        "cardinality": [int(numbers.cardinality()), int(numbers.repeat().cardinality())],
    }  # fmt: skip

    def rows(stop):
        for row in range(stop):
            yield row, np.full(row, 7)

    made = Dataset.from_generator(
        rows, args=[4], output_signature=(tf.TensorSpec((), tf.int32), tf.TensorSpec((None,), tf.int32))
    )
    found["padded"] = [b.numpy().tolist() for _, b in made.padded_batch(2, padded_shapes=([], [None]))]
    spec = Dataset.from_tensor_slices({"a": X, "b": Y}).batch(7).element_spec
    found["spec"] = {key: str(list(value.shape)) for key, value in spec.items()}

    data = Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x * 2.0, tf.one_hot(y, 3)))
    training = data.skip(20).batch(10).cache().prefetch(tf.data.AUTOTUNE)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(3)])
    start(model)
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    seen = model.fit(
        training.repeat(),
        steps_per_epoch=4,
        epochs=3,
        validation_data=data.take(20).batch(10),
        verbose=0,
        shuffle=False,
    )
    found["history"] = seen.history
    found["answers"] = model.predict(data.take(3).map(lambda x, y: x).batch(3), verbose=0)
    return found


def test_pipelines():
    on_both(pipelines)


SCHEDULES = {
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.8, "staircase": True},
    "PiecewiseConstantDecay": {"boundaries": [3, 6], "values": [0.1, 0.05, 0.01]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "end_learning_rate": 0.02, "power": 0.5},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5},
    "CosineDecay": {"initial_learning_rate": 0.02, "decay_steps": 6, "warmup_target": 0.1, "warmup_steps": 3},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 3, "t_mul": 1.5, "m_mul": 0.8},
}


@pytest.mark.parametrize("name", [*SCHEDULES, "own"])
def test_schedules(name):
    def program(keras, tf):
        class Warm(keras.optimizers.schedules.LearningRateSchedule):
            """Rises for some steps, then falls with the root of their number."""

            def __init__(self, top, warm):
                self.top, self.warm = top, warm

            def __call__(self, step):
                step = tf.cast(step, tf.float32) + 1.0
                return self.top * tf.minimum(step / self.warm, tf.math.rsqrt(step / self.warm))

            def get_config(self):
                return {"top": self.top, "warm": self.warm}

        schedules = keras.optimizers.schedules
        rate = Warm(0.1, 4.0) if name == "own" else getattr(schedules, name)(**SCHEDULES[name])
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(3)])
        start(model)
        model.compile(
            keras.optimizers.SGD(rate, momentum=0.5), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        seen = model.fit(X, Y, batch_size=20, epochs=4, shuffle=False, verbose=0)
        return {
            "history": seen.history, "rates": [float(rate(step)) for step in range(0, 12, 3)],
            "weights": model.get_weights(),
        }  # fmt: skip

    on_both(program)
