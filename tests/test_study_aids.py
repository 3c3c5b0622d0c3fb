"""The study aids: cards that Anki reads and that say what the library says, summaries of every chapter, citations."""

from __future__ import annotations

import csv
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from pybtex.database import parse_file, parse_string

from vggstudy.analysis import count_macs, count_parameters, find_layer, receptive_field, trace
from vggstudy.configs import CONFIGS
from vggstudy.paper import JITTER, REGIME, TABLE_3, TABLE_5

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
REFERENCES = BOOK / "references.bib"


@pytest.fixture(scope="module")
def made():
    """The modules that make the page."""
    folder = str(BOOK / "_ext")
    sys.path.insert(0, folder)
    try:
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in ("computed", "deck", "study_aids")})
    finally:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def text(made):
    """The file that the page offers."""
    return made.deck.to_csv(made.deck.deck())


@pytest.fixture(scope="module")
def rows(text):
    lines = text.splitlines(keepends=True)
    return list(csv.reader(line for line in lines if not line.startswith("#")))


@pytest.fixture(scope="module")
def backs(rows):
    return {front: back for front, back, _ in rows}


def test_the_file_tells_anki_how_to_read_it(text):
    assert text.splitlines()[:3] == ["#separator:Comma", "#html:true", "#tags column:3"]
    assert not any(line.startswith("#") for line in text.splitlines()[3:])


def test_each_card_has_a_front_a_back_and_tags(rows):
    assert len(rows) >= 80
    for row in rows:
        front, back, tags = row
        assert front.strip() and back.strip() and re.fullmatch(r"[\w-]+( [\w-]+)*", tags), row


def test_no_front_comes_twice(rows):
    fronts = [front for front, *_ in rows]
    assert sorted(fronts) == sorted(set(fronts))


def test_every_term_of_the_glossary_has_a_card(backs):
    page = (BOOK / "glossary.md").read_text()
    terms = re.findall(r"^(\S.*)\n  \S", page.split("```{glossary}")[1].split("```")[0], flags=re.M)
    assert "receptive field" in terms and len(terms) > 20
    missing = [term for term in terms if f"What is meant by: <strong>{term}</strong>?" not in backs]
    assert missing == []
    assert "one cell of a map" in backs["What is meant by: <strong>receptive field</strong>?"]


@pytest.mark.parametrize("name", CONFIGS)
def test_cards_of_a_network_say_what_the_library_counts(backs, name):
    assert backs[f"Parameters of {name}?"] == f"{count_parameters(name):,}"
    assert backs[f"How many weight layers has {name}?"] == str(CONFIGS[name].weight_layers)
    billions = float(backs[f"Multiply-accumulates of {name}, one crop of 224 pixels?"].removesuffix(" billion"))
    assert billions == pytest.approx(count_macs(name) / 1e9, abs=0.005)
    for layer in ("pool5", "fc6"):
        assert backs[f"Receptive field of {name}'s {layer}?"] == f"{receptive_field(name, at=layer)} pixels"
    blocks = map(int, backs[f"How many convolutions has each block of {name}?"].split(", "))
    assert sum(blocks) == CONFIGS[name].weight_layers - 3


@pytest.mark.parametrize("Q", [224, 256, 384, 512])
def test_cards_of_the_score_map_count_its_positions(backs, Q):
    assert backs[f"Side of D's score map of a square image, Q = {Q}?"].split()[0] == str(Q // 32 - 6)


def test_cards_of_the_paper_say_what_its_records_say(backs):
    for row in TABLE_3:
        if row.S == 256:
            said = backs[f"Errors of {row.config}, S = Q = 256, dense?"]
            assert said == f"{row.top1_error}% top-1, {row.top5_error}% top-5 (Table 3)"
    both = next(row for row in TABLE_5 if (row.config, row.view) == ("E", "multi-crop & dense"))
    said = backs["Errors of E, jittered S, three Q, multi-crop &amp; dense?"]
    assert said == f"{both.top1_error}% top-1, {both.top5_error}% top-5 (Table 5)"
    assert backs["Batch size of the paper's training?"].startswith(f"{REGIME.batch_size} ")
    assert backs["From which range is S drawn in scale jittering?"].startswith(f"[{JITTER[0]}; {JITTER[1]}]")
    assert backs["What does D gain over C, and what does it show?"].startswith("1.1 points")
    assert backs["What does LRN bring?"].startswith("Nothing: 0.1 points")


def test_every_formula_and_every_symbol_has_a_card(made, backs):
    page = (BOOK / "study_aids.md").read_text()
    sheet = page.split("## Formula sheet")[1].split("\n## ")[0]
    titles = re.findall(r"^### (.+)$", sheet, flags=re.M)
    assert len(titles) >= 14
    for title in titles:
        assert re.match(r"\\\[.+?\\\]<p>", backs[f"Formula: {title}"]), title
    rows = made.deck.symbols(page)
    assert all(len(row) == 4 and all(row) for row in rows)
    assert all(re.fullmatch(r"ours|\d\.\d", section) for *_, section in rows)
    assert sum(front.startswith("Symbol: ") for front in backs) == len(rows) > 20


def test_no_card_shows_the_marks_of_its_source(rows):
    for front, back, _ in rows:
        assert not re.search(r"\{[a-z:]+\}`|\$|\*\*|\[\]|`", front + back), (front, back)


def test_formulas_are_set_and_roles_are_words(made):
    source = "At $a < b$, {term}`the map <class score map>` of {cite:t}`krizhevsky2012` has {computed}`7 * 7` *cells*"
    html = made.deck.html(source, REFERENCES)
    assert html == r"At \(a &lt; b\), the map of Krizhevsky et al., 2012 has 49 <em>cells</em>"
    assert made.deck.html("{cite}`simonyan2015`", REFERENCES) == "(Simonyan and Zisserman, 2015)"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ('count_parameters("D")', "138,357,544"), ('find_layer(trace("D"), "pool5").offset', "−90"),
        ("REGIME.learning_rate", "0.01"), ("sqrt(2)", "1.414"), ('CONFIGS["A"].name', "A"),
    ],
)  # fmt: skip
def test_a_number_of_the_page_is_computed(made, expression, said):
    assert made.computed.compute(expression) == said


