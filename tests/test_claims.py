"""The ledger of the paper's claims: its evidence is there, its exact figures are exact, and a broken row is noticed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from vggstudy import comparisons
from vggstudy.claims import CLAIMS, STATUSES, find_claim, of_parts
from vggstudy.claims.checks import faults, missing, of_claim
from vggstudy.claims.evidence import Checked, Compared, Runs, Shown, Stored, headings, source
from vggstudy.claims.record import Claim, Verdict
from vggstudy.claims.tables import BY_TABLE
from vggstudy.claims.verdicts import by_both_rules, combined, comparison, provided, verdict_of
from vggstudy.errors import ConfigError
from vggstudy.paper import TABLE_3, TABLE_6

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "book" / "claims.md"


def test_the_ledger_has_no_fault():
    assert faults(CLAIMS, ROOT) == []


def test_the_ledger_is_whole():
    assert len(CLAIMS) >= 90
    assert missing(CLAIMS) == []


@pytest.mark.parametrize("lost", ["parameters-c", "table3-d-384", "table7-googlenet-1-net"])
def test_a_row_of_a_table_that_is_left_out_is_noticed(lost):
    assert missing([claim for claim in CLAIMS if claim.id != lost]) == [f"no claim {lost}"]


def test_a_ledger_of_few_claims_is_none():
    assert "0 claims, where 60 are the least" in missing([])


def test_three_pixels_are_the_fewest_with_a_neighbour_on_either_side():
    def has_neighbours(kernel):
        centre = (kernel - 1) / 2
        return centre.is_integer() and {centre - 1, centre, centre + 1} <= set(range(kernel))

    assert (
        next(kernel for kernel in range(1, 12) if has_neighbours(kernel)) == find_claim("smallest-filter").ours() == 3
    )


def test_every_status_is_used_or_may_come_of_a_measurement():
    used = {claim.judge().status for claim in CLAIMS}
    assert used | {"reproduced", "contradicted", "undecided"} == set(STATUSES)


def test_figures_of_the_paper_stand_in_its_tables_not_in_the_ledger():
    row = next(row for row in TABLE_3 if (row.config, row.S) == ("D", 384))
    assert find_claim("table3-d-384").paper == f"{row.top1_error} / {row.top5_error}%"
    assert len(BY_TABLE[6]) == len(TABLE_6)
    assert BY_TABLE[6][2].paper == "23.9 / 7.2 / –%"


def test_commands_of_a_row_name_the_net_and_the_table():
    trained, evaluated = find_claim("table4-c-384").evidence
    assert trained.line == "vggstudy recipe C --S 384 --data imagenet:data/imagenet --run"
    assert evaluated.line == "vggstudy evaluate runs/C-384 --data imagenet:data/imagenet --protocol table4"
    assert "--weights oxford" in find_claim("table5-d-multi-crop").evidence[0].line
    seven = find_claim("table6-row-1").evidence
    assert len(seven) == 7 + 1 and "--Q 352,384,416" in seven[1].line
    assert seven[-1].line.startswith("vggstudy fuse D-256.npz D-384.npz D-256-512.npz C-256.npz")


# ---- figures are written and compared as the paper rounds


@pytest.mark.parametrize(
    ("paper", "ours", "decimals", "agree"),
    [(138, 138.357, 0, True), (138, 138.6, 0, False), (7.0, 7, 1, True), (81, 81.48, 0, True), (0.1, 0.1, None, True),
     ((4, 3), (4, 3), None, True), ((4, 3), (3, 4), None, False), ("kept", "kept", None, True),
     ("kept", "changed", None, False)],
)  # fmt: skip
def test_figures_agree_when_they_are_written_alike(paper, ours, decimals, agree):
    claim = Claim("x", "2.1", "X.", "exact", paper, lambda: ours, decimals=decimals)
    assert claim.holds() is agree


def test_figures_are_written_with_their_unit():
    claim = Claim("x", "2.1", "X.", "exact", unit=" px")
    assert claim.written((4096, 370_000)) == "4096 / 370,000 px"
    assert claim.written("more") == "more"


# ---- mutants: evidence broken, one piece at a time


def mutant(name, **changes):
    return list(of_claim(replace(find_claim(name), **changes), ROOT))


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Checked("tests/test_nothing.py::test_x"), "no such test file: tests/test_nothing.py"),
        (Checked("tests/test_analysis.py::test_nothing[A]"), "no test test_nothing in tests/test_analysis.py"),
        (Shown("nothing", "The price"), "no such chapter: book/nothing"),
        (Shown("small_filters", "No such heading"), "no heading 'No such heading' in book/small_filters.ipynb"),
        (Stored("nothing.json"), "no such result: book/results/nothing.json"),
        (Stored("start.json", "settings", "F"), "no key 'F' in book/results/start.json"),
        (Compared("nothing"), "no such comparison: nothing"),
        (Runs("vggstudy evaluate D --protocol table9 --data x"), "not understood: vggstudy evaluate D"),
        (Runs("vggstudy evaluate D --data x --Q 1,b"), "scales are whole numbers"),
        (Runs("python train.py"), "not understood"),
    ],
)
def test_broken_evidence_is_told_in_one_line(evidence, said):
    found = mutant("weights-excess", evidence=(evidence,))
    assert len(found) == 1 and said in found[0] and "\n" not in found[0]


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("weights-excess", {"paper": 82}, "not exact: the paper has 82% more, here it is 81% more"),
        ("parameters-e", {"ours": lambda: 144.6}, "not exact: the paper has 144 million, here it is 145 million"),
        ("crops-cost", {"ours": lambda: 0.5}, "not exact"),
        ("momentum", {"ours": lambda: {}["lost"]}, "cannot be computed: KeyError: 'lost'"),
        ("objective", {"evidence": ()}, "an exact claim needs a test or a place in the book"),
        ("glorot", {"evidence": ()}, "needs ImageNet, and no command is given"),
        ("far-scales", {"evidence": ()}, "reproduced, and no evidence is given"),
        ("ciresan", {"status": "true"}, "unknown status 'true'"),
        ("ciresan", {"text": "No sentence"}, "a claim is a sentence"),
    ],
)
def test_a_broken_row_is_told(name, changes, said):
    (found,) = mutant(name, **changes)
    assert said in found


def test_names_are_unique_and_can_stand_in_a_link():
    twice = [find_claim("momentum")] * 2
    assert faults(twice, ROOT) == ["momentum: 2 claims have this name"]
    assert "words of letters and digits" in faults([replace(twice[0], id="a b")], ROOT)[0]


def test_an_unknown_claim_gets_the_close_matches():
    with pytest.raises(ConfigError, match="unknown claim 'weight-exces': did you mean weights-excess"):
        find_claim("weight-exces")


def test_headings_are_not_comments_of_code(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n\n```python\n# no heading\n```\n\n## Two words\n")
    assert headings(page) == ["One", "Two words"]


def test_the_source_of_a_test_has_its_parameters():
    text = source(ROOT, Checked("tests/test_analysis.py::test_fixed_values[D]"))
    assert text.startswith("@pytest.mark.parametrize") and "GIGA_MACS[name]" in text.splitlines()[-2]


# ---- verdicts


def replication(seeds, before, after):
    """A stored replication in which `lrn` has these errors."""
    arms = {comparisons.key_of(name): errors for name, errors in (("A", before), ("A-LRN", after))}
    runs = {f"{arm}/{seed}": {"test": {"dense 40": errors[seed]}} for arm, errors in arms.items() for seed in seeds}
    return {"runs": runs}


@pytest.mark.parametrize(
    ("seeds", "before", "after", "status"),
    [
        (range(5), (9, 8, 9, 8, 9), (9.9, 9.1, 10, 8.8, 10), "reproduced"),
        (range(5), (9, 8, 9, 8, 9), (4, 3.2, 4, 3.1, 4), "contradicted"),
        (range(5), (9, 8, 9, 8, 9), (4, 12, 7, 9, 10), "undecided"),
        (range(2), (9, 8), (4, 3.1), "undecided"),
    ],
)
def test_a_verdict_is_the_replications(monkeypatch, seeds, before, after, status):
    monkeypatch.setattr(comparisons, "load_replication", lambda: replication(seeds, before, after))
    verdict = verdict_of("lrn")
    assert verdict.status == status == find_claim("lrn-no-gain").judge().status
    assert f"{len(seeds)} seeds" in verdict.found


def test_without_a_replication_all_is_undecided(monkeypatch, tmp_path):
    load = comparisons.load_replication
    monkeypatch.setattr(comparisons, "load_replication", lambda: load(tmp_path))
    assert verdict_of("lrn") == Verdict("undecided", "0 seeds so far")
    assert list(of_claim(find_claim("lrn-no-gain"), ROOT)) == []


@pytest.mark.parametrize(
    ("statuses", "together"),
    [("rr", "reproduced"), ("cc", "contradicted"), ("cu", "contradicted"), ("ru", "undecided"), ("rc", "undecided")],
)
def test_several_comparisons_make_one_verdict(monkeypatch, statuses, together):
    words = {"r": "reproduced", "c": "contradicted", "u": "undecided"}
    verdicts = {name: Verdict(words[letter], name) for name, letter in zip(("one", "two"), statuses, strict=True)}
    monkeypatch.setattr("vggstudy.claims.verdicts.verdict_of", verdicts.__getitem__)
    assert combined(B="one", the_other="two")() == Verdict(together, "B: one; the other: two")


def test_the_papers_rule_decides_and_equal_cost_is_told(monkeypatch):
    verdicts = {"one-passes": Verdict("reproduced", "more"), "one": Verdict("contradicted", "less")}
    monkeypatch.setattr("vggstudy.claims.verdicts.verdict_of", verdicts.__getitem__)
    assert by_both_rules(B="one")() == Verdict("reproduced", "passes equal: B: more. Cost equal: B: less")


@pytest.mark.parametrize(("supposed", "status"), [("reproduced", "contradicted"), ("undecided", "undecided")])
def test_a_claim_is_judged_only_where_what_it_supposes_is_so(monkeypatch, supposed, status):
    verdicts = {"first": Verdict(supposed, ""), "then": Verdict("contradicted", "found")}
    monkeypatch.setattr("vggstudy.claims.verdicts.verdict_of", verdicts.__getitem__)
    seen = provided("first", comparison("then"), "But not that")()
    assert seen == Verdict(status, "found" if supposed == "reproduced" else "found. But not that")


# ---- the page


def test_the_page_lists_every_section_once():
    parts = [part for line in re.findall(r"```\{claims\} (.+)", PAGE.read_text()) for part in line.split()]
    assert sorted(parts) == sorted({claim.part for claim in CLAIMS})
    assert sum(len(of_parts((part,))) for part in parts) == len(CLAIMS)


def badges():
    """Every badge of a chapter, with its file."""
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "markdown":
                yield from ((path.stem, name) for name in re.findall(r"\{claim\}`([^`]*)`", "".join(cell["source"])))


def test_badges_of_chapters_name_claims():
    for chapter, name in badges():
        assert find_claim(name), chapter


CONF = """
extensions = ["myst_parser", "claims_ledger"]
exclude_patterns = ["tests", "_build"]
html_static_path = ["book/_static"]
"""
TOC = """
```{toctree}
:glob:

book/*
```
"""


@pytest.fixture
def project(tmp_path):
    """A small Sphinx project: the ledger's page, the chapters that hold evidence, and a page of badges."""
    (tmp_path / "conf.py").write_text(CONF)
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__", "browser"))
    book = tmp_path / "book"
    shutil.copytree(ROOT / "book" / "results", book / "results")
    (book / "_static").mkdir()
    shutil.copy(ROOT / "book" / "_static" / "claims_ledger.js", book / "_static")
    (book / "claims.md").write_text(PAGE.read_text().replace("{cite}`simonyan2015`", ""))
    for name in {each.chapter for claim in CLAIMS for each in claim.evidence if isinstance(each, Shown)}:
        told = headings(next((ROOT / "book").glob(f"{name}.*")))
        (book / f"{name}.md").write_text("\n\n".join(f"{'#' if not i else '##'} {line}" for i, line in enumerate(told)))
    (tmp_path / "index.md").write_text("# Badges\n\n81% more {claim}`weights-excess`, {claim}`table3-d-384`.\n" + TOC)
    return tmp_path


