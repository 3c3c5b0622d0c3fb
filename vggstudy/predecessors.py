"""The nets that the paper starts from, layer by layer, and the same arithmetic for them as for Table 1.

Their layers have what the paper's have not: strides, pools that overlap, groups of channels.  A record says which
variant of a net it is, and where its details come from::

    trace_predecessor("AlexNet")          # records like those of `analysis.trace`
    describe("AlexNet")                   # "conv11-96/4 | conv5-256 | conv3-384 conv3-384 conv3-256 |"
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from vggstudy.analysis import LayerTrace
from vggstudy.errors import ConfigError, unknown


@dataclass(frozen=True)
class Convolution:
    """A convolution followed by ReLU.  `groups` splits the channels: each output reads one group of the inputs."""

    kernel: int
    channels: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    def __str__(self) -> str:
        return f"conv{self.kernel}-{self.channels}" + (f"/{self.stride}" if self.stride > 1 else "")


@dataclass(frozen=True)
class MaxPool:
    """A max-pool.  With `ceil` a window that begins inside the map but does not fit counts as well."""

    kernel: int
    stride: int
    ceil: bool = False

    def __str__(self) -> str:
        return "|"


@dataclass(frozen=True)
class Predecessor:
    """A net that came before, or beside, the paper's.

    Args:
        name: What the book calls it.
        year: Of the ILSVRC challenge that it belongs to; of the paper, for a later variant.
        crop_size: Side of its square input, pixels.
        layers: Convolutions and max-pools; normalisation has no weights and is left out.
        fully_connected: Outputs of the fully-connected layers, the last being the classes.
        citation: Key in `book/references.bib`.
        source: Where its details come from, and what is ours.
        parameters_millions, connections_millions: As its paper gives them, decimals cut off; `None` if it does not.
    """

    name: str
    year: int
    crop_size: int
    layers: tuple[Convolution | MaxPool, ...]
    fully_connected: tuple[int, ...]
    citation: str
    source: str
    parameters_millions: int | None = None
    connections_millions: int | None = None

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        return tuple(layer for layer in self.layers if isinstance(layer, Convolution))

    @property
    def weight_layers(self) -> int:
        """Convolutions plus fully-connected layers."""
        return len(self.convolutions) + len(self.fully_connected)


_OVERLAPPING = MaxPool(3, 2)  # section 3.4 of Krizhevsky et al.
_OVERFEAT_SOURCE = "Sermanet et al. 2014, {}; parameters and connections from its Table 4."

PREDECESSORS: dict[str, Predecessor] = {
    net.name: net
    for net in (
        Predecessor(
            "AlexNet", 2012, 227,
            (
                Convolution(11, 96, stride=4), _OVERLAPPING,
                Convolution(5, 256, padding=2, groups=2), _OVERLAPPING,
                Convolution(3, 384, padding=1), Convolution(3, 384, padding=1, groups=2),
                Convolution(3, 256, padding=1, groups=2), _OVERLAPPING,
            ),
            (4096, 4096, 1000), "krizhevsky2012",
            "Krizhevsky et al. 2012, section 3.5: two towers, hence the groups.  It says 224 pixels, of which a kernel "
            "of 11 at stride 4 does not make its maps of 55 cells; 227 without padding, as in Caffe, does.",
            parameters_millions=60,
        ),
        Predecessor(
            "AlexNet, one tower", 2014, 224,
            (
                Convolution(11, 64, stride=4, padding=2), _OVERLAPPING,
                Convolution(5, 192, padding=2), _OVERLAPPING,
                Convolution(3, 384, padding=1), Convolution(3, 256, padding=1), Convolution(3, 256, padding=1),
                _OVERLAPPING,
            ),
            (4096, 4096, 1000), "krizhevsky2014",
            "As torchvision builds it, after Krizhevsky 2014.",
        ),
        Predecessor(
            "ZFNet", 2013, 224,
            (
                Convolution(7, 96, stride=2, padding=1), MaxPool(3, 2, ceil=True),
                Convolution(5, 256, stride=2), MaxPool(3, 2, ceil=True),
                Convolution(3, 384, padding=1), Convolution(3, 384, padding=1), Convolution(3, 256, padding=1),
                _OVERLAPPING,
            ),
            (4096, 4096, 1000), "zeiler2014",
            "Zeiler and Fergus 2014, Figure 3 (maps of 110, 55, 26, 13 and 6 cells).  The padding and the rounding are "
            "ours, chosen to give these maps; neither changes the parameters.",
        ),
        Predecessor(
            "OverFeat, fast", 2013, 231,
            (
                Convolution(11, 96, stride=4), MaxPool(2, 2),
                Convolution(5, 256), MaxPool(2, 2),
                Convolution(3, 512, padding=1), Convolution(3, 1024, padding=1), Convolution(3, 1024, padding=1),
                MaxPool(2, 2),
            ),
            (3072, 4096, 1000), "sermanet2014", _OVERFEAT_SOURCE.format("Table 1"),
            parameters_millions=145, connections_millions=2810,
        ),
        Predecessor(
            "OverFeat, accurate", 2013, 221,
            (
                Convolution(7, 96, stride=2), MaxPool(3, 3),
                Convolution(7, 256), MaxPool(2, 2),
                Convolution(3, 512, padding=1), Convolution(3, 512, padding=1),
                Convolution(3, 1024, padding=1), Convolution(3, 1024, padding=1), MaxPool(3, 3),
            ),
            (4096, 4096, 1000), "sermanet2014", _OVERFEAT_SOURCE.format("Table 3"),
            parameters_millions=144, connections_millions=5369,
        ),
    )
}  # fmt: skip


def find_predecessor(name: str | Predecessor) -> Predecessor:
    """The net of that name.

    Raises:
        ConfigError: With the close matches, if the name is not known.
    """
    if isinstance(name, Predecessor):
        return name
    if name not in PREDECESSORS:
        raise ConfigError(unknown("predecessor", name, PREDECESSORS))
    return PREDECESSORS[name]


def describe(name: str | Predecessor) -> str:
    """The convolutions in a notation like the paper's: `conv<kernel>-<channels>/<stride>`, a bar for a max-pool."""
    return " ".join(map(str, find_predecessor(name).layers))


