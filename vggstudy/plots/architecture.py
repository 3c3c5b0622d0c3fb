"""Figures of configurations: what their layers see, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator, PercentFormatter
from numpy.typing import ArrayLike

from vggstudy.analysis import LayerTrace
from vggstudy.plots.style import BLUE, CARD, INK, MUTED, ORANGE, RED, SKY, WIDTH, colour, theme

Traces = Mapping[str, Sequence[LayerTrace]]


@theme()
def plot_routes(routes: Mapping[str, ArrayLike]) -> Figure:
    """Number of routes from each input pixel to one output unit, a square panel a stack.

    Args:
        routes: Title -> counts, shape `(field, field)`.

    Book: small filters.
    """
    fig, axes = plt.subplots(1, len(routes), figsize=(WIDTH, 2.9), squeeze=False)
    for ax, (title, counts) in zip(axes[0], routes.items(), strict=True):
        counts = np.asarray(counts)
        ax.imshow(counts, cmap="Blues", vmin=0, vmax=2 * counts.max())
        for (row, column), count in np.ndenumerate(counts):
            ax.text(column, row, f"{count:g}", ha="center", va="center", fontsize=8)
        ax.set(title=title, xticks=[], yticks=[], xlabel=f"{counts.shape[1]} × {counts.shape[0]} pixels")
        ax.grid(False)
    plt.close(fig)
    return fig


@theme()
def plot_weights_by_field(fields: Sequence[int]) -> Figure:
    """Weights that a receptive field costs, as one layer and as a stack of 3x3, in units of C².

    Args:
        fields: Odd sides of the receptive field, pixels.

    Book: small filters.
    """
    sides = np.asarray(fields)
    one, stack = sides**2, 9 * (sides - 1) // 2
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    places = np.arange(len(sides))
    for shift, values, label, shade in (
        (-0.2, one, "one layer", ORANGE),
        (0.2, stack, "stack of 3×3 layers", BLUE),
    ):
        bars = ax.bar(places + shift, values, 0.38, color=shade, label=label)
        ax.bar_label(bars, fmt="%g", padding=2, fontsize=9)
    ax.set_xticks(places, [f"{side}×{side}" for side in sides])
    ax.set(xlabel="receptive field, pixels", ylabel="weights, in units of $C^2$")
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper left")
    plt.close(fig)
    return fig


@theme()
def plot_kinks(position: ArrayLike, outputs: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> Figure:
    """The output of a unit along a straight line through the space of inputs, its kinks marked.

    Args:
        position: Place on the line, shape `(n,)`.
        outputs: Title -> (values, shape `(n,)`; indices of the kinks).

    Book: small filters.
    """
    position = np.asarray(position)
    fig, axes = plt.subplots(1, len(outputs), figsize=(WIDTH, 2.7), squeeze=False)
    for ax, (title, (values, kinks)) in zip(axes[0], outputs.items(), strict=True):
        values, kinks = np.asarray(values), np.asarray(kinks, dtype=int)
        ax.plot(position, values, color=BLUE)
        ax.plot(position[kinks], values[kinks], "o", color=RED, markersize=4)
        ax.set(title=title, xlabel="place on the line", yticks=[])
    axes[0, 0].set_ylabel("output of one unit")
    plt.close(fig)
    return fig


@theme()
def plot_field_growth(traces: Traces, crop_size: int = 224) -> Figure:
    """Receptive field after each weight layer up to fc6, a line a configuration, across it the crop's side.

    Args:
        traces: Name of the configuration -> records of `trace`.
        crop_size: Pixels.

    Book: small filters.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.8))
    ends = []
    for name, layers in traces.items():
        fields = [layer.receptive_field for layer in layers if layer.kind == "conv" or layer.name == "fc6"]
        depth = np.arange(1, len(fields) + 1)
        ax.plot(depth, fields, marker="o", markersize=4, color=colour(name), label=name)
        ends.append((depth[-1], fields[-1], name))
    for depth, field, name in ends:
        ax.annotate(f"{name} {field}", (depth, field), (6, 0), textcoords="offset points", va="center", fontsize=9)
    ax.axhline(crop_size, color=MUTED, linestyle="--", linewidth=1)
    ax.annotate(f"the crop: {crop_size}", (1, crop_size), (0, 4), textcoords="offset points", fontsize=9, color=MUTED)
    ax.set(xlabel="weight layer (the last of each line is fc6)", ylabel="receptive field, pixels")
    ax.set_xlim(0.5, max(depth for depth, *_ in ends) + 1.8)
    ax.set_ylim(0, None)
    ax.xaxis.set_major_locator(MultipleLocator(2))
    plt.close(fig)
    return fig


