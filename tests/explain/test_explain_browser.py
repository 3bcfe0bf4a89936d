"""Pages used as a person uses them, in Chromium: pointed at, walked through by keyboard, looked at on small screens."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import explain, ops
from day33.explain import Explanation
from support.pages import browser_path

PAGES = {
    "conv2d": lambda: explain.conv2d(padding="same"),
    "conv2d of reals": lambda: explain.conv2d(-100 * np.random.default_rng(0).normal(size=(9, 9)), np.ones((3, 3)) / 9),
    "conv2d_transpose": explain.conv2d_transpose,
}


@pytest.fixture(scope="module")
def chromium():
    path = browser_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """A function that opens an explanation; at the end, no script failed and nothing was written to the console."""
    complaints, pages = [], []

    def open_page(explanation: Explanation, width: int = 1280, scheme: str = "light"):
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.on(
            "request",
            lambda request: (
                complaints.append(request.url) if len(pages) and not request.url.startswith("file:") else None
            ),
        )
        pages.append(page)
        page.goto(explanation.save(tmp_path / "page.html").as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not complaints, complaints


def cell(page, label: str, row: int, column: int, part: int = 0):
    return page.locator(f'section[data-part="{part}"] [aria-label="{label}"] [data-r="{row}"][data-c="{column}"]')


def values(page, label: str, part: int = 0) -> np.ndarray:
    """The numbers of a grid, as they stand on the page."""
    lines = page.locator(f'section[data-part="{part}"] [aria-label="{label}"] [role=row]').all()
    rows = [[node.text_content() for node in line.locator(".cell:not(.padding)").all()] for line in lines]
    return np.array([[float(text.replace("−", "-")) for text in row] for row in rows if row])


def lit(page, label: str, part: int = 0) -> set[tuple[int, int]]:
    found = page.locator(f'section[data-part="{part}"] [aria-label="{label}"] .lit').all()
    return {(int(node.get_attribute("data-r")), int(node.get_attribute("data-c"))) for node in found}


def readout(page, part: int = 0) -> str:
    return page.locator(f'section[data-part="{part}"] .readout').text_content()


def test_pointing_at_an_output_shows_its_window_and_its_sum(opened):
    rng = np.random.default_rng(2)
    x, kernel = rng.integers(-9, 10, (1, 5, 6, 1)), rng.integers(-9, 10, (3, 2, 1, 1))
    y = ops.conv2d(x, kernel, strides=2, padding="same")[0, :, :, 0]
    page = opened(explain.conv2d(x, kernel, strides=2, padding="same"))
    np.testing.assert_array_equal(values(page, "input"), x[0, :, :, 0])
    np.testing.assert_array_equal(values(page, "output"), y)
    for i, j in np.ndindex(*y.shape):
        cell(page, "output", i, j).hover()
        assert lit(page, "output") == {(i, j)}
        assert lit(page, "input") == {(2 * i - 1 + u, 2 * j + v) for u in range(3) for v in range(2)}
        assert values(page, "products").sum() == y[i, j]
        assert readout(page).startswith(f"output ({i}, {j}) = ")
        assert readout(page).endswith(f"= {y[i, j]:.0f}".replace("-", "−"))


def test_pointing_at_an_input_shows_who_reads_it(opened):
    page = opened(explain.conv2d(np.ones((5, 5)), np.ones((3, 3))))
    cell(page, "input", 1, 4).hover()
    assert lit(page, "output") == {(0, 2), (1, 2)}
    assert readout(page) == "input (1, 4) is read by 2 outputs: (0, 2), (1, 2)"


def test_stamps_and_the_inputs_behind_an_output(opened):
    x, kernel = np.array([[1, -2], [3, 0]]), np.arange(1, 10).reshape(3, 3)
    y = ops.conv2d_transpose(x[None, :, :, None], kernel[:, :, None, None], strides=2)[0, :, :, 0]
    page = opened(explain.conv2d_transpose(x, kernel, strides=2))
    cell(page, "input", 0, 1).hover()
    np.testing.assert_array_equal(values(page, "stamp"), -2 * kernel)
    assert lit(page, "output") == {(u, 2 + v) for u in range(3) for v in range(3)}
    assert readout(page, 4) == "input (0, 1) is number 1: row 1 of C, column 1 of Cᵀ, with 9 weights."
    cell(page, "output", 2, 2).hover()
    assert lit(page, "input") == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert readout(page) == f"output (2, 2) = 1·9 + (−2)·7 + 3·3 + 0·1 = {y[2, 2]:.0f}"
    assert readout(page, 3).endswith(f"= {y[2, 2]:.0f}")
    assert lit(page, "stretched input", 3) == {(2 + u, 2 + v) for u in range(3) for v in range(3)}


def test_stamps_are_laid_one_by_one(opened):
    x, kernel = np.array([[1, -2], [3, 4]]), np.arange(1, 10).reshape(3, 3)
    page = opened(explain.conv2d_transpose(x, kernel, strides=2))
    for count in (0, 1, 3, 4):
        page.locator("input[type=range]").fill(str(count))
        kept = np.where(np.arange(4) < count, x.ravel(), 0).reshape(1, 2, 2, 1)
        expected = ops.conv2d_transpose(kept, kernel[:, :, None, None], strides=2)[0, :, :, 0]
        np.testing.assert_array_equal(values(page, "output"), expected)


def test_a_click_holds_a_cell_and_escape_lets_go(opened):
    page = opened(explain.conv2d())
    cell(page, "output", 0, 0).click()
    cell(page, "output", 2, 2).hover()
    assert lit(page, "output") == {(0, 0)}
    page.keyboard.press("Escape")
    cell(page, "output", 1, 1).hover()
    assert lit(page, "output") == {(1, 1)}


def test_the_keyboard_reaches_every_cell(opened):
    page = opened(explain.conv2d(padding="same"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("input, row 0, column 0")
    page.keyboard.press("Tab")
    for key, place in (("ArrowDown", (1, 0)), ("ArrowRight", (1, 1)), ("End", (1, 6)), ("ArrowRight", (1, 6)),
                       ("Home", (1, 0)), ("ArrowUp", (0, 0)), ("ArrowUp", (0, 0))):  # fmt: skip
        page.keyboard.press(key)
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert label.startswith(f"output, row {place[0]}, column {place[1]}:"), key
        assert lit(page, "output") == {place}


def test_filters_and_channels(opened):
    rng = np.random.default_rng(4)
    x, kernel = rng.integers(-3, 4, (1, 4, 4, 2)), rng.integers(-3, 4, (2, 2, 2, 3))
    y = ops.conv2d(x, kernel)
    page = opened(explain.conv2d(x, kernel))
    for o in (0, 2, 1):
        page.get_by_role("button", name=str(o), exact=True).click()
        np.testing.assert_array_equal(values(page, "output"), y[0, :, :, o])
        np.testing.assert_array_equal(values(page, "kernel, channel 1"), kernel[:, :, 1, o])
        cell(page, "output", 1, 2).hover()
        total = values(page, "products, channel 0").sum() + values(page, "products, channel 1").sum()
        assert total == y[0, 1, 2, o]


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (...layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of layers) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4))
    .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
  const paper = getComputedStyle(document.body).backgroundColor;
  const wrong = [];
  for (const node of document.querySelectorAll("p, h1, h2, summary, button, figcaption, .cell, .index, output")) {
    if (!node.textContent || !node.getClientRects().length || node.closest(".lights")) continue;
    const style = getComputedStyle(node);
    const [a, b] = [rgb(paper, style.backgroundColor), rgb(paper, style.backgroundColor, style.color)].map(light);
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) wrong.push([node.className, node.textContent.slice(0, 20), ratio]);
  }
  return wrong;
}"""


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_legible(opened, name, width, scheme):
    page = opened(PAGES[name](), width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    sizes = page.evaluate(
        "[...document.querySelectorAll('p, .cell, figcaption')].map((n) => parseFloat(getComputedStyle(n).fontSize))"
    )
    assert min(sizes) >= 11
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    overlong = page.evaluate(
        "[...document.querySelectorAll('.cell')].filter((n) => n.scrollWidth > n.clientWidth + 1).length"
    )
    assert overlong == 0
