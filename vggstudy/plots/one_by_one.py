"""Figures of 1x1 convolutions: what they do at one position, what they cost, what they leave as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import EngFormatter
from numpy.typing import ArrayLike

from vggstudy.plots.style import BLUE, INK, MUTED, ORANGE, RED, SKY, WIDTH, colour, theme

Box = tuple[int, int, int, int]


@theme()
def plot_units(picture: ArrayLike, maps: Mapping[str, ArrayLike]) -> Figure:
    """A picture and what units of 1x1 layers make of it, a panel a unit.

    Args:
        picture: uint8 RGB `(3, H, W)`.
        maps: Title -> output `(H, W)`, zero or more; each panel is as bright as its largest value.

    Book: 1x1 convolutions.
    """
    fig, (first, *rest) = plt.subplots(1, 1 + len(maps), figsize=(WIDTH, 1.9))
    first.imshow(np.moveaxis(np.asarray(picture), 0, -1))
    first.set_title("the picture", fontsize=9)
    for ax, (title, values) in zip(rest, maps.items(), strict=True):
        ax.imshow(np.asarray(values), cmap="gray", vmin=0)
        ax.set_title(title, fontsize=9)
    for ax in (first, *rest):
        ax.axis("off")
    plt.close(fig)
    return fig


@theme()
def plot_plane(units: Mapping[str, ArrayLike], labels: tuple[str, str] = ("red", "green")) -> Figure:
    """What a unit says to every pair of values of two channels; where it is silent the panel is grey.

    Args:
        units: Title -> output `(n, n)` after ReLU: rows the second channel, columns the first, both from 0 to 1.
        labels: Names of the first and the second channel.

    Book: 1x1 convolutions.
    """
    fig, axes = plt.subplots(1, len(units), figsize=(WIDTH, 3.1), squeeze=False, sharey=True)
    silent = plt.get_cmap("YlOrRd").with_extremes(bad="#D5D2CA")
    for ax, (title, values) in zip(axes[0], units.items(), strict=True):
        values = np.asarray(values)
        drawn = ax.imshow(
            np.where(values > 0, values, np.nan), extent=(0, 1, 0, 1), origin="lower", cmap=silent, vmin=0
        )
        ax.plot([1, 0.5, 0], [0, 0.5, 1], "o--", color=INK, markersize=4, linewidth=1, clip_on=False)
        ax.set(title=title, xlabel=labels[0])
        ax.grid(False)
        fig.colorbar(drawn, ax=ax, shrink=0.8)
    axes[0, 0].set_ylabel(labels[1])
    plt.close(fig)
    return fig


@theme()
def plot_added(costs: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Figure:
    """What the layers cost that two configurations add in the same places, a panel a measure.

    Args:
        costs: Measure -> configuration -> layer -> number.

    Book: 1x1 convolutions.
    """
    fig, axes = plt.subplots(1, len(costs), figsize=(WIDTH, 2.9), squeeze=False, sharey=True)
    for ax, (measure, nets) in zip(axes[0], costs.items(), strict=True):
        for shift, (name, layers) in zip((-0.2, 0.2), nets.items(), strict=True):
            places = np.arange(len(layers)) + shift
            bars = ax.barh(places, list(layers.values()), 0.38, color=colour(name), label=name)
            ax.bar_label(bars, [_three_figures(count) for count in layers.values()], padding=3, fontsize=8)
        ax.set(title=measure, yticks=range(len(layers)), yticklabels=list(layers))
        ax.xaxis.set_major_formatter(EngFormatter())
        ax.margins(x=0.18)
        ax.grid(axis="y", visible=False)
    axes[0, 0].invert_yaxis()
    axes[0, -1].legend(loc="lower right")
    plt.close(fig)
    return fig


def _three_figures(count: float) -> str:
    places = 2 - int(np.log10(count)) % 3
    return EngFormatter(places=places)(count)


@theme()
def plot_fields(gradients: Mapping[str, ArrayLike], boxes: Mapping[str, Box]) -> Figure:
    """Which pixels can change one cell, a panel a net: each pixel with any gradient, the brighter the larger.

    Args:
        gradients: Net -> absolute gradient `(H, W)`.
        boxes: Net -> receptive field by the arithmetic, `(left, top, right, bottom)` in pixels, the last two excluded.

    Book: 1x1 convolutions.
    """
    fig, axes = plt.subplots(1, len(gradients), figsize=(WIDTH, 2.9), squeeze=False)
    for ax, (name, gradient) in zip(axes[0], gradients.items(), strict=True):
        gradient = np.asarray(gradient)
        # Logarithm: the edge is far fainter than the middle.  A pixel without any gradient stays empty.
        with np.errstate(divide="ignore"):
            brightness = np.log10(gradient / gradient.max())
        brightness[gradient == 0] = np.nan
        ax.imshow(brightness, cmap=plt.get_cmap("magma").with_extremes(bad="#E9E6DD"))
        left, top, right, bottom = boxes[name]
        ax.add_patch(
            Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, edgecolor=SKY, linewidth=2)
        )
        ax.set(title=f"{name}: {right - left} pixels", xticks=[], yticks=[])
        ax.grid(False)
    plt.close(fig)
    return fig


@theme()
def plot_gains(gains: Mapping[str, Mapping[str, tuple[float, float, float]]], paper: Mapping[str, float]) -> Figure:
    """By how many points of error one net is better than another, a panel a pair, a row a protocol.

    Args:
        gains: Pair -> protocol -> (mean, low, high), percentage points.
        paper: Pair -> the paper's difference, percentage points.

    Book: 1x1 convolutions.
    """
    fig, axes = plt.subplots(1, len(gains), figsize=(WIDTH, 2.9), squeeze=False, sharex=True, sharey=True)
    for ax, (pair, rows) in zip(axes[0], gains.items(), strict=True):
        for place, (mean, low, high) in enumerate(rows.values()):
            ax.plot([low, high], [place, place], color=MUTED, linewidth=2)
            ax.plot(mean, place, "o", color=BLUE if low > 0 else RED if high < 0 else MUTED)
        ax.axvline(0, color=INK, linewidth=1)
        ax.axvline(paper[pair], color=ORANGE, linestyle="--")
        ax.annotate(f"the paper\n{paper[pair]:+.1f}", (paper[pair], -0.65), (4, 0), textcoords="offset points",
                    va="center", fontsize=8)  # fmt: skip
        ax.set(title=pair, xlabel="gain, points of top-1 error", yticks=range(len(rows)), yticklabels=list(rows))
        ax.set_ylim(len(rows) - 0.5, -1.1)
        ax.grid(axis="y", visible=False)
    plt.close(fig)
    return fig


@theme()
def plot_bottlenecks(designs: Mapping[str, Mapping[str, Sequence[tuple[str, int]]]]) -> Figure:
    """Weights of a layer and of the bottleneck that replaces it, a panel a design, the layers end to end.

    Args:
        designs: Title -> row -> (layer, weights) from first to last.

    Book: 1x1 convolutions.
    """
    fig, axes = plt.subplots(len(designs), 1, figsize=(WIDTH, 1.55 * len(designs)), squeeze=False)
    for ax, (title, rows) in zip(axes[:, 0], designs.items(), strict=True):
        for place, layers in enumerate(rows.values()):
            left = 0
            for layer, weights in layers:
                shade = ORANGE if layer.startswith("conv1-") else BLUE
                ax.barh(place, weights, 0.6, left=left, color=shade, edgecolor="white")
                left += weights
            ax.annotate(f"{left:,}", (left, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
        ax.set(title=title, yticks=range(len(rows)), yticklabels=list(rows))
        ax.xaxis.set_major_formatter(EngFormatter())
        ax.margins(x=0.14)
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
    axes[-1, 0].set_xlabel("weights (blue: filters with a view, orange: 1×1)")
    plt.close(fig)
    return fig
