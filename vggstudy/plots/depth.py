"""Figures of depth: the nets before the paper, what changes with depth, and what depth can express."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator
from numpy.typing import ArrayLike

from vggstudy.analysis import LayerTrace
from vggstudy.plots.style import BLUE, CARD, COLOURS, INK, MUTED, ORANGE, WIDTH, colour, theme

Traces = Mapping[str, Sequence[LayerTrace]]

_DASHES = ("-", "--", ":", "-.")  # nets that are not the paper's share one grey


@theme()
def plot_first_layers(layers: Mapping[str, tuple[int, int]], side: int = 24) -> Figure:
    """What neighbouring cells of a first layer see: their centres, and the fields of two of them.

    Args:
        layers: Title -> (kernel, stride), pixels.
        side: Of the piece of image that is shown, pixels.

    Book: depth.
    """
    fig, axes = plt.subplots(1, len(layers), figsize=(WIDTH, 3.0), squeeze=False)
    for ax, (title, (kernel, stride)) in zip(axes[0], layers.items(), strict=True):
        corners = np.arange(0, side - kernel + 1, stride)
        centres = corners + (kernel - 1) / 2
        rows, columns = np.meshgrid(centres, centres, indexing="ij")
        ax.plot(columns.flat, rows.flat, ".", color=INK, markersize=2.5)
        for place, shade in ((0, BLUE), (1, ORANGE)):
            corner = corners[len(corners) // 2 - 1 + place] - 0.5, corners[len(corners) // 2 - 1] - 0.5
            ax.add_patch(Rectangle(corner, kernel, kernel, facecolor=shade, alpha=0.25, linewidth=0))
            ax.add_patch(Rectangle(corner, kernel, kernel, fill=False, edgecolor=shade, linewidth=1.8))
        ax.set(title=title, xlabel=f"{kernel}×{kernel}, stride {stride}", aspect="equal")
        ax.set(xlim=(-0.5, side - 0.5), ylim=(side - 0.5, -0.5), xticks=[], yticks=[])
        ax.grid(False)
    plt.close(fig)
    return fig


@theme()
def plot_field_by_layer(traces: Traces) -> Figure:
    """Receptive field after each convolution, and after the last max-pool, a line a net.

    Args:
        traces: Name of the net -> its records; those that are not in Table 1 are grey, one dash pattern each.

    Book: depth.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.8))
    dashes = iter(_DASHES)
    for name, layers in traces.items():
        last = [layer for layer in layers if layer.kind == "pool"][-1]
        fields = [layer.receptive_field for layer in layers if layer.kind == "conv"] + [last.receptive_field]
        places = np.arange(1, len(fields) + 1)
        dash = "-" if name in COLOURS else next(dashes)
        ax.plot(places, fields, dash, marker="o", markersize=3.5, color=colour(name), label=name)
        ax.annotate(
            str(fields[-1]), (places[-1], fields[-1]), (6, 0), textcoords="offset points", va="center", fontsize=9
        )
    ax.set(xlabel="convolution (last point of each line: the last max-pool)", ylabel="receptive field, pixels")
    ax.set(xlim=(0.5, None), ylim=(0, None))
    ax.xaxis.set_major_locator(MultipleLocator(2))
    ax.legend(loc="lower right")
    plt.close(fig)
    return fig


