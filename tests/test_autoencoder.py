"""Both auto-encoders: the right models, Keras's numbers, and a pipeline that keeps its promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from day33 import autoencoder, datasets, optimizers
from day33.autoencoder import AutoEncoder
from day33.random import set_random_seed
from support import zoo

KINDS = ("upsampling", "transposed")
CODE_SHAPES = {"upsampling": (4, 4, 4), "transposed": (3, 3, 4)}


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return datasets.load_digits_small()[0][0]


@pytest.fixture(scope="module")
def trained(digits: np.ndarray) -> AutoEncoder:
    set_random_seed(0)
    made = AutoEncoder("upsampling")
    made.fit(digits, epochs=30, batch_size=32, verbose=0)
    return made


def keras_model(kind: str) -> Any:
    """The same model in Keras."""
    pytest.importorskip("tensorflow")
    return zoo.autoencoder(kind, pytest.importorskip("keras"))


# ---- the models ----


@pytest.mark.parametrize("kind", KINDS)
def test_size_and_code(kind: str) -> None:
    model = autoencoder.build(kind)
    assert model.count_params() == 3369
    assert tuple(model.output_shape) == (None, 28, 28, 1)
    assert tuple(model.get_layer("code").output.shape) == (None, *CODE_SHAPES[kind])


def test_build_is_fixed_by_its_seed() -> None:
    first = autoencoder.build("upsampling", seed=7).get_weights()
    set_random_seed(99)
    again, other = (autoencoder.build("upsampling", seed=seed).get_weights() for seed in (7, 8))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[2].ravel()[:144], first[0].ravel())  # each layer draws its own


@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_keras_layers(kind: str) -> None:
    expected = keras_model(kind)
    model = autoencoder.build(kind)
    described = [(type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params()) for layer in model.layers]
    reference = [
        (type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params()) for layer in expected.layers
    ]
    assert described == reference


@pytest.mark.parametrize("kind", KINDS)
def test_same_weights_same_pictures_as_keras(kind: str, digits: np.ndarray) -> None:
    expected, model = keras_model(kind), autoencoder.build(kind)
    model.set_weights(expected.get_weights())
    x = (digits[:70, ..., np.newaxis] / 255).astype(np.float32)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "shape", "reason"),
    [
        ("vae", (28, 28, 1), "kind is 'vae'; expected 'upsampling' or 'transposed'"),
        ("upsampling", (28, 28), r"\(28, 28\)"),
        ("upsampling", (28, 28, 3), r"\(28, 28, 3\)"),
        ("upsampling", (32, 28, 1), "4, 12, 20, 28"),
        ("upsampling", (0, 28, 1), "4, 12, 20, 28"),
        ("transposed", (20, 20, 1), "28 only"),
        ("transposed", (2, 2, 1), "28 only"),
    ],
)
def test_shapes_that_cannot_be_rebuilt_are_refused(kind: Any, shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        autoencoder.build(kind, shape)


@pytest.mark.parametrize("side", [4, 12, 20, 36])
def test_upsampling_rebuilds_the_sides_it_promises(side: int) -> None:
    assert tuple(autoencoder.build("upsampling", (side, 28, 1)).output_shape) == (None, side, 28, 1)


# ---- the pipeline ----


def test_training_learns(trained: AutoEncoder, digits: np.ndarray) -> None:
    x = digits[..., np.newaxis] / 255
    of_the_mean = np.square(x - x.mean(axis=0)).mean()
    assert trained.anomaly_score(digits, metric="mse").mean() < 0.6 * of_the_mean


def test_loss_of_fit_is_the_score(digits: np.ndarray) -> None:
    """The training loss of one picture is its score: evaluate averages what anomaly_score gives."""
    made = AutoEncoder("transposed")
    x = (digits[:50, ..., np.newaxis] / 255).astype(np.float32)
    assert made.anomaly_score(x).mean() == pytest.approx(
        float(np.ravel(made.model.evaluate(x, x, verbose=0))[0]), rel=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_decode_of_encode_is_reconstruct(kind: str, digits: np.ndarray) -> None:
    made = AutoEncoder(kind)
    codes = made.encode(digits[:20])
    assert codes.shape == (20, *CODE_SHAPES[kind])
    assert codes.dtype == np.float32
    rebuilt = made.reconstruct(digits[:20])
    assert rebuilt.shape == (20, 28, 28, 1)
    np.testing.assert_allclose(made.decode(codes), rebuilt, rtol=1e-5, atol=1e-7)


def test_encoder_follows_the_training(digits: np.ndarray) -> None:
    made = AutoEncoder()
    before = made.encode(digits[:5])
    made.fit(digits[:64], epochs=2, batch_size=32, verbose=0)
    after = made.encode(digits[:5])
    assert not np.array_equal(before, after)
    np.testing.assert_allclose(made.decode(after), made.reconstruct(digits[:5]), rtol=1e-5, atol=1e-7)


def test_every_form_of_a_picture_is_the_same(trained: AutoEncoder, digits: np.ndarray) -> None:
    expected = trained.reconstruct(digits[:4])
    scaled = digits[:4].astype(np.float32) / np.float32(255)
    forms = [
        digits[:4, ..., np.newaxis],
        scaled,
        scaled[..., np.newaxis],
        scaled.astype(np.float64),
        np.asfortranarray(scaled),
        list(scaled),
    ]
    for form in forms:
        np.testing.assert_array_equal(trained.reconstruct(form), expected)


def test_no_pictures_no_problem(trained: AutoEncoder, digits: np.ndarray) -> None:
    none = digits[:0]
    assert trained.encode(none).shape == (0, 4, 4, 4)
    assert trained.reconstruct(none).shape == (0, 28, 28, 1)
    assert trained.anomaly_score(none).shape == (0,)


@pytest.mark.parametrize("metric", ["bce", "mse"])
def test_noise_scores_higher_than_digits(trained: AutoEncoder, digits: np.ndarray, metric: Any) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    normal = trained.anomaly_score(digits, metric=metric)
    odd = trained.anomaly_score(noise, metric=metric)
    assert normal.dtype == np.float64
    assert odd.min() > np.quantile(normal, 0.99)


def test_scores_do_not_depend_on_the_chunk(
    trained: AutoEncoder, digits: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = trained.anomaly_score(digits[:100])
    monkeypatch.setattr(autoencoder, "_SCORE_CHUNK", 7)
    np.testing.assert_allclose(trained.anomaly_score(digits[:100]), expected, rtol=1e-6)


def test_validation_data_may_carry_labels(digits: np.ndarray) -> None:
    losses = []
    for validation in (digits[64:96], (digits[64:96], np.zeros(32))):
        set_random_seed(3)
        history = AutoEncoder().fit(digits[:64], validation, epochs=2, batch_size=32, verbose=0)
        losses.append(history.history["val_loss"])
    assert losses[0] == losses[1]
    assert len(losses[0]) == 2


def test_seed_makes_it_repeatable(digits: np.ndarray) -> None:
    runs = []
    for seed in (1, 1, 2):
        set_random_seed(seed)
        made = AutoEncoder()
        made.fit(digits[:96], epochs=2, batch_size=32, verbose=0)
        runs.append(np.concatenate([weights.ravel() for weights in made.model.get_weights()]))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_bits_do_not_depend_on_threads(digits: np.ndarray, restored_threads: None) -> None:
    from day33 import set_num_threads

    runs = []
    for count in (1, 2, 3, 7):
        set_num_threads(count)
        set_random_seed(5)
        made = AutoEncoder("transposed")
        made.fit(digits[:200], epochs=1, batch_size=64, verbose=0)
        runs.append(np.concatenate([weights.ravel() for weights in made.model.get_weights()]))
    for run in runs[1:]:
        np.testing.assert_array_equal(run, runs[0])


@pytest.mark.parametrize(
    ("array", "error", "reason"),
    [
        (np.zeros((2, 28, 27)), ValueError, r"has shape \(2, 28, 27\); expected \(N, 28, 28\)"),
        (np.zeros((28, 28)), ValueError, r"has shape \(28, 28\)"),
        (np.zeros((2, 28, 28, 3)), ValueError, r"has shape \(2, 28, 28, 3\)"),
        (np.zeros((2, 28, 28), np.int64), TypeError, "int64"),
        (np.zeros((2, 28, 28), complex), TypeError, "complex128"),
        (np.full((2, 28, 28), None), TypeError, "object"),
    ],
)
def test_wrong_pictures_are_refused(trained: AutoEncoder, array: np.ndarray, error: type, reason: str) -> None:
    for method in (trained.fit, trained.encode, trained.reconstruct, trained.anomaly_score):
        with pytest.raises(error, match=reason):
            method(array)


def test_unscaled_floats_are_noticed(trained: AutoEncoder, digits: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"x has floats from 0 to 255; expected 0 to 1 .*divide by 255"):
        trained.fit(digits.astype(np.float32), epochs=1, verbose=0)
    with pytest.raises(ValueError, match="validation_data"):
        trained.fit(digits[:32], digits.astype(np.float32), epochs=1, verbose=0)


def test_wrong_codes_and_metrics_are_refused(trained: AutoEncoder, digits: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"codes has shape \(2, 3, 3, 4\); expected \(N, 4, 4, 4\)"):
        trained.decode(np.zeros((2, 3, 3, 4)))
    with pytest.raises(ValueError, match="'mae'"):
        trained.anomaly_score(digits[:2], metric="mae")  # type: ignore[arg-type]


def test_optimizers_and_their_rates() -> None:
    assert float(AutoEncoder().model.optimizer.learning_rate) == 1.0
    assert float(AutoEncoder(optimizer="adam").model.optimizer.learning_rate) == pytest.approx(0.001)
    assert float(AutoEncoder(optimizer="sgd", learning_rate=0.5).model.optimizer.learning_rate) == 0.5
    own = optimizers.Adam(learning_rate=0.25)
    assert AutoEncoder(optimizer=own).model.optimizer is own
    with pytest.raises(ValueError, match="adadelta, adam, sgd"):
        AutoEncoder(optimizer="rmsprop")
    with pytest.raises(ValueError, match="learning_rate"):
        AutoEncoder(learning_rate=0.0)
    with pytest.raises(ValueError, match="learning_rate"):
        AutoEncoder(optimizer=own, learning_rate=0.1)


# ---- files ----


@pytest.mark.parametrize("kind", KINDS)
def test_save_and_load(kind: str, tmp_path: Path, digits: np.ndarray) -> None:
    made = AutoEncoder(kind)
    made.save(tmp_path / "new" / "folder")
    again = AutoEncoder.load(tmp_path / "new" / "folder")
    assert again.kind == kind
    np.testing.assert_array_equal(again.reconstruct(digits[:9]), made.reconstruct(digits[:9]))
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == ["autoencoder.json", "weights.npz"]


def test_weights_are_named_arrays(tmp_path: Path) -> None:
    made = AutoEncoder()
    made.save(tmp_path)
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as archive:
        assert archive["encoder_conv_1/kernel"].shape == (3, 3, 1, 16)
        assert archive["decoder_conv_4/bias"].shape == (1,)
        assert sum(archive[name].size for name in archive.files) == 3369


def test_loading_draws_no_weights(tmp_path: Path, digits: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    from day33.initializers import GlorotUniform

    made = AutoEncoder()
    made.save(tmp_path)
    expected = made.reconstruct(digits[:2])

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an initial value was drawn")

    monkeypatch.setattr(GlorotUniform, "__call__", refuse)
    with pytest.raises(AssertionError, match="was drawn"):
        AutoEncoder()
    np.testing.assert_array_equal(AutoEncoder.load(tmp_path).reconstruct(digits[:2]), expected)


@pytest.mark.parametrize("side", ["Infinity", "-Infinity", "NaN", "1e400", "28.0", '"28"', "null", "true", "1" * 40])
def test_a_side_that_is_none(tmp_path: Path, side: str) -> None:
    AutoEncoder().save(tmp_path)
    (tmp_path / "autoencoder.json").write_text(f'{{"kind": "upsampling", "input_shape": [{side}, 28, 1]}}')
    with pytest.raises(ValueError, match=r"autoencoder\.json: not the description of an auto-encoder"):
        AutoEncoder.load(tmp_path)


def test_sides_are_integers() -> None:
    for shape in ((28.0, 28, 1), ("28", 28, 1), (True, 28, 1)):
        with pytest.raises(TypeError, match=r"input_shape\[0\] is .*; expected an integer"):
            autoencoder.build("upsampling", shape)  # type: ignore[arg-type]
    assert autoencoder.build("upsampling", np.array([12, 20, 1])).output_shape == (None, 12, 20, 1)  # type: ignore[arg-type]


def test_loading_what_is_not_there_or_not_ours(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        AutoEncoder.load(tmp_path)
    AutoEncoder("upsampling").save(tmp_path)
    config, weights = tmp_path / "autoencoder.json", tmp_path / "weights.npz"
    good = config.read_text()
    config.write_text(good.replace("upsampling", "transposed"))
    with pytest.raises(ValueError, match=r"weights\.npz.*transposed"):
        AutoEncoder.load(tmp_path)
    for text in (
        "",
        "[]",
        "{}",
        '{"kind": "x", "input_shape": [28, 28, 1]}',
        '{"kind": "upsampling", "input_shape": 3}',
    ):
        config.write_text(text)
        with pytest.raises(ValueError, match=r"autoencoder\.json"):
            AutoEncoder.load(tmp_path)
    config.write_text(good)
    stored = dict(np.load(weights))
    for changed in (
        stored | {"code_bias": np.zeros(3)},
        {name: array for name, array in stored.items() if name != "encoder_conv_2/bias"},
        stored | {"encoder_conv_2/bias": np.zeros(7, np.float32)},
        stored | {"encoder_conv_2/bias": np.zeros(8, complex)},
    ):
        np.savez(weights, **changed)
        with pytest.raises(ValueError, match=r"weights\.npz"):
            AutoEncoder.load(tmp_path)
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"weights\.npz"):
        AutoEncoder.load(tmp_path)


@pytest.mark.parametrize("kind", ["upsampling", "transposed"])
def test_in_one_line(kind):
    assert repr(autoencoder.AutoEncoder(kind)) == f"<AutoEncoder {kind!r}: (28, 28, 1), 3,369 parameters>"