def output_side(side: int, kernel: int, stride: int, padding: int = 0, ceil: bool = False) -> int:
    """Side of the map, in cells, that a layer makes of a map of `side` cells."""
    span = side + 2 * padding - kernel
    return (-(-span // stride) if ceil else span // stride) + 1


def trace_predecessor(name: str | Predecessor) -> tuple[LayerTrace, ...]:
    """Walk a net from the image to its last fully-connected layer.

    Args:
        name: One of `PREDECESSORS`, or a `Predecessor` of your own.
    Returns:
        A record a layer, as `analysis.trace` gives for the paper's nets; of a window that `ceil` adds, the part outside
        the map counts as seen.
    Raises:
        ConfigError: If the name is not known, or a layer's kernel is larger than the map that it reads.

    Book: depth.
    """
    return tuple(_walk(find_predecessor(name)))


def _walk(net: Predecessor) -> Iterator[LayerTrace]:
    channels, side = 3, net.crop_size
    field, stride, offset = 1, 1, 0
    yield LayerTrace("image", "image", 1, (channels, side, side), 0, 0, field, stride, offset)

    numbers = {"conv": count(1), "pool": count(1)}
    for layer in net.layers:
        kind, padding, ceil = "pool", 0, False
        match layer:
            case Convolution():
                kind, padding = "conv", layer.padding
            case MaxPool():
                ceil = layer.ceil
        name = f"{kind}{next(numbers[kind])}"
        if layer.kernel > side + 2 * padding:
            raise ConfigError(f"{net.name}, {name}: a kernel of {layer.kernel} does not fit a map of {side} cells")
        side = output_side(side, layer.kernel, layer.stride, padding, ceil)
        field += (layer.kernel - 1) * stride
        offset -= padding * stride
        stride *= layer.stride

        parameters, macs = 0, 0
        if isinstance(layer, Convolution):
            weights = layer.kernel**2 * (channels // layer.groups) * layer.channels
            parameters, macs = weights + layer.channels, weights * side**2
            channels = layer.channels
        shape = channels, side, side
        yield LayerTrace(name, kind, layer.kernel, shape, parameters, macs, field, stride, offset)

    inputs, kernel = channels * side**2, side
    field += (side - 1) * stride
    for number, outputs in enumerate(net.fully_connected, len(net.convolutions) + 1):
        weights = inputs * outputs
        yield LayerTrace(
            f"fc{number}", "fc", kernel, (outputs, 1, 1), weights + outputs, weights, field, stride, offset
        )
        inputs, kernel = outputs, 1
