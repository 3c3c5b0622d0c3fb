"""Who may import whom, what stays out of `--help`, and which words mean what."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from vggstudy.commands import COMMANDS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vggstudy"

# A room may import those of its own or a lower floor when it is loaded, never in a circle.  Rooms not named here were
# split off one that is; they are held by the other rules below.
FLOORS = [
    {"errors"},
    {"configs", "paper"},
    {"analysis"},
    {"model"},
    {"initialise", "weights", "data", "checkpoint"},
    {"train", "evaluate"},
    {"plots"},
    {"widgets"},
    {"commands", "__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

DRAWING = {"matplotlib", "seaborn"}


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def imports(tree):
    """Names of modules that an import statement names, with whether it stands at module level."""
    top = set(map(id, tree.body))
    guarded = [
        statement for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
    ]  # fmt: skip
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                longer = f"{node.module}.{alias.name}"
                yield (longer if longer in MODULES else node.module), id(node) in top


def room(module):
    """The room of a module of ours: `plots` for vggstudy.plots.training, "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def within(module):
    return [(name, top) for name, top in imports(MODULES[module]) if name in MODULES and name != "vggstudy"]


def packages(module, top_only=False):
    return {name.split(".")[0] for name, top in imports(MODULES[module]) if top or not top_only}


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_no_room_above_it(module):
    here = FLOOR.get(room(module), len(FLOORS))
    above = [name for name, top in within(module) if top and FLOOR.get(room(name), 0) > here]
    assert above == []


def test_no_module_imports_itself_by_way_of_others():
    graph = {module: {name for name, top in within(module) if top} - {module} for module in MODULES}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) != "widgets"])
def test_nobody_imports_widgets_but_the_book(module):
    assert not any(room(name) == "widgets" for name, _ in within(module))


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) not in ("plots", "widgets", "commands")])
def test_only_plots_draw(module):
    assert not packages(module) & DRAWING
    assert not any(room(name) == "plots" for name, _ in within(module))


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) == "plots"])
def test_plots_take_records_only(module):
    assert "torch" not in packages(module)


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) in ("commands", "__main__")])
def test_a_command_imports_what_is_heavy_when_it_runs(module):
    assert not packages(module, top_only=True) & {"torch", "torchvision", "numpy", "pandas", *DRAWING}


def loaded_after(code):
    """Packages in memory after running the code in a fresh interpreter, and its CPU time in seconds."""
    report = "import json, sys, time; print(); print(json.dumps([sorted(sys.modules), time.process_time()]))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    modules, seconds = json.loads(done.stdout.splitlines()[-1])
    return set(modules), seconds


@pytest.mark.parametrize("name", ["", ".configs", ".paper", ".analysis", ".widgets"])
def test_importing_needs_no_torch(name):
    """Also by way of other modules, which the syntax tree of one does not show."""
    modules, _ = loaded_after(f"import vggstudy{name}")
    assert not modules & {"torch", "torchvision", "matplotlib", "anywidget"}


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) == "plots"])
def test_plotting_needs_no_torch(module):
    assert "torch" not in loaded_after(f"import {module}")[0]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_fast_and_loads_no_torch(command):
    words = [*command.split(), "--help"]
    code = f"from vggstudy.__main__ import main\ntry: main({words})\nexcept SystemExit as end: assert not end.code"
    modules, seconds = loaded_after(code)
    assert not modules & {"torch", "torchvision", "matplotlib", "anywidget"}
    assert seconds < 1


def test_each_command_is_offered():
    """A command is a file with a line of help; what commands share lies beside them."""
    homes = {name.split(".")[2] for name, tree in MODULES.items() if room(name) == "commands" and "HELP" in names(tree)}
    assert set(COMMANDS) == homes


def names(tree):
    assigned = (target for line in tree.body if isinstance(line, ast.Assign) for target in line.targets)
    return {target.id for target in assigned if isinstance(target, ast.Name)}


def words_for_readers():
    """Every text of ours that a reader or a user meets, by file."""
    for path in [*ROOT.glob("*.md"), *(ROOT / "book").glob("*.md"), *PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.py")]:
        yield path, path.read_text()
    for path in (ROOT / "book").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        yield path, "\n".join("".join(cell["source"]) for cell in cells)


def test_results_are_errors_in_per_cent():
    """The paper reports top-1 and top-5 error; two measures of one thing would be confused sooner or later."""
    found = [str(path.relative_to(ROOT)) for path, text in words_for_readers() if re.search(r"accurac", text, re.I)]
    assert found == []


def test_files_are_named_by_their_concept():
    assert not [path for path in PACKAGE.rglob("*.py") if path.stem in ("utils", "util", "helpers", "misc", "common")]


@pytest.mark.parametrize("path", [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.js")], ids=lambda path: path.name)
def test_files_are_short_enough_to_read(path):
    assert len(path.read_text().splitlines()) <= 340
