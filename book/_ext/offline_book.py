"""Sphinx extension: pages that reach for no other host and that a screen reader can read.

Jupyter Book loads Thebe, which fetches its code from a content network and declares one constant twice: a request and a
page error on every page, for a button this book does not show.  The book's own kernel is JupyterLab's.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

# What theme, docutils and pandas write and axe rejects: pattern -> what it should be.
MENDED = {
    # A name that differs from the words on the button; the words are name enough.
    r'(class="btn search-button-field[^>]*) aria-label="Search"': r"\1",
    r'<summary aria-label="Toggle hidden content">': "<summary>",
    r'(<i class="theme-switch[^>]*) title="[^"]*"': r"\1",
    # A list whose children are no list items, and a role that was withdrawn.
    r'<div role="list" class="citation-list">': '<div class="citation-list">',
    r' role="doc-biblioentry"': "",
    # A table that may scroll sideways, which the keyboard must reach.
    r'<table border="1" class="dataframe">': '<table border="1" class="dataframe" tabindex="0">',
    # A box to tick on paper, without a name.
    r'(<input class="task-list-item-checkbox") ': r'\1 aria-label="done" ',
    # A heading without words.
    r"<th></th>": "<td></td>",
}


def _is_thebe(script: Any) -> bool:
    body = (getattr(script, "attributes", None) or {}).get("body") or ""
    return "thebe" in f"{body} {getattr(script, 'filename', '')}".lower()


def drop_thebe(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context.get(kind, []) if not _is_thebe(file)]


def mend(html: str) -> str:
    for pattern, replacement in MENDED.items():
        html = re.sub(pattern, replacement, html)
    return html


def mend_pages(app: Sphinx, error: Exception | None) -> None:
    if error is None:
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text("utf-8")
            path.write_text(mend(text), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", mend_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
