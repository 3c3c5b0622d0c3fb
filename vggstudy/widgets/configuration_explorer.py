"""Table 1 to walk about in: what each layer is, costs and sees, and what differs between two configurations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby, zip_longest
from typing import Any

import traitlets
from numpy.typing import ArrayLike

from vggstudy.analysis import LayerTrace, trace
from vggstudy.configs import CONFIGS, Config, find_config, parse
from vggstudy.errors import ConfigError, unknown
from vggstudy.shapes import draw
from vggstudy.widgets.base import StudyWidget, shows_errors
from vggstudy.widgets.pictures import data_url
from vggstudy.widgets.words import short

MEASURES = {"parameters": "Parameters", "macs": "MACs", "memory": "Activation memory"}
CROP_SIZE = 224  # the paper's; the picture is drawn this large


@dataclass(frozen=True)
class Cell:
    """One layer.

    `label` is Table 1's; `texts`, `shares` in % of the net and `lengths` as parts of the table's largest layer are in
    the order of `MEASURES`; `box` is the receptive field of the map's middle cell, `(left, top, right, bottom)` in
    input pixels, and may reach into the padding; `differs` names the configurations without this layer.
    """

    name: str
    label: str
    kind: str
    shape: str
    texts: tuple[str, str, str]
    shares: tuple[float, float, float]
    lengths: tuple[float, float, float]
    receptive_field: int
    stride: int
    box: tuple[int, int, int, int]
    differs: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """A configuration; its cells stand in the same rows as those of the others, block by block, `None` for a gap."""

    name: str
    weight_layers: int
    totals: tuple[str, str, str]
    cells: tuple[Cell | None, ...]


def configuration_table(configs: Iterable[Config]) -> tuple[Column, ...]:
    """The columns of Table 1, or of any other configurations, with all that is known of each layer at 224 pixels.

    Paper: Table 1, section 2.  Book: configurations.
    """
    configs = tuple(configs)
    traces = {config.name: trace(config, crop_size=CROP_SIZE)[1:] for config in configs}
    labels = {config.name: _labels(config, traces[config.name]) for config in configs}
    weights = {
        name: {(layer.name, labels[name][layer.name], layer.parameters) for layer in layers}
        for name, layers in traces.items()
    }
    largest = _each(max, (layer for layers in traces.values() for layer in layers))

    def cell(config: str, layer: LayerTrace) -> Cell:
        label, (channels, height, width) = labels[config][layer.name], layer.shape
        amounts = _amounts(layer)
        return Cell(
            name=layer.name,
            label=label,
            kind=layer.kind,
            shape=f"{channels} × {height} × {width}",
            texts=(f"{layer.parameters:,}", *_words(amounts)[1:]),
            shares=tuple(round(100 * part, 1) for part in _parts(amounts, _each(sum, traces[config]))),
            lengths=tuple(round(part, 4) for part in _parts(amounts, largest)),
            receptive_field=layer.receptive_field,
            stride=layer.stride,
            box=layer.box(height // 2, width // 2),
            differs=tuple(other for other in weights if (layer.name, label, layer.parameters) not in weights[other]),
        )

    rows = _aligned(traces.values())
    return tuple(
        Column(
            name=config.name,
            weight_layers=config.weight_layers,
            totals=_words(_each(sum, traces[config.name])),
            cells=tuple(layer and cell(config.name, layer) for layer in column),
        )
        for config, column in zip(configs, rows, strict=True)
    )


def _labels(config: Config, layers: Iterable[LayerTrace]) -> dict[str, str]:
    """Layer name -> what Table 1 calls it."""
    fully_connected = {layer.name: f"FC-{layer.shape[0]}" for layer in layers if layer.kind == "fc"}
    return {name: str(layer).replace("|", "max-pool") for name, layer in config.named_layers()} | fully_connected


def _amounts(layer: LayerTrace) -> tuple[int, int, int]:
    return layer.parameters, layer.macs, layer.activation_bytes


def _each(function: Callable[[Iterable[int]], int], layers: Iterable[LayerTrace]) -> tuple[int, ...]:
    """Sum or maximum over the layers, measure by measure."""
    return tuple(map(function, zip(*map(_amounts, layers), strict=True)))


def _parts(amounts: Iterable[int], wholes: Iterable[int]) -> Iterator[float]:
    return (amount / whole for amount, whole in zip(amounts, wholes, strict=True))


def _words(amounts: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(short(amount, unit) for amount, unit in zip(amounts, ("", "", "B"), strict=True))


def _aligned(columns: Iterable[Iterable[LayerTrace]]) -> list[list[LayerTrace | None]]:
    """The layers with gaps, so that a block, max-pool or fully-connected layer begins in the same row everywhere."""
    groups = [[list(group) for _, group in groupby(column, key=_stage)] for column in columns]
    heads = zip_longest(*(column[:-1] for column in groups), fillvalue=[])
    rows = [*heads, tuple(column[-1] for column in groups)]
    padded = [list(zip_longest(*group)) for group in rows]
    return [list(column) for column in zip(*(row for group in padded for row in group), strict=True)]


def _stage(layer: LayerTrace) -> str:
    return layer.kind if layer.kind in ("pool", "fc") else "block"


class ConfigurationExplorer(StudyWidget):
    """Table 1 in columns, each layer with what it costs; the layer under the pointer or the focus is explained.

    Args:
        config: The configuration, and
        layer: the layer that is explained at first.
        compared: Another configuration; where the two differ is marked.
        measure: What the bars show: `"parameters"`, `"macs"` or `"memory"`.
        picture: uint8 RGB `(3, H, W)`, square, on which the receptive field is drawn; a made image if left out.
    Raises:
        ConfigError: Naming the value and what is allowed.

    On a kernel, `add` puts a stack of the reader's own beside the paper's.  `cell` is the record on show.
    Paper: Table 1.
    """

    _script = "configuration_explorer"
    _shown = ("config", "layer", "compared", "measure")

    config = traitlets.Unicode("D").tag(sync=True)
    layer = traitlets.Unicode("fc6").tag(sync=True)
    compared = traitlets.Unicode().tag(sync=True)
    measure = traitlets.Enum(tuple(MEASURES), "parameters").tag(sync=True)
    stack = traitlets.Unicode(help="a stack typed on the page, in the paper's notation").tag(sync=True)
    measures = traitlets.List(list(MEASURES.items())).tag(sync=True)
    columns = traitlets.List(help="of `Column` records").tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        config: str = "D",
        layer: str = "fc6",
        compared: str = "",
        measure: str = "parameters",
        picture: ArrayLike | None = None,
    ) -> None:
        if measure not in MEASURES:
            raise ConfigError(unknown("measure", measure, MEASURES))
        self._configs = dict(CONFIGS)
        self._table = configuration_table(CONFIGS.values())
        config, compared = find_config(config).name, find_config(compared).name if compared else ""
        self._find(config, layer)
        picture = draw(14, seed=7).images[13] if picture is None else picture
        super().__init__(config=config, layer=layer, compared=compared, measure=measure, picture=data_url(picture))
        self.columns = [asdict(column) for column in self._table]

    def _find(self, config: str, layer: str) -> Cell:
        cells = {cell.name: cell for column in self._table if column.name == config for cell in column.cells if cell}
        if layer not in cells:
            raise ConfigError(unknown(f"layer of {config}", layer, cells))
        return cells[layer]

    @property
    def cell(self) -> Cell:
        return self._find(self.config, self.layer)

    def add(self, config: str | Config, name: str = "yours") -> None:
        """Put a column beside the paper's six and compare it with the one on show; the same name replaces it.

        Args:
            config: A stack in the paper's notation, or a `Config`, which brings its own name.
            name: What to call the stack.
        Raises:
            ConfigError: If the stack is not understood or the name is one of the paper's.
        """
        config = config if isinstance(config, Config) else parse(config, name)
        if config.name in CONFIGS:
            raise ConfigError(f"name={config.name!r}: Table 1 has that name; give the stack another")
        self._table = configuration_table({**self._configs, config.name: config}.values())
        self._configs[config.name] = config
        with self.hold_sync():
            self.columns = [asdict(column) for column in self._table]
            self.compared = self.config if self.config != config.name else self.compared
            self.config, self.layer = config.name, "fc6"

    @traitlets.observe("stack")
    @shows_errors
    def _add_typed(self, _change: Any) -> None:
        if self.stack.strip():
            self.add(self.stack)
