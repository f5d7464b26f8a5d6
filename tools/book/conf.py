"""Sphinx's settings for the book; ``tools/book/build.py`` calls it, in a folder of pages that it wrote."""

import os
import sys
from pathlib import Path

ROOT = Path(os.environ["COURSE_ROOT"])
sys.path.insert(0, str(ROOT))

from labcode import __version__  # noqa: E402

project, author, language = "Regularizing LSTMs", "The authors of Regularizing LSTMs", "en"
project_copyright = "the authors; text and figures CC BY 4.0, code MIT"
version = release = __version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "tools.book.docstrings",
    "tools.book.mathml",
]
exclude_patterns = ["_*"]

# Pages
nb_execution_mode = "off"
nb_ipywidgets_js: dict = {}  # no script from elsewhere: player.js moves the figures
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "tools.book.lists.jupyter_anchor"
html_math_renderer = "mathml"
html_show_search_summary = False  # it would fetch pages, which a browser forbids in a folder on the disk
html_copy_source = html_show_sourcelink = False
html_permalinks_icon = "#"
pygments_style = "a11y-high-contrast-light"

# API
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "exclude-members": "set"}  # set: matplotlib gives it to figures
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
viewcode_follow_imported_members = False

# Look
html_theme = "sphinx_book_theme"
html_title = "Regularizing LSTMs"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_js_files = [("player.js", {"defer": "defer"})]
html_context = {"default_mode": "auto"}  # light or dark, as the browser says
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_sidenotes": False,
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the search is in the margin
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
