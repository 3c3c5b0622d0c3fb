"""A page of its own for a widget: no kernel, no network, the scripts with which the book is built."""

from __future__ import annotations

import json
from pathlib import Path

from ipywidgets import DOMWidget
from ipywidgets.embed import embed_data

ASSETS = Path(__file__).parents[2] / "book" / "_static" / "offline" / "widgets"

PAGE = """<!doctype html>
<html lang="en" data-theme="{theme}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Widget</title>
<style>
  body {{ margin: 1rem auto; max-width: 46rem; padding: 0 1rem; font: 16px/1.6 system-ui, sans-serif;
         background: var(--pst-color-background); color: var(--pst-color-text-base); }}
  html {{ --pst-color-background: #fff; --pst-color-text-base: #222832; }}
  html[data-theme="dark"] {{ --pst-color-background: #14181e; --pst-color-text-base: #ced6dd; }}
</style>
<script src="{assets}/require.js"></script>
<script src="{assets}/boot.js"></script>
<script data-jupyter-widgets-cdn="about:blank#" src="{assets}/embed-amd.js"></script>
<script type="application/vnd.jupyter.widget-state+json">{state}</script>
</head>
<body><main><h1>Widget</h1>{views}</main></body>
</html>
"""


def write_page(folder: Path, *widgets: DOMWidget, theme: str = "light") -> Path:
    """Write the page that the book would show for these widgets; returns its path."""
    data = embed_data(widgets, drop_defaults=False)
    script = '<script type="application/vnd.jupyter.widget-view+json">{}</script>'
    views = "\n".join(script.format(_json(view)) for view in data["view_specs"])
    page = folder / f"widget-{theme}.html"
    state = _json(data["manager_state"])
    page.write_text(PAGE.format(theme=theme, assets=ASSETS.as_uri(), state=state, views=views), "utf-8")
    return page


def _json(value: object) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(value).replace("</", "<\\/")
