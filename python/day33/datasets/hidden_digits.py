"""Hidden digits: the competition's CSV files, and images of the same kind composed of digits and letters.

On each 28 x 28 image a letter is drawn, and a digit shows only where it overlaps the letter. The digit is asked for.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._core.arrays import as_count
from .._core.types import PathLike
from .._io.gz import open_maybe_gz
from .digits import load_digits_small

__all__ = [
    "LETTERS",
    "N_PIXELS",
    "SIDE",
    "HiddenDigits",
    "compose_hidden_digits",
    "hidden_digit_features",
    "load_hidden_digits",
    "make_hidden_digits",
]

SIDE = 28
N_PIXELS = SIDE * SIDE
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PIXEL_NAMES = [str(i) for i in range(N_PIXELS)]
_GREYS = {str(i): i for i in range(256)}
_MAX_FIELD = 64  # characters: no field of such a file comes near it
_MAX_LINE = 16_384
_MAX_BLANK = 1000  # blank lines beyond one per row


@dataclass(frozen=True)
class HiddenDigits:
    """Hidden digits in the order of their file.

    Attributes:
        ids: (N,) int64.
        images: (N, 28, 28) uint8.
        letters: (N,) of one-character strings, "A" to "Z".
        digits: (N,) int64 of 0 to 9, or None where the file does not tell them.
    """

    ids: NDArray[np.int64]
    images: NDArray[np.uint8]
    letters: NDArray[np.str_]
    digits: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.ids)

    def features(self) -> NDArray[np.float32]:
        """Rows for classifiers (N, 784 + 26): the pixels as they are, then the letter as one-hot."""
        return hidden_digit_features(self.images, self.letters)


def hidden_digit_features(images: ArrayLike, letters: ArrayLike) -> NDArray[np.float32]:
    """Rows for classifiers: the pixels of images, then their letters as one-hot.

    Args:
        images: (N, 28, 28).
        letters: (N,) of "A" to "Z".

    Returns:
        float32 (N, 784 + 26).

    Raises:
        ValueError: another shape, or anything that is not one of the letters A to Z.
    """
    pictures, names = np.asarray(images), np.asarray(letters)
    if pictures.ndim != 3 or pictures.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"images has shape {pictures.shape}; expected (N, {SIDE}, {SIDE})")
    if names.shape != pictures.shape[:1]:
        raise ValueError(f"letters has shape {names.shape}; expected ({len(pictures)},), one for each image")
    one_hot = names[:, np.newaxis] == np.array(list(LETTERS))
    unknown = np.flatnonzero(~one_hot.any(axis=1))
    if unknown.size:
        raise ValueError(f"letters[{unknown[0]}] is {names[unknown[0]]!r}; expected one of A to Z")
    rows = np.empty((len(pictures), N_PIXELS + len(LETTERS)), np.float32)
    rows[:, :N_PIXELS] = pictures.reshape(len(pictures), N_PIXELS)
    rows[:, N_PIXELS:] = one_hot
    return rows


def load_hidden_digits(path: PathLike) -> HiddenDigits:
    """Load ``train.csv`` or ``test.csv`` of the competition (DACON 235626), plain or gzip-compressed (by ``.gz``).

    Args:
        path: the file. Its columns are ``id``, ``digit`` (absent from the test set), ``letter``, and the pixels ``0``
            to ``783`` row by row, in any order.

    Returns:
        The images in the order of the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a column is missing or unknown; a row has too few or too many fields; an id occurs twice; a digit,
            letter or pixel is out of range (digits 0 to 9, letters A to Z, pixels 0 to 255); the gzip data is damaged
            or expands too much. The message names the line.
    """
    source = Path(path)
    with open_maybe_gz(source) as stream:
        return _read(_lines(stream, source), source)


def _lines(stream: IO[bytes], source: Path) -> Iterator[str]:
    """The lines as text. None may be longer than such files have them, so that memory stays bounded."""
    number = 0
    while line := stream.readline(_MAX_LINE + 1):
        number += 1
        if len(line) > _MAX_LINE:
            raise ValueError(f"{source}: line {number} is longer than {_MAX_LINE} bytes")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{source}: line {number} is not UTF-8 text: {error}") from error


def _read(lines: Iterator[str], source: Path) -> HiddenDigits:
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise ValueError(f"{source}: empty")
        places, width = _columns(header, source)
        parser = _RowParser(places, width, source)
        blank = 0
        for fields in reader:
            if fields:
                parser.add(fields, reader.line_num)
                continue
            blank += 1  # few files have any but at the end, or one after each row
            if blank > len(parser) + _MAX_BLANK:
                raise ValueError(f"{source}: line {reader.line_num}: {blank} blank lines, and {len(parser)} rows")
    except csv.Error as error:
        raise ValueError(f"{source}: line {reader.line_num}: not CSV: {error}") from error
    return parser.result()


def _columns(header: list[str], source: Path) -> tuple[dict[str, int], int]:
    names = [name.strip() for name in header]
    known = {"id", "digit", "letter", *_PIXEL_NAMES}
    places = {name: place for place, name in enumerate(names)}
    missing = [name for name in ("id", "letter", *_PIXEL_NAMES) if name not in places]
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise ValueError(f"{source}: line 1: missing column{'s' * (len(missing) > 1)} {shown}")
    strange = [name for name in names if name not in known]
    if strange:
        raise ValueError(f"{source}: line 1: unknown column {strange[0][:_MAX_FIELD]!r}")
    if len(places) != len(names):
        raise ValueError(f"{source}: line 1: a column name is there twice")
    return places, len(names)


class _RowParser:
    """Checks the rows one by one and gathers them."""

    def __init__(self, places: dict[str, int], width: int, source: Path) -> None:
        self._places, self._width, self._source = places, width, source
        self._order = [places[name] for name in _PIXEL_NAMES]
        self._ids: dict[int, int] = {}
        self._digits: list[int] = []
        self._letters: list[str] = []
        self._pixels: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        return len(self._pixels)

    def add(self, fields: list[str], line: int) -> None:
        if len(fields) != self._width:
            raise self._error(line, f"{len(fields)} fields, expected {self._width}")
        number = self._integer(fields, "id", line)
        if number in self._ids:
            raise self._error(line, f"id {number} is also on line {self._ids[number]}")
        self._ids[number] = line
        letter = fields[self._places["letter"]].strip()
        if len(letter) != 1 or letter not in LETTERS:
            raise self._error(line, f"letter is {letter[:_MAX_FIELD]!r}; expected one of A to Z")
        self._letters.append(letter)
        if "digit" in self._places:
            digit = self._integer(fields, "digit", line)
            if not 0 <= digit <= 9:
                raise self._error(line, f"digit is {digit}; expected 0 to 9")
            self._digits.append(digit)
        self._pixels.append(self._row_pixels(fields, line))

    def _row_pixels(self, fields: list[str], line: int) -> NDArray[np.uint8]:
        try:
            # A look-up both parses and checks; what is not in the table goes the slow way.
            return np.fromiter((_GREYS[fields[place]] for place in self._order), np.uint8, N_PIXELS)
        except KeyError:
            return np.array([self._pixel(fields, name, line) for name in _PIXEL_NAMES], np.uint8)

    def _pixel(self, fields: list[str], name: str, line: int) -> int:
        value = self._integer(fields, name, line)
        if not 0 <= value <= 255:
            raise self._error(line, f"pixel {name} is {value}; expected 0 to 255")
        return value

    def _integer(self, fields: list[str], name: str, line: int) -> int:
        text = fields[self._places[name]].strip()
        digits = text.removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
            what = f"pixel {name}" if name.isdigit() else name
            raise self._error(line, f"{what} is {text[:_MAX_FIELD]!r}; expected a whole number")
        return int(text)

    def _error(self, line: int, text: str) -> ValueError:
        return ValueError(f"{self._source}: line {line}: {text}")

    def result(self) -> HiddenDigits:
        if not self._ids:
            raise ValueError(f"{self._source}: holds no rows")
        return HiddenDigits(
            ids=np.array(list(self._ids), np.int64),
            images=np.stack(self._pixels).reshape(-1, SIDE, SIDE),
            letters=np.array(self._letters),
            digits=np.array(self._digits, np.int64) if "digit" in self._places else None,
        )


# ---- composing ----


def compose_hidden_digits(
    digits: NDArray[Any],
    letters: NDArray[Any],
    rng: np.random.Generator,
    *,
    levels: tuple[float, float] = (100, 140),
    gains: tuple[float, float] = (76, 112),
) -> NDArray[np.uint8]:
    """Compose hidden digits: ``letter * (a + b * digit)`` plus noise.

    The noise of each pixel is drawn from 0..4, that of the competition's training images; a and b for each image.

    Args:
        digits, letters: (N, H, W) floats from 0 to 1.
        rng: draws a, b and the noise.
        levels, gains: the ranges of a and of b; by default those in which the middle 80% of the competition's
            training images lie.

    Returns:
        uint8 (N, H, W).
    """
    shape = (len(letters), 1, 1)
    level, gain = rng.uniform(*levels, shape), rng.uniform(*gains, shape)
    noise = rng.integers(0, 5, letters.shape)
    return np.asarray(np.clip(np.rint(letters * (level + gain * digits)) + noise, 0, 255), np.uint8)


def make_hidden_digits(
    digits: tuple[ArrayLike, ArrayLike] | None = None,
    letters: tuple[ArrayLike, ArrayLike] | None = None,
    seed: int = 0,
    *,
    n_samples: int = 2048,
) -> HiddenDigits:
    """Compose hidden digits as the competition's are: a letter, and a digit that shows only where the letter is.

    Args:
        digits: images (M, 28, 28) uint8, bright on black, and their labels (M,), such as the training half of
            `load_mnist`. None takes scikit-learn's (`load_digits_small`).
        letters: the same with labels "A" to "Z". None draws them from the fonts that come with Matplotlib, slanted,
            scaled and shifted at random.
        seed: fixes the choice, the greys and the noise.
        n_samples: how many to compose; digits and letters are drawn with replacement.

    Returns:
        `HiddenDigits` with ids from 1.

    Raises:
        TypeError: `n_samples` is no integer.
        ValueError: arrays of other shapes, other labels, or no samples.
    """
    n_samples = as_count("n_samples", n_samples)
    rng = np.random.default_rng(seed)
    if digits is None:
        digits = load_digits_small()[0]
    digit_images, digit_labels = _pair(digits, "digits")
    if not np.issubdtype(digit_labels.dtype, np.integer) or digit_labels.min() < 0 or digit_labels.max() > 9:
        raise ValueError(f"the labels of digits have dtype {digit_labels.dtype}; expected integers from 0 to 9")
    letter_images, letter_labels = _drawn_letters(rng) if letters is None else _pair(letters, "letters")
    unknown = sorted(set(letter_labels.tolist()) - set(LETTERS), key=str)
    if unknown:
        raise ValueError(f"the labels of letters hold {unknown[0]!r}; expected A to Z")
    which = rng.integers(len(digit_images), size=n_samples)
    behind = rng.integers(len(letter_images), size=n_samples)
    images = compose_hidden_digits(
        digit_images[which].astype(np.float32) / 255, letter_images[behind].astype(np.float32) / 255, rng
    )
    return HiddenDigits(
        np.arange(1, n_samples + 1), images, letter_labels[behind].astype(str), digit_labels[which].astype(np.int64)
    )


def _pair(pair: tuple[ArrayLike, ArrayLike], name: str) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    images, labels = (np.asarray(part) for part in pair)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or len(images) == 0:
        raise ValueError(
            f"the images of {name} have shape {images.shape} and dtype {images.dtype}; "
            f"expected (M, {SIDE}, {SIDE}) of uint8 with M >= 1"
        )
    if labels.shape != images.shape[:1]:
        raise ValueError(f"the labels of {name} have shape {labels.shape}; expected ({len(images)},)")
    return images, labels


_FONT_FAMILIES = ("DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono")
_LETTER_VERSIONS = 3  # of each letter in each font
_SAMPLES = 4  # along each side of a pixel


def _drawn_letters(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """The alphabet in Matplotlib's own fonts, plain and bold, each letter slanted, sized and shifted differently."""
    images, names = [], []
    for family in _FONT_FAMILIES:
        for weight in ("normal", "bold"):
            for letter in LETTERS:
                for _ in range(_LETTER_VERSIONS):
                    images.append(_draw_letter(letter, family, weight, rng))
                    names.append(letter)
    return np.stack(images), np.array(names)


def _draw_letter(letter: str, family: str, weight: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One letter, bright on black, 28 x 28: the outline of the font, filled from four by four samples per pixel."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path as Contour
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    outline = TextPath((0, 0), letter, size=20, prop=FontProperties(family=family, weight=weight))
    box = outline.get_extents()
    side = rng.uniform(17, 22)
    move = Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2).scale(side / max(box.width, box.height))
    move.skew(rng.uniform(-0.25, 0.25), 0).rotate(rng.uniform(-0.12, 0.12)).scale(1, -1)
    move.translate(*(SIDE / 2 + rng.uniform(-1.5, 1.5, 2)))
    fine = (np.arange(SIDE * _SAMPLES) + 0.5) / _SAMPLES
    points = np.stack(np.meshgrid(fine, fine), axis=-1).reshape(-1, 2)
    inside = np.zeros(len(points), bool)
    for contour in outline.transformed(move).to_polygons(closed_only=True):
        inside ^= Contour(contour).contains_points(points)  # even-odd: the eye of an O is a contour inside another
    covered = inside.reshape(SIDE, _SAMPLES, SIDE, _SAMPLES).mean(axis=(1, 3))
    return np.asarray(np.rint(covered * 255), np.uint8)
