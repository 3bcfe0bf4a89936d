"""Layers on images beside Keras: the same numbers where the same was drawn; what is drawn, when, and for whom."""

from __future__ import annotations

import numpy as np
import pytest

import day33
from day33 import _native, layers, ops, tf
from day33._graph.lowering import Lowering
from support.zoo import random

keras = pytest.importorskip("keras")
drawing = pytest.importorskip("keras.src.backend.tensorflow.random")

N, H, W, C = 5, 7, 6, 3
IMAGES = (random(N, H, W, C) * 60 + 120).astype(np.float32)
MODES = [
    {"fill_mode": fill, "interpolation": how, "fill_value": 9.0}
    for fill in ("reflect", "wrap", "constant", "nearest") for how in ("bilinear", "nearest")
]  # fmt: skip
RANDOM = [
    ("RandomFlip", {"mode": "horizontal"}),
    ("RandomFlip", {"mode": "vertical"}),
    ("RandomFlip", {}),
    ("RandomRotation", {"factor": 0.3}),
    *[("RandomRotation", {"factor": (-0.1, 0.7), **mode}) for mode in MODES],
    ("RandomTranslation", {"height_factor": 0.4, "width_factor": 0.6}),
    *[("RandomTranslation", {"height_factor": (-0.6, 0.2), "width_factor": (0.1, 0.5), **mode}) for mode in MODES],
    ("RandomZoom", {"height_factor": 0.5}),
    ("RandomZoom", {"height_factor": 0.5, "width_factor": (0.1, -0.4)}),
    *[("RandomZoom", {"height_factor": (-0.3, 0.8), "width_factor": 0.4, **mode}) for mode in MODES],
    ("RandomContrast", {"factor": 0.7}),
    ("RandomContrast", {"factor": (0.9, 0.2), "value_range": (60, 160)}),
    ("RandomBrightness", {"factor": 0.7}),
    ("RandomBrightness", {"factor": (0.1, 0.4), "value_range": (200, 60)}),
]
IDS = [f"{name} {' '.join(map(str, arguments.values()))}" for name, arguments in RANDOM]
RESIZED = [
    *[("Resizing", {"height": h, "width": w, "interpolation": how, "antialias": smooth})
      for how in layers.images.RESIZINGS for h, w, smooth in ((4, 9, False), (14, 5, False), (3, 4, True))],
    *[("Resizing", {"height": h, "width": w, f"{what}_to_aspect_ratio": True})
      for what in ("crop", "pad") for h, w in ((4, 9), (14, 5), (3, 3))],
    ("Resizing", {"height": 5, "width": 9, "pad_to_aspect_ratio": True, "fill_value": 77.0}),
    *[("CenterCrop", {"height": h, "width": w}) for h, w in ((3, 4), (4, 3), (7, 6), (9, 4), (3, 8), (20, 1))],
]  # fmt: skip


def both(name, arguments):
    return getattr(layers, name)(**arguments), getattr(keras.layers, name)(**arguments)


@pytest.fixture
def keras_draws(monkeypatch):
    """What the random functions of Keras draw, in shares from 0 to 1: columns of the array that is put into it."""
    held = []

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        column = held.pop(0)
        return np.float32(minval) + np.reshape(column, tuple(map(int, shape))) * np.float32(maxval - minval)

    monkeypatch.setattr(drawing, "uniform", uniform)
    return held


@pytest.mark.parametrize(("name", "arguments"), RANDOM, ids=IDS)
def test_the_same_as_keras_for_what_was_drawn(name, arguments, keras_draws):
    ours, theirs = both(name, arguments)
    drawn = np.random.default_rng(3).random((N, ours.draws), np.float32)
    keras_draws.extend(drawn.T)
    correct = np.asarray(theirs(IMAGES, training=True))
    mine = ours.changed(IMAGES, drawn)
    assert mine.dtype == np.float32 and not np.array_equal(mine, IMAGES)
    # "nearest" jumps where the last bit of a place decides; elsewhere values change by the slope times 1e-6 of a pixel.
    near = np.abs(mine - correct) <= 3e-3
    assert near.all() or (arguments.get("interpolation") == "nearest" and near.mean() > 0.97)


