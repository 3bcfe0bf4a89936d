"""Pictures in folders, beside `keras.utils.image_dataset_from_directory`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import day33
from day33 import utils

image = pytest.importorskip("PIL.Image")
keras = pytest.importorskip("keras")

SIZES = [(9, 12), (20, 7), (5, 5), (16, 16), (8, 30)]


def pictures(folder: Path, suffix: str = ".png", smooth: bool = False) -> Path:
    """Three classes, five pictures each, one of them in a folder below."""
    generator = np.random.default_rng(0)
    for label in ("cats", "dogs", "eels"):
        (folder / label / "more").mkdir(parents=True)
        for number, (height, width) in enumerate(SIZES):
            values = generator.integers(0, 256, (height, width, 3))
            if smooth:
                values = np.linspace(0, 255, height * width * 3).reshape(height, width, 3)
            path = folder / label / ("more" if number == 4 else "") / f"{number}{suffix}"
            image.fromarray(values.astype(np.uint8)).save(path)
    (folder / "cats" / "notes.txt").write_text("no picture")
    (folder / ".hidden").mkdir()
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return pictures(tmp_path_factory.mktemp("pictures"))


def elements(data):
    return [part if isinstance(part, tuple) else (part,) for part in data.as_numpy_iterator()]


def assert_same(mine, correct, atol=0.0):
    mine, correct = elements(mine), elements(correct)
    assert len(mine) == len(correct)
    for parts in zip(mine, correct, strict=True):
        for a, b in zip(*parts, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"label_mode": "categorical", "batch_size": 4},
        {"label_mode": None},
        {"labels": None, "batch_size": None, "label_mode": "binary"},
        {"labels": [i % 2 for i in range(15)], "label_mode": "binary"},
        {"labels": [3 - i % 3 for i in range(15)]},
        {"class_names": ["eels", "cats"], "label_mode": "binary"},
        {"image_size": (7, 11)},
        {"image_size": (32, 32), "crop_to_aspect_ratio": True},
        {"image_size": (6, 40), "crop_to_aspect_ratio": True},
        {"image_size": (32, 32), "pad_to_aspect_ratio": True},
        {"image_size": (6, 40), "pad_to_aspect_ratio": True},
        {"image_size": (6, 13), "interpolation": "nearest"},
        {"image_size": (30, 13), "interpolation": "nearest", "crop_to_aspect_ratio": True},
        {"color_mode": "rgba"},
    ],
)
def test_the_values_of_keras(folder, arguments):
    arguments = {"image_size": (16, 16), "shuffle": False, "verbose": False} | arguments
    mine, correct = (m.image_dataset_from_directory(str(folder), **arguments) for m in (utils, keras.utils))
    assert mine.class_names == correct.class_names and mine.file_paths == correct.file_paths
    # Both round to float32 in every step; the largest values are 255.
    assert_same(mine, correct, atol=255 * 4 * np.finfo(np.float32).eps)


def test_grey_and_jpeg(tmp_path, folder):
    """Decoders and the weights of colours differ by a few of 255."""
    arguments = {"image_size": (16, 16), "shuffle": False, "verbose": False}
    for root, more, atol in (
        (folder, {"color_mode": "grayscale"}, 1),
        (pictures(tmp_path, ".jpg", smooth=True), {}, 4),
        (tmp_path, {"color_mode": "grayscale"}, 4),
    ):
        assert_same(*(m.image_dataset_from_directory(root, **arguments, **more) for m in (utils, keras.utils)), atol)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "I;16", "RGBA"])
@pytest.mark.parametrize("color_mode", ["rgb", "grayscale"])
def test_kinds_of_png(tmp_path, mode, color_mode):
    generator = np.random.default_rng(1)
    values = generator.integers(0, 256, (6, 5, 4), dtype=np.uint8)
    picture = image.fromarray(values)
    if mode == "I;16":
        picture = image.fromarray(generator.integers(0, 1 << 16, (6, 5), dtype=np.uint16))
    elif mode != "RGBA":
        picture = picture.convert("RGB").convert(mode)
    picture.save(tmp_path / "a.png")
    arguments = {"labels": None, "image_size": (6, 5), "color_mode": color_mode, "verbose": False}
    assert_same(*(m.image_dataset_from_directory(tmp_path, **arguments) for m in (utils, keras.utils)), atol=1)


def test_splits_and_shuffles(folder, capsys):
    arguments = {"image_size": (8, 8), "batch_size": None, "validation_split": 0.3, "seed": 4}
    sides = []
    for module in (utils, keras.utils):
        training, held_out = module.image_dataset_from_directory(str(folder), subset="both", **arguments)
        assert (
            training.file_paths
            == module.image_dataset_from_directory(str(folder), subset="training", **arguments).file_paths
        )
        sides.append((training.file_paths, held_out.file_paths, [int(label) for _, label in held_out]))
    assert sides[0] == sides[1] and len(sides[0][0]) == 11 and len(sides[0][1]) == 4
    assert "Found 15 files belonging to 3 classes." in capsys.readouterr().out
    labels = [[int(label) for _, label in training] for _ in range(2)]
    assert sorted(labels[0]) == sorted(labels[1])
    day33.set_random_seed(3)
    first = utils.image_dataset_from_directory(folder, verbose=False).file_paths
    day33.set_random_seed(3)
    assert utils.image_dataset_from_directory(folder, verbose=False).file_paths == first
    assert capsys.readouterr().out == ""


def test_a_model_is_trained_on_pictures(folder):
    data = utils.image_dataset_from_directory(folder, image_size=(8, 8), batch_size=4, verbose=False)
    model = day33.Sequential([
        day33.Input((8, 8, 3)), day33.layers.Rescaling(1 / 255), day33.layers.Flatten(), day33.layers.Dense(3),
    ])  # fmt: skip
    model.compile("adam", day33.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    assert len(model.fit(data.cache().prefetch(1), epochs=2, verbose=0).history["loss"]) == 2


def test_what_is_refused(folder, tmp_path):
    for arguments, said in (
        ({"label_mode": "ints"}, "label_mode is 'ints'"),
        ({"color_mode": "grey"}, "color_mode is 'grey'"),
        ({"interpolation": "bicubic"}, "interpolation is 'bicubic'; expected"),
        ({"data_format": "channels_first"}, "data_format is 'channels_first'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "at most one of them"),
        ({"class_names": ["cats", "cows"]}, r"class_names is \['cats', 'cows'\]; expected folders"),
        ({"class_names": ["cats"], "labels": None}, "class_names is"),
        ({"labels": [1, 2]}, "labels has 2 numbers; expected 15"),
        ({"labels": "all"}, "labels is 'all'"),
        ({"label_mode": "binary"}, "expected two"),
        ({"validation_split": 0.2}, "subset is None; expected both or neither"),
        ({"subset": "both"}, "validation_split is None"),
        ({"subset": "test", "validation_split": 0.2}, "subset is 'test'"),
        ({"subset": "both", "validation_split": 0.2}, "seed is None"),
        ({"subset": "both", "validation_split": 1.2, "seed": 1}, "validation_split is 1.2"),
        ({"subset": "validation", "validation_split": 0.01, "seed": 1}, "none is on this side"),
        ({"image_size": (3, 4, 5)}, "image_size"),
    ):
        with pytest.raises(ValueError, match=said):
            utils.image_dataset_from_directory(folder, **({"verbose": False} | arguments))
    with pytest.raises(FileNotFoundError):
        utils.image_dataset_from_directory(tmp_path / "absent")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    with pytest.raises(ValueError, match=r"broken\.png is no picture"):
        list(utils.image_dataset_from_directory(tmp_path, labels=None, verbose=False))
