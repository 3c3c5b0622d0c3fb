"""Figures of trainings side by side: loss, validation error and learning rate of several runs over their epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vggstudy.plots.style import MUTED, WIDTH, theme

Records = Sequence[Mapping[str, Any]]

SMOOTHING = 50  # parts of a run over which the loss is averaged


@theme()
def plot_curves(runs: Mapping[str, Records], num_classes: int | None = None) -> Figure:
    """Loss, validation error and learning rate of some runs.

    Args:
        runs: Name -> its steps, as `runs.read_metrics` gives them (`dataclasses.asdict` of each `Step`).
        num_classes: Draws ln K, the loss of guessing.

    Book: training.
    """
    fig, (loss, error, rate) = plt.subplots(3, 1, figsize=(WIDTH, 6.4), sharex=True, height_ratios=(3, 3, 1.4))
    for name, steps in runs.items():
        epochs = _column(steps, "epoch")
        (line,) = loss.plot(epochs, running_mean(_column(steps, "loss")), label=name)
        _points(loss, steps, "val_loss", line.get_color())
        _points(error, steps, "val_top1_error", line.get_color())
        rate.plot(epochs, _column(steps, "lr"), color=line.get_color())
    if num_classes:
        loss.axhline(log(num_classes), color=MUTED, linestyle=":", label=f"ln {num_classes} (guessing)")
    loss.set(ylabel="loss, nats", title="Loss: running mean of the training batches; dots: validation")
    loss.legend()
    error.set(ylabel="top-1 error, %", title="Validation error", ylim=(0, None))
    rate.set(ylabel="learning rate", yscale="log", xlabel="epochs")
    plt.close(fig)
    return fig


def _points(ax: Axes, steps: Records, name: str, color: str) -> None:
    validated = [step for step in steps if step.get(name) is not None]
    ax.plot(_column(validated, "epoch"), _column(validated, name), "o-", color=color, markersize=4, linewidth=0.8)


def _column(steps: Records, name: str) -> NDArray[np.float64]:
    return np.array([step[name] for step in steps], float)


def running_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each value and those before it, over a fiftieth of the run."""
    window = max(1, len(values) // SMOOTHING)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - window)
    return (sums[ends] - sums[starts]) / (ends - starts)
