"""Fully convolutional networks: from a class for each position to a class for each pixel (Long et al., 2015).

FCN-32s is dense evaluation with another last layer, its score map laid over the picture by bilinear interpolation.
FCN-16s adds scores that are read off pool4, FCN-8s those of pool3 too.  Maps of different strides are brought together
by where their cells lie on the picture, which `trace` knows.

Only what follows the pools learns here; the features are those of a trained network, computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from vggstudy.analysis import LayerTrace, find_layer, trace
from vggstudy.errors import ConfigError, DataError
from vggstudy.model import VGG, preprocess
from vggstudy.shapes import Shapes

POOLS = ("pool3", "pool4", "pool5")
SKIPS = {16: "pool4", 8: "pool3"}  # output stride -> the map that is added for it
STRIDES = (32, *SKIPS)


@dataclass(frozen=True)
class Lattice:
    """Where the cells of a map lie: `first` is the middle of the top-left one, `stride` leads to the next.

    Both in pixels of the picture, along either side; a pixel's own middle is its whole number.
    """

    first: float
    stride: int

    def middles(self, cells: int) -> Tensor:
        """Middles of the first `cells` cells, `(cells,)`."""
        return self.first + self.stride * torch.arange(cells)


def lattice(layer: LayerTrace, padding: int = 0) -> Lattice:
    """The lattice of a traced layer, on a picture that got `padding` pixels at its top and left."""
    return Lattice(layer.offset + (layer.receptive_field - 1) / 2 - padding, layer.stride)


def bilinear(points: Tensor, cells: int, at: Lattice) -> Tensor:
    """Weights of linear interpolation along one side.

    Inside the map these are a transposed convolution with a bilinear kernel, cropped, as Long et al. have it.  Beyond
    the outermost middles the outermost cell counts alone, where theirs fades to zero.

    Args:
        points: Where values are wanted, pixels, `(m,)`.
        cells: Of the map.
        at: Where they lie.
    Returns:
        `(m, cells)`; each row sums to one.
    """
    middles = at.middles(cells).to(points.device)
    points = points.clamp(middles[0], middles[-1])
    return (1 - (points[:, None] - middles).abs() / at.stride).clamp(min=0)


def upsample(scores: Tensor, at: Lattice, rows: Tensor, columns: Tensor) -> Tensor:
    """A map `(N, K, h, w)` at other places: `(N, K, len(rows), len(columns))`, both in pixels."""
    across = bilinear(columns, scores.shape[3], at).to(scores)
    return bilinear(rows, scores.shape[2], at).to(scores) @ scores @ across.T


def pooled_maps(model: VGG, images: Tensor) -> dict[str, Tensor]:
    """The maps of pool3, pool4 and pool5 of whole pictures, without gradients.

    Half a crop of zeros is put around the picture, so that the first position lies in its corner (Long et al. put 100
    pixels there), and as many more at the right and bottom as the stride asks for.

    Args:
        images: Preprocessed, `(N, 3, H, W)`.
    """
    margin, (height, width) = model.crop_size // 2, images.shape[2:]
    padded = F.pad(images, (margin, margin + -width % model.stride, margin, margin + -height % model.stride))
    wanted, found = {id(model.layer(name)): name for name in POOLS}, {}
    signal = padded
    with torch.no_grad():
        for layer in model.features:
            signal = layer(signal)
            if id(layer) in wanted:
                found[wanted[id(layer)]] = signal
    return found


class FCN(nn.Module):
    """What turns a network's pooled maps into scores of each pixel; it begins as FCN-32s.

    fc6 and fc7 start as the network's, read as convolutions.  The layers that score start from zero.  `lattices` says
    where the cells of each map lie.

    Args:
        model: The network, of five max-pools.
        num_classes: Classes a pixel may have, background included.
    Raises:
        ConfigError: If the network's stride is not 32.
    """

    def __init__(self, model: VGG, num_classes: int) -> None:
        super().__init__()
        if model.stride != STRIDES[0]:
            raise ConfigError(
                f"configuration {model.config.name} has a stride of {model.stride}: "
                f"an FCN stands on five max-pools, a stride of {STRIDES[0]}"
            )
        net = {"num_classes": model.num_classes, "width": model.width, "fc_width": model.fc_width}
        layers = trace(model.config, model.crop_size, **net)
        self.lattices = {name: lattice(find_layer(layers, name), model.crop_size // 2) for name in (*POOLS, "fc6")}
        self._channels = {name: find_layer(layers, name).shape[0] for name in POOLS}
        self.num_classes = num_classes
        self.fc6 = as_convolution(model.layer("fc6"), model.map_side)
        self.fc7 = as_convolution(model.layer("fc7"))
        self.score = _silent(model.fc_width, num_classes).to(self.fc7.weight)
        self.skips = nn.ModuleDict()

    @property
    def stride(self) -> int:
        """Pixels between two scores before the last upsampling."""
        return STRIDES[len(self.skips)]

    def refine(self) -> None:
        """Halve the stride: score one more pooled map, with weights of zero, so that nothing changes at first.

        Raises:
            ConfigError: If the stride is 8 already.
        """
        if self.stride == STRIDES[-1]:
            raise ConfigError(f"an FCN of stride {self.stride} is as fine as it gets: pool2 is not scored")
        name = SKIPS[self.stride // 2]
        self.skips[name] = _silent(self._channels[name], self.num_classes).to(self.score.weight)

    def forward(self, maps: dict[str, Tensor], rows: Tensor, columns: Tensor) -> Tensor:
        """Scores `(N, num_classes, len(rows), len(columns))` at these rows and columns of the picture, pixels."""
        scores = self.score(self.fc7(self.fc6(maps["pool5"]).relu()).relu())
        at = self.lattices["fc6"]
        for name, skip in self.skips.items():
            finer, (height, width) = self.lattices[name], maps[name].shape[2:]
            places = finer.middles(height).to(scores.device), finer.middles(width).to(scores.device)
            scores, at = upsample(scores, at, *places) + skip(maps[name]), finer
        return upsample(scores, at, rows, columns)


def as_convolution(layer: nn.Linear, side: int = 1) -> nn.Conv2d:
    """A fully-connected layer that reads a map of `side` x `side` cells, as the convolution that it is (a copy)."""
    weight = layer.weight.detach().unflatten(1, (-1, side, side))
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], side).to(weight)
    convolution.load_state_dict({"weight": weight, "bias": layer.bias.detach()})
    return convolution


def _silent(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@dataclass(frozen=True, eq=False)
class Labelled:
    """Pictures of one size with the class of each pixel, and their pooled maps.

    Args:
        pictures: uint8 RGB, `(N, 3, H, W)`.
        labels: `(N, H, W)`; 0 is background, `k + 1` the network's class `k`.
        maps: What `pooled_maps` gives.
    """

    pictures: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)
    maps: dict[str, Tensor] = field(repr=False)


def label_pixels(model: VGG, drawn: Shapes) -> list[Labelled]:
    """Made images, which know their objects' pixels, in runs of one size.

    Args:
        model: The network whose maps are wanted; they lie on its device.
        drawn: `vggstudy.shapes.draw(...)`.
    """
    device, runs = next(model.parameters()).device, []
    for _, numbers in groupby(range(len(drawn.images)), key=lambda i: drawn.images[i].shape):
        run = list(numbers)
        pictures = torch.from_numpy(np.stack([drawn.images[i] for i in run])).to(device)
        labels = torch.from_numpy(np.stack([drawn.masks[i] * (drawn.labels[i] + 1) for i in run])).to(device)
        runs.append(Labelled(pictures, labels, pooled_maps(model, preprocess(model, pictures))))
    return runs


def train_fcn(
    fcn: FCN, runs: Sequence[Labelled], steps: int = 150, lr: float = 0.1, every: int = 3, seed: int = 0
) -> Iterator[float]:
    """Lower the cross-entropy of pixels, by SGD with momentum; each run of pictures is a batch.

    Neighbouring pixels say nearly the same, so each step takes every third row and column, from a place that is drawn.
    The rate rises for a tenth of the steps, then falls along a line to zero.

    Args:
        fcn: Changed in place.
        runs: As `label_pixels` gives them.
        steps, lr, every, seed: Updates, largest learning rate, pixels between two that are used, of the order.
    Yields:
        The loss of each step, nats a pixel.
    """
    draw = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.SGD(fcn.parameters(), lr, momentum=0.9, weight_decay=5e-4)
    warm = max(1, steps // 10)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, (steps - step) / (steps - warm + 1))
    )
    order: list[int] = []
    for _ in range(steps):
        order = order or torch.randperm(len(runs), generator=draw).tolist()
        run = runs[order.pop()]
        rows, columns = (
            torch.arange(int(torch.randint(every, (1,), generator=draw)), side, every, device=run.labels.device)
            for side in run.labels.shape[1:]
        )
        loss = F.cross_entropy(fcn(run.maps, rows, columns), run.labels[:, rows][:, :, columns])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        yield loss.item()


def segment(fcn: FCN, run: Labelled) -> Tensor:
    """The most probable class of each pixel, `(N, H, W)`."""
    rows, columns = (torch.arange(side, device=run.labels.device) for side in run.labels.shape[1:])
    with torch.no_grad():
        return fcn(run.maps, rows, columns).argmax(1)


def near_edge(labels: Tensor, distance: int = 4) -> Tensor:
    """Pixels with another one of the other side, object or background, at most `distance` rows and columns away.

    Args:
        labels: `(N, H, W)`; 0 is background.
    Returns:
        Boolean, `(N, H, W)`.
    """
    inside = (labels > 0).float()[:, None]
    window = {"kernel_size": 2 * distance + 1, "stride": 1, "padding": distance}
    return (F.max_pool2d(inside, **window) != -F.max_pool2d(-inside, **window))[:, 0]


@dataclass(frozen=True, eq=False)
class Confusion:
    """How many pixels of each class (row) were taken for which (column): `counts`, `(K, K)`."""

    counts: NDArray[np.int64]

    @property
    def pixel_error(self) -> float:
        """Pixels that were taken for another class, in %: 100 less what the literature calls pixel agreement."""
        return float(100 * (1 - np.trace(self.counts) / self.counts.sum()))

    @property
    def ious(self) -> NDArray[np.float64]:
        """Of each class, intersection over union of its true and its predicted pixels, in %; NaN if it has none."""
        both = np.diag(self.counts)
        either = self.counts.sum(0) + self.counts.sum(1) - both
        return np.where(either > 0, 100 * both / np.maximum(either, 1), np.nan)

    @property
    def mean_iou(self) -> float:
        """Mean of `ious` over the classes that occur, background included, in %."""
        return float(np.nanmean(self.ious))


def confuse(labels: Sequence[Tensor], predicted: Sequence[Tensor], num_classes: int) -> Confusion:
    """Count pixels by true and by predicted class.

    Args:
        labels, predicted: Classes of the pixels, tensors of any shapes, equal in pairs.
    Raises:
        DataError: If a pair differs in shape.
    """
    counts = torch.zeros(num_classes**2, dtype=torch.int64)
    for true, taken in zip(labels, predicted, strict=True):
        if true.shape != taken.shape:
            raise DataError(f"labels of shape {tuple(true.shape)} for pixels of shape {tuple(taken.shape)}")
        counts += torch.bincount((true * num_classes + taken).flatten().cpu(), minlength=num_classes**2)
    return Confusion(counts.view(num_classes, num_classes).numpy())