@pytest.mark.parametrize("expression", ["open('x')", "no_such_name", "1 +", "trace('D')"])
def test_an_expression_without_a_number_is_named(made, expression):
    with pytest.raises(ValueError, match=re.escape(f"{{computed}}`{expression}`")):
        made.computed.compute(expression)


def test_the_examples_of_the_sheet_agree_with_its_formulas(made):
    """Each is written out here as the page has it, and compared with the library."""
    layer = find_layer(trace("D"), "conv3_2")
    k, channels, side = 3, 256, 56
    assert layer.parameters == k**2 * channels * channels + channels
    assert layer.macs == k**2 * channels * channels * side * side
    assert (224 + 2 * 1 - 3) // 1 + 1 == 224 and (224 + 0 - 2) // 2 + 1 == 112
    r, j, o = 1, 1, 0
    for step in trace("D")[1:]:
        if step.kind == "fc":
            break
        kernel, padding, stride = (step.kernel, step.kernel // 2, 1) if step.kind == "conv" else (2, 0, 2)
        r, o, j = r + (kernel - 1) * j, o - padding * j, j * stride
        assert (r, o, j) == (step.receptive_field, step.offset, step.stride)


def test_the_citations_are_those_of_citation_cff(made):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    ours = made.study_aids.bibtex("vggstudy", "misc", made.study_aids.companion(citation))
    entry = parse_string(ours, "bibtex").entries["vggstudy"]
    assert entry.fields["title"] == citation["title"]
    assert citation["version"] in entry.fields["note"]
    authors = [str(person).strip("{}") for person in entry.persons["author"]]
    assert authors == [author["name"] for author in citation["authors"]]

    told, paper = parse_file(REFERENCES).entries["simonyan2015"], citation["references"][0]
    text = made.study_aids.bibtex("simonyan2015", told.type, made.study_aids.fields_of(told))
    entry = parse_string(text, "bibtex").entries["simonyan2015"]
    assert entry == told
    assert (entry.fields["title"], entry.fields["year"]) == (paper["title"], str(paper["year"]))
    assert (entry.fields["booktitle"], entry.fields["note"]) == (paper["collection-title"], paper["notes"])
    names = [f"{author['family-names']}, {author['given-names']}" for author in paper["authors"]]
    assert [str(person) for person in entry.persons["author"]] == names


CHAPTERS = ("one_by_one", "scales")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The page, built with two chapters, the second of them first."""
    folder = tmp_path_factory.mktemp("book")
    names = ["glossary", "study_aids", "bibliography"]
    toc = {"format": "jb-book", "root": "book/intro", "chapters": []}
    toc["chapters"] = [{"file": f"book/{name}"} for name in [*reversed(CHAPTERS), *names]]
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc))
    for name in ("_config.yml", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    (folder / "book").mkdir()
    for name in ("_ext", "_static"):
        shutil.copytree(BOOK / name, folder / "book" / name, ignore=shutil.ignore_patterns("offline", "__pycache__"))
    for name in ["intro.md", "references.bib", *(f"{n}.md" for n in names), *(f"{n}.ipynb" for n in CHAPTERS)]:
        shutil.copy(BOOK / name, folder / "book")
    command = [Path(sys.executable).parent / "jupyter-book", "build", ".", "--builder", "html"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    site = folder / "_build" / "html"
    assert (site / "book" / "study_aids.html").exists(), done.stdout + done.stderr
    return site


def words(markup):
    return " ".join(re.sub(r"<[^>]+>", " ", markup).replace("&#39;", "'").split())


@pytest.mark.slow
def test_the_page_holds_the_summary_of_each_chapter_in_the_books_order(built):
    page = (built / "book" / "study_aids.html").read_text()
    places = []
    for name in reversed(CHAPTERS):
        section = re.search(rf'<section id="summary-{name.replace("_", "-")}">.*?</section>', page, flags=re.S)
        places.append(section.start())
        notebook = nbformat.read(BOOK / f"{name}.ipynb", as_version=4)
        title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
        assert f'href="{name}.html"' in section[0] and title in words(section[0])
        lines = re.findall(r"^\d\. (.+)$", notebook.cells[-1].source.split("## Summary")[1], flags=re.M)
        assert len(lines) == 3
        for line in lines:
            assert line.split("$")[0].strip() in words(section[0]).replace("’", "'")
    assert places == sorted(places)


@pytest.mark.slow
def test_the_page_offers_the_deck_and_the_citations(built, text):
    page = (built / "book" / "study_aids.html").read_text()
    link = re.search(r'href="([^"]*deck\.csv)"', page)[1]
    assert (built / "book" / link).resolve().read_text(encoding="utf-8") == text
    assert "simonyan2015" in page and "arXiv:1409.1556v6" in page
    assert "138,357,544" not in page and f"{find_layer(trace('D'), 'fc6').parameters:,}" in page


@pytest.mark.slow
def test_no_identifier_of_the_page_comes_twice(built):
    page = (built / "book" / "study_aids.html").read_text()
    main = page[page.index("<main") : page.index("</main>")]
    identifiers = re.findall(r'\bid="([^"]+)"', main)
    assert sorted(identifiers) == sorted(set(identifiers))