@theme()
def plot_fields_on_image(layer: LayerTrace, cells: Sequence[tuple[int, int]], crop_size: int = 224) -> Figure:
    """Receptive fields of some cells of one layer, drawn over the crop and the padding around it.

    Args:
        layer: Record of `trace`.
        cells: `(row, column)` of each cell.
        crop_size: Pixels.

    Book: small filters.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 4.4))
    ax.add_patch(Rectangle((0, 0), crop_size, crop_size, facecolor="#E9E6DD", edgecolor=INK, linewidth=1.5))
    for (row, column), shade in zip(cells, (RED, BLUE, ORANGE, "#009E73", "#CC79A7"), strict=False):
        left, top, right, bottom = layer.box(row, column)
        ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=shade, linewidth=2))
        ax.plot((left + right - 1) / 2, (top + bottom - 1) / 2, "o", color=shade, label=f"cell ({row}, {column})")
    reach = max(-layer.offset, 0) + 12
    ax.set(xlim=(-reach, crop_size + reach), ylim=(crop_size + reach, -reach), aspect="equal")
    ax.set(
        xlabel="input column, pixels",
        ylabel="input row, pixels",
        title=f"{layer.name}: {layer.receptive_field} pixels",
    )
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    plt.close(fig)
    return fig


@theme()
def plot_effective_field(gradient: ArrayLike, side: int) -> Figure:
    """Size of a cell's gradient over its receptive field, as a picture and by column.

    Args:
        gradient: Root mean square, shape `(field, field)`; the picture's edge is the field's.
        side: Of the square around the middle that holds nine tenths of the squared gradient, pixels.

    Book: small filters.
    """
    gradient = np.asarray(gradient)
    field = len(gradient)
    edge = (field - side) / 2 - 0.5
    fig, (ax, profile) = plt.subplots(1, 2, figsize=(WIDTH, 3.4), width_ratios=(1, 1.25))
    ax.imshow(gradient, cmap="magma")
    ax.add_patch(Rectangle((edge, edge), side, side, fill=False, edgecolor=SKY, linewidth=2))
    ax.set(xlabel="column of the field, pixels", ylabel="row of the field, pixels")
    ax.grid(False)
    squares = np.square(gradient).sum(axis=0)
    profile.fill_between(np.arange(field), squares / squares.sum(), step="mid", color=INK, alpha=0.3, linewidth=0)
    for place in (edge, edge + side):
        profile.axvline(place, color=BLUE, linewidth=2)
    profile.set(xlabel="column of the field, pixels", ylabel="share of the squared gradient")
    profile.set(xlim=(-0.5, field - 0.5), ylim=(0, None))
    plt.close(fig)
    return fig


@theme()
def plot_parameter_split(traces: Traces) -> Figure:
    """Parameters of each configuration: convolutions, fc6, and the other two fully-connected layers.

    Args:
        traces: Name of the configuration -> records of `trace`.

    Paper: Table 2.  Book: configurations.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    names, left = list(traces), np.zeros(len(traces))
    for label, shade in (("convolutions", BLUE), ("fc6", ORANGE), ("fc7 and fc8", "#F3D08A")):
        values = np.array([sum(layer.parameters for layer in traces[name] if _part(layer) == label) for name in names])
        ax.barh(names, values / 1e6, left=left / 1e6, color=shade, label=label, edgecolor=CARD)
        left += values
    for row, total in enumerate(left):
        ax.text(total / 1e6 + 1, row, f"{total / 1e6:.1f}", va="center", fontsize=9)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="parameters, millions", xlim=(0, 1.1 * left.max() / 1e6))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    plt.close(fig)
    return fig


def _part(layer: LayerTrace) -> str:
    if layer.kind != "fc":
        return "convolutions"
    return "fc6" if layer.name == "fc6" else "fc7 and fc8"


@theme()
def plot_layer_shares(layers: Sequence[LayerTrace]) -> Figure:
    """Share of each layer in the net's parameters, multiply-accumulates and activation memory, a panel each.

    Args:
        layers: Records of `trace`.

    Book: configurations.
    """
    names = [layer.name for layer in layers]
    panels = {
        "parameters": [layer.parameters for layer in layers],
        "MACs": [layer.macs for layer in layers],
        "activations": [layer.activation_bytes for layer in layers],
    }
    shades = [ORANGE if layer.kind == "fc" else BLUE for layer in layers]
    fig, axes = plt.subplots(1, 3, figsize=(WIDTH, 0.6 + 0.2 * len(names)), sharey=True)
    for ax, (title, values) in zip(axes, panels.items(), strict=True):
        ax.barh(names, np.array(values) / sum(values), color=shades)
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.set(title=title)
        ax.margins(y=0.01)
        ax.grid(axis="y", visible=False)
    axes[0].invert_yaxis()
    axes[0].tick_params(axis="y", labelsize=8.5)
    plt.close(fig)
    return fig


@theme()
def plot_error_by_cost(giga_macs: Mapping[str, float], errors: Mapping[str, float], ylabel: str) -> Figure:
    """Reported error of each configuration against the arithmetic of one crop.

    Args:
        giga_macs: Configuration -> 10⁹ multiply-accumulates.
        errors: Configuration -> error in %.
        ylabel: Which error.

    Book: configurations.
    """
    fig, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for name, cost in giga_macs.items():
        ax.plot(cost, errors[name], "o", color=colour(name), markersize=9)
        ax.annotate(name, (cost, errors[name]), (8, 5), textcoords="offset points")
    ax.set(xlabel="10⁹ MACs for one crop", ylabel=ylabel, xlim=(0, 1.1 * max(giga_macs.values())))
    ax.yaxis.set_major_locator(MultipleLocator(0.5))
    plt.close(fig)
    return fig


@theme()
def plot_normalised(before: ArrayLike, after: Mapping[str, ArrayLike]) -> Figure:
    """What a response normalisation makes of each channel at one place.

    Args:
        before: Activations, shape `(channels,)`.
        after: Label -> normalised activations, same shape.

    Paper: section 2.2.  Book: configurations.
    """
    before = np.asarray(before)
    fig, ax = plt.subplots(figsize=(WIDTH, 2.9))
    channels = np.arange(len(before))
    ax.bar(channels, before, color="#CFCBC0", label="before")
    for (label, values), shade in zip(after.items(), (BLUE, ORANGE, RED), strict=False):
        ax.plot(channels, np.asarray(values), "o", color=shade, label=label)
    ax.set(xlabel="channel", ylabel="activation", xticks=channels[:: max(1, len(channels) // 16)])
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper right", fontsize=9)
    plt.close(fig)
    return fig