@theme()
def plot_costs(traces: Traces) -> Figure:
    """Parameters and multiply-accumulates of each net, those of the fully-connected layers apart.

    Args:
        traces: Name of the net -> its records.

    Book: depth.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 0.9 + 0.36 * len(traces)), sharey=True)
    panels = (("parameters", 1e6, "parameters, millions"), ("macs", 1e9, "10⁹ MACs for one crop"))
    for ax, (what, unit, label) in zip(axes, panels, strict=True):
        left = np.zeros(len(traces))
        for part, shade in (("convolutions", BLUE), ("fully connected", ORANGE)):
            values = [
                sum(getattr(layer, what) for layer in layers if (layer.kind == "fc") == (shade == ORANGE)) / unit
                for layers in traces.values()
            ]
            ax.barh(list(traces), values, left=left, color=shade, label=part, edgecolor=CARD)
            left += values
        for row, total in enumerate(left):
            ax.text(total, row, f" {total:.3g}", va="center", fontsize=9)
        ax.set(xlabel=label, xlim=(0, 1.18 * left.max()))
        ax.grid(axis="y", visible=False)
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=2)
    plt.close(fig)
    return fig


@theme()
def plot_error_by_depth(
    nets: Mapping[str, tuple[int, float]], configurations: Mapping[str, tuple[int, float]]
) -> Figure:
    """Top-5 error against depth: nets of different papers, and the configurations of this one.

    Args:
        nets: Label -> (weight layers, error in %), grey diamonds.
        configurations: Name -> (weight layers, error in %), in their colours, joined by a line.

    Paper: Tables 3 and 7.  Book: depth.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.9))
    for label, (depth, error) in nets.items():
        ax.plot(depth, error, "D", color=MUTED, markersize=7)
        ax.annotate(label, (depth, error), (0, -9), textcoords="offset points", ha="center", va="top", fontsize=9)
    ax.plot(*zip(*configurations.values(), strict=True), color=MUTED, linewidth=1)
    for name, (depth, error) in configurations.items():
        ax.plot(depth, error, "o", color=colour(name), markersize=8)
        ax.annotate(name, (depth, error), (7, 4), textcoords="offset points", fontsize=9)
    deepest = max(depth for depth, _ in (*nets.values(), *configurations.values()))
    ax.set(xlabel="weight layers", ylabel="top-5 error, %", xlim=(6, deepest + 2), ylim=(0, None))
    ax.xaxis.set_major_locator(MultipleLocator(2))
    plt.close(fig)
    return fig


@theme()
def plot_comparisons(
    factors: Mapping[str, Mapping[str, float]], points: Mapping[str, float], tolerance: float
) -> Figure:
    """What each comparison of two nets changes, as a factor, and what happens to the error.

    Args:
        factors: Comparison -> quantity -> its factor; 1 is no change.
        points: Comparison -> change of the error, percentage points.
        tolerance: Largest relative change that counts as held fixed, and stays white.

    Book: depth.
    """
    rows, columns = list(factors), list(next(iter(factors.values())))
    values = np.array([[factors[row][column] for column in columns] for row in rows])
    strength = np.where(np.abs(values - 1) <= tolerance, 0, np.abs(np.log2(values)))
    fig, ax = plt.subplots(figsize=(WIDTH, 1.1 + 0.42 * len(rows)))
    ax.imshow(
        strength, cmap=LinearSegmentedColormap.from_list("change", (CARD, ORANGE)), vmin=0, vmax=1.6, aspect="auto"
    )
    for (row, column), value in np.ndenumerate(values):
        weight = "normal" if strength[row, column] else "bold"
        ax.text(column, row, f"×{value:.2f}", ha="center", va="center", fontsize=9, fontweight=weight)
    for row, name in enumerate(rows):
        ax.text(len(columns) - 0.35, row, f"{points[name]:+.1f}".replace("-", "−"), va="center", fontsize=10)
    ax.text(len(columns) - 0.35, -0.75, "top-1,\npoints", va="bottom", fontsize=9)
    ax.set_xticks(range(len(columns)), [column.replace(" ", "\n", 1) for column in columns], fontsize=9)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    ax.grid(False)
    ax.set_xlim(-0.5, len(columns) + 0.3)
    plt.close(fig)
    return fig


@theme()
def plot_kinks_by_relus(nets: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """Kinks along a line through the inputs of random nets, against how many ReLUs they have; both axes logarithmic.

    Args:
        nets: Label -> (ReLUs, kinks), an entry a draw; seven nets at most.

    Book: depth.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6))
    most = 1.0
    for (label, (relus, kinks)), shade in zip(nets.items(), (*COLOURS.values(), INK), strict=False):
        filled = {"markersize": 10, "fillstyle": "none"} if shade == INK else {"markersize": 6}
        ax.plot(relus, kinks, "o", color=shade, label=label, **filled)
        most = max(most, float(np.max(relus)))
    ax.plot([1, 2 * most], [1, 2 * most], color=MUTED, linestyle="--", linewidth=1, zorder=0)
    ax.annotate("one kink a ReLU", (most**0.45, most**0.45), (-6, 4), textcoords="offset points", ha="right",
                fontsize=9, color=MUTED)  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="ReLUs", ylabel="kinks along the line")
    ax.legend(title="layers", loc="lower right", fontsize=9)
    plt.close(fig)
    return fig
