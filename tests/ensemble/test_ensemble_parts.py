"""Channels, augmentation, networks and codes."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

import day33
from day33.datasets import load_digits_small, make_hidden_digits
from day33.ensemble import (
    Chain,
    ChannelSplitter,
    ComposedDigits,
    ConvClassifier,
    EncoderFeatures,
    HardVotingBagging,
    HorizontalFlip,
    RandomAffine,
    Recomposed,
)
from day33.ensemble.augmentation import Augmentation, warp
from day33.ensemble.composition import lookalikes
from day33.ensemble.letters import letter_levels, letter_masks, visible_digits


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def letters_and_digits(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Letter masks and visible digits of the images in rows of 784 columns and more."""
    pictures = X[:, :784].reshape(-1, 28, 28).astype(np.float32)
    levels = letter_levels(pictures)
    return letter_masks(pictures, levels), visible_digits(pictures, levels)


# ---- channels ----


def test_channels_part_the_picture() -> None:
    X = np.array([[0, 149, 150, 255, 7.5, 8.5]], np.float32)
    rows = ChannelSplitter(150, (2, 2)).fit_transform(X)
    channels, rest = rows[:, :12].reshape(1, 2, 2, 3), rows[:, 12:]
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(channels[0, ..., 0].ravel(), [0, 149, 150, 255])
    np.testing.assert_array_equal(channels[0, ..., 1].ravel(), [0, 0, 150, 255])
    np.testing.assert_array_equal(channels[0, ..., 2].ravel(), [0, 149, 0, 0])
    np.testing.assert_array_equal(rest, [[7.5, 8.5]])
    assert ChannelSplitter(150, (2, 2)).fit(X).get_feature_names_out()[[0, 1, 2, 3, 12]].tolist() == [
        "original_0", "digit_0", "letter_0", "original_1", "x4"
    ]  # fmt: skip


def test_digit_and_letter_add_up_to_the_original() -> None:
    X = make_hidden_digits(n_samples=20).features()
    made = ChannelSplitter(image_shape=(28, 28)).fit_transform(X)[:, : 784 * 3].reshape(20, 784, 3)
    np.testing.assert_array_equal(made[..., 1] + made[..., 2], made[..., 0])
    np.testing.assert_array_equal(made[..., 0], X[:, :784])


def test_mask_and_visible_part_are_the_same_in_any_light() -> None:
    """letter * (level + gain * digit), with a half pixel at the rim, at two brightnesses."""
    letter = np.zeros((28, 28), np.float32)
    letter[5:20, 6:22], letter[20, 6:22] = 1, 0.5
    digit = np.zeros((28, 28), np.float32)
    digit[8:25, 10:14] = 0.5
    for level in (95, 140):
        X = np.rint(letter * (level + 94 * digit)).reshape(1, -1)
        made = ChannelSplitter(image_shape=(28, 28), channels=("visible", "mask")).fit_transform(X)
        visible, mask = np.moveaxis(made.reshape(28, 28, 2), -1, 0)
        np.testing.assert_allclose(visible, 255 / 112 * 94 * letter * digit * (letter == 1), atol=6)
        outside = np.s_[[*range(20), *range(21, 28)]]  # the rim looks brighter where the digit shines through
        np.testing.assert_allclose(mask[outside], 255 * letter[outside], atol=6)
    names = ChannelSplitter(image_shape=(2, 2), channels=("visible", "mask")).fit(np.ones((1, 4)))
    assert names.get_feature_names_out()[:3].tolist() == ["visible_0", "mask_0", "visible_1"]


def test_noise_floor_and_choice_of_channels() -> None:
    X = np.array([[3, 9, 200, 0]])
    np.testing.assert_array_equal(
        ChannelSplitter(noise_floor=5, channels=("letter", "original")).fit_transform(X), [[0, 0, 9, 9, 0, 200, 0, 0]]
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"image_shape": (28, 28)}, r"4 columns; pictures of \(28, 28\) need 784"),
        ({"image_shape": (2, 0)}, "image_shape"),
        ({"threshold": np.nan}, "threshold is nan"),
        ({"channels": ()}, "channels is"),
        ({"channels": ("red",)}, "channels is"),
    ],
)
def test_wrong_channels_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ChannelSplitter(**options).fit(np.ones((2, 4)))


