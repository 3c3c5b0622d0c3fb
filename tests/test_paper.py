"""The records of `vggstudy.paper` against each other, and against figures that were read off the paper on their own."""

import json
from pathlib import Path

import pytest

from vggstudy import paper
from vggstudy.configs import CONFIGS

VERIFIED = Path(__file__).with_name("verified_tables.json")


@pytest.fixture(scope="module")
def tables():
    return json.loads(VERIFIED.read_text())


def as_scale(value):
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("table", "key"), [(paper.TABLE_3, "table3_single_scale"), (paper.TABLE_4, "table4_multi_scale")]
)
def test_tables_3_and_4(tables, table, key):
    rows = [
        (
            row["config"],
            as_scale(row["S"]),
            tuple(row["Q"]) if isinstance(row["Q"], list) else (row["Q"],),
            row["top1"],
            row["top5"],
        )
        for row in tables[key]
    ]
    assert [(r.config, r.S, r.Q, r.top1_error, r.top5_error) for r in table] == rows


def test_table_5(tables):
    verified = tables["table5_evaluation_methods"]
    rows = [(row["config"], row["method"], row["top1"], row["top5"]) for row in verified["rows"]]
    assert [(r.config, r.view, r.top1_error, r.top5_error) for r in paper.TABLE_5] == rows
    assert {(r.S, r.Q) for r in paper.TABLE_5} == {(tuple(verified["S"]), tuple(verified["Q"]))}


def test_table_6(tables):
    rows = [
        (tuple(row["models"]), row["method"], row["when"], row["top1"], row["top5"], row["top5_test"])
        for row in tables["table6_fusion"]
    ]
    ours = [(r.models, r.view, r.when, r.top1_error, r.top5_error, r.test_top5_error) for r in paper.TABLE_6]
    assert ours == rows


def test_table_7(tables):
    rows = [(row["method"], row["top1"], row["top5"], row["top5_test"]) for row in tables["table7_state_of_the_art"]]
    assert [(r.method, r.top1_error, r.top5_error, r.test_top5_error) for r in paper.TABLE_7] == rows


def test_regime(tables):
    verified = tables["section3_1_training"]
    for field in ("batch_size", "momentum", "weight_decay", "learning_rate", "iterations", "epochs"):
        assert getattr(paper.REGIME, field) == verified[field]


def test_parameters_and_configurations(tables):
    assert tables["table2_parameters_millions"] == paper.PARAMETERS_MILLIONS
    for name, config in CONFIGS.items():
        written = [token for token in tables["table1_configurations"][name] if not token.startswith("FC")]
        assert config.notation.replace("|", "M").split() == written


def test_the_best_single_net_is_the_same_in_tables_4_and_5():
    for config in ("D", "E"):
        multi = next(r for r in paper.TABLE_4 if r.config == config and r.S == paper.JITTER)
        dense = next(r for r in paper.TABLE_5 if r.config == config and r.view == "dense")
        assert (multi.top1_error, multi.top5_error, multi.Q) == (dense.top1_error, dense.top5_error, dense.Q)
