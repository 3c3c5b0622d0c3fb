"""Figures of training: how a run went, and how runs of several seeds compare."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from vggstudy.plots.style import BLUE, COLOURS, MUTED, RED, WIDTH, theme

Records = Sequence[Mapping[str, Any]]

SMOOTHED = 25  # updates over which a training loss is averaged


@theme()
def plot_run(records: Records, num_classes: int) -> Figure:
    """Loss, errors and learning rate of one run, by update; the rate's falls are upright lines.

    Args:
        records: Steps of the run, oldest first, as the trainer yields or writes them.
        num_classes: `K`, to mark ln K.

    Book: training.
    """
    steps = np.array([record["step"] for record in records])
    losses = np.array([record["loss"] for record in records])
    rates = np.array([record["lr"] for record in records])
    validated = [record for record in records if record["val_loss"] is not None]
    at = [record["step"] for record in validated]
    fig, (loss, error, rate) = plt.subplots(1, 3, figsize=(WIDTH, 2.7))
    loss.plot(steps, losses, color=BLUE, linewidth=0.6, alpha=0.35)
    loss.plot(*_smoothed(steps, losses), color=BLUE, label="training")
    loss.plot(at, [record["val_loss"] for record in validated], "o-", color=RED, markersize=4, label="validation")
    loss.axhline(math.log(num_classes), color=MUTED, linestyle="--", linewidth=1, label=f"ln {num_classes}")
    loss.set(title="Loss", ylim=(0, None))
    loss.legend(fontsize=8, loc="center right")
    for name, style, label in (("val_top1_error", "o-", "top-1"), ("val_top5_error", "o--", "top-5")):
        error.plot(at, [record[name] for record in validated], style, color=RED, markersize=4, label=label)
    error.set(title="Validation error (%)", ylim=(0, None))
    error.legend(fontsize=8)
    rate.plot(steps, rates, color=BLUE)
    rate.set(title="Learning rate", yscale="log")
    falls = steps[1:][rates[1:] < rates[:-1] * 2 / 3]
    for ax in (loss, error, rate):
        ax.set_xlabel("update")
        for fall in falls:
            ax.axvline(fall, color=MUTED, linestyle=":", linewidth=1)
    plt.close(fig)
    return fig


def _smoothed(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over `SMOOTHED` updates, at the last of each."""
    width = min(SMOOTHED, len(values))
    return steps[width - 1 :], np.convolve(values, np.full(width, 1 / width), "valid")


@theme()
def plot_seeds(settings: Mapping[str, Sequence[Records]]) -> Figure:
    """Training loss and validation error by epoch: a thin line a seed, a thick one for their mean.

    Args:
        settings: Label -> runs, a record an epoch in each, all of the same length.

    Book: training.
    """
    fig, axes = plt.subplots(1, 2, figsize=(WIDTH, 3))
    for (label, runs), shade in zip(settings.items(), COLOURS.values(), strict=False):
        epochs = [record["epoch"] for record in runs[0]]
        for ax, name in zip(axes, ("loss", "val_top1_error"), strict=True):
            values = np.array([[record[name] for record in run] for run in runs])
            ax.plot(epochs, values.T, color=shade, linewidth=0.8, alpha=0.5)
            ax.plot(epochs, values.mean(axis=0), "o-", color=shade, markersize=4, label=label)
    axes[0].set(title="Training loss", xlabel="epoch", ylim=(0, None))
    axes[1].set(title="Validation top-1 error (%)", xlabel="epoch", ylim=(0, None))
    axes[0].legend(fontsize=8)
    plt.close(fig)
    return fig