# ---- flips and affine changes ----


def test_a_flip_mirrors_each_channel_and_is_its_own_inverse() -> None:
    X = rng().random((5, 2 * 3 * 3 + 2))
    bigger, labels, origins = HorizontalFlip((2, 3, 3)).enlarge(X, np.arange(5), rng())
    np.testing.assert_array_equal(bigger[:5], X)
    np.testing.assert_array_equal(bigger[5:, 18:], X[:, 18:])
    np.testing.assert_array_equal(bigger[5:, :18].reshape(5, 2, 3, 3), X[:, :18].reshape(5, 2, 3, 3)[:, :, ::-1])
    assert labels.tolist() == origins.tolist() == [*range(5), *range(5)]
    again, _, _ = HorizontalFlip((2, 3, 3)).enlarge(bigger[5:], np.arange(5), rng())
    np.testing.assert_array_equal(again[5:], X)


def test_flipping_commutes_with_splitting() -> None:
    """So a flip of the original is what the note asks for: original, digit and letter flipped, each by itself."""
    X = make_hidden_digits(n_samples=10).features()
    splitter = ChannelSplitter(image_shape=(28, 28)).fit(X)
    y = np.zeros(10)
    first, _, _ = HorizontalFlip((28, 28)).enlarge(X, y, rng())
    last, _, _ = HorizontalFlip((28, 28, 3)).enlarge(splitter.transform(X), y, rng())
    np.testing.assert_array_equal(splitter.transform(first), last)


def test_a_redrawn_flip_mirrors_about_half() -> None:
    X = np.tile(np.arange(4.0), (400, 1))
    drawn, _ = HorizontalFlip((1, 4)).redraw(X, np.zeros(400), rng())
    mirrored = (drawn == X[:, ::-1]).all(axis=1)
    assert (mirrored | (drawn == X).all(axis=1)).all()
    assert 150 < mirrored.sum() < 250


def test_whole_shifts_are_exact_and_black_comes_in() -> None:
    pictures = rng().integers(1, 256, (3, 5, 7, 2)).astype(np.uint8)
    eye = np.tile(np.eye(2), (3, 1, 1))
    np.testing.assert_array_equal(warp(pictures, eye, np.zeros((3, 2))), pictures)
    moved = warp(pictures, eye, np.array([[1.0, -2.0]] * 3))
    np.testing.assert_array_equal(moved[:, 1:, :-2], pictures[:, :-1, 2:])
    assert not moved[:, 0].any() and not moved[:, :, -2:].any()
    assert not warp(pictures, eye, np.full((3, 2), 9.0)).any()


def test_a_quarter_turn_is_exact() -> None:
    pictures = rng().integers(0, 256, (2, 6, 6, 1)).astype(np.float64)
    turn = np.tile(np.array([[0.0, -1.0], [1.0, 0.0]]), (2, 1, 1))
    np.testing.assert_allclose(warp(pictures, turn, np.zeros((2, 2))), np.rot90(pictures, -1, (1, 2)), atol=1e-4)


