"""Pages of `day33.explain` on the site: the directive ``explain``, and pictures of the gallery's explanations."""

from __future__ import annotations

import hashlib
import html
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from day33.explain import Explanation, gallery

FOLDER = "explained"  # of the built site


class ExplanationScraper:
    """For sphinx-gallery: saves the figure of each explanation that a block of a script has made."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def __repr__(self) -> str:
        return "ExplanationScraper"

    def __call__(self, block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
        from sphinx_gallery.scrapers import figure_rst

        paths = []
        for value in block_vars["example_globals"].values():
            if isinstance(value, Explanation) and id(value) not in self._seen:
                self._seen.add(id(value))
                path = next(block_vars["image_path_iterator"])
                value.figure(path)
                paths.append(path)
        return str(figure_rst(paths, gallery_conf["src_dir"]))


class Explain(SphinxDirective):
    """``explain`` with the name of an example of `day33.explain.gallery`: the page in a frame, and a link to it alone.

    The option ``link`` is the text of that link.
    """

    required_arguments = 1
    option_spec: ClassVar[Any] = {"link": str, "height": int}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        made = gallery.example(name)
        target = Path(self.env.app.outdir) / FOLDER / f"{name}.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        made.save(target)
        up = "../" * self.env.docname.count("/")
        address = f"{up}{FOLDER}/{name}.html?{hashlib.sha256(target.read_bytes()).hexdigest()[:8]}"
        title, link = html.escape(made.title), html.escape(self.options.get("link", "Open the page alone"))
        frame = (
            f'<iframe class="explained" src="{address}" title="{title}" loading="lazy" '
            f'style="height: {self.options.get("height", 760)}px"></iframe>\n'
            f'<p><a href="{address}">{link}</a></p>'
        )
        return [nodes.raw("", frame, format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("explain", Explain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
