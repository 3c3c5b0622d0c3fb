"""A fault in the text fails the build of the book; without one it succeeds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOC = "format: jb-book\nroot: book/intro\nchapters:\n  - file: book/glossary\n  - file: book/bibliography\n"

FAULTS = {
    "a reference to nowhere": "{ref}`no-such-place`",
    "a citation without an entry": "{cite}`nobody1999`",
    "a term that the glossary lacks": "{term}`no such term`",
    "a link to a missing page": "[there](missing.md)",
    "an unknown directive": "```{no-such-directive}\n```",
}


@pytest.fixture
def book(tmp_path):
    """The book without its chapters and without the pages that lead to them."""
    (tmp_path / "_toc.yml").write_text(TOC)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    chapters = shutil.ignore_patterns("*.ipynb", "offline", "results", "__pycache__")
    shutil.copytree(ROOT / "book", tmp_path / "book", ignore=chapters)
    (tmp_path / "book" / "intro.md").write_text("# Introduction\n\nA {term}`stack` {cite}`simonyan2015`.\n")
    return tmp_path


def build(book):
    """The build's exit code and what it said, with the options of `make book`."""
    recipe = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "jupyter-book build" in line)
    options = recipe.split("jupyter-book")[1].split()
    command = [Path(sys.executable).parent / "jupyter-book", *options]
    done = subprocess.run(command, cwd=book, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_without_a_fault_it_succeeds_and_mends_what_axe_rejects(book):
    code, said = build(book)
    assert code == 0, said
    page = (book / "_build" / "html" / "book" / "bibliography.html").read_text()
    assert "thebe" not in page.lower().replace("text/x-thebe-config", "")
    assert 'role="doc-biblioentry"' not in page


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_fails_the_build(book, fault):
    with (book / "book" / "glossary.md").open("a") as page:
        page.write(f"\n{fault}\n")
    code, said = build(book)
    assert code != 0
    assert "book/glossary.md" in said and "WARNING" in said
