"""Figures of evaluation: errors over nets and scales, the ladder, what is taken for what, score maps on a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from vggstudy.plots.style import BLUE, INK, MUTED, RED, WIDTH, theme

Records = Sequence[Mapping[str, Any]]


@theme()
def plot_errors(errors: Mapping[str, Mapping[Any, float]], title: str = "Top-1 error (%)") -> Figure:
    """Heat map of errors: a row a net, a column a test scale or view, the best of each row framed.

    Args:
        errors: Error in % by net, then by column; a column that a net lacks stays empty.

    Book: scales.
    """
    columns = list(dict.fromkeys(column for row in errors.values() for column in row))
    values = np.array([[row.get(column, np.nan) for column in columns] for row in errors.values()])
    fig, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.38 * len(errors)))
    sns.heatmap(
        values,
        ax=ax,
        annot=True,
        fmt=".1f",
        cmap="rocket_r",
        linewidths=1,
        xticklabels=list(map(str, columns)),
        yticklabels=list(errors),
        cbar_kws={"label": "error (%)"},
    )
    for row, line in enumerate(values):
        if not np.isnan(line).all():
            ax.add_patch(Rectangle((np.nanargmin(line), row), 1, 1, fill=False, edgecolor=INK, linewidth=2))
    ax.tick_params(axis="y", rotation=0)
    ax.grid(False)
    ax.set_title(title)
    plt.close(fig)
    return fig


@theme()
def plot_ladder(rungs: Records) -> Figure:
    """Error at each step of the evaluation ladder with its interval, and what the step costs in MACs an image.

    Args:
        rungs: `Rung.summary()` of each step, or the `rungs` that `vggstudy ladder --json` prints.

    Book: the evaluation ladder.
    """
    names = [rung["step"] for rung in rungs]
    places = np.arange(len(rungs))
    fig, (error, cost) = plt.subplots(1, 2, figsize=(WIDTH, 0.9 + 0.36 * len(rungs)), sharey=True, width_ratios=(3, 2))
    for place, rung in zip(places, rungs, strict=True):
        error.plot(rung["top1_interval"], [place, place], color=MUTED, linewidth=2)
        helps = rung["gain"] is not None and rung["gain"][1] > 0
        error.plot(rung["top1_error"], place, "o", color=BLUE if helps else MUTED)
        if rung["gain"]:
            mean, low, high = rung["gain"]
            text = f"{mean:+.1f} [{low:+.1f}; {high:+.1f}]"
            error.annotate(
                text, (rung["top1_error"], place), (0, 6), textcoords="offset points", ha="center", fontsize=7
            )
    error.set(
        title="Top-1 error (%)",
        xlabel="above each step: paired gain over the one before",
        yticks=places,
        yticklabels=names,
    )
    error.invert_yaxis()
    error.margins(0.12, 0.12)
    cost.barh(places, [rung["macs"] / rung["images"] / 1e6 for rung in rungs], color=BLUE, height=0.5)
    cost.set(title="MMACs an image", xscale="log")
    plt.close(fig)
    return fig


@theme()
def plot_confusions(labels: ArrayLike, predictions: ArrayLike, classes: Sequence[str]) -> Figure:
    """Heat map of what is taken for what: of each true class (row), the share of each predicted one, in %.

    Args:
        labels, predictions: True and most probable class of each image, `(n,)`.
        classes: Their names.

    Book: fusion.
    """
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (np.asarray(labels), np.asarray(predictions)), 1)
    shares = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = min(WIDTH, 2.2 + 0.28 * len(classes))
    fig, ax = plt.subplots(figsize=(side + 0.8, side))
    few = len(classes) <= 25
    names = list(classes) if few else "auto"
    sns.heatmap(shares, ax=ax, cmap="rocket_r", square=True, vmin=0, vmax=100, xticklabels=names, yticklabels=names,
                cbar_kws={"label": "share of the true class (%)"})  # fmt: skip
    ax.set(xlabel="taken for", ylabel="true class")
    ax.tick_params(labelsize=7)
    plt.close(fig)
    return fig


@theme()
def plot_score_map(
    picture: ArrayLike,
    scores: ArrayLike,
    centres: tuple[Sequence[float], Sequence[float]],
    title: str = "",
    boxes: Sequence[tuple[int, int, int, int]] = (),
) -> Figure:
    """A class score map laid on its picture, each score over the middle of the window that it belongs to.

    Args:
        picture: The rescaled image, uint8 RGB `(3, H, W)`.
        scores: One class, `(h, w)`.
        centres: Horizontal places of the columns, `(w,)`, and vertical places of the rows, `(h,)`, pixels.
        boxes: Rectangles to draw, `(left, top, right, bottom)` in pixels: windows or receptive fields.

    Book: dense evaluation.
    """
    pixels, scores = np.moveaxis(np.asarray(picture), 0, -1), np.asarray(scores)
    (height, width), (columns, rows) = pixels.shape[:2], centres
    fig, (plain, laid) = plt.subplots(1, 2, figsize=(WIDTH, 0.5 * WIDTH * height / width + 0.3))
    for ax in (plain, laid):
        ax.imshow(pixels, extent=(0, width, height, 0))
        ax.axis("off")
    half = [
        np.diff(places).mean() / 2 if len(places) > 1 else size / 2
        for places, size in ((columns, width), (rows, height))
    ]
    extent = (columns[0] - half[0], columns[-1] + half[0], rows[-1] + half[1], rows[0] - half[1])
    drawn = laid.imshow(scores, extent=extent, cmap="viridis", alpha=0.6)
    laid.set(xlim=(0, width), ylim=(height, 0))
    fig.colorbar(drawn, ax=laid, shrink=0.8)
    for left, top, right, bottom in boxes:
        plain.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=RED, linewidth=1.5))
    laid.set_title(title)
    plt.close(fig)
    return fig
