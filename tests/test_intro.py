"""The page that sums the paper up types the paper's numbers: each is compared with `vggstudy.paper`."""

import re
from pathlib import Path

import pytest

from vggstudy.configs import CONFIGS
from vggstudy.paper import (
    HARDWARE,
    JITTER,
    PARAMETERS_MILLIONS,
    REGIME,
    SHALLOW_NET_EXCESS,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_6,
    TABLE_7,
    WEIGHT_LAYERS,
)

ROOT = Path(__file__).parents[1]
INTRO = (ROOT / "book" / "intro.md").read_text()


def rows(first):
    """Cells of the lines of a table, by their first cell."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in INTRO.splitlines() if first(line)]


NETS = {cells[0]: cells for cells in rows(lambda line: re.match(r"\| (A|A-LRN|B|C|D|E) \|", line))}
FINDINGS = {int(cells[0]): cells for cells in rows(lambda line: re.match(r"\| \d \| .*Table|\| \d \| .*\| 4\.", line))}
AT_256 = {row.config: row for row in TABLE_3 if row.S == 256}
RIVALS = {row.method: row for row in TABLE_7}


def figures(finding):
    return re.findall(r"\d+(?:\.\d)?", re.sub(r"top-\d", "", FINDINGS[finding][2].replace("5×5", "")))


def one(table, **wanted):
    """The one row with these values."""
    (row,) = (row for row in table if all(getattr(row, key) == value for key, value in wanted.items()))
    return row


@pytest.mark.parametrize("name", CONFIGS)
def test_the_six_nets(name):
    row = AT_256[name]
    assert NETS[name][1] == str(WEIGHT_LAYERS[name])
    assert NETS[name][3:] == [str(PARAMETERS_MILLIONS[name]), f"{row.top1_error} / {row.top5_error}"]


def errors(names):
    return [str(AT_256[name].top1_error) for name in names]


def test_each_finding_has_the_papers_figures():
    d_jittered = one(TABLE_3, config="D", S=JITTER)
    wanted = {
        1: errors(["A", "A-LRN"]),
        2: errors("ABCDE"),
        3: errors("BCD"),
        4: [f"{SHALLOW_NET_EXCESS:g}"],
        5: [one(TABLE_3, config="D", S=S).top1_error for S in (256, 384, JITTER)],
        6: [d_jittered.top1_error, one(TABLE_4, config="D", S=JITTER).top1_error],
        7: [one(TABLE_5, config="E", view=view).top1_error for view in ("dense", "multi-crop", "multi-crop & dense")],
        8: [TABLE_6[0].test_top5_error, TABLE_6[1].test_top5_error],
        9: [
            RIVALS[method].test_top5_error
            for method in (
                "VGG (1 net, multi-crop & dense)", "GoogLeNet (1 net)",
                "VGG (2 nets, multi-crop & dense)", "GoogLeNet (7 nets)",
            )
        ],
    }  # fmt: skip
    assert {number: figures(number) for number in FINDINGS} == {
        number: [str(value) for value in values] for number, values in wanted.items()
    }
    seven, two = TABLE_6[:2]
    assert (len(seven.models), len(two.models), seven.view, two.view) == (7, 2, "dense", "dense")


def test_the_regime():
    low, high = JITTER
    for words in (
        f"batches of {REGIME.batch_size}", f"momentum {REGIME.momentum}", f"dropout of {REGIME.dropout}",
        f"{REGIME.iterations:,} iterations", f"{REGIME.epochs} epochs", f"{REGIME.crop_size}×{REGIME.crop_size} pixels",
        f"from {low} to {high}", "{}, or {}, or anew".format(*REGIME.single_scales),
    ):  # fmt: skip
        assert words in INTRO
    assert "weight decay 5·10⁻⁴" in INTRO and REGIME.weight_decay == 5e-4
    assert "learning rate of 10⁻², divided by ten three times" in INTRO
    assert (REGIME.learning_rate, REGIME.learning_rate_factor, REGIME.learning_rate_drops) == (1e-2, 0.1, 3)
    assert "first four convolutions" in INTRO and REGIME.copied_convolutions == 4
    assert "Four GPUs, two to three weeks" in INTRO and (HARDWARE.gpus, HARDWARE.weeks) == (4, (2, 3))


def test_the_paper_is_cited_as_in_the_bibliography():
    bibtex = re.search(r"```bibtex\n(.*?)```", INTRO, flags=re.S)[1]
    entry = re.search(r"@inproceedings\{simonyan2015,.*", (ROOT / "book" / "references.bib").read_text())[0]
    for field in ("author", "title", "booktitle", "year"):
        given, kept = (re.search(rf"{field}\s*= \{{(.*?)\}}[,\n}}]", text)[1] for text in (bibtex, entry))
        assert given == kept
    assert "1409.1556" in bibtex and "1409.1556" in entry


def test_every_chapter_is_on_a_path():
    """A reader who follows the longest path meets all of them."""
    linked = set(re.findall(r"\]\((\w+)\.(?:ipynb|md)\)", INTRO))
    chapters = {path.stem for path in (ROOT / "book").glob("*.ipynb")}
    assert chapters - linked == set()
