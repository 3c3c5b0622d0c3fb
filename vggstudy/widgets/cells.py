"""A cell that is run again closes the widgets of its last run, which nobody can see any more."""

from __future__ import annotations

from typing import Any

from IPython import get_ipython
from ipywidgets import DOMWidget

# Cell -> its last run, and the widgets that were made in it.
_living: dict[str, tuple[str, list[DOMWidget]]] = {}


def running_cell() -> tuple[str, str] | None:
    """The cell that is being run, by its id or else its text, and a name for this run; None outside of a notebook."""
    shell = get_ipython()
    request: dict[str, Any] = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = request.get("metadata", {}).get("cellId") or request.get("content", {}).get("code")
    return (cell, request["header"]["msg_id"]) if cell else None


def take_place(widget: DOMWidget) -> None:
    """Note that this widget was made, and close those that an earlier run of the same cell made."""
    running = running_cell()
    if running is None:
        return
    cell, run = running
    last_run, widgets = _living.get(cell, (run, []))
    if last_run != run:
        for forerunner in widgets:
            layout = forerunner.layout  # a widget of its own, which its owner does not close
            forerunner.close()
            layout.close()
        widgets = []
    _living[cell] = run, [*widgets, widget]
