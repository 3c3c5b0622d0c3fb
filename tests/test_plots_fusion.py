import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.bootstrap import Estimate
from vggstudy.paper import TABLE_7
from vggstudy.plots import fusion as plots


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def test_a_pair_of_nets_stands_once_below_the_diagonal():
    shares = np.array([[0, 4, 6], [4, 0, 8], [6, 8, 0]])
    figure = plots.plot_disagreement(["A", "B", "C"], shares)
    drawn = figure.axes[0].collections[0].get_array().reshape(3, 3)
    assert np.array_equal(drawn.mask, np.triu(np.ones((3, 3), bool)))
    assert list(drawn.compressed()) == [4, 6, 8]


def test_both_halves_are_drawn_with_their_intervals():
    chosen = [Estimate(1.0, 0.5, 1.6), Estimate(0.5, 0.1, 1.0)]
    reported = [Estimate(2.0, 1.0, 3.5), Estimate(1.5, 0.8, 2.2)]
    figure = plots.plot_growing_fusion(["B", "C"], chosen, reported)
    [ax] = figure.axes
    lines = {container.get_label(): container for container in ax.containers}
    points, _, [bars] = lines["the other half"]
    assert list(points.get_ydata()) == [2.0, 1.5]
    assert [tuple(segment[:, 1]) for segment in bars.get_segments()] == [(1.0, 3.5), (0.8, 2.2)]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["B", "+ C"]


def test_a_method_without_a_test_error_shows_its_validation_error_as_a_cross():
    figure = plots.plot_rivals(TABLE_7)
    [ax] = figure.axes
    points = {int(line.get_ydata()[0]): line for line in ax.lines if line.get_marker() in ("o", "x")}
    assert len(points) == len(TABLE_7)
    for place, row in enumerate(TABLE_7):
        tested = row.test_top5_error is not None
        assert points[place].get_marker() == ("o" if tested else "x")
        assert points[place].get_xdata()[0] == (row.test_top5_error if tested else row.top5_error)


def test_what_a_difference_is_worth():
    shares = np.array([0.5, 1, 10])
    figure = plots.plot_resolution(shares, {"50,000 images": [0.1, 0.2, 0.3]}, {"a tenth of a point": 0.1})
    [ax] = figure.axes
    curve, line = ax.lines
    assert list(curve.get_ydata()) == [0.1, 0.2, 0.3]
    assert set(line.get_ydata()) == {0.1}
