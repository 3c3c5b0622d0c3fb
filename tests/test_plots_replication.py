"""The figures of the replication show every seed, the mean, the interval and the paper's gain."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.comparisons import Comparison, Outcome, Point, Side
from vggstudy.plots.replication import plot_by_budget, plot_outcomes


@pytest.fixture(autouse=True)
def none_stays_open():
    yield
    assert plt.get_fignums() == []


def test_a_row_holds_interval_seeds_mean_and_the_papers_gain():
    comparison = Comparison("D is better", "4.1", Side("A"), Side("D"), paper=2.6)
    outcome = Outcome(comparison, (30.0, 31.0, 32.0), (20.0, 22.0, 21.0))
    ax = plot_outcomes({"depth": outcome}).axes[0]
    interval, seeds, mean, star, zero = ax.lines[:5]
    assert list(interval.get_xdata()) == list(outcome.interval)
    assert list(seeds.get_xdata()) == [10, 9, 11]
    assert list(mean.get_xdata()) == [10] and list(star.get_xdata()) == [2.6] and list(zero.get_xdata()) == [0, 0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["depth"]
    assert mean.get_marker() == "o"


def test_verdicts_differ_in_mark_and_colour():
    def drawn(gains):
        outcome = Outcome(Comparison("", "", Side("A"), Side("B")), gains, (0.0, 0.0, 0.0))
        mean = plot_outcomes({"x": outcome}).axes[0].lines[2]
        return mean.get_marker(), mean.get_color()

    looks = [drawn(gains) for gains in ((5.0, 5.1, 5.2), (-5.0, -5.1, -5.2), (-5.0, 5.0, 1.0))]
    assert len({mark for mark, _ in looks}) == len({shade for _, shade in looks}) == 3


def test_a_net_is_followed_through_the_means_and_a_zero_is_shown():
    points = [Point("A", 8, 2e9, (4.0, 8.0)), Point("A", 16, 4e9, (0.0, 0.0)), Point("D from A", 8, 2e9, (50.0, 70.0))]
    ax = plot_by_budget(points).axes[0]
    lines = {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}
    assert list(lines) == ["A", "D from A"]
    assert np.allclose(lines["A"].get_xdata(), [2000, 4000]) and np.allclose(lines["A"].get_ydata(), [6, 0.02])
    assert lines["D from A"].get_linestyle() == "--"
    (alone,) = [
        line for line in plot_by_budget([Point("D after A", 16, 9e9, (5.0,))]).axes[0].lines if "D" in line.get_label()
    ]
    assert (alone.get_linestyle(), alone.get_marker()) == ("None", "D")
