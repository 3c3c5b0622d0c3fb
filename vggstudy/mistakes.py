"""Eight broken VGGs: functions of the library as somebody else wrote them, each with a mistake met in the wild.

`MISTAKES["the head lacks ReLU"].made()` puts one in the place of the library's function for as long as it lasts.  The
chapter *spot the bug* shows them, and the tests use them as mutants: each must make a comparison with an independent
implementation fail.  Their docstrings say what the author meant them to do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from importlib import import_module
from textwrap import dedent
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.nn import functional as F

from vggstudy import views
from vggstudy.analysis import scaled_channels
from vggstudy.configs import LRN, Conv, Pool
from vggstudy.views import grid_corners


@dataclass(frozen=True)
class Mistake:
    """A function with a mistake in it.

    Args:
        name: What is wrong, in a few words.
        module, place: Where the right function stands, such as `"vggstudy.model"` and `"Preprocessing.__call__"`.
        broken: What is put there; it bears the right one's name and takes its arguments.
        line: The line that is wrong, or lacks something, as it stands in the source.
    """

    name: str
    module: str
    place: str
    broken: Callable[..., Any] = field(repr=False)
    line: str = field(repr=False)

    @property
    def source(self) -> str:
        """The code of `broken`, ready to be read."""
        return dedent(inspect.getsource(self.broken)).rstrip()

    @property
    def right(self) -> Callable[..., Any]:
        """The library's function."""
        return reduce(getattr, self.place.split("."), import_module(self.module))

    @contextmanager
    def made(self) -> Iterator[None]:
        """The library with this mistake in it, until the block ends."""
        owner = reduce(getattr, self.place.split(".")[:-1], import_module(self.module))
        _forget_costs()
        try:
            with patch.object(owner, self.place.split(".")[-1], self.broken):
                yield
        finally:
            _forget_costs()


def _forget_costs() -> None:
    """A broken net's costs are not those of the library."""
    views.best_stages.cache_clear()
    views._view_macs.cache_clear()


MISTAKES: dict[str, Mistake] = {}


def _mistake(name: str, place: str, line: str) -> Callable[[Callable[[], Callable[..., Any]]], None]:
    """Register the function that the decorated one returns.  `place` is `module.function` within the package."""
    module, _, within = place.partition(".")

    def register(make: Callable[[], Callable[..., Any]]) -> None:
        MISTAKES[name] = Mistake(name, f"vggstudy.{module}", within, make(), line)

    return register


@_mistake("1×1 layers are padded", "model._modules", "nn.Conv2d(channels, outputs, layer.kernel, padding=1)")
def _():
    def _modules(layer, channels, width, ceil_mode):
        """One entry of Table 1, built."""
        match layer:
            case Conv():
                outputs = scaled_channels(layer.channels, width)
                conv = nn.Conv2d(channels, outputs, layer.kernel, padding=1)
                return [conv, nn.ReLU(inplace=True)]
            case Pool():
                return [nn.MaxPool2d(2, 2, ceil_mode=ceil_mode)]
            case LRN():
                alpha = layer.alpha * layer.size
                return [nn.LocalResponseNorm(layer.size, alpha, layer.beta, layer.k)]

    return _modules


@_mistake(
    "fc6 is read in another order",
    "model.head",
    "kernel = fc6.weight.unflatten(1, (side, side, -1)).permute(0, 3, 1, 2)",
)
def _():
    def head(model, pooled):
        """Scores at every position of the last feature map."""
        side = model.map_side
        fc6, fc7, fc8 = (model.layer(name) for name in ("fc6", "fc7", "fc8"))
        kernel = fc6.weight.unflatten(1, (side, side, -1)).permute(0, 3, 1, 2)
        maps = F.conv2d(pooled, kernel, fc6.bias).relu()
        maps = F.conv2d(maps, fc7.weight[:, :, None, None], fc7.bias).relu()
        return F.conv2d(maps, fc8.weight[:, :, None, None], fc8.bias)

    return head


@_mistake("pixels are scaled, the mean is not", "model.Preprocessing.__call__", "pixels = images.float() / 255")
def _():
    def __call__(self, images):
        """What the network is fed, from RGB pixels in 0-255."""
        pixels = images.float() / 255
        if self.order == "BGR":
            pixels = pixels.flip(1)
        mean = torch.tensor(self.mean).view(3, 1, 1)
        std = torch.tensor(self.std).view(3, 1, 1)
        return (pixels * self.scale - mean) / std

    return __call__


@_mistake("dropout is left on", "evaluate.evaluating", "model.to(memory_format=torch.channels_last)")
def _():
    @contextmanager
    def evaluating(model):
        """As it shall be while images are classified."""
        model.to(memory_format=torch.channels_last)
        with torch.inference_mode():
            yield

    return evaluating


@_mistake("images are squeezed to a square", "evaluate.rescale", "size = (size, size)")
def _():
    def rescale(image, size, interpolation="bilinear"):
        """Rescale to the test scale."""
        size = (size, size)
        return F.interpolate(image[None], size, mode=interpolation, antialias=True)[0]

    return rescale


@_mistake("the head lacks ReLU", "model.head", "maps, side = F.conv2d(maps, kernel, layer.bias), 1")
def _():
    def head(model, pooled):
        """Scores at every position of the last feature map."""
        maps, side = pooled, model.map_side
        for name in ("fc6", "fc7", "fc8"):
            layer = model.layer(name)
            kernel = layer.weight.unflatten(1, (-1, side, side))
            maps, side = F.conv2d(maps, kernel, layer.bias), 1
        return maps

    return head


@_mistake("an adaptive pool stands before fc6", "model.head", "window = F.adaptive_avg_pool2d(pooled, model.map_side)")
def _():
    def head(model, pooled):
        """Scores of an image of any size."""
        window = F.adaptive_avg_pool2d(pooled, model.map_side)
        scores = model.classifier(window.flatten(1))
        return scores[:, :, None, None]

    return head


@_mistake("scores are averaged over crops", "evaluate.posteriors", "return torch.stack(scores).mean(0).softmax(1)")
def _():
    def posteriors(model, images, view, flip=True, exact_grid=False):
        """Posteriors from the 5x5 grid of crops and their mirror images."""
        side = model.crop_size
        corners = grid_corners(*images.shape[2:], side, exact_grid)
        crops = [images[..., y : y + side, x : x + side] for y, x in corners]
        if flip:
            crops += [crop.flip(3) for crop in crops]
        scores = [model(crop) for crop in crops]
        return torch.stack(scores).mean(0).softmax(1)

    return posteriors
