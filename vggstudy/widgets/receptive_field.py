"""Stacks of small filters against the one large filter that sees as much: section 2.3, to be tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import traitlets

from vggstudy.analysis import trace
from vggstudy.configs import LRN, Config, Conv, parse
from vggstudy.errors import ConfigError, unknown
from vggstudy.widgets.base import StudyWidget, shows_errors

KERNELS = (3, 5)
LAYERS = (1, 2, 3, 4, 5)
SIDES = {64: 224, 128: 112, 256: 56, 512: 28}  # channels -> side of the maps on which the paper's nets have them


@dataclass(frozen=True)
class Row:
    """One quantity of the stack and of the single layer, in numbers and in words.

    `shares` are both as parts of the larger one, the lengths of two bars.
    """

    name: str
    stack: int
    single: int
    stack_text: str
    single_text: str
    shares: tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """A stack and the one layer that sees as much, on a map of `side` cells; `fields` grow layer by layer, in cells."""

    side: int
    stack: str
    single: str
    layers: tuple[str, ...]
    fields: tuple[int, ...]
    rows: tuple[Row, ...]

    def row(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)


def compare(stack: Config, side: int) -> Comparison:
    """Compare a stack with one layer that has its receptive field, its stride and its outputs.

    As in section 2.3 the stack reads as many channels as its first layer has, and biases are not counted.

    Args:
        stack: Convolutions, max-pools.
        side: Of the square map that the stack reads, cells.
    Raises:
        ConfigError: If the stack normalises (LRN weighs nothing and sees nothing), or pools the map away.

    Paper: section 2.3.  Book: small filters.
    """
    if any(isinstance(layer, LRN) for layer in stack.layers):
        allowed = "conv<odd kernel>-<channels>, |"
        raise ConfigError(f"{stack.notation!r}: LRN is not compared here; allowed tokens: {allowed}")
    inputs = stack.convs[0].channels
    # A 1x1 layer before the stack, left out of the count, turns the image's three channels into the stack's own number.
    layers = trace(Config(stack.name, (Conv(1, inputs), *stack.layers)), crop_size=side)[2:-3]
    last = layers[-1]
    outputs, height, width = last.shape
    weights = sum(layer.parameters - layer.shape[0] for layer in layers if layer.kind == "conv")
    single_weights = last.receptive_field**2 * inputs * outputs
    square = inputs**2 if {layer.shape[0] for layer in layers} == {inputs} else None
    rows = (
        _row("Weights", weights, single_weights, lambda count: _in_squares(count, square)),
        _row("MACs", sum(layer.macs for layer in layers), single_weights * height * width, _short),
        _row("Activations", sum(layer.activation_bytes for layer in layers), last.activation_bytes, _bytes),
        _row("ReLUs", len(stack.convs), 1, str),
    )
    return Comparison(
        side=side,
        stack=stack.notation,
        single=f"conv{last.receptive_field}-{outputs}",
        layers=tuple(str(layer).replace("|", "max-pool") for layer in stack.layers),
        fields=tuple(layer.receptive_field for layer in layers),
        rows=rows,
    )


def _row(name: str, stack: int, single: int, words: Callable[[int], str]) -> Row:
    largest = max(stack, single)
    shares = round(stack / largest, 4), round(single / largest, 4)
    return Row(name, stack, single, words(stack), words(single), shares)


def _in_squares(weights: int, square: int | None) -> str:
    """The paper's way to count, 27 C² against 49 C², where all layers have C channels."""
    return f"{weights:,}" if square is None else f"{weights // square} C² = {weights:,}"


def _bytes(count: int) -> str:
    return f"{_short(count)}B"


def _short(count: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 1000 * size else f"{count / size:,.0f} {unit}"
    return f"{count} "


def receptive_field_states() -> dict[str, Comparison]:
    """Every comparison that the widget can show without a kernel, by `"kernel,layers,channels"`."""
    return {
        f"{kernel},{layers},{channels}": compare(parse(f"conv{kernel}-{channels} " * layers), SIDES[channels])
        for kernel, layers, channels in product(KERNELS, LAYERS, SIDES)
    }


class ReceptiveFieldBench(StudyWidget):
    """Layers of k×k, one on another, beside the one layer with the same receptive field.

    Args:
        kernel: Side of the small filters, 3 or 5.
        layers: How many of them, 1 to 5.
        channels: Of every layer, 64, 128, 256 or 512; the map has the side at which the paper's nets have them.
        stack: A stack of your own in the paper's notation, `"conv5-64 conv3-64 |"`, shown instead; it needs a kernel
            only when it is changed.
    Raises:
        ConfigError: Naming the value and what is allowed.

    `comparison` is the record on show.  Paper: section 2.3.
    """

    _script = "receptive_field"
    _shown = ("kernel", "layers", "channels", "stack")

    kernel = traitlets.Int(3).tag(sync=True)
    layers = traitlets.Int(3).tag(sync=True)
    channels = traitlets.Int(64).tag(sync=True)
    stack = traitlets.Unicode().tag(sync=True)
    states = traitlets.Dict().tag(sync=True)
    own = traitlets.Dict(default_value=None, allow_none=True, help="the comparison of `stack`").tag(sync=True)

    def __init__(self, kernel: int = 3, layers: int = 3, channels: int = 64, stack: str = "") -> None:
        chosen = {"kernel": kernel, "layers": layers, "channels": channels}
        for (name, value), allowed in zip(chosen.items(), (KERNELS, LAYERS, SIDES), strict=True):
            if value not in allowed:
                raise ConfigError(unknown(name, value, map(str, allowed)))
        states = {key: asdict(comparison) for key, comparison in receptive_field_states().items()}
        super().__init__(**chosen, states=states)
        if stack:
            compare_own(stack)  # a mistake in a cell is an error of that cell; one in the page is shown there
        self.stack = stack

    @property
    def comparison(self) -> Comparison:
        if self.own:
            return compare_own(self.stack)
        return receptive_field_states()[f"{self.kernel},{self.layers},{self.channels}"]

    @traitlets.observe("stack")
    @shows_errors
    def _compare_own(self, _change: Any) -> None:
        self.own = None
        if self.stack.strip():
            self.own = asdict(compare_own(self.stack))


def compare_own(notation: str) -> Comparison:
    """The comparison of a reader's own stack, on a map of 224 cells."""
    return compare(parse(notation), side=224)
