import matplotlib.pyplot as plt
import numpy as np
import pytest

from vggstudy.plots import benchmarks, style


@pytest.fixture(autouse=True)
def figures_come_back_closed():
    yield
    assert not plt.get_fignums()


def comparison(against, ratio, goal, verdict):
    spread = {"median": ratio, "min": 0.9 * ratio, "max": 1.2 * ratio}
    return {"against": against, "ratio": spread, "goal": goal, "verdict": verdict}


ROWS = [
    {
        "row": "forward",
        "jobs": [{"comparisons": [comparison("a", 1.2, 1.15, "met"), comparison("b", 1.0, 1.3, "missed")]}],
    },
    {
        "row": "loader",
        "jobs": [
            {"comparisons": [comparison("c", 5.0, None, "no goal")]},
            {"comparisons": [comparison("d", 7.0, 6.0, "met")]},
        ],
    },
]
CURVE = {
    "curve": "c", "x": "images", "y": "seconds", "expected": 1, "exponent": 1.1,
    "cliffs": [{"from": 2, "to": 4, "factor": 1.4}],
    "points": [{"x": x, "median": 2 * x, "min": 1.5 * x, "max": 3 * x} for x in (1, 2, 4)],
}  # fmt: skip


def test_every_comparison_is_drawn_with_its_spread_and_goal():
    ax = benchmarks.plot_ratios(ROWS).axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "forward: a",
        "forward: b",
        "loader (1): c",
        "loader (2): d",
    ]
    lines = [tuple(map(tuple, line.get_xydata())) for line in ax.lines]
    for place, ratio in enumerate((1.2, 1.0, 5.0, 7.0)):
        assert ((0.9 * ratio, place), (1.2 * ratio, place)) in lines and ((ratio, place),) in lines
    uprights = [line for line in lines if len(line) == 2 and line[0][0] == line[1][0] and line[0][1] != 0]
    assert [line[0][0] for line in uprights if line[0][1] % 1 == pytest.approx(0.62)] == [1.15, 1.3, 6.0]


def test_a_comparison_has_the_colour_of_its_verdict():
    ax = benchmarks.plot_ratios(ROWS).axes[0]
    colours = {tuple(line.get_xydata()[0]): line.get_color() for line in ax.lines if len(line.get_xydata()) == 1}
    assert [colours[ratio, place] for place, ratio in enumerate((1.2, 1.0, 5.0))] == [
        style.GREEN,
        style.RED,
        style.MUTED,
    ]


def test_growth_shows_medians_and_the_expected_slope():
    fig = benchmarks.plot_growth([CURVE, CURVE, CURVE])
    ax = fig.axes[0]
    expected, measured = ax.lines[0].get_xydata(), ax.lines[1].get_xydata()
    assert np.allclose(measured, [[1, 2], [2, 4], [4, 8]])
    slopes = np.diff(np.log(expected[:, 1])) / np.diff(np.log(expected[:, 0]))
    assert np.allclose(slopes, 1)
    assert [ax.get_visible() for ax in fig.axes] == [True, True, True, False]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["exponent 1", "1.10"]


def test_scaling_has_a_diagonal_and_a_line_each():
    ax = benchmarks.plot_scaling({"D": {1: 1.0, 4: 3.75}, "A": {1: 1.0, 8: 6.0}}).axes[0]
    assert np.array_equal(ax.lines[0].get_xydata(), [[1, 1], [8, 8]])
    assert np.array_equal(ax.lines[1].get_xydata(), [[1, 1], [4, 3.75]])


def test_hours_have_the_colour_of_their_configuration():
    ax = benchmarks.plot_hours({"D S=256": 10.0, "A S=256": 5.0}).axes[0]
    assert [bar.get_width() for bar in ax.patches] == [10, 5]
    shades = [plt.matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in ax.patches]
    assert shades == [style.COLOURS["D"], style.COLOURS["A"]]