@pytest.mark.parametrize(("height", "width"), [(3, 4), (6, 5), (1, 1), (7, 3), (9, 4), (3, 9), (7, 6)])
def test_random_crop(height, width, keras_draws):
    ours, theirs = both("RandomCrop", {"height": height, "width": width})
    drawn = np.random.default_rng(4).random((N, 2), np.float32)
    mine = np.asarray(ours.changed(IMAGES, drawn))
    for image, numbers, result in zip(IMAGES, drawn, mine, strict=True):  # Keras has one place for all images
        keras_draws[:] = list(numbers)
        np.testing.assert_allclose(result, np.asarray(theirs(image, training=True)), rtol=1e-6, atol=1e-4)
    # In inference Keras says that it gives the largest part with these proportions, and gives the image as it is.
    shown = keras.ops.image.resize(IMAGES, (height, width), crop_to_aspect_ratio=True)
    np.testing.assert_allclose(ours(IMAGES, training=False), np.asarray(shown), rtol=1e-6, atol=1e-4)
    assert ours.compute_output_shape((None, H, W, C)) == theirs.compute_output_shape((None, H, W, C))


@pytest.mark.parametrize(("name", "arguments"), RESIZED)
def test_resized_as_in_keras(name, arguments):
    ours, theirs = both(name, arguments)
    for x in (IMAGES, IMAGES[1]):
        np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(ours(IMAGES, training=True), ours(IMAGES), rtol=0)
    whole = np.round(IMAGES).astype(np.uint8)  # outside of models and data sets, Keras gives integers for integers
    np.testing.assert_allclose(ours(whole), np.asarray(theirs(whole.astype(np.float32))), rtol=1e-5, atol=1e-3)
    assert ours.compute_output_shape((None, H, W, C)) == theirs.compute_output_shape((None, H, W, C))
    assert ours(whole).dtype == np.float32


@pytest.mark.parametrize(("name", "arguments"), [*RANDOM, ("RandomCrop", {"height": 3, "width": 3})][::3])
def test_when_it_acts(name, arguments):
    """Keras: by default in a call on arrays, of the layer and of models around it, as long as nobody says otherwise."""

    def acts(function, resting):
        return any(not np.allclose(np.asarray(function()), np.asarray(resting), atol=1e-3) for _ in range(6))

    class Asked(day33.Model):
        def __init__(self):
            super().__init__()
            self.inside = getattr(layers, name)(**arguments)

    class Silent(Asked):
        def call(self, x):
            return self.inside(x)

    class Says(Asked):
        def call(self, x, training=False):
            return self.inside(x)

    class HandsOn(Asked):
        def call(self, x, training=None):
            return self.inside(x, training=training)

    layer = getattr(layers, name)(**arguments)
    resting = layer(IMAGES, training=False)
    assert acts(lambda: layer(IMAGES), resting) and acts(lambda: layer(IMAGES[0]), resting[0])
    assert not acts(lambda: layer(IMAGES, training=False), resting)
    x = day33.Input((H, W, C))
    functional = day33.Model(x, layer(x))
    for model in (
        functional, day33.Sequential([day33.Input((H, W, C)), layer]), day33.Sequential([layer]), Silent(), HandsOn(),
        day33.Sequential([Silent()]),
    ):  # fmt: skip
        assert acts(lambda model=model: model(IMAGES), resting)
        assert acts(lambda model=model: model(IMAGES, training=True), resting)
        assert not acts(lambda model=model: model(IMAGES, training=False), resting)
        assert not acts(lambda model=model: model.predict(IMAGES, verbose=0), resting)
    for model in (Says(), day33.Sequential([Says()])):
        assert not acts(lambda model=model: model(IMAGES), resting)
        assert acts(lambda model=model: model(IMAGES, training=True), resting)
    quiet = day33.Model(x, layer(x, training=False))
    assert not acts(lambda: quiet(IMAGES), resting) and not acts(lambda: quiet(IMAGES, training=True), resting)
    always = day33.Model(x, layer(x, training=True))
    assert acts(lambda: always(IMAGES, training=False), resting)
    assert acts(lambda: always.predict(IMAGES, verbose=0), resting)


def test_others_rest_by_default():
    """A model that is called without `training` changes its images, and drops nothing."""
    model = day33.Sequential([layers.RandomTranslation(0.5, 0.5), layers.Dropout(0.5), layers.GaussianNoise(0.9)])
    theirs = keras.Sequential(
        [keras.layers.RandomTranslation(0.5, 0.5), keras.layers.Dropout(0.5), keras.layers.GaussianNoise(0.9)]
    )
    for called in (model, theirs):
        found = np.asarray(called(np.ones((40, H, W, C), np.float32)))
        np.testing.assert_allclose(found, 1, rtol=1e-5)  # reflected ones are ones
        assert not np.allclose(np.asarray(called(IMAGES)), IMAGES)
    with day33.GradientTape() as tape:
        y = model(IMAGES)
        loss = ops.sum(model(tf.constant(np.ones((40, H, W, C), np.float32))))
    assert not np.allclose(y, IMAGES) and float(loss) == pytest.approx(40 * H * W * C, rel=1e-5)
    del tape


