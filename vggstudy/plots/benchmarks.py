"""Figures of the benchmarks: ratios beside their goals, how cost grows, and what training would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from vggstudy.plots.style import BLUE, GREEN, INK, MUTED, ORANGE, RED, WIDTH, colour, theme

Records = Sequence[Mapping[str, Any]]

VERDICTS = {"met": GREEN, "missed": RED, "no goal": MUTED}
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


@theme()
def plot_ratios(rows: Records) -> Figure:
    """Each comparison of each row: ratio with its spread over the rounds, the goal as an upright line.

    Args:
        rows: As `load_results` returns them; the jobs of a row are numbered, if it has several.

    Book: benchmarks.
    """
    found = [
        (f"{row['row']}{f' ({number})' if len(row['jobs']) > 1 else ''}", one)
        for row in rows
        for number, job in enumerate(row["jobs"], 1)
        for one in job["comparisons"]
    ]
    places = np.arange(len(found))
    fig, ax = plt.subplots(figsize=(WIDTH, 1.0 + 0.29 * len(found)))
    for place, (_, one) in zip(places, found, strict=True):
        ratio, shade = one["ratio"], VERDICTS[one["verdict"]]
        ax.plot([ratio["min"], ratio["max"]], [place, place], color=shade, linewidth=2, solid_capstyle="butt")
        ax.plot(ratio["median"], place, "o", color=shade)
        if one["goal"] is not None:
            ax.plot([one["goal"]] * 2, [place - 0.38, place + 0.38], color=INK, linewidth=1.5)
    for name, shade in VERDICTS.items():
        ax.plot([], [], "o", color=shade, label=name)
    ax.plot([], [], "|", color=INK, markersize=10, label="goal")
    ax.axvline(1, color=MUTED, linestyle="--", linewidth=1)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(PLAIN)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks(places, [f"{name}: {one['against']}" for name, one in found], fontsize=8)
    ax.set_xlabel("how many times better than the other (median, smallest and largest of the rounds)")
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.legend(loc="upper right", fontsize=8)
    plt.close(fig)
    return fig


@theme()
def plot_growth(curves: Records, columns: int = 2) -> Figure:
    """Cost against size on logarithmic axes, a panel a curve, with the slope that arithmetic alone would have.

    Args:
        curves: As `load_results` returns them.
        columns: Panels side by side.

    Book: benchmarks.
    """
    rows = -(-len(curves) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(WIDTH, 2.3 * rows), squeeze=False)
    for ax, curve in zip(axes.flat, curves, strict=False):
        x = np.array([point["x"] for point in curve["points"]])
        y, low, high = (np.array([point[key] for point in curve["points"]]) for key in ("median", "min", "max"))
        middle = np.exp(np.log(y).mean() + curve["expected"] * (np.log(x) - np.log(x).mean()))
        ax.plot(x, middle, color=MUTED, linestyle="--", linewidth=1, label=f"exponent {curve['expected']:g}")
        ax.errorbar(x, y, (y - low, high - y), color=BLUE, marker="o", markersize=4, label=f"{curve['exponent']:.2f}")
        for cliff in curve["cliffs"]:
            ax.axvspan(cliff["from"], cliff["to"], color=ORANGE, alpha=0.2, linewidth=0)
        ax.set(xscale="log", yscale="log")
        ax.set_xlabel(curve["x"], fontsize=8)
        ax.set_ylabel(curve["y"], fontsize=8)
        ax.set_xticks(x, [f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in x], fontsize=7)
        ax.yaxis.set_major_formatter(PLAIN)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_formatter(NullFormatter())
        ax.tick_params(axis="y", labelsize=7)
        ax.legend(fontsize=7, loc="upper left")
    for ax in axes.flat[len(curves) :]:
        ax.set_visible(False)
    plt.close(fig)
    return fig


@theme()
def plot_scaling(speed_ups: Mapping[str, Mapping[int, float]]) -> Figure:
    """Speed-up over one GPU against the number of GPUs; the diagonal is what nobody passes.

    Args:
        speed_ups: Title of a line -> GPUs -> speed-up.

    Book: cost.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.6))
    most = max(gpus for line in speed_ups.values() for gpus in line)
    ax.plot([1, most], [1, most], color=MUTED, linestyle="--", linewidth=1, label="linear")
    for shade, (title, line) in zip((BLUE, GREEN, ORANGE, RED), speed_ups.items(), strict=False):
        ax.plot(list(line), list(line.values()), marker="o", markersize=4, color=shade, label=title)
    ticks = sorted({gpus for line in speed_ups.values() for gpus in line})
    ax.set(xscale="log", yscale="log", xlabel="GPUs", ylabel="speed-up over one GPU")
    ax.set_xticks(ticks, ticks)
    ax.set_yticks(ticks, ticks)
    ax.minorticks_off()
    ax.legend()
    plt.close(fig)
    return fig


@theme()
def plot_hours(hours: Mapping[str, float], unit: str = "GPU hours") -> Figure:
    """Hours of each net, in the colours of the configurations.

    Args:
        hours: Name of the net, beginning with its configuration -> hours.
        unit: What they are.

    Book: cost.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 0.8 + 0.3 * len(hours)))
    bars = ax.barh(list(hours), list(hours.values()), color=[colour(name.split()[0]) for name in hours], height=0.7)
    ax.bar_label(bars, fmt="%.3g", padding=3, fontsize=8)
    ax.set_xlabel(unit)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    plt.close(fig)
    return fig
