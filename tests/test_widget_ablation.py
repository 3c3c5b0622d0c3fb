"""The ablation's table and the fusions are those of the evaluations that they stand for."""

import json
from itertools import combinations

import numpy as np
import pytest
import torch
from stored import NETS, made_ablation

from vggstudy.ablation import Ablation
from vggstudy.bootstrap import estimate
from vggstudy.errors import ConfigError, DataError
from vggstudy.evaluation import fuse
from vggstudy.widgets.ablation import COLUMNS, EvaluationAblation, ablation_table
from vggstudy.widgets.ladder_and_fusion import MOST_NETS, LadderAndFusion, all_subsets, ladder_steps, stored_subsets

STORED = made_ablation()
Q = (64, 72, 80)


def test_a_cell_is_the_evaluation_with_its_interval_and_the_papers_row():
    rows = {row.net: row for row in ablation_table(STORED)}
    cell = rows["D-S72"].cells["multi-crop"][COLUMNS.index(Q)]
    seen = STORED.evaluation("D-S72", Q, "multi-crop")
    assert cell.errors == (round(seen.top1_error, 1), round(seen.top5_error, 1))
    interval = seen.interval(1)
    assert cell.intervals[0] == (round(interval.low, 1), round(interval.high, 1))
    assert cell.paper_errors is None
    dense = rows["D-S72"].cells["dense"]
    assert dense[COLUMNS.index(Q)].paper_errors == (26.6, 8.6) and dense[0].paper_errors == (27.0, 8.8)
    assert "S = 256, Q = 224, 256, 288, section 4.2, Table 4" in dense[COLUMNS.index(Q)].paper
    assert rows["D-S72-144"].cells["multi-crop"] == (None,) * len(COLUMNS)


def test_colours_span_the_whole_table_view_by_view_alike():
    cells = [cell for row in ablation_table(STORED) for view in row.cells.values() for cell in view if cell]
    worst = max(cells, key=lambda cell: cell.errors[0])
    assert worst.levels[0] == 100
    assert all(abs(cell.levels[0] - 100 * cell.errors[0] / worst.errors[0]) < 1 for cell in cells)


def test_the_ablation_tells_what_is_on_show():
    widget = EvaluationAblation(STORED, "centre", "A-S72")
    seen = STORED.evaluation("A-S72", (72, 108, 144), "centre")
    assert widget.errors == (round(seen.top1_error, 1), round(seen.top5_error, 1))
    assert repr(widget).startswith("EvaluationAblation(net='A-S72', Q=(72, 108, 144), view='centre', errors=(")
    widget.set_state({"view": "multi-crop", "net": "D-S72-144"})
    assert widget.errors is None


def test_every_subset_has_the_error_of_its_fusion():
    subsets = stored_subsets(STORED, "dense")
    assert subsets.nets == NETS
    seen = [STORED.evaluation(net, (72, 108, 144) if net.endswith("144") else Q, "dense") for net in NETS]
    for size in (1, 2, 3):
        for bits in combinations(range(3), size):
            mask = sum(1 << bit for bit in bits)
            members = [seen[bit] for bit in bits]
            top1, top5 = subsets.wrong["softmax"]
            assert (top1[mask], top5[mask]) == tuple(int(fuse(members).wrong(k).sum()) for k in (1, 5))
            logs = torch.stack([each.posteriors.log() for each in members]).mean(0)
            assert subsets.wrong["scores"][0][mask] == int((logs.argmax(1) != seen[0].labels).sum())


def test_nets_that_tell_nothing_are_not_praised():
    """Posteriors are stored in 16 bits: many are equal, and most of those are 0."""
    nothing, sure = np.full((10, 10), 0.1), np.eye(10)[np.zeros(10, int)]
    subsets = all_subsets(("nothing", "sure"), np.stack([nothing, sure]), np.arange(10))
    for wrong in subsets.wrong.values():
        assert [count[1:] for count in wrong] == [(9, 9, 9), (5, 5, 5)]


def test_disagreement_is_counted_between_answers():
    subsets = stored_subsets(STORED, "dense")
    first, second = (STORED.evaluation(net, Q, "dense").posteriors.argmax(1) for net in NETS[:2])
    assert (
        subsets.disagreement[0][1]
        == subsets.disagreement[1][0]
        == round(100 * (first != second).double().mean().item(), 1)
    )
    assert subsets.disagreement[2][2] == 0
    assert stored_subsets(STORED, "multi-crop & dense").nets == NETS[:2]


def test_the_ladder_has_paired_gains_and_the_papers_errors():
    steps = {step.name: step for step in ladder_steps(STORED, "D-S72", ["A-S72"])}
    assert list(steps)[-1] == "fusion" and steps["fusion"].paper == (23.7, 6.8)
    assert steps["+ flip"].paper == (27.0, 8.8) and steps["+ scales"].paper == (26.6, 8.6)
    assert steps["dense"].paper is None and steps["centre crop"].gain is None
    flipped, scales = STORED.evaluation("D-S72", 72, "dense"), STORED.evaluation("D-S72", Q, "dense")
    gain = scales.gain_over(flipped)
    assert steps["+ scales"].gain == (round(gain.mean, 1), round(gain.low, 1), round(gain.high, 1))
    assert [step.name for step in ladder_steps(STORED, "D-S72-144")][-1] == "+ scales"


def test_the_playground_tells_who_is_fused():
    widget = LadderAndFusion(STORED, "D-S72")
    assert widget.nets == list(NETS)
    widget.set_state({"chosen": 0b101, "method": "scores"})
    assert widget.nets == ["A-S72", "D-S72-144"]
    subsets = stored_subsets(STORED, "dense")
    assert widget.fused == tuple(100 * top[0b101] / 60 for top in subsets.wrong["scores"])
    interval = estimate(100 * (np.arange(60) < subsets.wrong["scores"][0][0b101]))
    assert widget.intervals[str(subsets.wrong["scores"][0][0b101])] == (round(interval.low, 1), round(interval.high, 1))
    for each in (widget, EvaluationAblation(STORED)):
        state = {name: value for name, value in each.get_state().items() if name != "layout"}
        assert len(json.dumps(state)) < 60_000


def test_bad_arguments_are_told():
    for make in (EvaluationAblation, LadderAndFusion):
        with pytest.raises(ConfigError, match=r"'D-S73'.*D-S72"):
            make(STORED, net="D-S73")
        with pytest.raises(DataError, match="study --ablation"):
            make(Ablation("made", np.zeros(3, int)))
    with pytest.raises(ConfigError, match="'densely'"):
        EvaluationAblation(STORED, "densely")


def test_the_ladder_takes_ten_nets_of_a_study_that_holds_more():
    lab = LadderAndFusion()
    assert len(lab.nets) == MOST_NETS and "E-S72-144" in lab.nets