def test_subclass_that_calls_super():
    class Doubled(layers.RandomBrightness):
        def call(self, images, training=None):
            return super().call(images, training=training) * 2.0

    layer = Doubled((0.1, 0.1), value_range=(0, 1000))
    np.testing.assert_allclose(layer(IMAGES, training=False), IMAGES * 2, rtol=1e-6)
    for y in (layer(IMAGES), layer(IMAGES, training=True)):
        np.testing.assert_allclose(y, np.clip(IMAGES + 100, 0, 1000) * 2, rtol=1e-5)


RANGES = [  # what is to be read off, from an image of (x + 10 y) on 9 x 9 pixels, and between which bounds
    ("RandomRotation", {"factor": (-0.05, 0.2)}, lambda y: _angle(y), (-0.05, 0.2)),
    ("RandomTranslation", {"height_factor": (-0.1, 0.3), "width_factor": 0},
     lambda y: (44 - y[:, 4, 4]) / 90, (-0.1, 0.3)),
    ("RandomTranslation", {"height_factor": 0, "width_factor": 0.4}, lambda y: (44 - y[:, 4, 4]) / 9, (-0.4, 0.4)),
    ("RandomZoom", {"height_factor": (0.0, 0.3), "width_factor": 0},
     lambda y: (y[:, 5, 4] - y[:, 4, 4]) / 10 - 1, (0, 0.3)),
    ("RandomZoom", {"height_factor": 0, "width_factor": 0.5}, lambda y: y[:, 4, 5] - y[:, 4, 4] - 1, (-0.5, 0.5)),
    ("RandomContrast", {"factor": (0.2, 0.4)}, lambda y: (y[:, 4, 5] - y[:, 4, 4]), (0.8, 1.4)),
    ("RandomBrightness", {"factor": (-0.1, 0.3), "value_range": (-1000, 1000)},
     lambda y: (y[:, 4, 4] - 44) / 2000, (-0.1, 0.3)),
]  # fmt: skip


def _angle(y):
    """From the differences to the right and down: cos + 10 sin and -sin + 10 cos."""
    right, down = y[:, 4, 5] - y[:, 4, 4], y[:, 5, 4] - y[:, 4, 4]
    return np.arctan2(10 * right - down, right + 10 * down) / (2 * np.pi)


@pytest.mark.parametrize(("name", "arguments", "measure", "bounds"), RANGES)
def test_what_is_drawn_is_uniform_and_others_for_each_image(name, arguments, measure, bounds):
    count = 4000
    picture = (np.arange(9.0) + 10 * np.arange(9.0)[:, None]).astype(np.float32)
    y = getattr(layers, name)(**arguments)(np.repeat(picture[None, :, :, None], count, 0), training=True)
    found = np.sort((measure(y[..., 0].astype(np.float64)) - bounds[0]) / (bounds[1] - bounds[0]))
    assert found[0] > -1e-4 and found[-1] < 1 + 1e-4
    # The bound of Kolmogorov and Smirnov for one case in a million.
    assert np.abs(found - (np.arange(count) + 0.5) / count).max() < 2.7 / np.sqrt(count)


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_half_of_the_images_are_mirrored(mode):
    axes = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (1, 2)}[mode]
    x = random(1000, 4, 3, 2)
    y = layers.RandomFlip(mode)(x, training=True)
    mirrored = (y == np.flip(x, axes)).all((1, 2, 3))
    assert ((y == x).all((1, 2, 3)) ^ mirrored).all()
    assert 420 < mirrored.sum() < 580  # five standard deviations
    again = layers.RandomFlip(mode)(x, training=True)
    assert 350 < (mirrored ^ (again == np.flip(x, axes)).all((1, 2, 3))).sum() < 650


def test_every_place_of_a_crop_is_as_likely():
    picture = np.arange(30, dtype=np.float32).reshape(1, 5, 6, 1)
    y = layers.RandomCrop(3, 4)(np.repeat(picture, 3000, 0), training=True)
    corners, counts = np.unique(y[:, 0, 0, 0], return_counts=True)
    np.testing.assert_array_equal(corners, [0, 1, 2, 6, 7, 8, 12, 13, 14])
    assert 240 < counts.min() and counts.max() < 427  # five standard deviations
    np.testing.assert_array_equal(y - y[:, :1, :1], np.broadcast_to(picture[:, :3, :4], y.shape))


