"""How cost grows: time against batch, crop, width, test scale, crops and images; memory against its formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from json import dumps
from typing import Any

import numpy as np
import torch

from vggstudy.bench.evaluation import an_image
from vggstudy.bench.forward import network
from vggstudy.bench.harness import PROBE, Run, alternate, matmul_probe
from vggstudy.bench.memory import peak_bytes, train_twice
from vggstudy.bench.records import NOISY, Setting, Spread
from vggstudy.budget import training_bytes
from vggstudy.configs import find_config
from vggstudy.data import Data
from vggstudy.imageset import ImageSet, take
from vggstudy.interiors import share_interiors
from vggstudy.model import VGG, head, score_map, vgg
from vggstudy.regime import SMALL, SMALL_NET
from vggstudy.train import train
from vggstudy.views import best_stages, crop_scores, grid_corners

CLIFF = 1.25  # a step at which cost a unit of work grows by more than this factor


@dataclass(frozen=True)
class Curve:
    """Cost at several sizes.

    Args:
        curve: Its name.
        x, y: What is varied and what is measured, with units.
        expected: Exponent `p` of cost ~ x ** p if nothing but arithmetic counted.
        points: `x` -> median, smallest and largest cost.
        noisy: Whether the matrix product among the rounds varied too much.
    """

    curve: str
    x: str
    y: str
    expected: float
    points: Mapping[float, Spread]
    noisy: bool = False

    @property
    def exponent(self) -> float:
        """Slope of the straight line through the logarithms."""
        sizes, costs = np.array(list(self.points)), np.array([cost.median for cost in self.points.values()])
        return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])

    @property
    def cliffs(self) -> list[dict[str, float]]:
        """Steps at which a unit of work suddenly costs more."""
        unit = {size: cost.median / size**self.expected for size, cost in self.points.items()}
        return [
            {"from": low, "to": high, "factor": unit[high] / unit[low]}
            for low, high in pairwise(unit)
            if unit[high] > CLIFF * unit[low]
        ]

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        points = [{"x": size, **asdict(cost)} for size, cost in self.points.items()]
        return {**asdict(self), "points": points, "exponent": self.exponent, "cliffs": self.cliffs}


def timed(setting: Setting, curve: str, x: str, expected: float, runs: Mapping[float, Run]) -> Curve:
    """All sizes in alternated rounds, so that a slow minute of the machine bends no curve."""
    setting.say(f"  {curve}: {x} {', '.join(f'{size:g}' for size in runs)}")
    with matmul_probe(setting) as (probe, _):
        seconds = alternate({**{str(size): run for size, run in runs.items()}, PROBE: probe}, setting)
    probed = seconds.pop(PROBE)
    points = {size: Spread.of(seconds[str(size)]) for size in runs}
    return Curve(curve, x, "seconds", expected, points, max(probed) / min(probed) > NOISY)


def inferred(run: Run) -> Run:
    """The same without gradients."""
    return torch.inference_mode()(run)


def forward_batch(setting: Setting) -> Curve:
    model = tuned_network(setting)
    images = torch.randn(16 if setting.quick else 32, 3, 224, 224, device=setting.device)
    images = images.contiguous(memory_format=torch.channels_last)
    sizes = [2**k for k in range(len(images).bit_length())]
    runs = {size: inferred(partial(model, images[:size])) for size in sizes}
    return timed(setting, "forward_batch", "images in a batch", 1, runs)


def forward_crop(setting: Setting) -> Curve:
    def run(side: int) -> Run:
        return inferred(partial(tuned_network(setting, crop_size=side), an_image(setting, side)))

    sides = (64, 128, 256) if setting.quick else (64, 96, 128, 192, 256, 384)
    return timed(setting, "forward_crop", "side of the crop, pixels", 2, {side: run(side) for side in sides})


def forward_width(setting: Setting) -> Curve:
    def run(width: float) -> Run:
        model = tuned_network(setting, width=width)
        return inferred(partial(model, an_image(setting, 224)))

    widths = (1 / 8, 1 / 4, 1 / 2) if setting.quick else (1 / 8, 1 / 4, 1 / 2, 1)
    return timed(setting, "forward_width", "width", 2, {width: run(width) for width in widths})


def dense_scale(setting: Setting) -> Curve:
    model = tuned_network(setting)
    scales = (256, 384, 512) if setting.quick else (224, 256, 288, 352, 384, 416, 512, 640)
    runs = {Q: inferred(partial(score_map, model, an_image(setting, Q))) for Q in scales}
    return timed(setting, "dense_scale", "test scale Q, pixels", 2, runs)


def head_positions(setting: Setting) -> Curve:
    """The im2row buffer of fc6 grows by 100 kB a position: does it leave the cache?"""
    model = tuned_network(setting)
    channels = model.weight_layers["conv5_3"].out_channels

    def run(side: int) -> Run:
        pooled = torch.randn(1, channels, side, side, device=setting.device)
        return inferred(partial(head, model, pooled.contiguous(memory_format=torch.channels_last)))

    sides = (8, 12, 16) if setting.quick else (8, 9, 10, 12, 16, 20, 26)
    runs = {(side - 6) ** 2: run(side) for side in sides}
    return timed(setting, "head_positions", "positions of the score map", 1, runs)


def crops(setting: Setting) -> Curve:
    """Crops of one image with shared interiors: the first is dear, the next ones are cheap."""
    model = tuned_network(setting)
    images = an_image(setting, 384)
    corners = grid_corners(384, 384, model.crop_size)

    def run(number: int) -> Run:
        chosen = corners[:number]
        stages = best_stages(dumps(model.spec), chosen, 384, 384)
        return inferred(lambda: crop_scores(model, share_interiors(model, images, chosen, stages), stages))

    numbers = (1, 5, 25) if setting.quick else (1, 2, 5, 10, 15, 20, 25)
    return timed(setting, "crops", "crops of one image at Q=384", 1, {number: run(number) for number in numbers})


def training_images(setting: Setting) -> Curve:
    """Epochs of the small regime over a growing number of images, which lie in memory."""
    numbers = (128, 256, 512) if setting.quick else (256, 512, 1024, 2048)
    pixels = torch.randint(0, 256, (numbers[-1], 3, 48, 48), dtype=torch.uint8)
    images = ImageSet(pixels.__getitem__, torch.arange(len(pixels)) % 20, str, "curve")
    one = take(images, 1)
    config = replace(SMALL, epochs=1, device=setting.device, colour_std=0.0)
    model = vgg(find_config("A").without_last_pool(), num_classes=20, crop_size=32, **SMALL_NET)

    def run(number: int) -> Run:
        data = Data("curve", tuple(map(str, range(20))), take(images, number), one, one)
        return lambda: list(train(model, data, config))

    return timed(setting, "training_images", "training images", 1, {number: run(number) for number in numbers})


def memory_formula(setting: Setting) -> Curve:
    """Peak of the memory in training against what the formula says, over batches."""
    net = {"width": 1 / 8, "fc_width": 512} if setting.quick else {"width": 1 / 4, "fc_width": 1024}
    setting.say("  memory_formula: batches")
    points = {}
    for batch in (1, 4, 16) if setting.quick else (1, 2, 4, 8, 16, 32):
        formula = training_bytes("D", batch, mixed=setting.device == "cuda", **net)
        peak = peak_bytes(partial(train_twice, setting, "D", batch, net), setting.device)
        points[formula / 1e6] = Spread.of([peak / 1e6])
    return Curve("memory_formula", "MB by the formula", "MB at the peak", 1, points)


CURVES: tuple[Callable[[Setting], Curve], ...] = (
    forward_batch, forward_crop, forward_width, dense_scale, head_positions, crops, training_images, memory_formula
)  # fmt: skip


def tuned_network(setting: Setting, **arguments: float) -> VGG:
    """The network of the rows, channels last; a quarter as wide as the paper's, fully-connected layers too."""
    width = arguments.pop("width", 1 / 8 if setting.quick else 1 / 4)
    model = network(setting, width=width, fc_width=int(4096 * width), **arguments)
    return model.to(memory_format=torch.channels_last)


def measure_curves(setting: Setting) -> Iterator[dict[str, Any]]:
    """All curves, ready for JSON."""
    for curve in CURVES:
        yield curve(setting).record()
