"""Many crops of one image at a fraction of their price, and yet exactly.

A crop's feature maps cannot be cut out of the maps of the whole image: its zero padding reaches further into
it with every convolution.  But it reaches only so far.  Inside a *rim* of a few cells the crop's map and the
image's are the same numbers, so the first stages run once over the whole image, and of each crop only the rim
is computed again. The rim grows by `kernel // 2` cells a convolution and shrinks by half at a max-pool; the
pools' windows fall together if the crop's corner is a multiple of `2 ** stages`.

With no stage shared this is plain multi-crop evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vggstudy.model import VGG

Corner = tuple[int, int]  # top, left


class Box(NamedTuple):
    """A rectangle of cells; `bottom` and `right` are excluded."""

    top: int
    left: int
    bottom: int
    right: int

    def __and__(self, other: Box) -> Box:
        return Box(*map(max, self[:2], other[:2]), *map(min, self[2:], other[2:]))

    def __bool__(self) -> bool:
        return self.top < self.bottom and self.left < self.right

    def seen_by(self, reach: int, stride: int) -> Box:
        """The cells that a layer reads to compute this box."""
        top, left, bottom, right = (edge * stride for edge in self)
        return Box(top - reach, left - reach, bottom + reach, right + reach)

    def of(self, maps: Tensor, origin: Corner = (0, 0)) -> Tensor:
        """This part of `maps` `(N, C, H, W)`, whose first cell lies at `origin` of the box's coordinates."""
        y, x = origin
        return maps[:, :, self.top - y : self.bottom - y, self.left - x : self.right - x]


def rim_boxes(side: int, rim: int) -> tuple[Box, ...]:
    """Top, left, bottom and right margin of a square of cells; they overlap in its corners."""
    rim = min(rim, side)
    inner = side - rim
    return Box(0, 0, rim, side), Box(0, 0, side, rim), Box(inner, 0, side, side), Box(0, inner, side, side)


@dataclass(frozen=True, eq=False)
class CropMaps:
    """The maps of every crop of some images: the maps of the whole images, and the rims where crops differ.

    Args:
        whole: Maps of the uncropped images, `(N, C, H, W)`.
        corners: Top-left cell of each crop on `whole`.
        side: Side of a crop, cells.
        rim: Thickness of the margin in which a crop differs from `whole`, cells.
        rims: The crops' own values in the four boxes of `rim_boxes(side, rim)`, each `(crops * N, C, height,
            width)`.
    """

    whole: Tensor
    corners: tuple[Corner, ...]
    side: int
    rim: int = 0
    rims: tuple[Tensor, ...] = ()

    def read(self, box: Box) -> Tensor:
        """A part of every crop's map, zero outside the crop: `(crops * N, C, h, w)`, crop by crop."""
        number, channels = self.whole.shape[:2]
        shape = (len(self.corners) * number, channels, box.bottom - box.top, box.right - box.left)
        kind = {"dtype": self.whole.dtype, "device": self.whole.device}
        cells = torch.empty(shape, **kind, memory_format=torch.channels_last).zero_()
        inside = box & Box(0, 0, self.side, self.side)
        target = inside.of(cells, box[:2])
        for piece, (top, left) in zip(target.split(number), self.corners, strict=True):
            piece.copy_(inside.of(self.whole, (-top, -left)))
        for rim_box, rim in zip(rim_boxes(self.side, self.rim), self.rims, strict=False):
            if common := box & rim_box:
                common.of(cells, box[:2]).copy_(common.of(rim, rim_box[:2]))
        return cells

    def crops(self) -> Tensor:
        """Every crop's map, `(crops * N, C, side, side)`."""
        return self.read(Box(0, 0, self.side, self.side))

    def through(self, layer: nn.Module) -> CropMaps:
        """The maps after one layer."""
        match layer:
            case nn.Conv2d():
                reach, stride, recompute = (
                    layer.padding[0],
                    1,
                    lambda x: F.conv2d(x, layer.weight, layer.bias),
                )
            case nn.MaxPool2d():
                reach, stride, recompute = 0, 2, layer
            case _:  # acts on each position by itself
                return CropMaps(layer(self.whole), self.corners, self.side, self.rim, tuple(map(layer, self.rims)))
        side, rim = self.side // stride, -(-(self.rim + reach) // stride)
        rims = tuple(recompute(self.read(box.seen_by(reach, stride))) for box in rim_boxes(side, rim) if rim)
        corners = tuple((top // stride, left // stride) for top, left in self.corners)
        return CropMaps(layer(self.whole), corners, side, rim, rims)


def split_features(model: VGG, stages: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The layers up to the max-pool of that number, and the layers after it."""
    pools = [index for index, layer in enumerate(model.features) if isinstance(layer, nn.MaxPool2d)]
    cut = pools[stages - 1] + 1 if stages else 0
    return model.features[:cut], model.features[cut:]


def share_interiors(model: VGG, images: Tensor, corners: Sequence[Corner], stages: int) -> CropMaps:
    """Run the first stages once for all crops.

    Args:
        model: The network.
        images: Preprocessed, `(N, 3, H, W)`.
        corners: Top and left pixel of each crop, multiples of `2 ** stages`; the crops have the model's crop
            size.
        stages: How many max-pools are passed.
    Returns:
        The maps after the last shared max-pool.  `.whole` is also where dense evaluation would be by now.

    Paper: section 3.2 (why crops and dense evaluation differ).  Book: dense evaluation.
    """
    maps = CropMaps(images, tuple(corners), model.crop_size)
    for layer in split_features(model, stages)[0]:
        maps = maps.through(layer)
    return maps
