"""The figures of training show the records, and their means."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.plots.training import SMOOTHED, plot_run, plot_seeds


@pytest.fixture(autouse=True)
def none_stays_open():
    yield
    assert plt.get_fignums() == []


def record(step: int, loss: float, lr: float = 0.02, error: float | None = None) -> dict:
    seen = {"val_loss": None, "val_top1_error": None, "val_top5_error": None}
    if error is not None:
        seen = {"val_loss": loss, "val_top1_error": error, "val_top5_error": error / 10}
    return {"step": step, "epoch": step / 10, "loss": loss, "lr": lr, **seen}


def test_a_run_is_drawn_as_recorded_with_its_falls_and_ln_k():
    run = [record(step, 2 + step % 2, 0.02 if step <= 60 else 0.002, 50.0 if step % 50 == 0 else None)
           for step in range(1, 101)]  # fmt: skip
    loss, error, rate = plot_run(run, 10).axes
    raw, mean, validation, level, fall = loss.lines
    assert raw.get_ydata().tolist() == [record["loss"] for record in run]
    assert mean.get_xdata()[[0, -1]].tolist() == [SMOOTHED, 100]
    assert np.all(np.abs(mean.get_ydata() - 2.5) < 0.03)
    assert list(validation.get_xdata()) == [50, 100]
    assert [list(line.get_ydata()) for line in error.lines[:2]] == [[50, 50], [5, 5]]
    assert level.get_ydata()[0] == pytest.approx(math.log(10))
    assert fall.get_xdata()[0] == 61 and rate.get_yscale() == "log"


def test_a_run_shorter_than_the_mean_is_drawn_too():
    assert len(plot_run([record(1, 2.0), record(2, 1.0, error=50.0)], 10).axes) == 3


def test_seeds_are_thin_lines_and_their_mean_a_thick_one():
    two = [[record(10, 1.0, error=20.0)], [record(10, 3.0, error=40.0)]]
    loss, error = plot_seeds({"with": two, "without": [[record(10, 0.0, error=1.0)]]}).axes
    assert [line.get_ydata()[0] for line in loss.lines] == [1, 3, 2, 0, 0]
    assert error.lines[2].get_ydata()[0] == 30 and list(error.lines[2].get_xdata()) == [1.0]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["with", "without"]
