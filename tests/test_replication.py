"""The small-scale replication: fair arms, commands that run, verdicts by hand, results that are those of the code."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from vggstudy import replication
from vggstudy.analysis import trace
from vggstudy.arms import (
    BUDGET,
    BUDGETS,
    BY_LABEL,
    EQUAL_PASSES,
    FINE_TUNED,
    FOLLOWED,
    KINDS,
    LARGE_CROP,
    RIVAL_5,
    RIVAL_7,
    SEEDS,
    Arm,
    arms,
    macs,
)
from vggstudy.commands import train
from vggstudy.comparisons import (
    COMPARISONS,
    CONTRADICTED,
    NOT_TESTED,
    REPRODUCED,
    UNDECIDED,
    Comparison,
    Outcome,
    Side,
    by_budget,
    compare,
    errors,
    load_replication,
)
from vggstudy.errors import ConfigError, DataError
from vggstudy.evaluation import Evaluation
from vggstudy.progress import Step
from vggstudy.replication import Replication
from vggstudy.runs import run_path

STORED = load_replication()


@pytest.mark.parametrize("arm", arms().values(), ids=lambda arm: arm.key)
def test_an_arm_spends_its_budget_pre_training_included(arm):
    if arm.equal_passes:
        assert arm.epochs == arm.budget
    else:
        assert arm.spent / (arm.budget * macs("A", arm.crop)) == pytest.approx(1, abs=0.11)
    assert arm.spent == arm.epochs * arm.macs + (arm.parent.epochs * arm.parent.macs if arm.parent else 0)


def test_by_the_papers_rule_each_net_makes_as_many_passes():
    for label, kind in EQUAL_PASSES.items():
        arm = kind(BUDGET)
        passes = [arm.epochs, *([arm.parent.epochs] if arm.parent else [])]
        each = BUDGET // 2 if arm.crop == LARGE_CROP else BUDGET
        assert passes == {"after A": [each, each], "from random": [2 * each]}.get(rule_of(label), [each]), label


def rule_of(label):
    """`D after A in large crops` -> `after A`."""
    return " ".join(label.removesuffix(" in large crops").split()[1:])


def test_fine_tuned_nets_differ_in_their_scale_only():
    tuned = [arm for arm in arms().values() if arm.fine_tuned]
    assert {arm.epochs for arm in tuned} == {FINE_TUNED} and len({arm.S for arm in tuned}) == len(tuned) == 3
    assert len({(arm.parent, arm.rates) for arm in tuned}) == 1


def test_keys_differ_and_name_a_folder():
    assert len({kind(BUDGET).key for kind in BY_LABEL.values()}) == len(BY_LABEL)
    for key in arms():
        run_path(key.replace("@", "-"))


@pytest.mark.parametrize(("rival", "net"), [(RIVAL_5, "B"), (RIVAL_7, "D")])
def test_a_rival_sees_what_its_net_sees(rival, net):
    def fields(config):
        return [layer.receptive_field for layer in trace(config) if layer.kind == "pool"]

    assert fields(rival) == fields(net)


@pytest.fixture
def study(tmp_path):
    study = Replication(tmp_path, tmp_path / "runs")
    study.record["pilots"] = {
        label: {f"{rate:g}": 10.0 + rate for rate in kind(1).rates} for label, kind in BY_LABEL.items()
    }
    return study


@pytest.mark.parametrize("arm", arms().values(), ids=lambda arm: arm.key)
def test_the_command_is_one_of_vggstudy(arm, study):
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    given = parser.parse_args(study.command(arm, 3, study.rate(arm.label))[1:])
    net, regime = train.regime_of(given, small=True)
    assert (given.config, regime.S, regime.epochs, regime.seed) == (arm.config, arm.S, arm.epochs, 3)
    assert net["crop_size"] == arm.crop and regime.lr == min(arm.rates)
    if arm.parent:
        before = parser.parse_args(study.command(arm.parent, 3, study.rate(arm.parent.label))[1:])
        assert given.init_from == before.out
    else:
        assert given.init_from is None


def test_the_rate_is_that_of_the_least_validation_error(study):
    study.record["pilots"]["A"] = {"0.005": 9.0, "0.01": 8.0, "0.02": 8.0}
    assert study.rate("A") == 0.01


@pytest.mark.parametrize(
    ("best", "tried"),
    [
        (0.01, [0.005, 0.01, 0.02]),
        (0.07, [0.005, 0.01, 0.02, 0.04, 0.08, 0.16]),
        (0.003, [0.005, 0.01, 0.02, 0.0025, 0.00125]),
    ],
)
def test_a_best_rate_at_the_edge_is_not_believed(study, monkeypatch, best, tried):
    seen = []
    study.record["pilots"] = {}
    monkeypatch.setattr(study, "_train", lambda arm, seed, rate: seen.append(rate) or Path("here"))
    monkeypatch.setattr(replication, "read_metrics", lambda _: [{"val_top1_error": abs(seen[-1] - best)}])
    list(study.measure([KINDS["B"](4)], seeds=()))
    assert seen == tried


def test_fusion_takes_the_two_nets_that_the_validation_draw_likes_best(study, monkeypatch):
    """Whatever the test draw says of them; dearer nets, by the paper's rule or fine-tuned, stand back."""
    validation = {"C": 5.0, "A-LRN": 6.0, "B after A": 1.0, "A at S=64": 1.0}
    posteriors = {"C": [[0.4, 0.6], [0.6, 0.4]], "A-LRN": [[0.9, 0.1], [0.2, 0.8]]}
    for label, kind in BY_LABEL.items():
        arm = kind(BUDGET)
        study.record["runs"][f"{arm.key}/2"] = {"lr": 0.01, "val_top1_error": validation.get(label, 50.0)}
        place = study.runs / f"{arm.key}-0.01-2"
        place.mkdir(parents=True)
        seen = torch.tensor(posteriors.get(label, [[0.5, 0.5], [0.5, 0.5]]))
        Evaluation(seen, torch.tensor([0, 1]), ("0", "1"), "dense", 0, 0.0).save(place / "dense-small.npz")
    assert list(study.measure([], seeds=(2,))) == ["C and A-LRN, seed 2: 0.0% together"]
    stored = study.record["runs"]["fusion/2"]
    assert stored == {"nets": ["C@16", "A-LRN@16"], "test": {"best single": 100.0, "fused": 0.0}}
    assert list(study.measure([], seeds=(2,))) == []


