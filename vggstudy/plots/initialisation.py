"""Figures of initialisation: how large the signal is at each layer, and which beginning keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from vggstudy.plots.style import WIDTH, theme


@theme()
def plot_signals(
    layers: Sequence[str], panels: Mapping[str, Mapping[str, Sequence[float]]], dashed: Sequence[str] = ()
) -> Figure:
    """Sizes of a signal from layer to layer on logarithmic axes, a panel below another.

    Args:
        layers: Names of the weight layers, first to last.
        panels: Title -> label -> one positive value a layer.
        dashed: Labels that are forecast rather than measured; each has the colour of the line before it.

    Book: initialisation.
    """
    fig, axes = plt.subplots(len(panels), 1, figsize=(WIDTH, 2.6 * len(panels)), sharex=True, squeeze=False)
    for ax, (title, lines) in zip(axes.flat, panels.items(), strict=True):
        before: dict[str, Any] = {}
        for label, values in lines.items():
            style = {**before, "linestyle": "--"} if label in dashed else {"marker": "o", "markersize": 3}
            (line,) = ax.plot(layers, values, label=label, **style)
            before = {"color": line.get_color()}
        ax.set(title=title, yscale="log")
        ax.legend(fontsize=7, ncols=2)
    ax.tick_params(axis="x", rotation=60)
    plt.close(fig)
    return fig
