import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.bootstrap import Estimate
from vggstudy.paper import JITTER, TABLE_3, TABLE_4
from vggstudy.plots import gains, scales
from vggstudy.plots.style import BLUE, MUTED, RED
from vggstudy.scales import scale_name, scale_text


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def test_the_reported_errors_are_drawn_at_their_configuration():
    figure = scales.plot_reported(TABLE_3, TABLE_4)
    top1, top5 = figure.axes
    assert [tick.get_text() for tick in top1.get_xticklabels()] == ["A", "A-LRN", "B", "C", "D", "E"]
    lines = {line.get_label(): line for line in top5.lines}
    filled = lines["S = 256, one Q"]
    assert list(filled.get_ydata()) == [10.4, 10.5, 9.9, 9.4, 8.8, 9.0]
    jittered = lines["S = [256; 512], three Q"]
    assert list(jittered.get_xdata()) == [3, 4, 5] and list(jittered.get_ydata()) == [8.2, 7.5, 7.5]
    assert jittered.get_markerfacecolor() == "white"


def test_each_gain_stands_in_its_row_with_its_interval_and_the_papers_star():
    figure = gains.plot_gains(
        {
            "depth": {"A to B": (0.9, Estimate(5.0, 4.0, 6.0)), "D to E": (-0.3, Estimate(-9.0, -11.0, -7.0))},
            "scales": {"B": (None, Estimate(0.5, -0.5, 1.5)), "C": (0.4, None)},
        }
    )
    [ax] = figure.axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["depth", "A to B", "D to E", "scales", "B", "C"]
    assert list(ax.get_yticks()) == [0, 1, 2, 3, 4, 5]
    drawn = [line for line in ax.lines if len(line.get_xdata())]
    stars = [(line.get_xdata()[0], line.get_ydata()[0]) for line in drawn if line.get_marker() == "*"]
    assert stars == [(0.9, 1), (-0.3, 2), (0.4, 5)]
    dots = [(line.get_xdata()[0], line.get_ydata()[0], line.get_color()) for line in drawn if line.get_marker() == "o"]
    assert dots == [(5.0, 1, BLUE), (-9.0, 2, RED), (0.5, 4, MUTED)]
    bars = [tuple(line.get_xdata()) for line in drawn if line.get_linewidth() == 2.5]
    assert bars == [(4.0, 6.0), (-11.0, -7.0), (-0.5, 1.5)]


def test_gains_need_a_legend_only_where_the_paper_has_a_number():
    ours = Estimate(0.5, 0.1, 1.0)
    both, alone = (gains.plot_gains({"depth": {"A to B": (paper, ours)}}) for paper in (0.9, None))
    assert [text.get_text() for text in both.legends[0].get_texts()] == ["paper", "ours"]
    assert not alone.legends


def test_errors_over_test_scales_and_where_the_net_was_trained():
    errors = {64: Estimate(3.0, 2.0, 4.0), 72: Estimate(5.0, 4.0, 6.0), 144: Estimate(76.0, 73.0, 79.0)}
    figure = scales.plot_error_by_scale({"fixed": (72, errors), "jittered": ((72, 144), errors)})
    [ax] = figure.axes
    curves = {line.get_label(): line for line in ax.lines}
    assert np.array_equal(curves["fixed"].get_xydata(), [(64, 3), (72, 5), (144, 76)])
    trained = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() == "|"]
    assert trained == [(72, 72), (72, 144)]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["64", "72", "144"]


def test_a_range_of_scales_is_written_as_the_paper_does_or_as_the_command_line():
    assert [scale_name(S) for S in (256, JITTER, [256, 512])] == ["256", "[256; 512]", "[256; 512]"]
    assert [scale_text(S) for S in (256, JITTER, [256, 512])] == ["256", "256:512", "256:512"]
