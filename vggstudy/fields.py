"""The receptive field in use: how much each pixel of the theoretical box matters to the cell, by gradients.

Luo et al. 2016, "Understanding the effective receptive field in deep convolutional neural networks".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vggstudy import shapes
from vggstudy.analysis import find_layer, trace
from vggstudy.errors import DataError
from vggstudy.model import VGG

SHARE = 0.9
"""Of the squared gradient that the effective field holds."""


@dataclass(frozen=True)
class EffectiveField:
    """Field of a layer's middle cell, in input pixels.

    `box` is the side of the theoretical field, `side` of the smallest square around its middle with `SHARE`
    of the squared gradient, `gradient` `(box, box)` the root mean square of the gradient at each pixel.
    """

    layer: str
    box: int
    side: int
    gradient: Tensor


def measure_fields(model: VGG, images: Tensor, layers: Iterable[str], seed: int = 0) -> tuple[EffectiveField, ...]:
    """Send a gradient from the middle cell of each layer back to the pixels.

    All channels of the cell, after ReLU, begin with a gradient of 1 or -1 at random, so that squares add up
    over them; then images and colours are averaged.

    Args:
        model: The network; only its convolutional layers are run.
        images: Preprocessed, shape `(N, 3, H, W)`, large enough to hold the boxes.
        layers: Names such as `conv3_2` or `pool4`.
        seed: Of the signs.
    Raises:
        ConfigError: If a layer is not known.
        DataError: If a box does not fit into the images.

    Paper: section 2.3.  Book: small filters.
    """
    height, width = images.shape[2:]
    traced = trace(model.config, crop_size=model.crop_size, width=model.width)
    outputs: dict[str, Tensor] = {}
    layers = list(layers)

    def keep(name: str) -> Callable[..., None]:
        return lambda layer, inputs, output: outputs.update({name: output})

    handles = [model.layer(name).register_forward_hook(keep(name)) for name in layers]
    try:
        pixels = images.detach().requires_grad_()
        with torch.enable_grad():
            model.features(pixels)
    finally:
        for handle in handles:
            handle.remove()

    signs = torch.Generator().manual_seed(seed)
    fields = []
    for name in layers:
        output, layer = outputs[name], find_layer(traced, name)
        row, column = output.shape[2] // 2, output.shape[3] // 2
        box, (left, top, right, bottom) = layer.receptive_field, layer.box(row, column)
        if min(left, top) < 0 or right > width or bottom > height:
            raise DataError(
                f"{name}: its box of {box} pixels does not fit into images of {height}x{width}; "
                f"give images of {box + 2 * layer.stride} pixels or more"
            )
        start = torch.zeros_like(output)
        start[:, :, row, column] = torch.randn(output.shape[:2], generator=signs).sign().to(output)
        (gradient,) = torch.autograd.grad(output, pixels, start, retain_graph=True)
        square = gradient[:, :, top:bottom, left:right].square().mean((0, 1))
        fields.append(EffectiveField(name, box, _side(square), square.sqrt()))
    return tuple(fields)


def mosaics(n: int, side: int, seed: int = 0) -> Tensor:
    """Made images laid edge to edge, for a net to look at through a large field: uint8 RGB `(n, 3, side, side)`."""
    tile = shapes.SIZES[0][0]  # the first 20 images of each seed are square
    across = -(-side // tile)
    made = [
        image
        for run in range(-(-n * across**2 // len(shapes.CLASSES)))
        for image in shapes.draw(len(shapes.CLASSES), seed + run).images
    ]
    tiles = np.stack(made[: n * across**2]).reshape(n, across, across, 3, tile, tile)
    rows = tiles.transpose(0, 3, 1, 4, 2, 5).reshape(n, 3, across * tile, across * tile)
    return torch.from_numpy(np.ascontiguousarray(rows[..., :side, :side]))


def _side(square: Tensor) -> int:
    """Side of the smallest centred square that holds `SHARE` of the sum."""
    box = len(square)
    for margin in range((box - 1) // 2, 0, -1):
        if square[margin : box - margin, margin : box - margin].sum() >= SHARE * square.sum():
            return box - 2 * margin
    return box