def test_warping_is_bilinear() -> None:
    from scipy.ndimage import affine_transform

    picture = rng().random((9, 8))
    matrix, shift = np.array([[0.9, 0.3], [-0.2, 1.1]]), np.array([0.7, -1.3])
    centre = np.array([4.0, 3.5])
    expected = affine_transform(np.pad(picture, 3), matrix, centre + 3 - matrix @ (centre + shift), (9, 8), order=1)
    got = warp(picture[None, ..., None], matrix[None], shift[None])[0, ..., 0]
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_affine_changes_follow_the_seed_and_leave_the_rest() -> None:
    X = make_hidden_digits(n_samples=20).features()
    change = RandomAffine(copies=2)
    one, labels, origins = change.enlarge(X, np.arange(20), rng())
    same, _, _ = change.enlarge(X, np.arange(20), rng())
    np.testing.assert_array_equal(one, same)
    assert one.shape == (60, X.shape[1])
    assert labels.tolist() == origins.tolist() == [*range(20)] * 3
    np.testing.assert_array_equal(one[:, 784:], np.tile(X[:, 784:], (3, 1)))
    assert (one[20:40, :784] != one[40:, :784]).any(axis=1).all()
    still, _ = RandomAffine(0, 0, 0).redraw(X, np.arange(20), rng())
    np.testing.assert_allclose(still, X, atol=1e-4)


def test_a_chain_leads_back_to_the_first_rows() -> None:
    X = rng().random((3, 6))
    chain = Chain([HorizontalFlip((2, 3)), RandomAffine(0, 0, 0, (2, 3))])
    bigger, labels, origins = chain.enlarge(X, np.array([4, 5, 6]), rng())
    assert len(bigger) == 12
    np.testing.assert_array_equal(labels, origins + 4)
    np.testing.assert_allclose(bigger[6:], bigger[:6], atol=1e-6)


