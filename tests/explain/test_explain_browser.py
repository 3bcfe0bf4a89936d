"""Pages used as a person uses them, in Chromium: pointed at, walked through by keyboard, looked at on small screens."""

from __future__ import annotations

import numpy as np
import pytest

from day33 import explain, ops


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
    stamp = page.locator('[aria-label="stamp"] .cell')
    assert stamp.all_text_contents() == [""] * 9
    assert stamp.first.get_attribute("aria-label") == "stamp: empty"
    assert lit(page, "input") == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert readout(page) == f"output (2, 2) = 1·9 + (−2)·7 + 3·3 + 0·1 = {y[2, 2]:.0f}"
    assert readout(page, 3).endswith(f"= {y[2, 2]:.0f}")
    assert lit(page, "stretched input", 3) == {(2 + u, 2 + v) for u in range(3) for v in range(3)}
    cell(page, "input", 1, 0).hover()
    np.testing.assert_array_equal(values(page, "stamp"), 3 * kernel)


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
    if (!node.textContent || !node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const [a, b] = [rgb(paper, style.backgroundColor), rgb(paper, style.backgroundColor, style.color)].map(light);
    for (let outer = node; outer; outer = outer.parentElement) {
      if (getComputedStyle(outer).opacity !== "1") wrong.push([outer.className, "is transparent"]);
    }
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) wrong.push([node.className, node.textContent.slice(0, 20), ratio]);
  }
  return wrong;
}"""


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_legible(opened, kind, explanation, width, scheme):
    page = opened(explanation, width, scheme)
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


def test_winners_of_max_pooling(opened):
    x = np.array([[1, 5, 2, 2], [0, 3, 2, 9]])
    page = opened(explain.max_pool2d(x))
    cell(page, "output", 0, 1).hover()
    assert lit(page, "input") == {(0, 2), (0, 3), (1, 2), (1, 3)}
    assert readout(page) == "output (0, 1) = max(2, 2, 2, 9) = 9, found at (1, 3): index 1·4 + 3 = 7"
    cell(page, "input", 0, 1).hover()
    assert readout(page) == "input (0, 1) = 5 wins output (0, 0)."
    cell(page, "input", 1, 1).hover()
    assert readout(page) == "input (1, 1) = 3 wins nothing: it is dropped."


def test_where_values_go_and_come_from(opened):
    page = opened(explain.up_sampling2d(np.array([[1, 2], [3, 8]])))
    cell(page, "values", 1, 1).hover()
    assert lit(page, "nearest") == {(2, 2), (2, 3), (3, 2), (3, 3)}
    assert lit(page, "bed of nails") == {(2, 2)}
    cell(page, "bilinear", 1, 1).hover()
    assert lit(page, "values") == {(0, 0), (0, 1), (1, 0), (1, 1)}
    expected = ops.up_sampling2d(np.array([[1, 2], [3, 8]])[None, :, :, None], 2, interpolation="bilinear")[0, 1, 1, 0]
    assert readout(page).endswith(f"= {expected:.4g}")
    cell(page, "bed of nails", 1, 1).hover()
    assert "which no value reaches" in readout(page)


def test_rectangles_fall_together_in_one_direction_only(opened):
    page = opened(explain.dense())
    part = page.locator("section", has_text="One column is one direction")
    assert "wide: 2, 4, 5, 7; high: 2, 4, 5, 7: the same numbers" in part.locator(".readout").text_content()
    part.locator("input").nth(0).fill("2")
    assert "wide: 3, 5, 9, 11; high: 3, 6, 7, 10: different numbers" in part.locator(".readout").text_content()

    part = page.locator("section", has_text="What a bias adds")
    assert "The origin goes to (0, 0)." in part.locator(".readout").text_content()
    part.locator("input").nth(4).fill("-3")
    part.locator("input").nth(5).fill("1")
    assert part.locator(".readout").text_content() == "The origin goes to (−3, 1). It lies on the dashed one."


def test_fields_follow_the_pointer_and_the_keys(opened, network):
    page = opened(explain.receptive_field(network, "encoder_pool_1"))
    maps = page.locator(".widget .map")
    box = maps.nth(2).bounding_box()  # encoder_pool_1, (13, 13) of 28 - 2
    maps.nth(2).hover(position={"x": box["width"] * 0.5 / 13, "y": box["height"] * 2.5 / 13})
    # A pooling cell i covers rows 2i and 2i + 1 of the convolution, which see rows 2i to 2i + 3 of the image.
    assert readout(page) == "encoder_pool_1 (2, 0) sees 4 × 4 pixels: rows 4 to 7, columns 0 to 3."
    assert maps.nth(0).locator(".frame").get_attribute("data-box") == "4,0,7,3"
    maps.nth(2).focus()
    page.keyboard.press("ArrowRight")
    assert readout(page).startswith("encoder_pool_1 (2, 1) sees 4 × 4 pixels")


def test_probabilities_follow_temperature_and_top_k(opened, lyricist):
    explanation = explain.next_word(lyricist, "i love")
    from support.pages import Page

    logits = np.array(Page(explanation).of("next")["paths"][0]["logits"])
    page = opened(explanation)
    steps, temperature, top_k = page.locator("input[type=range]").all()

    def shown() -> dict[int, float]:
        return {int(bar.get_attribute("data-token")): float(bar.get_attribute("data-share"))
                for bar in page.locator(".bar").all()}  # fmt: skip

    for step, heat in ((1, 1.0), (2, 0.5), (2, 2.0)):
        steps.fill(str(step))
        temperature.fill(str(heat))
        expected = ops.softmax(logits[step - 1] / heat)
        for token, share in shown().items():
            assert share == pytest.approx(expected[token], rel=1e-4, abs=1e-9)
    temperature.fill("1")
    top_k.fill("3")
    kept = np.argsort(-logits[1], kind="stable")[:3]
    exact = np.exp(logits[1][kept]) / np.exp(logits[1][kept]).sum()
    found = shown()
    for token, share in zip(kept, exact, strict=True):
        assert found[int(token)] == pytest.approx(share, rel=1e-4)
    assert sum(found.values()) == pytest.approx(1, rel=1e-6)


def test_the_slider_of_steps_ends_where_the_path_does(opened, lyricist):
    from support.pages import Page

    explanation = explain.next_word(lyricist, "i love", seed=2)
    lengths = [len(path["tokens"]) for path in Page(explanation).of("next")["paths"]]
    assert len(set(lengths)) == 2, "choose another seed: the paths are equally long"
    page = opened(explanation)
    steps = page.locator("input[type=range]").first
    for name, length in zip(("greedy", "sampled", "greedy"), (*lengths, lengths[0]), strict=True):
        page.get_by_role("button", name=name).click()
        assert steps.get_attribute("max") == str(length)
        steps.press("End")
        assert page.locator(".slider output").first.text_content() == str(length)
        assert page.locator(".sentence .word").all()[-1].get_attribute("class") == "word chosen"


def test_the_line_length_moves_the_padded_loss_only(opened, lyricist):
    explanation = explain.loss(lyricist, "i love the rain", line_length=10)
    page = opened(explanation)
    losses = [float(bar.get_attribute("data-loss")) for bar in page.locator(".bar").all()]
    sums = page.locator(".sums")
    for length in (10, 20):
        page.locator("input[type=range]").fill(str(length))
        padded, real = sum(losses) / length, sum(losses) / len(losses)
        numbers = [float(text.split()[-1]) for text in sums.text_content().split(" · ")]
        np.testing.assert_allclose(numbers, [padded, real, np.exp(real)], rtol=1e-3)


def test_the_table_of_a_vote_has_members_and_their_mean(opened, voters):
    page = opened(explain.votes(voters, [1, 0]))
    rows = page.locator(".ballots tbody tr").all()
    texts = [row.locator("th, td").all_text_contents() for row in rows]
    assert texts == [
        ["first", "yes", "0.00", "1.00"], ["again", "yes", "0.00", "1.00"], ["second", "no", "1.00", "0.00"],
        ["mean", "yes", "0.33", "0.67"],
    ]  # fmt: skip
    assert [row.locator(".largest").text_content() for row in rows] == ["1.00", "1.00", "1.00", "0.67"]


def test_the_keyboard_opens_an_answer(opened):
    page = opened(explain.conv2d())
    question = page.locator(".answer summary").first
    answer = page.locator(".answer p").first
    assert not answer.is_visible()
    question.focus()
    page.keyboard.press("Enter")
    assert answer.is_visible()
    page.keyboard.press("Space")
    assert not answer.is_visible()


def test_curves_and_film(opened, pages):
    page = opened(pages["training"]())
    slider = page.locator('section[data-part="0"] input')
    slider.fill("1")
    assert readout(page) == "loss after epoch 2: training 0.4, validation 0.45"
    page.get_by_role("button", name="accuracy").click()
    assert readout(page) == "accuracy after epoch 2: training 0.5"
    film = page.locator('section[data-part="1"]')
    film.locator("input").fill("0")
    assert film.locator("figcaption b").all_text_contents() == ["originals", "after epoch 1"]
