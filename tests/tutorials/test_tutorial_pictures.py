"""Pictures: which pixels belong to what, and residual networks of separable convolutions."""

from __future__ import annotations

import numpy as np

from support.tutorials import on_both, on_day33, start


def shapes_on_ground(count, side, seed):
    """Pictures with a disc and a bar on noise; per pixel 0 for ground, 1 for a disc, 2 for a bar."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    pictures = rng.normal(0, 0.15, (count, side, side, 1))
    kinds = np.zeros((count, side, side), np.int64)
    for picture, kind in zip(pictures, kinds, strict=True):
        y, x = rng.integers(4, side - 4, 2)
        disc = (rows - y) ** 2 + (columns - x) ** 2 <= 9
        top, left = rng.integers(0, side - 8), rng.integers(0, side - 2)
        bar = (rows >= top) & (rows < top + 8) & (columns >= left) & (columns < left + 2)
        kind[disc], kind[bar] = 1, 2
        picture[..., 0] += kind * 0.6
    return pictures.astype(np.float32), kinds


def u_net(keras, side, classes, filters, dropout):
    """Down, up, and across: what was on the way down is joined to what comes up."""
    layers = keras.layers

    def twice(x, width):
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
        return x

    inputs = keras.Input((side, side, 1))
    x, kept = inputs, []
    for level in range(2):
        x = twice(x, filters * 2**level)
        kept.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = twice(x, filters * 4)
    if dropout:
        x = layers.SpatialDropout2D(dropout)(x)
    for level in (1, 0):
        x = layers.Conv2DTranspose(filters * 2**level, 2, strides=2, padding="same")(x)
        x = layers.concatenate([x, kept[level]])
        x = twice(x, filters * 2**level)
    return keras.Model(inputs, layers.Conv2D(classes, 1, activation="softmax")(x))


def dice(keras, classes):
    """One minus twice the common area over the sum of both, a mean over classes."""

    def dice_loss(y_true, y_pred):
        ops = keras.ops
        wanted = ops.one_hot(ops.cast(y_true, "int32"), classes)
        common = ops.sum(wanted * y_pred, axis=(1, 2))
        both = ops.sum(wanted, axis=(1, 2)) + ops.sum(y_pred, axis=(1, 2))
        return 1 - ops.mean((2 * common + 1) / (both + 1), axis=-1)

    return dice_loss


def segmentation(count, epochs, parity):
    def program(keras, tf):
        pictures, kinds = shapes_on_ground(count, 16, seed=1)
        model = u_net(keras, 16, 3, filters=4 if parity else 8, dropout=0 if parity else 0.1)
        if parity:
            start(model)

        class Overlap(keras.metrics.MeanIoU):
            """Of classes, from shares."""

            def update_state(self, y_true, y_pred, sample_weight=None):
                return super().update_state(y_true, keras.ops.argmax(y_pred, axis=-1), sample_weight)

        model.compile(
            optimizer=keras.optimizers.SGD(0.1) if parity else keras.optimizers.Adam(0.005), loss=dice(keras, 3),
            metrics=["accuracy", Overlap(num_classes=3, name="overlap")],
        )  # fmt: skip
        seen = model.fit(
            pictures, kinds, batch_size=8, epochs=epochs, shuffle=not parity, verbose=0, validation_split=0.25
        )
        mask = model.predict(pictures[-2:], verbose=0).argmax(axis=-1)
        overlap = keras.metrics.MeanIoU(num_classes=3)
        overlap.update_state(kinds[-2:], mask)
        return {"history": seen.history, "overlap": float(overlap.result()), "weights": model.get_weights()}

    return program


def test_u_net():
    # Batch normalization over a few pixels multiplies rounding: 2e-4 after ten steps.
    on_both(segmentation(40, epochs=3, parity=True), bound=1e-3)


def test_u_net_finds_shapes():
    found = on_day33(segmentation(320, epochs=12, parity=False))
    assert found["history"]["val_overlap"][-1] > 0.85, found["history"]["val_overlap"]


def test_residual_network_of_separable_convolutions():
    """In the manner of Xception: blocks of separable convolutions, pooled, added to a projection of their input."""

    def program(keras, tf):
        layers = keras.layers
        inputs = keras.Input(shape=(20, 20, 3))
        x = layers.Rescaling(1.0 / 255)(inputs)
        x = layers.Conv2D(6, 3, strides=2, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        before = x
        for width in (8, 12):
            for _ in range(2):
                x = layers.Activation("relu")(x)
                x = layers.SeparableConv2D(width, 3, padding="same")(x)
                x = layers.BatchNormalization()(x)
            x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
            x = layers.add([x, layers.Conv2D(width, 1, strides=2, padding="same")(before)])
            before = x
        x = layers.SeparableConv2D(16, 3, padding="same")(x)
        x = layers.GlobalAveragePooling2D()(layers.Activation("relu")(layers.BatchNormalization()(x)))
        model = keras.Model(inputs, layers.Dense(1, activation=None)(x))
        start(model)
        model.compile(
            optimizer=keras.optimizers.SGD(0.02), loss=keras.losses.BinaryCrossentropy(from_logits=True),
            metrics=[keras.metrics.BinaryAccuracy(name="acc")],
        )  # fmt: skip
        rng = np.random.default_rng(8)
        pictures = rng.integers(0, 256, (32, 20, 20, 3)).astype(np.float32)
        classes = rng.integers(0, 2, 32)
        data = tf.data.Dataset.from_tensor_slices((pictures, classes)).batch(16).prefetch(tf.data.AUTOTUNE)
        seen = model.fit(data, epochs=5, verbose=0, shuffle=False)
        score = float(keras.ops.sigmoid(model.predict(pictures[:1], verbose=0)[0][0]))
        return {"history": seen.history, "score": score, "weights": model.get_weights()}

    on_both(program, bound=1e-3)


def augmented(pictures, labels, epochs):
    """Changed pictures as the first layers of a model and in a data set's `map`; digits that are turned and moved."""

    def program(keras, tf):
        layers = keras.layers
        change = keras.Sequential(
            [
                layers.RandomRotation(0.05, fill_mode="constant"),
                layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
                layers.RandomZoom(0.1, fill_mode="constant"),
                layers.RandomContrast(0.2),
            ],
            name="change",
        )
        resize = keras.Sequential([layers.Resizing(20, 20), layers.Rescaling(2.0, offset=-1.0)])
        mirrored = layers.RandomFlip("horizontal", seed=3)
        data = tf.data.Dataset.from_tensor_slices((pictures, labels)).shuffle(len(pictures)).batch(64)
        data = data.map(lambda x, y: (change(x, training=True), y), num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)

        model = keras.Sequential(
            [
                keras.Input(pictures.shape[1:]),
                layers.RandomTranslation(0.05, 0.05, fill_mode="constant"),
                resize,
                layers.Conv2D(12, 3, activation="relu"),
                layers.MaxPooling2D(),
                layers.Conv2D(24, 3, activation="relu"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dropout(0.2),
                layers.Dense(10),
            ]
        )
        model.compile(
            keras.optimizers.Adam(0.003),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        history = model.fit(data, epochs=epochs, verbose=0).history
        turned = change(pictures[-500:], training=True)
        return {
            "history": history,
            "still": change(pictures[:4], training=False).numpy(),
            "turned": turned.numpy(),
            "on turned": model.evaluate(turned, labels[-500:], verbose=0)[1],
            "twice": [model.predict(pictures[:8], verbose=0) for _ in range(2)],
            "mirrored": mirrored(pictures[:32], training=True).numpy(),
        }

    return program


def test_augmented_digits(digits):
    pictures, labels = digits[0][:6000], digits[1][:6000]
    found = on_day33(augmented(pictures, labels, epochs=5))
    assert found["on turned"] > 0.85 and found["history"]["accuracy"][-1] > 0.8
    np.testing.assert_array_equal(found["still"], pictures[:4])  # nothing changes but in training
    np.testing.assert_array_equal(*found["twice"])
    assert (np.abs(found["turned"] - pictures[-500:]).max(axis=(1, 2, 3)) > 0.1).mean() > 0.98
    as_it_was = (found["mirrored"] == pictures[:32]).all(axis=(1, 2, 3))
    turned_over = (found["mirrored"] == pictures[:32, :, ::-1]).all(axis=(1, 2, 3))
    assert (as_it_was | turned_over).all() and as_it_was.any() and turned_over.any()