@pytest.mark.parametrize(
    ("augment", "reason"),
    [
        (HorizontalFlip((9, 9)), "need 81 columns"),
        (RandomAffine(scale=1.0, image_shape=(2, 3)), "scale is 1.0"),
        (RandomAffine(rotation=-0.1, image_shape=(2, 3)), "rotation is -0.1"),
        (RandomAffine(copies=0, image_shape=(2, 3)), "copies is 0"),
        (ComposedDigits(np.zeros((2, 2, 3)), [1]), "1 labels"),
        (ComposedDigits(np.zeros((2, 2, 3)), [1, 2], share=0), "share is 0"),
        (ComposedDigits(np.zeros((2, 28, 28)), [1, 2]), "need 784"),
        (Recomposed(image_shape=(28, 28)), "need 784"),
        (Recomposed(cut=1.5, image_shape=(2, 3)), "cut is 1.5; expected a probability"),
    ],
)
def test_wrong_augmentation_is_refused(augment: Augmentation, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        augment.enlarge(np.ones((2, 6)), np.zeros(2), rng())


# ---- composed digits ----


def test_the_letter_is_had_back() -> None:
    (digits, labels), _ = load_digits_small()
    letters = np.zeros((1, 28, 28), np.uint8)
    letters[0, 6:22, 8:20] = 255
    data = make_hidden_digits((digits, labels), (letters, ["D"]), n_samples=40)
    masks = letter_masks(data.images.astype(np.float32))
    close = np.abs(masks - letters / 255) < 0.09
    assert close.mean() > 0.99  # the soft rims of enlarged digits hide the letter's own grey in few images
    assert masks.min() == 0 and masks.max() == 1


def test_lookalikes_are_the_digits_that_are_hidden() -> None:
    (digits, labels), _ = load_digits_small()
    letters = np.zeros((1, 28, 28), np.uint8)
    letters[0, 4:24, 6:22] = 255
    hidden = np.arange(0, 300, 10)
    data = make_hidden_digits((digits[hidden], labels[hidden]), (letters, ["D"]), n_samples=200)
    used = {int(i) for i in hidden if (np.asarray(data.digits) == labels[i]).any()}
    found = set(np.flatnonzero(lookalikes(digits, data.images)).tolist())
    assert len(found & used) >= 0.9 * len(used)
    assert len(found) <= 3 * len(hidden) + 20
    assert lookalikes(digits[:2], data.images[:1], nearest=5).all()
    lookalikes(digits, np.zeros((1, 28, 28)))  # nothing to be seen: no warning


def test_composed_rows_keep_their_letter_and_have_new_digits() -> None:
    data = make_hidden_digits(n_samples=30, seed=2)
    X = data.features()
    (digits, labels), _ = load_digits_small()
    bigger, y, origins = ComposedDigits(digits, labels, share=2).enlarge(X, data.digits, rng())
    assert bigger.shape == (90, X.shape[1])
    np.testing.assert_array_equal(bigger[:, 784:], X[origins, 784:])
    np.testing.assert_array_equal(bigger[:30], X)
    np.testing.assert_array_equal(y[:30], data.digits)
    assert len(set(y[30:].tolist())) == 10
    outside = X[origins[30:], :784] < 5
    assert bigger[30:, :784][outside].max() <= 4 + 0.06 * 255
    only_new, _ = ComposedDigits(digits, labels, share=0.5, keep=False).redraw(X, data.digits, rng())
    assert len(only_new) == 15


def test_letters_are_mirrored_and_digits_are_not() -> None:
    """One letter in one corner, and one digit that is white in the upper left quarter alone."""
    letter, digit = np.zeros((28, 28)), np.zeros((1, 28, 28), np.uint8)
    letter[2:8, 2:14], digit[0, :14, :14] = 120, 255
    X = letter.reshape(1, -1)
    new, _ = ComposedDigits(digit, [3], share=60, keep=False, mirror=True).redraw(X, np.array([5]), rng())
    pictures = new.reshape(60, 28, 28)
    upper = pictures[:, :14].sum((1, 2)) > pictures[:, 14:].sum((1, 2))
    left = pictures[..., :14].sum((1, 2)) > pictures[..., 14:].sum((1, 2))
    assert len({*zip(upper.tolist(), left.tolist(), strict=True)}) == 4
    assert (pictures[upper & left].max((1, 2)) >= 145).all()  # the digit shines through
    assert (pictures[~(upper & left)].max((1, 2)) <= 154).all()  # the letter alone


def test_recomposed_images_show_the_same_digits_in_other_light() -> None:
    data = make_hidden_digits(n_samples=40, seed=2)
    X = data.features()
    changed, y = Recomposed(cut=0).redraw(X, data.digits, rng())
    np.testing.assert_array_equal(y, data.digits)
    np.testing.assert_array_equal(changed[:, 784:], X[:, 784:])
    before, after = (letters_and_digits(rows) for rows in (X, changed))
    assert np.abs(before[0] - after[0]).mean() < 0.03  # the same letters
    shown = [pair for pair in zip(before[1], after[1], strict=True) if pair[0].max() > 50]
    alike = [np.corrcoef(old.ravel(), new.ravel())[0, 1] for old, new in shown]
    assert min(alike) > 0.8 and np.mean(alike) > 0.95  # the digits are brighter or darker, and where they were
    gains = [new.sum() / old.sum() for old, new in shown]
    assert min(gains) < 0.85 and max(gains) > 1.15
    levels = letter_levels(changed[:, :784].reshape(-1, 28, 28))
    assert levels.min() < 100 and levels.max() > 140


def test_cuts_leave_most_of_the_digit() -> None:
    data = make_hidden_digits(n_samples=60, seed=2)
    X = data.features()
    (masks, digits), (cut_masks, _) = (
        letters_and_digits(rows) for rows in (X, Recomposed(cut=1).redraw(X, data.digits, rng())[0])
    )
    smaller = cut_masks.sum((1, 2)) < 0.97 * masks.sum((1, 2))
    assert 0.3 < smaller.mean() < 1
    assert (cut_masks <= masks + 0.1).mean() > 0.99  # nothing grows
    left = (digits * (cut_masks > 0.5)).sum((1, 2)) / (digits * (masks > 0.5)).sum((1, 2))
    assert np.nanmin(left) > 0.5


# ---- networks ----


def small_network(**options: Any) -> ConvClassifier:
    chosen = {
        "filters": (4, 8), "dense_units": 16, "epochs": 6, "batch_size": 32, "learning_rate": 0.01, "dropout": 0.0,
        "random_state": 0,
    }  # fmt: skip
    return ConvClassifier(**{**chosen, **options})


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    (images, labels), _ = load_digits_small()
    return images.reshape(len(images), -1).astype(np.float32), labels


def test_a_network_learns_digits(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    network = small_network(augment=RandomAffine(0.1, 0.05, 0.05)).fit(X[:600], y[:600])
    assert network.input_shape_ == (28, 28, 1)
    assert network.score(X[600:900], y[600:900]) > 0.85
    assert network.history_[-1] < network.history_[0]
    probabilities = network.predict_proba(X[:50])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_moved_pictures_give_more_opinions(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    network = small_network(epochs=2, image_shape=(28, 28), shift=1).fit(X[:300], y[:300])
    pictures = np.pad(X[300:320].reshape(-1, 28, 28), ((0, 0), (1, 1), (1, 1)))
    moved = (np.s_[:, 2:, 1:-1], np.s_[:, :-2, 1:-1], np.s_[:, 1:-1, 2:], np.s_[:, 1:-1, :-2])
    alone = pickle.loads(pickle.dumps(network)).set_params(shift=0)
    expected = 2 * alone.predict_proba(X[300:320])
    for where in moved:
        expected = expected + alone.predict_proba(pictures[where].reshape(20, -1))
    np.testing.assert_allclose(network.predict_proba(X[300:320]), expected / 6, rtol=1e-5)
    assert np.abs(network.predict_proba(X[300:320]) - alone.predict_proba(X[300:320])).max() > 1e-3
    with pytest.raises(ValueError, match="shift is -1"):
        small_network(shift=-1).fit(X[:20], y[:20])


def test_the_extra_columns_reach_the_network() -> None:
    """Pictures of noise and a label that only the extra columns tell."""
    generator = rng()
    labels = generator.integers(0, 3, 300)
    X = np.concatenate([generator.random((300, 16)), np.eye(3)[labels]], axis=1)
    told = small_network(image_shape=(4, 4), n_extra=3, epochs=15).fit(X[:200], labels[:200])
    assert told.score(X[200:], labels[200:]) > 0.95
    untold = small_network(image_shape=(4, 4), epochs=15).fit(X[:200, :16], labels[:200])
    assert untold.score(X[200:, :16], labels[200:]) < 0.6


def test_a_preprocessor_gives_the_channels() -> None:
    data = make_hidden_digits(n_samples=40)
    X = data.features()
    network = small_network(
        image_shape=(28, 28), n_extra=26, preprocessor=ChannelSplitter(150, (28, 28)), epochs=1
    ).fit(X, data.digits)
    assert network.input_shape_ == (28, 28, 3)
    assert network.predict_proba(X).shape == (40, len(set(data.digits.tolist())))


def test_networks_repeat_themselves_side_by_side(digits: tuple[np.ndarray, np.ndarray]) -> None:
    """Neither the global seed nor other members that train at the same time change a bit."""
    X, y = digits
    bag = HardVotingBagging(
        small_network(epochs=1, dropout=0.3, augment=RandomAffine()), 3, bootstrap=False, random_state=0, voting="soft"
    )
    alone = clone(bag).fit(X[:200], y[:200]).predict_proba(X[:50])
    day33.set_random_seed(99)
    together = clone(bag).set_params(n_jobs=3).fit(X[:200], y[:200])
    np.testing.assert_array_equal(together.predict_proba(X[:50]), alone)
    first, second, _ = (member.predict_proba(X[:50]) for member in together.estimators_)
    assert (first != second).any()


def test_a_pickled_network_predicts_the_same(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    network = small_network(epochs=1).fit(X[:100], y[:100])
    copy = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copy.predict_proba(X), network.predict_proba(X))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"image_shape": (5, 5)}, "multiple of the 25 pixels"),
        ({"n_extra": 16}, "16 of them extra"),
        ({"filters": ()}, "filters is empty"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"n_extra": -1}, "n_extra is -1"),
        ({"n_extra": 20}, "20 of them extra"),
    ],
)
def test_wrong_networks_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        small_network(**options).fit(rng().random((10, 16)), np.arange(10) % 2)