def test_each_result_is_stored_once_and_the_pilots_come_first(study, monkeypatch):
    trained = []
    study.record["pilots"] = {}

    def train_arm(arm, seed, rate):
        trained.append((arm.label, seed, rate))
        folder = study.runs / f"{arm.key}-{rate:g}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        line = asdict(Step(1, 1.0, 0.5, rate, 32, val_top1_error=100 * abs(rate - 0.01)))
        (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
        return folder

    monkeypatch.setattr(study, "_train", train_arm)
    monkeypatch.setattr(study, "_test", lambda place, arm: {"dense 40": 7.5})
    arm = KINDS["B"](4)
    lines = list(study.measure([arm], seeds=(0, 1)))
    assert trained == [("B", 100, 0.005), ("B", 100, 0.01), ("B", 100, 0.02), ("B", 0, 0.01), ("B", 1, 0.01)]
    assert len(lines) == 5 and lines[-1] == "B@4, seed 1: 7.5% top-1 error (1 s)"
    again = Replication(study.path.parent, study.runs)
    monkeypatch.setattr(again, "_train", train_arm)
    assert list(again.measure([arm], seeds=(0, 1))) == [] and len(trained) == 5


def outcome(gains, better=True):
    comparison = Comparison("a claim", "4.1", Side("A"), Side("B"), better=better)
    return Outcome(comparison, tuple(20.0 + gain for gain in gains), (20.0,) * len(gains))


def test_the_interval_is_students():
    low, high = outcome((1.0, 2.0, 3.0, 4.0, 5.0)).interval
    assert (low, high) == pytest.approx((3 - 1.963, 3 + 1.963), abs=1e-3)


@pytest.mark.parametrize(
    ("gains", "better", "verdict"),
    [
        ((1, 2, 3, 4, 5), True, REPRODUCED),
        ((-1, -2, -3, -4, -5), True, CONTRADICTED),
        ((-1, 2, -3, 4, -5), True, UNDECIDED),
        ((1, 2, 3, 4, 5), False, CONTRADICTED),
        ((-1, -2, -3, -4, -5), False, REPRODUCED),
        ((-1, 2, -3, 4, -5), False, UNDECIDED),
        ((5,), True, NOT_TESTED),
        ((), True, NOT_TESTED),
    ],
)
def test_the_verdict_needs_the_papers_sign_beyond_the_interval(gains, better, verdict):
    assert outcome(gains, better).verdict == verdict


def test_sides_are_paired_by_seed():
    runs = {"A@16/0": 30.0, "A@16/1": 20.0, "B@16/1": 15.0, "B@16/2": 1.0}
    record = {"runs": {key: {"test": {"dense 40": error}} for key, error in runs.items()}}
    assert compare("depth-b", record).gains == (5.0,)


def test_an_unknown_comparison_gets_the_close_matches():
    with pytest.raises(ConfigError, match="jitter"):
        compare("jiter")


def test_missing_results_are_told_in_one_line(tmp_path):
    with pytest.raises(DataError, match="vggstudy study --replication"):
        load_replication(tmp_path)


@pytest.mark.parametrize("name", COMPARISONS)
def test_every_comparison_has_five_seeds(name):
    found = compare(name, STORED)
    assert len(found.gains) == len(SEEDS)
    assert all(0 <= error <= 100 for error in (*found.before, *found.after))


def test_the_followed_nets_are_stored_at_every_budget():
    points = by_budget(STORED)
    assert {(point.label, point.budget) for point in points} == {(label, at) for label in FOLLOWED for at in BUDGETS}
    assert all(len(point.errors) == len(SEEDS) for point in points if point.budget == BUDGET)


def test_what_is_stored_is_what_the_code_would_run(tmp_path):
    study = Replication(tmp_path)
    study.record = STORED
    for key, arm in arms().items():
        for seed in SEEDS:
            if run := STORED["runs"].get(f"{key}/{seed}"):
                assert run["command"] == " ".join(["vggstudy", *study.command(arm, seed, study.rate(arm.label))])
                assert (run["epochs"], run["macs"]) == (arm.epochs, arm.spent)


@pytest.mark.parametrize("label", BY_LABEL)
def test_each_rate_was_tried_and_the_best_lies_between_others(label, study):
    tried = [float(rate) for rate in STORED["pilots"][label]]
    study.record = STORED
    assert set(BY_LABEL[label](BUDGET).rates) <= set(tried)
    assert min(tried) < study.rate(label) < max(tried)


def test_an_arm_of_ones_own_is_an_arm():
    assert Arm("conv3-64 | conv3-64 |", budget=1).label == "conv3-64 | conv3-64 |"
    assert errors(STORED, Side("A", budget=999)) == {}
