"""The recorded runs of the chapter on training: condensed rightly, and those that the script would make."""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from vggstudy.progress import Step
from vggstudy.regime import TrainConfig

BOOK = Path(__file__).parents[1] / "book"


@pytest.fixture(scope="module")
def record():
    return SimpleNamespace(**runpy.run_path(str(BOOK / "_ext" / "record.py"), run_name="record"))


def steps(n: int):
    for number in range(1, n + 1):
        seen = {"val_loss": 1.23456, "val_top1_error": 20.0, "val_top5_error": 0.0} if number % 10 == 0 else {}
        yield Step(number, number / 10, float(number), 0.02, 100.0, **seen)


def test_a_record_is_the_mean_since_the_last(record):
    condensed = record.condense(steps(20), None)
    assert [(entry["step"], entry["loss"]) for entry in condensed] == [(10, 5.5), (20, 15.5)]
    assert condensed[0]["val_loss"] == 1.235 and condensed[0]["val_top5_error"] == 0.0
    assert "images_per_second" not in condensed[0]


def test_records_between_validations_hold_none(record):
    condensed = record.condense(steps(20), 4)
    assert [entry["step"] for entry in condensed] == [4, 8, 10, 12, 16, 20]
    assert condensed[0]["val_loss"] is None and condensed[2]["loss"] == 9.5


def test_what_is_stored_is_what_the_script_makes(record):
    for name, settings in record.RECORDED.items():
        stored = json.loads((BOOK / "results" / f"{name}.json").read_text())["settings"]
        assert list(stored) == list(settings)
        for label, setting in settings.items():
            for run, seed in zip(stored[label], setting.seeds, strict=True):
                regime = replace(setting.regime, seed=seed, device="cpu")
                assert TrainConfig(**run["train"] | {"workers": None}) == regime, f"{name}, {label}: not this regime"
                assert run["train_images"] == setting.train_images
                assert run["records"][-1]["epoch"] == setting.regime.epochs


@pytest.mark.slow
def test_a_quick_record_has_the_same_runs_but_short_and_stores_nothing_in_the_book(record, tmp_path, capsys):
    """Also that a net starts from the one that its setting names."""
    record.record("start", tmp_path, tmp_path, quick=True)
    stored = json.loads((tmp_path / "start.json").read_text())["settings"]
    assert list(stored) == list(record.RECORDED["start"])
    for runs in stored.values():
        (run,) = runs
        assert (run["train"]["epochs"], run["train_images"]) == (1, 1000) and run["records"][-1]["epoch"] == 1
    capsys.readouterr()
    record.record("start", tmp_path, tmp_path, quick=True)
    assert capsys.readouterr().out == ""  # what is there is not made again
