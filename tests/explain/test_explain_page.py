"""What holds for every page: well-formed, complete in itself, nothing of the reader's runs, nothing loads unasked."""

from __future__ import annotations

import html
import re
import subprocess
import sys

import numpy as np
import pytest

from day33 import explain
from day33.explain import Explanation
from day33.explain._explanation import Section
from day33.explain._page import MAX_BYTES
from support.pages import ASSETS, Page


def test_pages_are_well_formed_and_need_nothing_else(kind, explanation):
    page = Page(explanation)
    assert page.source.startswith("<!doctype html>")
    assert len(set(page.ids)) == len(page.ids)
    assert page.addresses == []
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"']*", page.source))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # the name of a language, which nobody fetches
    assert "default-src 'none'" in html.unescape(page.source)
    assert "@import" not in "".join(page.styles) and "url(" not in "".join(page.styles)
    for name in ("fetch(", "XMLHttpRequest", "import(", "eval(", "innerHTML", "localStorage"):
        assert name not in "".join(page.scripts)
    assert "prefers-color-scheme: dark" in "".join(page.styles)


def test_pages_have_the_scripts_of_their_widgets(kind, explanation):
    page = Page(explanation)
    for widget in page.widgets:
        assert f"day33.widgets.{widget} = " in "".join(page.scripts)
        assert (ASSETS / f"{widget}.js").is_file()


def test_the_text_is_on_the_page_and_names_the_title(kind, explanation):
    words = explanation.text()
    assert words.startswith(explanation.title + "\n")
    assert words in Page(explanation).words
    body = words.partition("\n\n")[2].partition("\n\n")[2]
    assert "`" not in body


def test_questions_come_before_all_answers_and_answers_are_folded(kind, explanation):
    page = Page(explanation)
    folded = re.findall(r'<details class="answer"><summary>(.*?)</summary>\n<p>(.*?)</p>', page.source)
    plain = [[html.unescape(re.sub("</?code>", "", text)) for text in pair] for pair in folded]
    assert len(plain) >= 2
    listed = explanation.text().partition("\nCheck yourself\n")[2]
    questions, _, answers = listed.partition("\n\nAnswers\n")
    assert questions.splitlines() == [f"{n}. {question}" for n, (question, _) in enumerate(plain, 1)]
    assert answers.splitlines() == [f"{n}. {answer}" for n, (_, answer) in enumerate(plain, 1)]
    assert all(question.endswith("?") and answer for question, answer in plain)
    assert page.source.count("<details") == len(plain) + 1


def test_figures_draw(kind, explanation, tmp_path):
    figure = explanation.figure(tmp_path / "figure.png")
    assert figure.axes
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_save_writes_the_page(tmp_path):
    explanation = explain.conv2d()
    assert explanation.save(tmp_path / "page") == tmp_path / "page.html"
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == explanation.html()
    with pytest.raises(FileNotFoundError):
        explanation.save(tmp_path / "absent" / "page.html")


def test_notebooks_get_the_page_in_a_frame_of_its_own(kind, explanation):
    shown = explanation._repr_html_()
    (frame,) = re.findall(r'srcdoc="([^"]*)"', shown)
    assert html.unescape(frame) == explanation.html()
    assert 'sandbox="allow-scripts"' in shown and shown.count("<") == 2


def hostile(text: str) -> Explanation:
    section = Section(text, [text], "cells", {"grids": [{"label": text, "values": [[1]]}], text: [text]})
    return Explanation(text, text, [section], words=[text], draw=lambda: None, notes=[text])


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!-- <script>", "]]>&lt;",
        "\u2028\u2029", "\"'><b>", "</pre></title></style>",
    ],
)  # fmt: skip
def test_everything_from_the_reader_is_escaped(text):
    page = Page(hostile(text))
    assert len(page.scripts) == 1 and page.addresses == []
    assert page.data[0]["grids"][0]["label"] == text
    assert text in page.words
    block = page.source.partition('id="data">')[2].partition("</script>")[0]
    assert not set("<>&\u2028\u2029") & set(block)


def test_numbers_on_pages_are_those_of_float32():
    values = np.array([[0.1, 1 / 3, -2.0, 1e30, 1e-30]], np.float32)
    page = Page(Explanation("t", "l", [Section("s", (), "cells", {"grids": [{"label": "", "values": values}]})],
                            words=[], draw=lambda: None))  # fmt: skip
    read = np.array(page.data[0]["grids"][0]["values"])
    np.testing.assert_array_equal(read.astype(np.float32), values)
    assert page.data[0]["grids"][0]["values"][0][:3] == [0.1, 0.33333334, -2]


def test_a_page_too_large_is_refused():
    section = Section("s", (), "cells", {"text": "a" * MAX_BYTES})
    with pytest.raises(ValueError, match="the page has [0-9,]+ bytes; expected at most"):
        Explanation("t", "l", [section], words=[], draw=lambda: None).html()


def test_importing_the_room_draws_nothing():
    program = (
        "import day33, sys; assert 'day33.explain' not in sys.modules; import day33.explain; "
        "assert not {'matplotlib', 'scipy', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
