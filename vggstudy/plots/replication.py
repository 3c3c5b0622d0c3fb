"""Figures of the small-scale replication: gains with their intervals, and errors as the budget grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from textwrap import fill
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from vggstudy.plots.style import BLUE, COLOURS, INK, MUTED, OTHER, RED, WIDTH, theme

if TYPE_CHECKING:
    from vggstudy.comparisons import Outcome, Point

LINEAR = 5  # points of gain up to which the axis is linear; beyond, it is logarithmic
LABEL = 36  # characters to a line of a row's label
MARKS = {"reproduced at small scale": (BLUE, "o"), "contradicted at small scale": (RED, "s")}
UNDECIDED = (MUTED, "D")
STARTS = {"from A": ("--", "o"), "after A": ("none", "D")}  # how a net began -> its line, and the mark of a mean


@theme()
def plot_outcomes(outcomes: Mapping[str, Outcome]) -> Figure:
    """A row a comparison: every seed's gain, their mean with its interval, and the paper's gain as a star.

    Args:
        outcomes: What stands beside the row -> the comparison as measured.

    Book: replication.
    """
    labels = [fill(label, LABEL) for label in outcomes]
    fig, ax = plt.subplots(figsize=(WIDTH, 1.1 + 0.34 * len(outcomes)))
    rows = np.arange(len(outcomes))
    for row, outcome in zip(rows, outcomes.values(), strict=True):
        shade, mark = MARKS.get(outcome.verdict, UNDECIDED)
        ax.plot(outcome.interval, [row, row], color=shade, linewidth=2.5, solid_capstyle="butt")
        ax.plot(outcome.gains, [row] * len(outcome.gains), "o", color=shade, alpha=0.35, markersize=4)
        ax.plot(outcome.mean, row, mark, color=shade, markersize=7)
        if outcome.comparison.paper is not None:
            ax.plot(outcome.comparison.paper, row, "*", color=INK, markersize=9)
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_xscale("symlog", linthresh=LINEAR)
    ticks = [-50, -20, -5, -2, 0, 2, 5, 20, 50]
    ax.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    ax.set_yticks(rows, labels, fontsize=8)
    ax.invert_yaxis()
    ax.set(xlabel="gain, points of top-1 error (logarithmic beyond ±5)")
    handles = [ax.plot([], [], mark, color=shade)[0] for shade, mark in (*MARKS.values(), UNDECIDED)]
    handles.append(ax.plot([], [], "*", color=INK, markersize=9)[0])
    words = ["as the paper", "the other way", "undecided", "the paper's gain"]
    fig.legend(handles, words, fontsize=8, loc="outside lower right", ncols=4)
    plt.close(fig)
    return fig


@theme()
def plot_by_budget(points: Sequence[Point]) -> Figure:
    """Error against what training cost, both logarithmic: a dot a seed, a line through the means of each net.

    Book: replication.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6))
    for label, mine in groupby(points, key=lambda point: point.label):
        mine = list(mine)
        name, _, start = label.partition(" ")
        shade = COLOURS.get(name, OTHER)
        style, mark = STARTS.get(start, ("-", "o"))
        cost = np.array([point.macs for point in mine]) / 1e6
        for at, point in zip(cost, mine, strict=True):
            ax.plot([at] * len(point.errors), _shown(point.errors), "o", color=shade, alpha=0.3, markersize=4)
        means = [np.mean(point.errors) for point in mine]
        ax.plot(cost, _shown(means), linestyle=style, color=shade, marker=mark, markersize=6, label=label)
    cost = "10⁶ MACs of forward passes for each training image, pre-training included"
    ax.set(xscale="log", yscale="log", xlabel=cost,
           title="Top-1 error (%), dense, Q = S = 40")  # fmt: skip
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    ax.legend(fontsize=8)
    plt.close(fig)
    return fig


def _shown(errors: Sequence[float]) -> np.ndarray:
    """Errors as they are drawn: a logarithmic axis has no zero."""
    return np.maximum(np.asarray(errors, dtype=float), 0.02)
