"""What each chapter must have and must not have, read from the stored notebook.  Its outputs are compared by nbval."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))

IGNORED = "nbval-ignore-output"


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def tags(cell):
    return cell.metadata.get("tags", [])


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request):
    return nbformat.read(request.param, as_version=4)


def test_there_are_chapters():
    assert CHAPTERS


def test_the_table_of_contents_lists_each_chapter_and_nothing_that_is_not_there():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = {toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])}
    there = {f"book/{path.stem}" for path in [*BOOK.glob("*.ipynb"), *BOOK.glob("*.md")]}
    assert listed == there


def test_it_was_run_once_from_top_to_bottom(chapter):
    counts = [cell.execution_count for cell in code_cells(chapter)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_cell_ended_in_an_error_or_talks_on_stderr(chapter):
    for cell in code_cells(chapter):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", output.text


def says_something(source):
    """Whether a cell that was run must have an output: its last line is a name or a text, or it prints."""
    body = ast.parse(source).body
    printed = any(
        isinstance(line, ast.Expr) and isinstance(line.value, ast.Call) and ast.unparse(line.value.func) == "print"
        for line in body
    )
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    return printed or (isinstance(last, ast.Name | ast.Attribute | ast.JoinedStr | ast.Tuple | ast.Compare))


def test_outputs_are_stored(chapter):
    """Strict nbval passes every cell of a notebook whose outputs were cleared."""
    silent = [cell.source for cell in code_cells(chapter) if says_something(cell.source) and not cell.outputs]
    assert silent == []


def test_it_has_forty_cells_at_most(chapter):
    assert len(chapter.cells) <= 40


def test_it_begins_with_the_question_and_the_papers_claim(chapter):
    first = chapter.cells[0].source
    assert first.startswith("# ")
    for word in ("**Question.**", "**The paper's claim.**"):
        assert word in first
    assert re.search(r"[Ss]ections? \d|Tables? \d", first), "the claim names its section or table"
    assert "{cite" in first


def test_the_reader_predicts(chapter):
    text = prose(chapter) + "".join(cell.source for cell in code_cells(chapter))
    assert "**Predict.**" in text or "Predict(" in text


def test_it_ends_with_where_we_differ_exercises_and_a_summary(chapter):
    headings = re.findall(r"^## (.+)$", prose(chapter), flags=re.M)
    wanted = ["Where we differ from the paper", "Exercises", "Summary"]
    assert [heading for heading in headings if heading in wanted] == wanted


def test_headings_go_down_one_level_at_a_time(chapter):
    levels = [len(marks) for marks in re.findall(r"^(#+) ", without_code(prose(chapter)), flags=re.M)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_the_first_code_cell_says_what_to_do_without_the_package(chapter):
    first = code_cells(chapter)[0].source
    assert "except ModuleNotFoundError" in first and "make venv" in first


def test_no_cell_ends_in_a_semicolon(chapter):
    """It does not silence a cell under nbval."""
    assert [cell.source for cell in code_cells(chapter) if cell.source.rstrip().endswith(";")] == []


def test_each_figure_has_alt_text_of_its_own(chapter):
    for cell in code_cells(chapter):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) > 20, cell.source


def test_after_a_measured_output_a_compared_cell_states_the_claim(chapter):
    cells = code_cells(chapter)
    for place, cell in enumerate(cells):
        if IGNORED in tags(cell):
            rest = [later for later in cells[place + 1 :] if IGNORED not in tags(later)]
            assert rest and (rest[0].outputs or "assert" in rest[0].source), cell.source


def test_measured_cells_are_few(chapter):
    """A chapter in which nothing is compared would pass whatever happens."""
    assert sum(IGNORED in tags(cell) for cell in code_cells(chapter)) <= len(code_cells(chapter)) / 3


def test_no_output_holds_a_path_of_the_machine_it_was_made_on(chapter):
    text = nbformat.writes(chapter)
    assert not re.search(r"[\"' (](/home/|/root/|/tmp/|/work/|/Users/|/usr/lib)", text)


def test_each_exercise_has_a_folded_solution_that_runs(chapter):
    exercises = re.findall(r"\{exercise\}.*\n:label: (\S+)", prose(chapter))
    assert 3 <= len(exercises) <= 5
    solved, inside = {}, None
    for cell in chapter.cells:
        if cell.cell_type == "code" and inside:
            solved[inside] += 1
        for start, label, options in re.findall(
            r"\{solution-(start|end)\} ?(\S*)\n((?::.*\n)*)", cell.source + "\n" if cell.cell_type == "markdown" else ""
        ):
            inside = label if start == "start" else None
            if inside:
                assert ":class: dropdown" in options, f"the solution of {label} is not folded"
                solved[inside] = 0
    assert set(solved) == set(exercises)
    assert all(solved.values()), f"solutions without a cell that runs: {solved}"


def test_one_exercise_is_coded_and_checked(chapter):
    chapters_checked = [re.search(r"^check\(\"(\w+)\.", cell.source, flags=re.M) for cell in code_cells(chapter)]
    assert any(chapters_checked)
    assert any(output.get("data", {}).get("text/plain", "").startswith("not yet")
               for cell, found in zip(code_cells(chapter), chapters_checked, strict=True) if found
               for output in cell.outputs)  # fmt: skip


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)


def links(text):
    return re.findall(r"\]\(([^)\s#]+)[^)]*\)", without_code(text))


@pytest.mark.parametrize("path", [*CHAPTERS, *sorted(BOOK.glob("*.md"))], ids=lambda path: path.name)
def test_local_links_lead_somewhere(path):
    text = prose(nbformat.read(path, as_version=4)) if path.suffix == ".ipynb" else path.read_text()
    local = [link for link in links(text) if "://" not in link]
    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_widget_state_of_a_page_is_light(path):
    notebook = nbformat.read(path, as_version=4)
    assert len(str(notebook.metadata.get("widgets", ""))) < 1_500_000
