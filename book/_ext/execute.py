"""Run chapters from top to bottom and store their outputs, widget state included.

    python book/_ext/execute.py [CHAPTER.ipynb ...]

Without arguments every chapter is run.  What two runs differ in by chance (times, identifiers, the kernel's build) is
left out of the file or numbered, so that a difference in git is one that the reader sees.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

BOOK = Path(__file__).parents[1]
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def execute(path: Path) -> float:
    """Run one chapter in its own folder and store it; returns seconds."""
    notebook = nbformat.read(path, as_version=4)
    started = time.perf_counter()
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", store_widget_state=True,
                            record_timing=False, resources={"metadata": {"path": str(path.parent)}})  # fmt: skip
    client.execute()
    notebook = number_widgets(normalise(notebook), path.stem)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    return time.perf_counter() - started


def normalise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Keep of the metadata what a reader needs."""
    widgets = notebook.metadata.get("widgets")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    if widgets and any(manager["state"] for manager in widgets.values()):
        notebook.metadata["widgets"] = widgets
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
        cell.metadata.pop("execution", None)
    return notebook


def number_widgets(notebook: nbformat.NotebookNode, chapter: str) -> nbformat.NotebookNode:
    """Call each widget by its chapter and number, in the order of their making, instead of by a random identifier."""
    managers = notebook.metadata.get("widgets", {}).values()
    names = [name for manager in managers for name in manager["state"]]
    numbers = {name: f"{chapter}-{number:03d}" for number, name in enumerate(names)}
    if not numbers:
        return notebook
    text = re.sub("|".join(numbers), lambda match: numbers[match[0]], nbformat.writes(notebook))
    return nbformat.reads(text, as_version=4)


def main() -> None:
    chapters = [Path(name) for name in sys.argv[1:]] or sorted(BOOK.glob("*.ipynb"))
    for path in chapters:
        print(f"{path.name}: ", end="", flush=True)
        print(f"{execute(path):.1f} s")


if __name__ == "__main__":
    main()
