"""Figures of training and test scales: the paper's tables, and the error of one net over the sizes it is tested at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from vggstudy.paper import Result, Scale
from vggstudy.plots.style import BLUE, INK, MUTED, ORANGE, RED, WIDTH, theme
from vggstudy.scales import scale_name

if TYPE_CHECKING:
    from vggstudy.bootstrap import Estimate

SHADES = (BLUE, ORANGE, RED)


@theme()
def plot_reported(single: Sequence[Result], several: Sequence[Result]) -> Figure:
    """The errors of two tables by configuration: a line a training scale, filled at one test scale, open at several.

    Args:
        single: Rows of Table 3.
        several: Rows of Table 4.

    Book: scales.
    """
    configs = list(dict.fromkeys(row.config for row in single))
    shades = dict(zip(dict.fromkeys(row.S for row in single), SHADES, strict=False))
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.6))
    for ax, measure, title in zip(
        axes, ("top1_error", "top5_error"), ("Top-1 error (%)", "Top-5 error (%)"), strict=True
    ):
        for S, shade in shades.items():
            for rows, style, face, number in ((single, "-", shade, "one Q"), (several, "--", "white", "three Q")):
                points = [(configs.index(row.config), getattr(row, measure)) for row in rows if row.S == S]
                ax.plot(*zip(*sorted(points), strict=True), style, marker="o", color=shade, markerfacecolor=face,
                        linewidth=1.3, markersize=6, label=f"S = {scale_name(S)}, {number}")  # fmt: skip
        ax.set_xticks(range(len(configs)), configs)
        ax.set_title(title)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    plt.close(fig)
    return fig


@theme()
def plot_error_by_scale(curves: Mapping[str, tuple[Scale, Mapping[int, Estimate]]]) -> Figure:
    """Top-1 error against the test scale, with intervals; the training scale of each net is marked below its curve.

    Args:
        curves: Name of a net -> (its training scale S, test scale Q -> error in %); scales in pixels.

    Book: scales.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 4.0))
    for place, ((name, (S, errors)), shade) in enumerate(zip(curves.items(), SHADES, strict=False)):
        scales = sorted(errors)
        ax.plot(scales, [errors[Q].mean for Q in scales], marker="o", color=shade, label=name)
        ax.fill_between(scales, [errors[Q].low for Q in scales], [errors[Q].high for Q in scales],
                        color=shade, alpha=0.18, linewidth=0)  # fmt: skip
        ends = S if isinstance(S, tuple) else (S, S)
        ax.plot(ends, [-4 - 4 * place] * 2, "|-", color=shade, linewidth=3, markersize=9, markeredgewidth=3)
    ticks = sorted({Q for _, errors in curves.values() for Q in errors})
    ax.set_xscale("log")
    ax.set_xticks(ticks, list(map(str, ticks)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.axhline(0, color=MUTED, linewidth=1)
    ax.set_yticks(np.arange(0, 101, 20))
    top = max(each.high for _, errors in curves.values() for each in errors.values())
    ax.set_ylim(-6 - 4 * (len(curves) - 1), top + 4)
    ax.set(xlabel="test scale Q, pixels (bars below 0: the training scale)", ylabel="top-1 error (%)")
    ax.legend(labelcolor=INK)
    plt.close(fig)
    return fig