def build(project, *options):
    """Exit code, and what was said, with no option that would make an error of a warning."""
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", *options, str(project), str(project / "_build")]
    env = os.environ | {"PYTHONPATH": str(ROOT / "book" / "_ext")}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_badges_lead_to_rows_and_rows_to_their_evidence(project):
    code, said = build(project, "-W")
    assert code == 0, said
    index = (project / "_build" / "index.html").read_text()
    assert re.search(
        r'<a class="claim-badge claim-exact" href="book/claims.html#claim-weights-excess"[^>]*>exact</a>', index
    )
    assert "claims_ledger.js" not in index
    page = (project / "_build" / "book" / "claims.html").read_text()
    assert "claims_ledger.js" in page
    ids = re.findall(r'id="([^"]+)"', page)
    assert {f"claim-{claim.id}" for claim in CLAIMS} <= set(ids)
    assert len(ids) == len(set(ids))
    for claim in CLAIMS:
        row = page.split(f'id="claim-{claim.id}"')[1].split("</tbody>")[0]
        verdict = claim.judge()
        assert f'data-status="{verdict.status}"' in row and verdict.found in unescape(row)
        for target in re.findall(r'href="([^"]+)"', row):
            file, _, anchor = target.partition("#")
            linked = (project / "_build" / "book" / file).read_text() if file else page
            assert f'id="{anchor}"' in linked, (claim.id, target)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("index.md", "weights-excess", "no-such-claim", "index.md:3: ERROR: unknown claim 'no-such-claim'"),
        ("tests/test_distributed.py", "def test_two_processes_equal", "def test_2_processes_equal",
         "ERROR: claims: data-parallel: no test test_two_processes_equal_one_with_the_same_global_batch"),
        ("book/cost.md", "A check against the paper", "A check", "ERROR: claims: weeks: no heading"),
        ("book/results/start.json", '"D, random"', '"D"', "ERROR: claims: bad-starts-stall: no key 'D, random'"),
        ("book/claims.md", "```{claims} 4.4\n```", "", "section 4.4 of the paper has claims that no page lists"),
    ],
)  # fmt: skip
def test_a_fault_fails_the_build_in_one_line(project, file, before, after, said):
    path = project / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    code, told = build(project)
    assert code == 1
    assert said in told and "Traceback" not in told
