"""How figures look: one colour a configuration, on a light card that reads on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns

# The palette of Okabe and Ito, told apart with any kind of colour vision.
BLUE, SKY, GREEN, ORANGE, RED, PINK = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7"

COLOURS = {"A": BLUE, "A-LRN": SKY, "B": GREEN, "C": ORANGE, "D": RED, "E": PINK}

CARD, INK, GRID, MUTED = "#FBFAF7", "#22262B", "#DEDBD3", "#6B6F76"
OTHER = MUTED  # any stack that is not in Table 1

WIDTH = 7.6  # inches: the width of the book's text column


def colour(name: str) -> str:
    """The colour of a configuration; stacks outside Table 1 are grey."""
    return COLOURS.get(name, OTHER)


def _settings() -> dict[str, Any]:
    return {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("notebook", font_scale=0.85),
        "figure.facecolor": CARD,
        "savefig.facecolor": CARD,
        "axes.facecolor": CARD,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.prop_cycle": plt.cycler(color=list(COLOURS.values())),
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "legend.frameon": False,
        "figure.dpi": 144,
        "figure.constrained_layout.use": True,
        "image.interpolation": "nearest",
    }


@contextmanager
def theme() -> Iterator[None]:
    """The book's look for the figures drawn inside; as `@theme()` it decorates a plotting function."""
    with plt.rc_context(_settings()):
        yield
