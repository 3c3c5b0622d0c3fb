"""Figures of images: what is in a data set, and how large its objects are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from vggstudy.plots.style import INK, WIDTH, theme


@theme()
def plot_samples(images: Sequence[ArrayLike], titles: Sequence[str] = (), columns: int = 5) -> Figure:
    """Images in a grid, row by row, all at one scale: a smaller image looks smaller.

    Args:
        images: uint8 RGB, each `(3, H, W)`.
        titles: One an image, or none at all.

    Book: the data.
    """
    pixels = [np.moveaxis(np.asarray(image), 0, -1) for image in images]
    height, width = np.max([picture.shape[:2] for picture in pixels], axis=0)
    rows = -(-len(pixels) // columns)
    side = WIDTH / columns
    room = 0.25 if titles else 0.05  # inches above an image
    size = (WIDTH, rows * (side * height / width + room))
    fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for ax, picture, title in zip_longest(axes.flat, pixels, titles):
        ax.axis("off")
        if picture is not None:
            ax.imshow(picture)
            ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
            ax.set_title(title or "", fontsize=8, fontweight="normal", pad=3)
    plt.close(fig)
    return fig


@theme()
def plot_object_sizes(sizes: Mapping[str, ArrayLike], marks: Mapping[str, float] | None = None) -> Figure:
    """How large the objects are at each scale, as shares of the images.

    Args:
        sizes: Label, such as a training or a test scale -> longer sides of the objects, pixels.
        marks: Label -> pixels of what they are compared with, such as the crop or a receptive field.

    Book: the data.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    longest = max(np.max(values) for values in sizes.values())
    bins = np.arange(0, longest + 4, 2)
    shades = plt.get_cmap("viridis")(np.linspace(0.1, 0.8, len(sizes)))
    for (label, values), shade in zip(sizes.items(), shades, strict=True):
        values = np.asarray(values)
        shares = np.histogram(values, bins)[0] / len(values)
        ax.stairs(100 * shares, bins, fill=True, color=shade, alpha=0.25)
        ax.stairs(100 * shares, bins, color=shade, linewidth=1.8, label=label)
    for label, place in (marks or {}).items():
        ax.axvline(place, color=INK, linestyle="--", linewidth=1)
        ax.annotate(f"{label} ", (place, 1), xycoords=("data", "axes fraction"), ha="right", va="top", fontsize=9)
    ax.set(xlabel="longer side of the object (pixels)", ylabel="images (%)", xlim=(0, None), ylim=(0, None))
    ax.legend()
    plt.close(fig)
    return fig
