"""Coding exercises of the chapter on bugs: the reader writes the test, and is given heads that are right and broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from vggstudy import model as library
from vggstudy.exercises import Exercise
from vggstudy.initialise import initialise
from vggstudy.mistakes import MISTAKES
from vggstudy.model import VGG, vgg

CHANNELS, SIDE = 8, 2  # of the map that fc6 reads

NET = initialise(vgg(f"conv3-{CHANNELS} |", num_classes=5, crop_size=2 * SIDE, fc_width=6), "he").eval()


@dataclass(frozen=True)
class Given:
    """A function of the last feature map, under a name that does not tell what is wrong with it."""

    name: str
    function: Callable[[VGG, Tensor], Tensor] = field(repr=False)

    def __call__(self, pooled: Tensor) -> Tensor:
        with torch.no_grad():
            return self.function(NET, pooled)

    def __repr__(self) -> str:
        return self.name


def _convolutions(net: VGG, pooled: Tensor) -> Tensor:
    """The head as convolutions, which is right."""
    fc6, fc7, fc8 = (net.layer(name) for name in ("fc6", "fc7", "fc8"))
    maps = F.conv2d(pooled, fc6.weight.unflatten(1, (-1, SIDE, SIDE)), fc6.bias).relu()
    maps = F.conv2d(maps, fc7.weight[:, :, None, None], fc7.bias).relu()
    return F.conv2d(maps, fc8.weight[:, :, None, None], fc8.bias)


def _places_transposed(net: VGG, pooled: Tensor) -> Tensor:
    """Right at the first place only."""
    return library.head(net, pooled).transpose(2, 3)


HEADS = (
    library.head,
    _convolutions,
    MISTAKES["the head lacks ReLU"].broken,
    MISTAKES["fc6 is read in another order"].broken,
    MISTAKES["an adaptive pool stands before fc6"].broken,
    _places_transposed,
)
CLASSIFIER = Given("classifier", lambda net, window: net.classifier(window.flatten(1)))

Head = Callable[[Tensor], Tensor]


def _agrees(head: Head, classifier: Head, channels: int, side: int) -> bool:
    pooled = torch.randn(2, channels, side + 1, side + 2, generator=torch.Generator().manual_seed(0))
    windows = pooled.unfold(2, side, 1).unfold(3, side, 1)
    wanted = torch.stack([torch.stack([classifier(w) for w in row.unbind(2)], 2) for row in windows.unbind(2)], 2)
    given = head(pooled)
    return given.shape == wanted.shape and torch.allclose(given, wanted, atol=1e-5)


def _shape_only(head: Head, classifier: Head, channels: int, side: int) -> bool:
    shape = head(torch.zeros(1, channels, side + 1, side + 2)).shape
    return shape[2:] == (2, 3) or shape[2:] == (3, 2)


def _one_window(head: Head, classifier: Head, channels: int, side: int) -> bool:
    window = torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(0))
    return torch.allclose(head(window)[:, :, 0, 0], classifier(window), atol=1e-5)


def _first_place(head: Head, classifier: Head, channels: int, side: int) -> bool:
    pooled = torch.randn(2, channels, side + 1, side + 2, generator=torch.Generator().manual_seed(0))
    return torch.allclose(head(pooled)[:, :, 0, 0], classifier(pooled[:, :, :side, :side]), atol=1e-5)


EXERCISES = {
    "agrees": Exercise(
        _agrees,
        cases=tuple((Given(f"head {n}", head), CLASSIFIER, CHANNELS, SIDE) for n, head in enumerate(HEADS, 1)),
        slips={
            "its scores have the right shape and are wrong: compare the numbers with the classifier's.": _shape_only,
            "it is right on a map of one window only: give it a larger one.": _one_window,
            "it is right at the first place only: compare every place, on a map that is not square.": _first_place,
        },
    ),
}
