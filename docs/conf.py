"""What Sphinx builds the site with. Each extension in ext/ adds one idea to it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import diglot
from ext.repository import linkcode_resolve  # noqa: F401  (sphinx.ext.linkcode looks for it here)

project = "diglot"
author = "The diglot authors"
copyright = author
version = release = diglot.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.linkcode",
    "ext.mathml",
    "ext.repository",
    "ext.names",
    "ext.docstrings",
    "ext.reference",
    "ext.kernel_pages",
    "ext.chapters",
    "ext.root_pages",
]
exclude_patterns = ["ext", "static", "pictures", "generated/static", "generated/ipython"]
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!diglot).*")]  # no other project's reference is at hand

# Pages: Markdown, and the chapters, which are executed.
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 120
nb_merge_streams = True

# The reference.
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# How it looks. Nothing comes from another host: no fonts, no scripts, no pictures.
html_theme = "furo"
html_title = "diglot"
html_static_path = ["static", "generated/static"]
html_css_files = ["pairs.css", "site.css"]
html_copy_source = False
html_show_search_summary = False  # it fetches pages, which a browser forbids to file://
highlight_language = "none"  # an indented block is an equation, unless it says what it is
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