def augmented():
    return day33.Sequential(
        [day33.Input((H, W, C)), layers.Rescaling(1 / 255), layers.RandomFlip(), layers.RandomRotation(0.1),
         layers.RandomTranslation(0.2, 0.2), layers.RandomZoom(0.2), layers.RandomContrast(0.2, (0, 1)),
         layers.RandomBrightness(0.2, (0, 1)), layers.RandomCrop(5, 5), layers.Conv2D(4, 3, activation="relu"),
         layers.Flatten(), layers.Dense(1)]
    )  # fmt: skip


def test_the_same_bits_for_any_number_of_threads(restored_threads):
    x, y = np.repeat(IMAGES, 8, 0), random(8 * N, 1, seed=2)
    found = []
    for count in (1, 2, 3):
        _native.set_num_threads(count)
        day33.set_random_seed(11)
        model = augmented()
        model.compile("adam", "mse")
        model.fit(x, y, epochs=3, batch_size=16, verbose=0)
        found.append([*model.get_weights(), np.asarray(model(x)), model.predict(x, verbose=0)])
    for other in found[1:]:
        for mine, first in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(mine, first)


def test_the_same_bits_after_resuming(tmp_path):
    x, y = np.repeat(IMAGES, 8, 0), random(8 * N, 1, seed=2)

    class Stops(day33.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def trained(*callbacks, seed=5):
        day33.set_random_seed(seed)
        model = augmented()
        model.compile("adam", "mse")
        try:
            model.fit(x, y, epochs=4, batch_size=16, verbose=0, callbacks=list(callbacks))
        except KeyboardInterrupt:
            return None
        return model.get_weights()

    whole = trained()
    keep = tmp_path / "state"
    assert trained(day33.callbacks.BackupAndRestore(keep), Stops()) is None
    for mine, first in zip(trained(day33.callbacks.BackupAndRestore(keep)), whole, strict=True):
        np.testing.assert_array_equal(mine, first)


def test_a_layer_called_twice_draws_twice():
    x = day33.Input((H, W, C))
    layer = layers.RandomTranslation(0.5, 0.5, seed=3)
    model = day33.Model(x, [layer(x), layer(x)])
    first, second = model(IMAGES, training=True)
    assert not np.allclose(first, second)


def test_seeds():
    def draw(seed, run):
        day33.set_random_seed(run)
        return np.asarray(layers.RandomRotation(0.5, seed=seed)(IMAGES, training=True))

    np.testing.assert_array_equal(draw(3, 1), draw(3, 1))
    assert not np.allclose(draw(3, 1), draw(4, 1)) and not np.allclose(draw(3, 1), draw(3, 2))


GRADIENTS = [case for case in RANDOM if case[1].get("interpolation") != "nearest"][::2]


@pytest.mark.parametrize(("name", "arguments"), [*GRADIENTS, *RESIZED[:3], RESIZED[-2]])
def test_gradients_are_the_derivative(name, arguments):
    """Along a direction, from differences of the layer itself: all are linear where nothing is clipped."""
    layer = getattr(layers, name)(**arguments)
    if hasattr(layer, "value_range"):
        layer.value_range = (-1000, 1000)  # nothing is clipped
    lowering = Lowering()
    plan = lowering.builder.build(layer.lower(lowering, [lowering.input((H, W, C), "float32")]))
    given = [variable.value for variable in lowering.variables]

    def run(images):
        return plan.forward([images], given, training=True, seed=7)[0].astype(np.float64)

    direction = random(N, H, W, C, seed=4)
    weights = random(*run(IMAGES).shape, seed=5)
    change = (run(IMAGES + 8 * direction) - run(IMAGES - 8 * direction)) / 16
    assert np.abs(change).max() > 0.1
    (dx,), _ = plan.backward([IMAGES], [weights], given, training=True, seed=7)
    # Values of some hundreds in float32 are exact to 3e-5, their differences over a length of 16 to 2e-6.
    bound = 2e-5 * float(np.linalg.norm(weights)) * np.sqrt(weights.size)
    assert np.vdot(dx.astype(np.float64), direction) == pytest.approx(np.vdot(change, weights), abs=bound)


def test_in_data_sets():
    """As Keras's guides have it: images in `map`, one by one and in batches."""
    labels = np.arange(N)
    rotate, resize = layers.RandomTranslation(0.5, 0.5), layers.Resizing(3, 4)
    single = tf.data.Dataset.from_tensor_slices((IMAGES, labels)).map(lambda x, y: (rotate(x, training=True), y))
    for number, (image, label) in enumerate(single):
        assert np.shape(image) == (H, W, C) and int(label) == number and not np.allclose(image, IMAGES[number])
    batches = tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(2).map(lambda x, y: (resize(x), y))
    whole = np.concatenate([np.asarray(x) for x, _ in batches])
    np.testing.assert_array_equal(whole, resize(IMAGES))


def test_integers_as_input():
    whole = np.round(IMAGES).astype(np.uint8)
    x = day33.Input((H, W, C), dtype="uint8")
    model = day33.Model(x, layers.RandomTranslation(0.5, 0.5)(layers.Resizing(H, W)(x)))
    np.testing.assert_allclose(model.predict(whole, verbose=0), whole, rtol=1e-6)
    assert not np.allclose(layers.RandomRotation(0.5)(whole), whole)
    assert layers.RandomFlip()(whole[0].astype(np.int64)).dtype == np.float32


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: layers.RandomFlip("diagonal"), "mode is 'diagonal'; expected one of 'horizontal', 'vertical'"),
        (lambda: layers.RandomRotation(1.5), "factor is 1.5; expected a number from -1 to 1, or two of them"),
        (lambda: layers.RandomRotation((1, 2, 3)), "factor is"),
        (lambda: layers.RandomRotation("a"), "factor is 'a'; expected a number"),
        (lambda: layers.RandomRotation(0.1, fill_mode="mirror"), "fill_mode is 'mirror'; expected one of 'reflect'"),
        (lambda: layers.RandomRotation(0.1, interpolation="bicubic"), "interpolation is 'bicubic'; expected one of"),
        (lambda: layers.RandomRotation(0.1, fill_value=float("nan")), "fill_value is nan"),
        (lambda: layers.RandomTranslation(0.1, 1.5), "width_factor is 1.5; expected a number from -1 to 1"),
        (lambda: layers.RandomTranslation(0.1, None), "width_factor is None"),
        (lambda: layers.RandomZoom(-1.0), "height_factor is -1.0"),
        (lambda: layers.RandomContrast(-0.5), "factor is -0.5; expected a number from 0 to 1"),
        (lambda: layers.RandomContrast(0.5, value_range=3), "value_range is 3; expected two numbers"),
        (lambda: layers.RandomBrightness(0.5, value_range=(0, 1, 2)), "value_range is"),
        (lambda: layers.RandomCrop(0, 3), "height is 0; expected at least 1"),
        (lambda: layers.Resizing(3, 3, interpolation="cubic"), "interpolation is 'cubic'"),
        (lambda: layers.Resizing(3, 3, fill_mode="reflect"), "fill_mode is 'reflect'; expected one of 'constant'"),
        (lambda: layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "are both True"),
        (lambda: layers.CenterCrop(3, 3, data_format="channels_first"), "data_format is 'channels_first'"),
        (lambda: layers.RandomZoom(0.2, data_format="channels_first"), "data_format is 'channels_first'"),
        (lambda: layers.RandomFlip(seed=-1), "seed is -1"),
        (lambda: layers.RandomFlip(bounding_box_format="xyxy"), "does not know the argument.* bounding_box_format"),
        (lambda: layers.RandomFlip(name="f")({"images": IMAGES}), "layer 'f' was given a dict .* images alone"),
        (lambda: layers.RandomFlip(name="f")(IMAGES[..., 0, 0]), r"shape \(.*, 7\); expected \(N, H, W, C\)"),
        (lambda: layers.Resizing(3, 3, name="r")(day33.Input((7, 6))), r"expected \(N, H, W, C\)"),
    ],
)  # fmt: skip
def test_what_is_refused(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        build()


def test_attributes_take_effect_at_once():
    layer = layers.RandomTranslation((0.0, 0.0), (0.5, 0.5), fill_mode="constant")
    np.testing.assert_allclose(layer(IMAGES)[:, :, :3], 0, atol=1e-4)
    layer.width_factor = (-0.5, -0.5)
    np.testing.assert_allclose(layer(IMAGES)[:, :, 3:], 0, atol=1e-4)
    with pytest.raises(ValueError, match="fill_mode is 'x'"):
        layer.fill_mode = "x"


@pytest.mark.parametrize(("name", "arguments"), [*RANDOM[::4], *RESIZED[::6]])
def test_configuration_is_keras_configuration(name, arguments):
    ours, theirs = both(name, {**arguments, "name": "same"})
    mine = keras.saving.serialize_keras_object(theirs)["config"]
    assert {**ours.get_config(), "dtype": None} == {
        **{key: tuple(value) if isinstance(value, list) else value for key, value in mine.items()}, "dtype": None,
    }  # fmt: skip
