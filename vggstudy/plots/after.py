"""Figures of what came after: features by layer, boxes, and where later networks keep their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from vggstudy.plots.style import BLUE, CARD, GREEN, INK, MUTED, ORANGE, PINK, RED, SKY, WIDTH, theme

Records = Sequence[Mapping[str, Any]]


@theme()
def plot_layers(panels: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]], line: str) -> Figure:
    """Error of a linear classifier on the features of each layer, a panel a number of training images.

    Args:
        panels: Title -> weights (trained, random) -> layer -> top-1 errors in %, one a draw; the mean is drawn as a
            line, smallest to largest as a band.  The weights called `line` have no layers and are a level line.

    Book: after VGG.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.4), sharey=True, squeeze=False)
    for ax, (title, weights) in zip(axes.flat, panels.items(), strict=True):
        for shade, (name, layers) in zip((RED, BLUE, GREEN), weights.items(), strict=False):
            if name == line:
                (values,) = layers.values()
                ax.axhline(np.mean(values), color=MUTED, linestyle="--", linewidth=1.4, label=name)
                ax.axhspan(min(values), max(values), color=MUTED, alpha=0.15, linewidth=0)
                continue
            places = np.arange(len(layers))
            low, mean, high = (np.array([f(values) for values in layers.values()]) for f in (min, np.mean, max))
            ax.fill_between(places, low, high, color=shade, alpha=0.2, linewidth=0)
            ax.plot(places, mean, "o-", color=shade, markersize=4, label=name)
            ax.set_xticks(places, list(layers), rotation=50, fontsize=8)
        ax.set_title(title, fontsize=9)
    axes[0, 0].set(ylabel="top-1 error (%)", ylim=(0, None))
    axes[0, -1].legend(fontsize=8, loc="lower left")
    plt.close(fig)
    return fig


@theme()
def plot_boxes(
    images: Sequence[ArrayLike], boxes: Mapping[str, Sequence[Sequence[float]]], titles: Sequence[str] = ()
) -> Figure:
    """Images with boxes drawn on them.

    Args:
        images: uint8 RGB, each `(3, H, W)`.
        boxes: Label -> left, top, right, bottom of each image's box, pixels.
        titles: One an image.

    Book: after VGG.
    """
    fig, axes = plt.subplots(1, len(images), figsize=(WIDTH, WIDTH / len(images) + 0.5), squeeze=False)
    for place, (ax, image) in enumerate(zip(axes.flat, images, strict=True)):
        pixels = np.moveaxis(np.asarray(image), 0, -1)
        height, width = pixels.shape[:2]
        ax.imshow(pixels, extent=(0, width, height, 0))
        for shade, style, (label, rows) in zip((CARD, ORANGE, SKY), ("-", "-", "--"), boxes.items(), strict=False):
            left, top, right, bottom = rows[place]
            ax.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=shade, linestyle=style,
                          linewidth=1.6, label=label)
            )  # fmt: skip
        ax.set(xlim=(0, width), ylim=(height, 0))
        ax.axis("off")
        if titles:
            ax.set_title(titles[place], fontsize=8, fontweight="normal")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    # White on a light card would not be seen, so the key is drawn on the colour of a night sky.
    fig.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=True,
               facecolor=INK, labelcolor=CARD)  # fmt: skip
    plt.close(fig)
    return fig


@theme()
def plot_overlap(curves: Mapping[str, Mapping[int, float]]) -> Figure:
    """Mean overlap of predicted and true boxes against the number of training images.

    Args:
        curves: Title -> images -> mean IoU.

    Book: after VGG.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.0))
    for shade, (title, curve) in zip((ORANGE, BLUE, GREEN, PINK), curves.items(), strict=False):
        ax.plot(list(curve), list(curve.values()), "o-", color=shade, markersize=4, label=title)
    ticks = sorted({images for curve in curves.values() for images in curve})
    ax.set(xscale="log", xlabel="training images", ylabel="mean IoU with the true box")
    ax.set_xticks(ticks, ticks)
    ax.minorticks_off()
    ax.legend(fontsize=8)
    plt.close(fig)
    return fig


@theme()
def plot_shares(
    panels: Mapping[str, Mapping[str, Mapping[str, float]]], units: Mapping[str, tuple[float, str]]
) -> Figure:
    """What networks are made of: a bar a network, divided by kind of layer, its total at the end.

    Args:
        panels: Title -> network -> kind -> amount.
        units: Title -> what the total is divided by, and how it is written, such as `(1e6, "{:.1f} M")`.

    Book: after VGG.
    """
    shades = (ORANGE, BLUE, SKY, PINK, RED, MUTED)
    fig, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 3.6), sharey=True, squeeze=False)
    for ax, (title, nets) in zip(axes.flat, panels.items(), strict=True):
        places = np.arange(len(nets))
        totals = np.array([sum(kinds.values()) for kinds in nets.values()])
        left = np.zeros(len(nets))
        for shade, kind in zip(shades, next(iter(nets.values())), strict=False):
            shares = 100 * np.array([kinds[kind] for kinds in nets.values()]) / totals
            ax.barh(places, shares, left=left, color=shade, height=0.7, label=kind)
            left += shares
        for place, total in zip(places, totals, strict=True):
            divisor, written = units[title]
            ax.annotate(written.format(total / divisor), (101, place), va="center", fontsize=8, annotation_clip=False)
        ax.set(title=title, xlim=(0, 100), xlabel="share (%)")
        ax.set_yticks(places, list(nets), fontsize=8)
        ax.grid(axis="y", visible=False)
    axes[0, 0].invert_yaxis()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    plt.close(fig)
    return fig
