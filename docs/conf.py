"""The documentation site: MyST pages, the reference from docstrings, a gallery of executed scripts. `nox -s docs`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from explained import ExplanationScraper  # noqa: E402

import day33  # noqa: E402

project = "day33"
author = "day33 contributors"
copyright = author
version = release = day33.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "explained",
    "reference",
]
exclude_patterns = ["_build", "gallery/*", "courses/*"]
suppress_warnings = ["config.cache"]  # the scraper of the gallery is an object, which Sphinx cannot keep
html_theme = "furo"
html_title = "day33"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"source_repository": "", "navigation_with_keys": True}

# ---- pages ----

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

# ---- the reference ----

default_role = "literal"  # docstrings set names between single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say what is taken, in words
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_use_param = False
napoleon_attr_annotations = False

# ---- links ----

linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_anchors = False

# ---- the gallery ----

sphinx_gallery_conf = {
    "examples_dirs": ["gallery", "courses"],
    "gallery_dirs": ["auto_gallery", "auto_courses"],
    "filename_pattern": r"/(explain|tutorial)_",
    "ignore_pattern": r"__init__\.py",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": (ExplanationScraper(),),
    "capture_repr": ("_repr_html_",),
    "reset_modules": (),
    "min_reported_time": 60,
    "write_computation_times": False,  # these pages take scripts from the network
    "download_all_examples": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
    "plot_gallery": "True",
}
