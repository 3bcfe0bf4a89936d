"""Pictures over the epochs: how many are kept, what they are, and runs that go on."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import Input, Sequential, explain, layers
from day33.callbacks import BackupAndRestore, CSVLogger, PictureLogger, read_pictures
from support.pages import Page

PICTURES = np.random.default_rng(0).random((5, 4, 6)).astype(np.float32)


def model() -> Sequential:
    made = Sequential([Input((4, 6, 1)), layers.Conv2D(1, 3, padding="same", activation="sigmoid")])
    made.set_weights([np.full((3, 3, 1, 1), 0.1), np.zeros(1)])
    made.compile("sgd", "mse")
    return made


def fit(made: Sequential, epochs: int, *callbacks, **arguments) -> None:
    made.fit(PICTURES[..., None], PICTURES[..., None], epochs=epochs, verbose=0, callbacks=callbacks, **arguments)


def test_what_is_kept_is_what_the_model_makes(tmp_path):
    made = model()
    seen = []
    from day33.callbacks import LambdaCallback

    keep = LambdaCallback(on_epoch_end=lambda *_: seen.append(made.predict(PICTURES[..., None], verbose=0)[..., 0]))
    fit(made, 3, keep, PictureLogger(tmp_path / "pictures.npz", PICTURES))
    kept = read_pictures(tmp_path / "pictures.npz")
    assert list(kept.epochs) == [0, 1, 2]
    np.testing.assert_allclose(kept.pictures / 255, seen, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(kept.originals / 255, PICTURES, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize(("epochs", "most"), [(1, 2), (2, 2), (7, 2), (4, 5), (5, 5), (6, 5), (40, 5), (33, 32)])
def test_epochs_are_bounded_and_evenly_spaced(tmp_path, epochs, most):
    fit(model(), epochs, PictureLogger(tmp_path / "pictures.npz", PICTURES[:1], most))
    kept = list(read_pictures(tmp_path / "pictures.npz").epochs)
    assert len(kept) <= most
    assert kept[0] == 0 and kept[-1] == epochs - 1
    steps = set(np.diff(kept[:-1]))
    assert len(steps) <= 1
    if epochs <= most:
        assert kept == list(range(epochs))
    else:
        assert len(kept) > most // 2


@pytest.mark.parametrize("cut", [1, 5, 6, 11])
def test_a_run_that_goes_on_has_the_same_pictures(tmp_path, cut):
    def run(name, *lengths):
        (tmp_path / name).mkdir()
        for epochs in lengths:
            fit(
                model(), epochs, PictureLogger(tmp_path / name / "pictures.npz", PICTURES, 4),
                BackupAndRestore(tmp_path / name / "state", delete_checkpoint=False),
            )  # fmt: skip
        return (tmp_path / name / "pictures.npz").read_bytes()

    assert run("parts", cut, 12) == run("whole", 12)


def test_a_new_run_begins_anew(tmp_path):
    path = tmp_path / "pictures.npz"
    fit(model(), 4, PictureLogger(path, PICTURES))
    fit(model(), 2, PictureLogger(path, PICTURES))
    assert list(read_pictures(path).epochs) == [0, 1]


def test_a_damaged_file_is_replaced_with_a_warning(tmp_path):
    path = tmp_path / "pictures.npz"
    path.write_bytes(b"no archive")
    with pytest.warns(UserWarning, match="pictures of earlier epochs are lost"):
        fit(model(), 4, PictureLogger(path, PICTURES), initial_epoch=2)
    assert list(read_pictures(path).epochs) == [2, 3]
    with pytest.warns(UserWarning, match="holds other pictures; they are replaced"):
        fit(model(), 6, PictureLogger(path, PICTURES[:2]), initial_epoch=4)


def test_the_folder_of_a_run_is_explained_with_its_film(tmp_path):
    fit(model(), 9, CSVLogger(tmp_path / "history.csv"), PictureLogger(tmp_path / "pictures.npz", PICTURES, 4))
    explanation = explain.training(tmp_path)
    film = Page(explanation).of("film")
    kept = read_pictures(tmp_path / "pictures.npz")
    assert film["epochs"] == [1, 5, 9] == [n + 1 for n in kept.epochs]
    np.testing.assert_allclose(film["frames"], kept.pictures / 255, atol=6e-4)
    np.testing.assert_allclose(film["originals"], kept.originals / 255, atol=6e-4)
    assert explanation.notes == ("Of 9 epochs the pictures of 3 are shown, evenly spaced.",)
    labels = [ax.get_ylabel() for ax in explanation.figure().get_axes()]
    assert [label for label in labels if label.startswith("epoch ")] == ["epoch 1", "epoch 5", "epoch 9"]


@pytest.mark.parametrize(
    ("pictures", "most", "message"),
    [
        (np.ones((4, 6)), 4, "pictures has shape (4, 6); expected (N, H, W)"),
        (np.ones((0, 4, 6)), 4, "pictures has shape (0, 4, 6)"),
        (PICTURES, 1, "most_epochs is 1"),
    ],
)
def test_what_is_no_picture(tmp_path, pictures, most, message):
    with pytest.raises(ValueError) as raised:
        PictureLogger(tmp_path / "pictures.npz", pictures, most)
    assert message in str(raised.value)


def test_outputs_that_are_no_pictures(tmp_path):
    made = Sequential([Input((4, 6, 1)), layers.Flatten(), layers.Dense(2)])
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match="the model returns shape"):
        made.fit(
            PICTURES[..., None], np.ones((5, 2)), verbose=0, callbacks=[PictureLogger(tmp_path / "p.npz", PICTURES)]
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": None}, "it holds originals, pictures; expected originals, pictures, epochs"),
        ({"epochs": np.arange(3.0)}, "epochs has shape (3,) and dtype float64"),
        ({"epochs": np.array([0, 2, 2])}, "expected rising numbers"),
        ({"epochs": np.arange(2)}, "pictures has shape (3, 5, 4, 6); expected (2, 5, 4, 6)"),
        ({"originals": np.zeros((5, 4, 7), np.uint8)}, "expected (3, 5, 4, 7)"),
        ({"pictures": np.zeros((3, 5, 4, 6))}, "dtype float64"),
    ],
)
def test_files_of_something_else(tmp_path, changes, message):
    path = tmp_path / "pictures.npz"
    arrays = {
        "originals": np.zeros((5, 4, 6), np.uint8), "pictures": np.zeros((3, 5, 4, 6), np.uint8),
        "epochs": np.arange(3), **changes,
    }  # fmt: skip
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ValueError) as raised:
        read_pictures(path)
    assert message in str(raised.value) and str(path) in str(raised.value)


def test_pictures_beyond_the_history(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n0,0.5\n")
    fit(model(), 3, PictureLogger(tmp_path / "pictures.npz", PICTURES))
    with pytest.raises(ValueError, match="has pictures of epoch 3; the history ends with 1"):
        explain.training(tmp_path)