# ---- codes ----


@pytest.mark.parametrize(("kind", "size"), [("upsampling", 64), ("transposed", 36)])
def test_codes_of_an_auto_encoder(kind: str, size: int) -> None:
    X = make_hidden_digits(n_samples=60).features()
    code = EncoderFeatures(kind=kind, epochs=2, random_state=0).fit(X)
    made = code.transform(X)
    np.testing.assert_array_equal(made[:, : X.shape[1]], X)
    assert made.shape == (60, X.shape[1] + size)
    expected = code.encoder_.predict(X[:, :784].reshape(-1, 28, 28, 1) / code.scale_)
    np.testing.assert_allclose(made[:, X.shape[1] :], expected.reshape(60, -1), rtol=1e-5, atol=1e-6)
    copy = pickle.loads(pickle.dumps(code))
    np.testing.assert_array_equal(copy.transform(X), made)
    assert clone(code).set_params(passthrough=False).fit_transform(X).shape == (60, size)


def test_codes_feed_a_bag_and_the_channels() -> None:
    data = make_hidden_digits(n_samples=80)
    features = make_pipeline(EncoderFeatures(epochs=1, random_state=0), ChannelSplitter(150, (28, 28)))
    bag = HardVotingBagging(n_estimators=2, preprocessor=features, random_state=0).fit(data.features(), data.digits)
    assert bag.preprocessor_.transform(data.features()).shape == (80, 784 * 3 + 26 + 64)
    assert bag.score(data.features(), data.digits) > 0.6


