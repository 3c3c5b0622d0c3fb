"""Figures of crops and of the dense pass: the grid, the cells in which the two differ, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from vggstudy.plots.style import BLUE, CARD, INK, ORANGE, WIDTH, theme


@theme()
def plot_crop_grid(picture: ArrayLike, corners: Sequence[tuple[int, int]], crop: int, values: ArrayLike) -> Figure:
    """The crops of a grid on their picture, and one number for each.

    Args:
        picture: uint8 RGB `(3, H, W)`.
        corners: Top and left pixel of each crop, row by row of a square grid.
        crop: Side of a crop, pixels.
        values: Posterior of one class in each crop, `(crops,)`.

    Book: multi_crop.
    """
    pixels = np.moveaxis(np.asarray(picture), 0, -1)
    height, width = pixels.shape[:2]
    side = round(len(corners) ** 0.5)
    fig, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 0.46 * WIDTH * height / width + 0.4))
    left.imshow(pixels, extent=(0, width, height, 0))
    left.axis("off")
    for number, (top, start) in enumerate(corners):
        marked = number in (0, len(corners) // 2, len(corners) - 1)
        left.add_patch(Rectangle((start, top), crop, crop, fill=False, edgecolor=ORANGE if marked else CARD,
                                 linewidth=2 if marked else 0.5, zorder=3 if marked else 2))  # fmt: skip
    left.set_title(f"{len(corners)} crops of {crop}×{crop}")
    sns.heatmap(np.asarray(values).reshape(side, side), ax=right, annot=True, fmt=".2f", cmap="viridis", vmin=0, vmax=1,
                square=True, cbar=False, xticklabels=False, yticklabels=False, linewidths=1)  # fmt: skip
    right.set_title("posterior of the true class")
    plt.close(fig)
    return fig


@theme()
def plot_cell_differences(maps: Mapping[str, ArrayLike], equal: float) -> Figure:
    """By how much each cell of a crop's last map differs from the same cell of the whole image's map, in %.

    Args:
        maps: Title -> differences `(side, side)`, % of the cell's length.
        equal: Difference up to which a cell counts as the same, and is framed.

    Book: multi_crop.
    """
    fig, axes = plt.subplots(1, len(maps), figsize=(WIDTH, 0.7 + WIDTH / len(maps)), squeeze=False)
    top = max(float(np.max(values)) for values in maps.values())
    for ax, (title, values) in zip(axes[0], maps.items(), strict=True):
        values = np.asarray(values)
        sns.heatmap(values, ax=ax, annot=True, fmt=".0f", cmap="rocket_r", vmin=0, vmax=top, square=True, cbar=False,
                    xticklabels=False, yticklabels=False, linewidths=0.5, annot_kws={"fontsize": 8})  # fmt: skip
        for row, column in zip(*np.nonzero(values <= equal), strict=True):
            ax.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=BLUE, linewidth=2.5))
        ax.set_title(title)
        ax.grid(False)
    plt.close(fig)
    return fig


@theme()
def plot_protocol_costs(macs: Mapping[str, float]) -> Figure:
    """Multiply-accumulates of ways to test one image, as bars.

    Args:
        macs: Protocol -> 10⁹ MACs.

    Book: multi_crop.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 0.6 + 0.38 * len(macs)))
    ax.barh(list(macs), list(macs.values()), color=BLUE, height=0.6)
    for row, value in enumerate(macs.values()):
        ax.text(value, row, f" {value:,.0f}", va="center", fontsize=9, color=INK)
    ax.set(xlabel="10⁹ MACs for each image", xlim=(0, 1.12 * max(macs.values())))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    plt.close(fig)
    return fig
