"""What a claim rests on: a test, a place in the book, a stored result, a comparison, or a command.

Each kind knows what it is called and can look whether it is there; `fault` is one line, empty if all is well.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Checked:
    """A test, by its node id: `tests/test_analysis.py::test_fixed_values[A]`."""

    node: str

    @property
    def file(self) -> str:
        return self.node.partition("::")[0]

    @property
    def function(self) -> str:
        """Its name without what stands in brackets."""
        return self.node.partition("::")[2].partition("[")[0]

    def fault(self, root: Path) -> str:
        if not (root / self.file).is_file():
            return f"no such test file: {self.file}"
        if self.function not in functions(root / self.file):
            return f"no test {self.function} in {self.file}"
        return ""


@dataclass(frozen=True)
class Shown:
    """A heading of a chapter: `Shown("small_filters", "The price")`."""

    chapter: str
    heading: str

    def fault(self, root: Path) -> str:
        path = chapter_file(root, self.chapter)
        if path is None:
            return f"no such chapter: book/{self.chapter}"
        if self.heading not in headings(path):
            return f"no heading {self.heading!r} in book/{path.name}"
        return ""


@dataclass(frozen=True)
class Stored:
    """A value in a file of `book/results`: `Stored("start.json", "settings", "A")`."""

    file: str
    keys: tuple[str, ...]

    def __init__(self, file: str, *keys: str) -> None:
        object.__setattr__(self, "file", file)
        object.__setattr__(self, "keys", keys)

    def fault(self, root: Path) -> str:
        path = root / "book" / "results" / self.file
        if not path.is_file():
            return f"no such result: book/results/{self.file}"
        value = json.loads(path.read_text(encoding="utf-8"))
        for key in self.keys:
            if not isinstance(value, dict) or key not in value:
                return f"no key {key!r} in book/results/{self.file}"
            value = value[key]
        return ""


@dataclass(frozen=True)
class Compared:
    """A comparison of the replication, by its name in `vggstudy.comparisons`; its runs may still be missing."""

    name: str

    def fault(self, root: Path) -> str:
        from vggstudy.comparisons import COMPARISONS

        return "" if self.name in COMPARISONS else f"no such comparison: {self.name}"


@dataclass(frozen=True)
class Runs:
    """A command line of `vggstudy` that a reader with the data can run."""

    line: str

    def fault(self, root: Path) -> str:
        from vggstudy.__main__ import parser

        program, *words = shlex.split(self.line)
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                parser().parse_args(words)
        except SystemExit:
            return f"not understood: {self.line} ({said.getvalue().strip().splitlines()[-1]})"
        return "" if program == "vggstudy" else f"no command of vggstudy: {self.line}"


Evidence = Checked | Shown | Stored | Compared | Runs


@cache
def _parsed(path: Path, modified: int) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    """The functions of a module by their names."""
    return _parsed(path, path.stat().st_mtime_ns)


def source(root: Path, test: Checked) -> str:
    """The lines of a test, decorators included."""
    path = root / test.file
    node = functions(path)[test.function]
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "\n".join(path.read_text(encoding="utf-8").splitlines()[first - 1 : node.end_lineno])


def chapter_file(root: Path, name: str) -> Path | None:
    """Where a chapter lies, notebook or Markdown."""
    paths = (root / "book" / f"{name}{suffix}" for suffix in (".ipynb", ".md"))
    return next((path for path in paths if path.is_file()), None)


def headings(path: Path) -> list[str]:
    """The headings of a chapter, top to bottom."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    text = re.sub(r"^(`{3,}).*?^\1`*\s*$", "", text, flags=re.S | re.M)  # a comment in code is no heading
    return re.findall(r"^#+ +(.+?) *$", text, flags=re.M)
