"""What tests of pages share: one page of each kind, small models, and a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from day33 import Model, autoencoder, explain, set_random_seed
from day33.explain import Explanation
from day33.lyricist import Lyricist
from day33.text import preprocess_sentence
from support.pages import browser_path

LINES = ["i love you", "i love the rain", "you love the sun and i love you", "the rain falls on me", "i sing to you"]


@pytest.fixture(scope="session")
def lyricist() -> Lyricist:
    """A small one that has learnt a few lines nearly by heart."""
    set_random_seed(3)
    writer = Lyricist(num_words=50, embedding_size=12, hidden_size=24)
    writer.fit(
        [preprocess_sentence(line) for line in LINES * 8], epochs=25, batch_size=8, learning_rate=0.01, verbose=0
    )
    return writer


@pytest.fixture(scope="session")
def network() -> Model:
    """An auto-encoder with initial weights."""
    set_random_seed(4)
    return autoencoder.build("transposed")


@pytest.fixture(scope="session")
def image() -> np.ndarray:
    return np.random.default_rng(5).random((28, 28, 1)).astype(np.float32)


@pytest.fixture(scope="session")
def voters() -> Any:
    """Two members that see the first column, and one that sees the second."""
    from sklearn.tree import DecisionTreeClassifier

    from day33.ensemble import HardVote

    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32).repeat(3, axis=0)
    first, second = (DecisionTreeClassifier(random_state=0).fit(X, X[:, n].astype(int)) for n in (0, 1))
    members = [("first", first), ("again", first), ("second", second)]
    return HardVote.of_fitted(members, np.array(["no", "yes"]))


@pytest.fixture(scope="session")
def pages(lyricist, network, image, voters) -> dict[str, Callable[[], Explanation]]:
    """A page of each kind, by name."""
    history = SimpleNamespace(
        history={"loss": [0.6, 0.4, 0.3], "val_loss": [0.5, 0.45, 0.44], "accuracy": [0.2, 0.5, 0.6]}
    )
    film = np.random.default_rng(1).random((3, 4, 8, 8))
    return {
        "conv2d": lambda: explain.conv2d(padding="same"),
        "conv2d of reals": lambda: explain.conv2d(
            -100 * np.random.default_rng(0).normal(size=(9, 9)), np.ones((3, 3)) / 9
        ),
        "conv2d_transpose": explain.conv2d_transpose,
        "max_pool2d": explain.max_pool2d,
        "max_unpool2d": explain.max_unpool2d,
        "up_sampling2d": explain.up_sampling2d,
        "dense": explain.dense,
        "receptive_field": lambda: explain.receptive_field(network),
        "feature_maps": lambda: explain.feature_maps(network, image),
        "filters": lambda: explain.filters(network.layers[1]),
        "training": lambda: explain.training(history, film, film[0]),
        "next_word": lambda: explain.next_word(lyricist, "i love you and i love the sun and the rain"),
        "loss": lambda: explain.loss(lyricist, "i love the rain"),
        "votes": lambda: explain.votes(voters, [1, 0]),
    }


KINDS = (
    "conv2d", "conv2d of reals", "conv2d_transpose", "max_pool2d", "max_unpool2d", "up_sampling2d", "dense",
    "receptive_field", "feature_maps", "filters", "training", "next_word", "loss", "votes",
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`kind` runs a test with each kind of page."""
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", KINDS)


@pytest.fixture
def explanation(kind, pages) -> Explanation:
    return pages[kind]()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = browser_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path) -> Iterator[Callable[..., Any]]:
    """A function that opens an explanation; at its end, no script failed and nothing was asked for."""
    complaints: list[str] = []
    pages: list[Any] = []

    def open_page(explanation: Explanation, width: int = 1280, scheme: str = "light") -> Any:
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
        pages.append(page)
        page.goto(explanation.save(tmp_path / "page.html").as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not complaints, complaints
