"""Every page of the built site in Chromium: nothing sticks out at 375 pixels, no script fails, no network is needed.

`nox -s docs` builds the site, `nox -s browser` runs this on it. Skips without the site that DAY33_SITE names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.pages import browser_path

SITE = Path(os.environ.get("DAY33_SITE", "absent"))


@pytest.fixture(scope="module")
def site() -> list[Path]:
    pages = sorted(path.resolve() for path in SITE.rglob("*.html"))
    if not pages:
        pytest.skip("DAY33_SITE names no built site")
    return pages


@pytest.fixture(scope="module")
def browser(site: list[Path]) -> Iterator[Any]:
    path = browser_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (375, "dark"), (1280, "light")])
def test_pages_fit_and_their_scripts_run(site, browser, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    page.on("request", lambda asked: asked.url.startswith(("file:", "data:")) or problems.append(asked.url))
    for path in site:
        page.goto(path.as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            problems.append(f"{path.name}: {wide} pixels wide")
    page.close()
    assert not problems, problems
