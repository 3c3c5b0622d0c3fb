"""The pre-initialisation lab: what the signal does from layer to layer, foretold and measured, for each beginning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, floor, isfinite, log10

import traitlets

from vggstudy.configs import CONFIGS
from vggstudy.errors import ConfigError, unknown
from vggstudy.starts import FROM_A, Start
from vggstudy.widgets.base import StudyWidget

# View -> its title, and which quantities of a `Start` it draws: (measured or "", forecast or "").
VIEWS = {
    "activations": ("Activations before ReLU", ("activation_std", "forecast")),
    "gradients": ("Gradients of the loss", ("gradient_std", "")),
    "paper": ("Activations at the paper’s width, forecast only", ("", "paper_forecast")),
}
METHOD_TITLES = {"normal": "N(0, 0.01)", "glorot": "Glorot", "he": "He", FROM_A: "from A, rest He"}


@dataclass(frozen=True)
class Line:
    """Standard deviations of one way to begin: `heights` on the axis, 0 at its foot and 1 at its top, `None` where
    there is nothing to draw, and the same as `texts`."""

    method: str
    measured: bool
    heights: tuple[float | None, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """One configuration in one view, on a logarithmic axis that all configurations share; a tick is (height, text)."""

    layers: tuple[str, ...]
    copied: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]


def charts(starts: Mapping[str, Sequence[Start]], view: str) -> dict[str, Chart]:
    """The chart of each configuration.

    Args:
        starts: Configuration -> what `measure_starts` measured.
        view: One of `VIEWS`.
    """
    _, quantities = VIEWS[view]
    drawn = {
        config: [
            (start.method, measured, getattr(start, quantity))
            for start in records
            for measured, quantity in zip((True, False), quantities, strict=True)
            if quantity and getattr(start, quantity)
        ]
        for config, records in starts.items()
    }
    values = [value for lines in drawn.values() for *_, line in lines for value in line if _drawable(value)]
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    high = max(high, low + 1)

    def height(value: float) -> float | None:
        return round((log10(value) - low) / (high - low), 4) if _drawable(value) else None

    step = -(-(high - low) // 8)
    ticks = tuple((height(10.0**power), f"10{_raised(power)}") for power in range(low, high + 1, step))
    return {
        config: Chart(
            starts[config][0].layers,
            next((start.copied for start in starts[config] if start.copied), ()),
            ticks,
            tuple(
                Line(method, measured, tuple(map(height, line)), tuple(f"{value:.2g}" for value in line))
                for method, measured, line in lines
            ),
        )
        for config, lines in drawn.items()
    }


def _drawable(value: float) -> bool:
    return value > 0 and isfinite(value)


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


class PreInitialisationLab(StudyWidget):
    """Standard deviation of activations and gradients from layer to layer, for each way to begin.

    Args:
        starts: Configuration -> what `measure_starts` measured for it.
        config: The configuration shown at first.
        view: `"activations"`, `"gradients"` or `"paper"`.
        layer: Number of the layer whose values are read out, 0 for the first; the last one if left out.
    Raises:
        ConfigError: Naming the value and what is allowed.

    `add` takes another configuration's.  Paper: section 3.1.
    """

    _script = "preinitialisation"
    _shown = ("config", "view", "layer")

    config = traitlets.Unicode().tag(sync=True)
    view = traitlets.Unicode("activations").tag(sync=True)
    layer = traitlets.Int().tag(sync=True)
    views = traitlets.List([(name, title) for name, (title, _) in VIEWS.items()]).tag(sync=True)
    methods = traitlets.Dict(METHOD_TITLES, help="method -> title").tag(sync=True)
    charts = traitlets.Dict(help="view -> configuration -> `Chart` record").tag(sync=True)

    def __init__(
        self,
        starts: Mapping[str, Sequence[Start]],
        config: str = "D",
        view: str = "activations",
        layer: int | None = None,
    ) -> None:
        if config not in starts:
            raise ConfigError(unknown("configuration", config, starts))
        if view not in VIEWS:
            raise ConfigError(unknown("view", view, VIEWS))
        layers = starts[config][0].layers
        if layer is not None and layer not in range(len(layers)):
            raise ConfigError(f"layer={layer!r}: allowed are 0 to {len(layers) - 1}")
        self._starts = dict(starts)
        super().__init__(config=config, view=view, layer=len(layers) - 1 if layer is None else layer)
        self._draw()

    def _draw(self) -> None:
        self.charts = {
            view: {config: asdict(chart) for config, chart in charts(self._starts, view).items()} for view in VIEWS
        }

    def add(self, config: str, starts: Iterable[Start]) -> None:
        """Put another configuration beside the others and show it; the same name replaces it."""
        if config in CONFIGS and config not in self._starts:
            raise ConfigError(f"config={config!r}: Table 1 has that name; give the stack another")
        self._starts[config] = tuple(starts)
        with self.hold_sync():
            self._draw()
            self.config, self.layer = config, len(self._starts[config][0].layers) - 1
