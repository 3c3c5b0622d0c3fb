"""Figures of fusion: who disagrees with whom, how many nets to fuse, Table 7, and what a difference is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vggstudy.paper import Rival
from vggstudy.plots.style import BLUE, GREEN, INK, MUTED, ORANGE, PINK, WIDTH, theme

if TYPE_CHECKING:
    from vggstudy.bootstrap import Estimate


@theme()
def plot_disagreement(names: Sequence[str], shares: ArrayLike) -> Figure:
    """Share of the images on which the most probable classes of two nets differ.

    Args:
        names: Of the nets.
        shares: `(nets, nets)`, %; symmetric.

    Paper: section 4.4.  Book: fusion.
    """
    shares = np.asarray(shares, dtype=float)
    fig, ax = plt.subplots(figsize=(WIDTH, 1.0 + 0.42 * len(names)))
    sns.heatmap(shares, mask=np.triu(np.ones_like(shares, dtype=bool)), ax=ax, annot=True, fmt=".1f", cmap="rocket_r",
                linewidths=1, xticklabels=list(names), yticklabels=list(names),
                cbar_kws={"label": "images on which the two differ (%)"})  # fmt: skip
    ax.tick_params(axis="y", rotation=0)
    ax.tick_params(axis="x", rotation=45)
    ax.grid(False)
    plt.close(fig)
    return fig


@theme()
def plot_growing_fusion(names: Sequence[str], chosen: Sequence[Estimate], reported: Sequence[Estimate]) -> Figure:
    """Top-1 error of the best one, two, three, ... nets together: on the images that ranked them, and on others.

    Args:
        names: The nets in the order in which they are added.
        chosen, reported: Error in % after each addition, on either half.

    Paper: section 4.4.  Book: fusion.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.8))
    places = np.arange(1, len(names) + 1)
    halves = (("the half that ranked the nets", chosen, MUTED, -0.06), ("the other half", reported, BLUE, 0.06))
    for label, errors, shade, aside in halves:
        means = np.array([each.mean for each in errors])
        low, high = ([getattr(each, end) for each in errors] for end in ("low", "high"))
        ax.errorbar(places + aside, means, [means - low, high - means], fmt="o-", color=shade, label=label, capsize=3)
    ax.set_xticks(places, [names[0], *(f"+ {name}" for name in names[1:])], rotation=30, ha="right", fontsize=9)
    ax.set(ylabel="top-1 error (%)", ylim=(0, None))
    ax.legend()
    plt.close(fig)
    return fig


@theme()
def plot_rivals(rows: Sequence[Rival]) -> Figure:
    """Table 7: the top-5 error of each method on the test set, or on the validation set where the test has a dash.

    Args:
        rows: Of Table 7; the paper's own are blue, a cross stands for the validation set.

    Paper: section 4.5.  Book: fusion.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 0.8 + 0.3 * len(rows)))
    for place, row in enumerate(rows):
        ours, tested = row.method.startswith("VGG"), row.test_top5_error is not None
        error = row.test_top5_error if tested else row.top5_error
        shade = BLUE if ours else MUTED
        ax.plot([0, error], [place, place], color=shade, linewidth=1.2, alpha=0.5)
        ax.plot(error, place, "o" if tested else "x", color=shade, markersize=7, markeredgewidth=2)
        ax.annotate(f"{error:.1f}", (error, place), (9, 0), textcoords="offset points", va="center", fontsize=9)
    ax.set_yticks(range(len(rows)), [row.method for row in rows], fontsize=9)
    highest = max(error for row in rows for error in (row.test_top5_error, row.top5_error) if error is not None)
    ax.set(xlabel="top-5 error (%); dot: test set, cross: validation set", xlim=(0, 1.12 * highest))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    plt.close(fig)
    return fig


@theme()
def plot_resolution(shares: ArrayLike, halves: Mapping[str, ArrayLike], gains: Mapping[str, float]) -> Figure:
    """Half of the 95% interval of a difference between two nets, against how often they differ in being right.

    Args:
        shares: Images on which exactly one of the two is wrong, %.
        halves: Number of images in words -> half an interval for each share, points.
        gains: Differences to compare with, points, as horizontal lines.

    Book: fusion.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.8))
    shares = np.asarray(shares)
    for (label, half), shade in zip(halves.items(), (ORANGE, BLUE, GREEN, PINK), strict=False):
        ax.plot(shares, half, color=shade, label=label, linewidth=2)
    for label, gain in gains.items():
        ax.axhline(gain, color=INK, linewidth=1, linestyle="--")
        ax.annotate(label, (shares[0], gain), (2, 3), textcoords="offset points", fontsize=9)
    ax.set(xscale="log", yscale="log", xlabel="images on which exactly one of the two is wrong (%)")
    ax.set(ylabel="half an interval, points of error", xlim=(shares[0], shares[-1]))
    ax.set_xticks(ticks := [0.5, 1, 2, 5, 10], list(map(str, ticks)))
    ax.set_yticks(ticks := [0.03, 0.1, 0.3, 1, 3], list(map(str, ticks)))
    ax.minorticks_off()
    ax.legend(loc="lower right", fontsize=9)
    plt.close(fig)
    return fig
