"""Gains side by side: what is measured here with its interval, and what the paper reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from vggstudy.plots.style import BLUE, INK, MUTED, RED, WIDTH, theme

if TYPE_CHECKING:
    from vggstudy.bootstrap import Estimate

LINEAR = 2  # points of gain up to which the axis is linear; beyond, it is logarithmic
TICKS = (-20, -10, -5, -2, -1, 0, 1, 2, 5, 10, 20)


def shade(gain: Estimate) -> str:
    """Blue for a gain beyond its interval, red for a loss, grey where the images do not decide."""
    return BLUE if gain.low > 0 else RED if gain.high < 0 else MUTED


@theme()
def plot_gains(
    groups: Mapping[str, Mapping[str, tuple[float | None, Estimate | None]]], names: Sequence[str] = ("paper", "ours")
) -> Figure:
    """A row a comparison, under the heading of its group: the paper's gain as a star, ours as a dot with its interval.

    Args:
        groups: Heading -> row -> (the paper's gain, ours), in points of error; `None` where there is none.
        names: What the star and the dot stand for.

    Book: scales.
    """
    size = sum(1 + len(rows) for rows in groups.values())
    fig, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.27 * size))
    place, labels = 0, {}
    for heading, rows in groups.items():
        labels[place] = heading
        for name, (paper, ours) in rows.items():
            place += 1
            labels[place] = name
            if ours is not None:
                colour = shade(ours)
                ax.plot([ours.low, ours.high], [place, place], color=colour, linewidth=2.5, solid_capstyle="butt")
                ax.plot(ours.mean, place, "o", color=colour, markersize=6)
            if paper is not None:
                ax.plot(paper, place, "*", color=INK, markersize=8)
        place += 1
    ax.axvline(0, color=INK, linewidth=1)
    given = [pair for rows in groups.values() for pair in rows.values()]
    ends = [0.0, *(paper for paper, _ in given if paper is not None)]
    ends += [end for _, ours in given if ours is not None for end in (ours.low, ours.high)]
    if max(map(abs, ends)) > LINEAR:
        ax.set_xscale("symlog", linthresh=LINEAR)
        ax.set_xticks(TICKS, [f"{tick:+d}" if tick else "0" for tick in TICKS])
        ax.minorticks_off()
    margin = 0.15 * (max(ends) - min(ends))
    ax.set_xlim(min(ends) - margin, max(ends) + margin)
    ax.set_yticks(list(labels), list(labels.values()))
    for tick, text in zip(ax.get_yticklabels(), labels.values(), strict=True):
        tick.set_fontweight("bold" if text in groups else "normal")
        tick.set_fontsize(9)
    ax.set_ylim(size - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("gain, points of top-1 error (to the right: the error falls)")
    if any(paper is not None for paper, _ in given):
        marks = [ax.plot([], [], style, color=hue)[0] for style, hue in (("*", INK), ("o-", MUTED))]
        fig.legend(marks, names, loc="outside upper right", ncols=2, fontsize=9)
    plt.close(fig)
    return fig
