"""Figures of dense evaluation and of segmentation: what each position sees, and which class each pixel gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from vggstudy.plots.style import BLUE, GREEN, GRID, INK, ORANGE, PINK, RED, WIDTH, theme

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
HUES = (BLUE, ORANGE, GREEN, PINK, RED)
BACKGROUND = "#1C1F24"


@theme()
def plot_positions(size: tuple[int, int], positions: Mapping[str, tuple[Box, Box]]) -> Figure:
    """Positions of a score map over the picture: the crop that each stands for, and all the pixels that it sees.

    Args:
        size: Height and width of the picture, pixels.
        positions: Label -> window and receptive field, the second of which may reach beyond the picture.

    Book: dense evaluation.
    """
    height, width = size
    fig, ax = plt.subplots(figsize=(WIDTH, 4.4))
    ax.add_patch(Rectangle((0, 0), width, height, facecolor="#E9E6DD", edgecolor=INK, linewidth=1.5))
    for (label, boxes), shade in zip(positions.items(), (RED, BLUE, ORANGE, GREEN), strict=False):
        for (left, top, right, bottom), line in zip(boxes, ("-", "--"), strict=True):
            ax.add_patch(
                Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=shade, linewidth=2, ls=line)
            )
        left, top, right, bottom = boxes[0]
        ax.plot((left + right) / 2, (top + bottom) / 2, "o", color=shade, label=label)
    fields = np.array([field for _, field in positions.values()])
    low, high = min(fields[:, :2].min(), 0) - 12, max(fields[:, 2:].max(), height, width) + 12
    ax.set(xlim=(low, high), ylim=(high, low), aspect="equal", xlabel="column, pixels", ylabel="row, pixels")
    ax.set_title("Window (line) and receptive field (dashes)")
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    plt.close(fig)
    return fig


def class_colours(num_classes: int, shades: int = 4) -> NDArray[np.float64]:
    """RGB of each class, `(num_classes, 3)`: dark for background, then runs of `shades` tones of one hue."""
    colours = [sns.color_palette([BACKGROUND])[0]]
    hues = HUES if (num_classes - 1) <= shades * len(HUES) else sns.husl_palette(-(-(num_classes - 1) // shades))
    for hue in hues:
        colours += sns.blend_palette(["#FFFFFF", hue, "#000000"], shades + 4)[2:-2]
    return np.array(colours[:num_classes])


@theme()
def plot_segmentations(
    pictures: Sequence[ArrayLike],
    segmentations: Mapping[str, Sequence[ArrayLike]],
    num_classes: int,
    truth: str | None = None,
) -> Figure:
    """A row a picture: the picture, and beside it the class of each pixel as each column has it.

    Args:
        pictures: uint8 RGB, each `(3, H, W)`.
        segmentations: Title -> classes of the pixels of each picture, `(H, W)`; 0 is background.
        num_classes: Background included.
        truth: The column that is right; over each other one stands the share of its pixels that differ, in %.

    Book: dense evaluation.
    """
    colours = class_colours(num_classes)
    columns = 1 + len(segmentations)
    side = WIDTH / columns
    shape = np.max([np.shape(picture)[1:] for picture in pictures], axis=0)
    fig, axes = plt.subplots(
        len(pictures), columns, figsize=(WIDTH, len(pictures) * (side * shape[0] / shape[1] + 0.22)), squeeze=False
    )
    for row, (line, picture) in enumerate(zip(axes, pictures, strict=True)):
        line[0].imshow(np.moveaxis(np.asarray(picture), 0, -1))
        line[0].set_title("picture" if row == 0 else "", fontsize=8, fontweight="normal", pad=3)
        for ax, (title, found) in zip(line[1:], segmentations.items(), strict=True):
            classes = np.asarray(found[row])
            ax.imshow(colours[classes])
            said = [title] if row == 0 else []
            if truth and title != truth:
                said.append(f"{100 * np.mean(classes != np.asarray(segmentations[truth][row])):.1f}% wrong")
            ax.set_title(": ".join(said), fontsize=8, fontweight="normal", pad=3)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_color(GRID)
    plt.close(fig)
    return fig