@pytest.mark.parametrize(("kind", "shape", "code"), [("upsampling", (9, 5), 4 * 4), ("transposed", (9, 5), 36)])
def test_pictures_of_any_size_get_black_edges(kind: str, shape: tuple[int, int], code: int) -> None:
    X = rng().random((20, 9 * 5 + 2)).astype(np.float32)
    encoder = EncoderFeatures(shape, kind=kind, passthrough=False, epochs=1, random_state=0).fit(X)
    height, width = encoder.model_.input_shape[1:3]
    padded = np.zeros((20, height, width, 1), np.float32)
    padded[:, :9, :5, 0] = X[:, :45].reshape(20, 9, 5) / encoder.scale_
    expected = encoder.encoder_.predict(padded, verbose=0).reshape(20, -1)
    np.testing.assert_array_equal(encoder.transform(X), expected)
    assert expected.shape == (20, code)
    copy = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(copy.transform(X), expected)


def test_all_columns_are_a_square_or_a_line() -> None:
    X = rng().random((10, 16)).astype(np.float32)
    assert EncoderFeatures(None, epochs=1, random_state=0).fit(X).image_shape_ == (4, 4)
    line = EncoderFeatures(None, epochs=1, random_state=0).fit(X[:, :15])
    assert line.image_shape_ == (1, 15)
    names = line.get_feature_names_out()
    assert names[:2].tolist() == ["x0", "x1"] and names[15:17].tolist() == ["code_0", "code_1"]
    assert len(names) == line.transform(X[:, :15]).shape[1]


def test_wrong_codes_are_refused() -> None:
    with pytest.raises(ValueError, match="need 784 columns"):
        EncoderFeatures().fit(np.ones((3, 10)))
    with pytest.raises(ValueError, match="kind"):
        EncoderFeatures(kind="deep").fit(np.ones((3, 784)))
    with pytest.raises(ValueError, match="transposed model cannot rebuild"):
        EncoderFeatures((30, 30), kind="transposed").fit(np.ones((3, 900)))
    with pytest.raises(ValueError, match="epochs is 0"):
        EncoderFeatures(epochs=0).fit(np.ones((3, 784)))
