"""Checks the links inside of a built site: the file is there, and what stands behind "#" is in it.

    python .ci/check_site.py docs/_build/html

Links to other sites are left to `nox -s docs -- links`, which needs a network.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The places of a page that links may lead to, and its links to places of this site."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.names.add(value)
            elif name in ("href", "src"):
                self.links.append(value)


def broken_links(site: Path) -> list[str]:
    """One line for each link to nowhere."""
    pages = {path.resolve(): Page(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            scheme, host, address, _, anchor = urlsplit(link)
            if scheme or host:
                continue
            target = (path.parent / unquote(address)).resolve() if address else path
            if target.is_dir():
                target = target / "index.html"
            where = f"{path.relative_to(site.resolve())}: {link}"
            if not target.is_file():
                found.append(f"{where}: no such file")
            elif anchor and target in pages and unquote(anchor) not in pages[target].names:
                found.append(f"{where}: no such place in the page")
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    problems = broken_links(folder)
    print("\n".join(problems) or f"{folder}: all links inside of the site lead somewhere")
    sys.exit(bool(problems) or not any(folder.rglob("*.html")))
