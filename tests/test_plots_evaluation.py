import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from test_evaluate import MIXED, network, pictures

from vggstudy.ladder import ladder
from vggstudy.plots import evaluation as plots


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def test_errors_are_drawn_and_the_best_of_each_row_is_framed():
    figure = plots.plot_errors({"A": {32: 23.25, 40: 14.0}, "D": {40: 9.0, 48: 5.5}})
    ax = figure.axes[0]
    drawn = ax.collections[0].get_array().filled(np.nan).reshape(2, 3)
    assert np.array_equal(drawn, [[23.25, 14.0, np.nan], [np.nan, 9.0, 5.5]], equal_nan=True)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["32", "40", "48"]
    assert [tuple(map(int, frame.get_xy())) for frame in ax.patches] == [(1, 0), (2, 1)]


def test_the_ladder_is_drawn_from_records_that_json_kept():
    rungs = [rung.summary() for rung in ladder(network(), pictures(MIXED[:3]), (33, 40))]
    assert json.loads(json.dumps(rungs)) == rungs
    figure = plots.plot_ladder(rungs)
    error, cost = figure.axes
    dots = [line.get_xdata()[0] for line in error.lines if line.get_marker() == "o"]
    assert dots == [rung["top1_error"] for rung in rungs]
    assert [tick.get_text() for tick in error.get_yticklabels()] == [rung["step"] for rung in rungs]
    assert np.allclose([bar.get_width() for bar in cost.patches], [rung["macs"] / 3 / 1e6 for rung in rungs])


def test_confusions_are_shares_of_the_true_class():
    figure = plots.plot_confusions([0, 0, 1, 1], [0, 1, 1, 1], ["disc", "star", "none"])
    shares = np.asarray(figure.axes[0].collections[0].get_array()).reshape(3, 3)
    assert np.array_equal(shares, [[50, 50, 0], [0, 100, 0], [0, 0, 0]])


def test_scores_lie_over_their_centres():
    figure = plots.plot_score_map(
        np.zeros((3, 100, 140), np.uint8),
        np.arange(6).reshape(2, 3),
        ([30, 50, 70], [40, 60]),
        boxes=[(10, 20, 50, 60)],
    )
    plain, laid = figure.axes[:2]
    assert laid.images[1].get_extent() == [20, 80, 70, 30]
    box = plain.patches[0]
    assert (*box.get_xy(), box.get_width(), box.get_height()) == (10, 20, 40, 40)
