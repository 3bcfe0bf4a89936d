"""All pages with examples of their own, in the order in which one thing leads to the next, and a list of them."""

from __future__ import annotations

import base64
import contextlib
import functools
import html
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core.types import PathLike
from .._io.files import make_folder, write_text
from ..random.seeds import get_state, set_random_seed, set_state
from . import convolution, features, language, linear, pooling, progress, receptive, transposed
from ._explanation import Explanation
from ._page import frame_of
from .ballots import votes

if TYPE_CHECKING:
    from ..lyricist import Lyricist

__all__ = ["PAGES", "example", "write_gallery"]

_DPI = 70


def write_gallery(folder: PathLike, show: Callable[[str], Any] = lambda name: None) -> list[Path]:
    """Write every page, and ``index.html``, which shows them with a picture of each.

    Three small models are trained for it, which takes about a quarter of a minute on two cores.

    Args:
        folder: where to; made if it is missing. Pages of the same names are replaced.
        show: called with the name of each page before it is made.

    Returns:
        The paths of the pages, ``index.html`` first.

    Raises:
        OSError: the folder cannot be made, or a file cannot be written.
    """
    target = Path(folder)
    make_folder(target)
    cards, paths = [], [target / "index.html"]
    for name in PAGES:
        show(name)
        made = example(name)
        paths.append(made.save(target / f"{name}.html"))
        cards.append(_card(name, made))
    body = (
        '<h1>What day33 explains</h1>\n<p class="lede">Each page works by itself, without a network: point at its '
        "cells, move its sliders, or walk through it with the arrow keys.</p>\n<div "
        f'class="cards">\n{"".join(cards)}</div>\n'
    )
    write_text(paths[0], frame_of("What day33 explains", body))
    return paths


def example(name: str) -> Explanation:
    """The page of an example.

    Args:
        name: one of `PAGES`.

    Raises:
        ValueError: it is none of them.
    """
    if name not in PAGES:
        raise ValueError(f"name is {name!r}; expected one of {', '.join(map(repr, PAGES))}")
    return PAGES[name]()


def _card(name: str, made: Explanation) -> str:
    stream = io.BytesIO()
    made.figure().savefig(stream, format="png", dpi=_DPI)
    picture = base64.b64encode(stream.getvalue()).decode("ascii")
    return (
        f'<a class="card" href="{html.escape(name)}.html"><img alt="" src="data:image/png;base64,{picture}">'
        f"<b>{html.escape(made.title)}</b><span>{html.escape(made.lede)}</span></a>\n"
    )


# ---- small models, trained once in a process, to the same weights each time ----


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """Draws from a seed of its own inside, and leaves the caller's global stream where it was."""
    state = get_state()
    set_random_seed(0)
    try:
        yield
    finally:
        set_state(state)


@functools.cache
def _digits() -> tuple[Any, Any]:
    """Training and test images of scikit-learn's digits, (N, 28, 28, 1) from 0 to 1."""
    from ..datasets import load_digits_small

    (x_train, _), (x_test, _) = load_digits_small()
    return x_train[..., None] / np.float32(255), x_test[..., None] / np.float32(255)


@functools.cache
@_seeded()
def _autoencoder() -> tuple[Any, Any, Any]:
    """An auto-encoder, its history, and what it made of six test images after each epoch."""
    from .. import autoencoder, optimizers
    from ..callbacks import LambdaCallback

    x_train, x_test = _digits()
    model = autoencoder.build("transposed")
    model.compile(optimizers.Adam(learning_rate=0.003), "binary_crossentropy")
    frames: list[Any] = []
    history = model.fit(
        x_train, x_train, epochs=10, batch_size=32, verbose=0, validation_data=(x_test, x_test),
        callbacks=[LambdaCallback(on_epoch_end=lambda *_: frames.append(model.predict(x_test[:6], verbose=0)))],
    )  # fmt: skip
    return model, history, np.array(frames)


@functools.cache
@_seeded()
def _lyricist() -> Lyricist:
    from ..datasets import generate_lyrics
    from ..lyricist import Lyricist
    from ..text import preprocess_sentence

    # Verses of four lines without marks: the small model, which ends no line, soon says the same words again.
    lines = [line.translate(str.maketrans("", "", ".,!?")) for line in generate_lyrics(1200)]
    verses = [preprocess_sentence(" ".join(lines[n : n + 4])) for n in range(0, len(lines), 4)]
    writer = Lyricist(num_words=1000, embedding_size=32, hidden_size=64)
    writer.fit(verses, epochs=20, batch_size=16, learning_rate=0.004, verbose=0)
    return writer


@functools.cache
def _voters() -> tuple[Any, Any]:
    """Five classifiers, and the test image on which hard and soft vote differ most, without a tie of the votes."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    from ..datasets import load_digits_small
    from ..ensemble import HardVote
    from ..ensemble.voting import count_votes

    (x_train, y_train), (x_test, _) = load_digits_small()
    rows, tests = (x.reshape(len(x), -1) / np.float32(255) for x in (x_train[:400], x_test))
    vote = HardVote([
        ("logistic", LogisticRegression(max_iter=200)), ("neighbours", KNeighborsClassifier()),
        *((f"tree {n + 1}", DecisionTreeClassifier(max_features=30, random_state=n)) for n in range(3)),
    ]).fit(rows, y_train[:400])  # fmt: skip
    counts = count_votes(vote.votes(tests), len(vote.classes_))
    means = vote.mean_probabilities(tests)
    second, first = np.sort(counts, axis=1)[:, -2:].T
    contested = (counts.argmax(axis=1) != means.argmax(axis=1)) & (first > second)
    lead = means.max(axis=1) - np.take_along_axis(means, counts.argmax(axis=1)[:, None], axis=1)[:, 0]
    return vote, tests[int(np.argmax(np.where(contested, lead, -1)))]


def _training() -> Explanation:
    _, history, frames = _autoencoder()
    return progress.training(history, frames, _digits()[1][:6])


PAGES: dict[str, Callable[[], Explanation]] = {
    "dense": linear.dense,
    "conv2d": lambda: convolution.conv2d(padding="same"),
    "max-pool2d": pooling.max_pool2d,
    "receptive-field": lambda: receptive.receptive_field(_autoencoder()[0]),
    "up-sampling2d": pooling.up_sampling2d,
    "max-unpool2d": pooling.max_unpool2d,
    "conv2d-transpose": transposed.conv2d_transpose,
    "feature-maps": lambda: features.feature_maps(_autoencoder()[0], _digits()[1][1]),
    "filters": lambda: features.filters(_autoencoder()[0].layers[1]),
    "training": _training,
    "next-word": lambda: language.next_word(_lyricist(), "i love", steps=12),
    "loss": lambda: language.loss(_lyricist(), "i love you tonight"),
    "votes": lambda: votes(*_voters()),
}
