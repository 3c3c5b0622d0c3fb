"""What `make execute` does to a chapter: it runs it, and stores only what a reader sees."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

EXECUTE = Path(__file__).parents[1] / "book" / "_ext" / "execute.py"

CELLS = (
    "from vggstudy.widgets import Predict\nimport os",
    "print(os.path.basename(os.getcwd()))",
    "Predict('How wide?', answer=212, unit='px')",
)


@pytest.fixture
def chapter(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Mine", "language": "python"}
    nbformat.write(notebook, tmp_path / "small.ipynb")
    return tmp_path / "small.ipynb"


def execute(chapter):
    return subprocess.run([sys.executable, EXECUTE, chapter], capture_output=True, text=True)


@pytest.mark.slow
def test_a_chapter_is_run_in_its_folder_and_stored_the_same_each_time(chapter):
    assert execute(chapter).returncode == 0
    first = chapter.read_text()
    notebook = nbformat.reads(first, as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert notebook.cells[1].outputs[0].text == f"{chapter.parent.name}\n"
    (state,) = (manager["state"] for manager in notebook.metadata.widgets.values())
    assert state and all(name.startswith("small-") for name in state)
    assert notebook.metadata.kernelspec.display_name == "Python 3"
    assert execute(chapter).returncode == 0
    assert chapter.read_text() == first


@pytest.mark.slow
def test_a_chapter_that_fails_is_not_stored(chapter):
    before = chapter.read_text().replace("os.getcwd()", "os.nonsense")
    chapter.write_text(before)
    done = execute(chapter)
    assert done.returncode != 0 and "nonsense" in done.stderr
    assert chapter.read_text() == before
