"""What a model looks at, and how it is fooled: gradients with respect to pictures and to maps inside."""

from __future__ import annotations

import numpy as np
import pytest

from support.tutorials import on_both, start

RNG = np.random.default_rng(81)
PICTURES = RNG.random((8, 14, 14, 1), np.float32)


def network(keras):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((14, 14, 1)),
            layers.Conv2D(6, 3, activation="relu", name="early"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, activation="relu", name="last_maps"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, name="scores"),
        ]
    )
    start(model)
    return model


def grad_cam(keras, tf):
    """The maps of the last convolution, weighted by the mean gradient of a score with respect to each."""
    model = network(keras)
    inside = keras.models.Model(model.inputs, [model.get_layer("last_maps").output, model.outputs[0]])
    found = []
    for picture in PICTURES[:3, None]:
        with tf.GradientTape() as tape:
            maps, scores = inside(picture)
            best = tf.argmax(scores[0])
            score = scores[:, int(best)]
        slopes = tape.gradient(score, maps)
        pooled = tf.reduce_mean(slopes, axis=(0, 1, 2))
        heat = maps[0] @ pooled[..., tf.newaxis]
        heat = tf.squeeze(heat)
        heat = tf.maximum(heat, 0) / (tf.math.reduce_max(heat) + 1e-9)
        found.append({"best": int(best), "heat": heat.numpy(), "slopes": slopes.numpy()})
    return {"found": found}


def test_grad_cam():
    on_both(grad_cam)


def fast_gradient_sign(keras, tf):
    """A step along the sign of the gradient of the loss with respect to the picture."""
    model = network(keras)
    measure = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    pictures, labels = tf.convert_to_tensor(PICTURES), tf.argmax(model(PICTURES), axis=1)

    def direction(picture, label):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            loss = measure(label, model(picture))
        return loss, tf.sign(tape.gradient(loss, picture))

    loss, signs = direction(pictures, labels)
    losses = [float(loss)]
    for step in (0.01, 0.1, 0.3):
        changed = tf.clip_by_value(pictures + step * signs, 0, 1)
        losses.append(float(measure(labels, model(changed))))
    assert losses == sorted(losses)
    return {"signs": signs.numpy(), "losses": losses}


def test_fast_gradient_sign():
    on_both(fast_gradient_sign)


def saliency(keras, tf):
    """The largest slope of each pixel, and its mean over noisy copies and along a path from black (given noise)."""
    model = network(keras)
    noise = RNG_OF_COPIES
    picture = tf.Variable(PICTURES[:1])
    with tf.GradientTape() as tape:
        score = tf.reduce_max(model(picture), axis=1)
    plain = tf.reduce_max(tf.abs(tape.gradient(score, picture)), axis=-1)

    copies = tf.constant(PICTURES[:1] + noise)
    with tf.GradientTape() as tape:
        tape.watch(copies)
        scores = tf.gather(model(copies), [1], axis=1)
    smooth = tf.reduce_mean(tf.square(tape.gradient(scores, copies)), axis=0)

    steps = tf.reshape(tf.linspace(0.0, 1.0, 9), (9, 1, 1, 1))
    path = steps * PICTURES[:1]
    with tf.GradientTape() as tape:
        tape.watch(path)
        shares = tf.nn.softmax(model(path), axis=-1)[:, 2]
    slopes = tape.gradient(shares, path)
    along = tf.reduce_mean((slopes[:-1] + slopes[1:]) / 2.0, axis=0) * PICTURES[0]
    return {
        "plain": plain.numpy(),
        "smooth": smooth.numpy(),
        "along": along.numpy(),
        "sum": float(tf.reduce_sum(along)),
    }


RNG_OF_COPIES = RNG.normal(0, 0.1, (6, 14, 14, 1)).astype(np.float32)


def test_saliency():
    found = on_both(saliency)
    # The gradients along a path add up to the difference at its ends, but for the coarse sum.
    assert found["sum"] == pytest.approx(found["along"].sum(), abs=1e-5)


def test_filters_by_ascent():
    """The picture that a filter answers to, by steps along normalized gradients."""

    def program(keras, tf):
        model = network(keras)
        extract = keras.Model(inputs=model.inputs, outputs=model.get_layer("last_maps").output)

        @tf.function
        def ascend(picture, number, rate):
            with tf.GradientTape() as tape:
                tape.watch(picture)
                answer = tf.reduce_mean(extract(picture)[:, 1:-1, 1:-1, number])
            slopes = tf.math.l2_normalize(tape.gradient(answer, picture))
            return answer, picture + rate * slopes

        picture = tf.constant(PICTURES[:1] * 0.5)
        liveliest = int(tf.argmax(tf.reduce_mean(extract(picture), axis=(0, 1, 2))))
        answers = []
        for _ in range(10):
            answer, picture = ascend(picture, liveliest, 1.0)
            answers.append(float(answer))
        return {"answers": answers, "picture": picture.numpy()}

    found = on_both(program)
    assert found["answers"][-1] > found["answers"][0]
