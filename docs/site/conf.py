# SPDX-License-Identifier: MIT
"""Sphinx's settings.  docs/site/build.sh builds the site; nothing is fetched."""

import os
import pathlib
import re
import sys
import types
from typing import Any

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "bindings" / "python"))

project = "libbert"
author = "the libbert authors"
copyright = "the libbert authors; MIT licence"
version = release = re.search(r'VERSION_STRING "(.*)"', (root / "include/bert/base.h").read_text())[
    1
]  # type: ignore[index]

extensions = ["myst_parser", "breathe", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4
exclude_patterns: list[str] = []

breathe_projects = {"libbert": os.environ["LIBBERT_DOXYGEN"]}
breathe_default_project = "libbert"
breathe_show_enumvalue_initializer = True
breathe_domain_by_extension = {"h": "c", "hpp": "cpp"}
highlight_language = "text"

html_theme = "alabaster"
html_theme_options = {
    "page_width": "76rem",
    "sidebar_width": "16rem",
    "fixed_sidebar": True,
    "description": "BERT-family encoders inside your program",
    "show_powered_by": False,
}
# Beside an interface are the names of its page; else those of all pages, as the theme has it.
html_sidebars = {
    "api/*/**": ["about.html", "localtoc.html", "relations.html", "searchbox.html"],
    "api/cpp": ["about.html", "localtoc.html", "searchbox.html"],
}
html_static_path = [str(root / "docs/site/static")]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_title = f"libbert {release}"

autodoc_member_order = "bysource"
# Shown by their names.
autodoc_type_aliases = {
    name: name for name in ("PathLike", "Log", "TextsLike", "Several", "Prompt", "Loading")
}
autodoc_typehints = "signature"
napoleon_use_ivar = True

# The package opens the library when this is imported; its pages need none.
ffi: Any = types.ModuleType("libbert._ffi")
ffi.lib = None
sys.modules["libbert._ffi"] = ffi


def plainer(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings as they are written here, for Napoleon."""
    if what == "property" and lines:
        lines.insert(0, "")  # else what stands before a colon were the type
    if what == "module":
        for i in range(len(lines) - 1, 0, -1):
            if lines[i].startswith("    ") and not lines[i - 1].strip():
                lines[i:i] = [".. code-block:: python", ""]


def no_field_numbers(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> Any:
    """Of named tuples, whose fields are in the signature."""
    return True if str(getattr(thing, "__doc__", "")).startswith("Alias for field") else None


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", plainer, priority=100)
    app.connect("autodoc-skip-member", no_field_numbers)
