"""Arithmetic on a configuration: shapes, receptive fields, parameters, multiply-accumulates, memory.  No torch.

One walk over the layers, `trace`, answers all of it; the other functions read off its records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, prod

from vggstudy.configs import LRN, Config, Conv, Pool, find_config
from vggstudy.errors import ConfigError, unknown

BYTES_PER_ACTIVATION = 4  # float32


@dataclass(frozen=True)
class LayerTrace:
    """One layer of a traced network.

    `shape` is `(channels, height, width)` of the output in cells, for one image.  `receptive_field`, `stride` (of this
    map with respect to the image, also called the jump) and `offset` are in input pixels; `offset` is the first pixel
    of the top-left cell's receptive field, negative where the field reaches into the padding.
    """

    name: str
    kind: str  # "image", "conv", "lrn", "pool" or "fc"
    kernel: int
    shape: tuple[int, int, int]
    parameters: int
    macs: int
    receptive_field: int
    stride: int
    offset: int

    @property
    def activation_bytes(self) -> int:
        """Bytes of the output of one image in float32; pooling and convolutions are followed by no second copy."""
        return prod(self.shape) * BYTES_PER_ACTIVATION

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Receptive field of one cell, `(left, top, right, bottom)` in input pixels, the last two excluded."""
        left, top = self.offset + column * self.stride, self.offset + row * self.stride
        return left, top, left + self.receptive_field, top + self.receptive_field


def scaled_channels(channels: int, width: float) -> int:
    """Channels of a layer in a net of another width: at least one, rounded to the nearest."""
    return max(1, round(channels * width))


def check_sizes(width: float, **counts: int) -> None:
    """Refuse a net that cannot be built.

    Args:
        width: Factor on the channels.
        counts: Numbers of outputs, by the name of the argument.
    Raises:
        ConfigError: Naming each value that is out of range.
    """
    wrong = [f"{name}={number}: allowed is 1 or more" for name, number in counts.items() if number < 1]
    if not 0 < width < inf:
        wrong.append(f"width={width}: allowed is a number above 0")
    if wrong:
        raise ConfigError("; ".join(wrong))


def trace(
    config: str | Config, crop_size: int = 224, num_classes: int = 1000, width: float = 1.0, fc_width: int = 4096
) -> tuple[LayerTrace, ...]:
    """Walk a configuration from the image to fc8.

    Args:
        config: Name, stack in the paper's notation, or `Config`.
        crop_size: Side of the square input, pixels.
        num_classes: Outputs of fc8, the paper's 1000.
        width: Factor on the channels of every convolution; 1 is the paper's net.
        fc_width: Outputs of fc6 and fc7, the paper's 4096.
    Returns:
        A record a layer, from `image` to `fc8`.
    Raises:
        ConfigError: If the input is too small for the stack's max-pools, or a number is out of range.

    Paper: sections 2.1 to 2.3, Tables 1 and 2.  Book: configurations.
    """
    config = find_config(config)
    check_sizes(width, num_classes=num_classes, fc_width=fc_width)
    if crop_size < config.stride:
        raise ConfigError(
            f"crop_size={crop_size} is too small for {config.name}: its max-pools need {config.stride} pixels or more"
        )
    return tuple(_walk(config, crop_size, num_classes, width, fc_width))


def _walk(config: Config, crop_size: int, num_classes: int, width: float, fc_width: int) -> Iterator[LayerTrace]:
    channels, side = 3, crop_size
    field, stride, offset = 1, 1, 0
    yield LayerTrace("image", "image", 1, (channels, side, side), 0, 0, field, stride, offset)

    for name, layer in config.named_layers():
        kind, kernel, parameters, macs = "lrn", 1, 0, 0
        match layer:
            case Conv():
                kind, kernel = "conv", layer.kernel
                outputs = scaled_channels(layer.channels, width)
                weights = channels * outputs * kernel**2
                parameters, macs = weights + outputs, weights * side**2
                field += (kernel - 1) * stride
                offset -= layer.padding * stride
                channels = outputs
            case Pool():
                kind, kernel = "pool", 2
                field += stride
                stride *= 2
                side //= 2
            case LRN():
                pass  # acts across channels: no weights, no change of shape or field
        yield LayerTrace(name, kind, kernel, (channels, side, side), parameters, macs, field, stride, offset)

    inputs = channels * side**2
    field += (side - 1) * stride
    for name, kernel, outputs in (("fc6", side, fc_width), ("fc7", 1, fc_width), ("fc8", 1, num_classes)):
        weights = inputs * outputs
        yield LayerTrace(name, "fc", kernel, (outputs, 1, 1), weights + outputs, weights, field, stride, offset)
        inputs = outputs


def count_parameters(config: str | Config, **net: float) -> int:
    """Weights and biases of the whole net; `net` are the keywords of `trace`.

    Paper: Table 2.
    """
    return sum(layer.parameters for layer in trace(config, **net))


def count_macs(config: str | Config, **net: float) -> int:
    """Multiply-accumulates of one forward pass of one crop (FLOPs = 2 MACs); `net` are the keywords of `trace`."""
    return sum(layer.macs for layer in trace(config, **net))


def find_layer(layers: tuple[LayerTrace, ...], name: str) -> LayerTrace:
    """The record of that name.

    Raises:
        ConfigError: With the close matches, if there is no such layer.
    """
    by_name = {layer.name: layer for layer in layers}
    if name not in by_name:
        raise ConfigError(unknown("layer", name, by_name))
    return by_name[name]


def receptive_field(config: str | Config, at: str = "pool5", **net: float) -> int:
    """Side of the square of input pixels that one cell of layer `at` sees.

    Paper: section 2.3.  Book: small filters.
    """
    return find_layer(trace(config, **net), at).receptive_field
