"""Hidden digits: the competition's files, what is wrong with bad ones, and images composed of digits and letters."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pytest

from day33 import datasets
from day33.datasets import hidden_digit_features, load_hidden_digits, make_hidden_digits

PIXELS = [str(i) for i in range(784)]


def write_csv(path: Path, rows: list[dict[str, object]], columns: list[str] | None = None) -> Path:
    columns = columns or ["id", "digit", "letter", *PIXELS]
    lines = [",".join(columns), *(",".join(str(row[name]) for name in columns) for row in rows)]
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def some_rows(count: int = 4) -> list[dict[str, object]]:
    rng = np.random.default_rng(33)
    pixels = rng.integers(0, 256, (count, 784))
    return [
        {"id": 10 + i, "digit": i % 10, "letter": "ABCZ"[i % 4], **dict(zip(PIXELS, pixels[i], strict=True))}
        for i in range(count)
    ]


# ---- good files ----


@pytest.mark.parametrize("name", ["train.csv", "train.csv.gz"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    rows = some_rows()
    data = load_hidden_digits(write_csv(tmp_path / name, rows))
    assert data.images.dtype == np.uint8
    assert data.images.shape == (4, 28, 28)
    np.testing.assert_array_equal(data.images.reshape(4, 784), [[row[p] for p in PIXELS] for row in rows])
    assert data.ids.tolist() == [10, 11, 12, 13]
    assert data.letters.tolist() == list("ABCZ")
    assert data.digits is not None
    assert data.digits.tolist() == [0, 1, 2, 3]


def test_order_of_columns_is_free_and_the_test_set_has_no_digits(tmp_path: Path) -> None:
    rows = some_rows()
    shuffled = write_csv(tmp_path / "a.csv", rows, [*reversed(PIXELS), "letter", "id"])
    data = load_hidden_digits(shuffled)
    assert data.digits is None
    np.testing.assert_array_equal(data.images, load_hidden_digits(write_csv(tmp_path / "b.csv", rows)).images)


def test_the_files_of_the_competition(shared: Path) -> None:
    folder = shared / "data" / "hidden_digits"
    data = load_hidden_digits(folder / "train.csv.gz")
    assert len(data) == 2048
    assert data.digits is not None
    assert set(data.digits.tolist()) == set(range(10))
    assert len(set(data.letters.tolist())) == 26


def test_line_ends_spaces_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", some_rows())
    expected = load_hidden_digits(path).images
    text = path.read_text().replace("\n", "\r\n").replace(",", ", ") + "\r\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    np.testing.assert_array_equal(load_hidden_digits(path).images, expected)


# ---- bad files ----


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("5", 256, "pixel 5 is 256; expected 0 to 255"),
        ("783", -1, "pixel 783 is -1"),
        ("7", "1_0", "pixel 7 is '1_0'"),
        ("7", "", "pixel 7 is ''"),
        ("7", "1.5", "pixel 7 is '1.5'; expected a whole number"),
        ("7", "٣", "pixel 7"),
        ("7", "9" * 40, "pixel 7"),
        ("digit", 10, "digit is 10; expected 0 to 9"),
        ("digit", "x", "digit is 'x'"),
        ("letter", "a", "letter is 'a'; expected one of A to Z"),
        ("letter", "AB", "letter is 'AB'"),
        ("letter", "", "letter is ''"),
        ("id", "one", "id is 'one'"),
        ("id", 10, "id 10 is also on line 2"),
    ],
)
def test_a_bad_value_is_named_with_its_line(tmp_path: Path, column: str, value: object, reason: str) -> None:
    rows = some_rows()
    rows[2][column] = value
    with pytest.raises(ValueError, match=reason) as caught:
        load_hidden_digits(write_csv(tmp_path / "bad.csv", rows))
    assert f"{tmp_path / 'bad.csv'}: line 4: " in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: [*lines[:2], lines[2] + ",3", *lines[3:]], "line 3: 788 fields, expected 787"),
        (lambda lines: [*lines[:3], lines[3].rpartition(",")[0]], "line 4: 786 fields"),
        (lambda lines: [lines[0].replace("letter", "lettre"), *lines[1:]], "line 1: missing column letter"),
        (lambda lines: [lines[0].replace(",782,783", ",782"), *lines[1:]], "line 1: missing column 783"),
        (lambda lines: [lines[0] + ",784", *lines[1:]], "line 1: unknown column '784'"),
        (lambda lines: [lines[0] + ",7", *lines[1:]], "line 1: a column name is there twice"),
        (lambda lines: lines[:1], "holds no rows"),
        (lambda lines: [], "empty"),
        (lambda lines: [lines[0], "1" * 20_000], "line 2 is longer than"),
        (lambda lines: [lines[0], '"1'], "line 2: not CSV"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, change, reason: str) -> None:
    path = write_csv(tmp_path / "bad.csv", some_rows())
    lines = change(path.read_text().splitlines())
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=reason):
        load_hidden_digits(path)


def test_blank_lines(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", some_rows())
    expected = load_hidden_digits(path).images
    path.write_text(path.read_text().replace("\n", "\n\n") + "\n" * 900)
    np.testing.assert_array_equal(load_hidden_digits(path).images, expected)
    path.write_text(path.read_text() + "\n" * 200)
    with pytest.raises(ValueError, match=r"line \d+: 1005 blank lines, and 4 rows"):
        load_hidden_digits(path)


@pytest.mark.parametrize("place", ["before", "after"])
def test_gigabytes_of_blank_lines_are_refused_at_once(tmp_path: Path, place: str) -> None:
    header = write_csv(tmp_path / "a.csv", some_rows()).read_bytes()
    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        stream.write(header if place == "after" else b"")
        for _ in range(200):
            stream.write(b"\n" * (1 << 20))
    start = time.process_time()
    with pytest.raises(ValueError, match=r"blank lines|missing column"):
        load_hidden_digits(path)
    assert time.process_time() - start < 5


def test_a_gzip_bomb_of_rows(tmp_path: Path) -> None:
    """Good rows, which shrink to less than a hundredth since they are mostly spaces."""
    path = tmp_path / "a.csv.gz"
    rest = ",A" + " " * 14_000 + ",0" * 784 + "\n"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        stream.write(("id,letter," + ",".join(PIXELS) + "\n").encode())
        for first in range(0, 6000, 1000):
            stream.write("".join(f"{number}{rest}" for number in range(first, first + 1000)).encode())
    with pytest.raises(ValueError, match=r"a\.csv\.gz holds \d+ bytes, compressed to \d+; it looks like a bomb"):
        load_hidden_digits(path)


def test_bytes_that_are_no_text_and_damaged_gzip(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", some_rows())
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n")
    with pytest.raises(ValueError, match="line 6 is not UTF-8"):
        load_hidden_digits(path)
    packed = write_csv(tmp_path / "a.csv.gz", some_rows())
    good = packed.read_bytes()
    for damaged in (good[: len(good) // 2], b"plain", good[:100] + b"\xff" * 50 + good[150:]):
        packed.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.csv\.gz"):
            load_hidden_digits(packed)
    with pytest.raises(FileNotFoundError):
        load_hidden_digits(tmp_path / "absent.csv")


# ---- features ----


def test_features_are_pixels_and_the_letter_as_one_hot() -> None:
    data = make_hidden_digits(n_samples=30, seed=1)
    rows = data.features()
    assert rows.shape == (30, 784 + 26)
    np.testing.assert_array_equal(rows[:, :784], data.images.reshape(30, 784))
    assert [chr(65 + code) for code in rows[:, 784:].argmax(axis=1)] == data.letters.tolist()
    np.testing.assert_array_equal(rows[:, 784:].sum(axis=1), 1)


@pytest.mark.parametrize(
    ("images", "letters", "reason"),
    [
        (np.zeros((2, 784)), ["A", "B"], r"images has shape \(2, 784\)"),
        (np.zeros((2, 28, 28)), ["A"], r"letters has shape \(1,\)"),
        (np.zeros((2, 28, 28)), ["A", "b"], r"letters\[1\] is 'b'|letters\[1\]"),
    ],
)
def test_wrong_features_are_refused(images, letters, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        hidden_digit_features(images, letters)


# ---- composing ----


def test_composed_images_show_the_digit_only_inside_the_letter() -> None:
    digits = np.zeros((1, 28, 28), np.uint8)
    digits[0, :, 10:18] = 255
    letters = np.zeros((1, 28, 28), np.uint8)
    letters[0, 5:20] = 255
    data = make_hidden_digits((digits, [7]), (letters, ["Q"]), seed=3, n_samples=50)
    assert data.digits is not None
    assert set(data.digits.tolist()) == {7}
    assert set(data.letters.tolist()) == {"Q"}
    both, letter_only = data.images[:, 5:20, 10:18], data.images[:, 5:20, :10]
    nowhere = np.delete(data.images, np.s_[5:20], axis=1)
    assert nowhere.max() <= 4
    assert 100 <= letter_only.min() and letter_only.max() <= 144
    assert both.min() >= 176
    assert len(np.unique(data.images[:, 6, 0])) > 10  # every image has greys of its own


def test_composing_needs_no_data_and_follows_the_seed() -> None:
    one, same, other = (make_hidden_digits(n_samples=200, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.images, same.images)
    assert (one.images != other.images).any()
    assert one.digits is not None
    assert set(one.digits.tolist()) == set(range(10))
    assert len(set(one.letters.tolist())) == 26
    visible = (one.images > 60).mean(axis=(1, 2))
    assert visible.min() > 0.01 and visible.max() < 0.6


def test_composing_takes_mnist(shared: Path) -> None:
    train, _ = datasets.load_mnist(shared / "data" / "mnist" / "mnist.npz")
    assert make_hidden_digits(train, n_samples=10).images.shape == (10, 28, 28)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"n_samples": 0}, "n_samples is 0"),
        ({"digits": (np.zeros((2, 28, 28)), [1, 2])}, "digits .*float64"),
        ({"digits": (np.zeros((2, 8, 8), np.uint8), [1, 2])}, "digits"),
        ({"digits": (np.zeros((2, 28, 28), np.uint8), [1])}, "labels of digits"),
        ({"digits": (np.zeros((2, 28, 28), np.uint8), [1, 10])}, "0 to 9"),
        ({"letters": (np.zeros((1, 28, 28), np.uint8), ["é"])}, "A to Z"),
    ],
)
def test_wrong_parts_are_refused(options: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make_hidden_digits(**options)
