"""Coding exercises of the chapter on what came after VGG."""

from __future__ import annotations

import torch
from torch import Tensor

from vggstudy.exercises import Exercise
from vggstudy.transfer import gather, unit_length

Box = tuple[float, float, float, float]


def _descriptor(maps: list[Tensor]) -> Tensor:
    averages = torch.stack([scale.mean((1, 2)) for scale in maps])
    return gather(averages[None])[0]


def _of_all_places(maps: list[Tensor]) -> Tensor:
    return unit_length(torch.cat([scale.flatten(1) for scale in maps], 1).mean(1)[None])[0]


def _each_scale_first(maps: list[Tensor]) -> Tensor:
    return torch.stack([unit_length(scale.mean((1, 2))[None])[0] for scale in maps]).mean(0)


def _by_the_sum(maps: list[Tensor]) -> Tensor:
    mean = torch.stack([scale.mean((1, 2)) for scale in maps]).mean(0)
    return mean / mean.sum()


def _maps() -> tuple[tuple[list[Tensor]], ...]:
    """Maps of four channels, one scale at first, then two and three scales of growing sides."""
    random = torch.Generator().manual_seed(0)
    return tuple(
        ([torch.rand(4, side, side + 1, generator=random) * (place + 1) for place, side in enumerate(sides)],)
        for sides in ((2,), (1, 3), (1, 2, 4))
    )


def _iou(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    both = max(width, 0) * max(height, 0)
    return both / (_area(first) + _area(second) - both)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _iou_unclipped(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return width * height / (_area(first) + _area(second) - width * height)


def _iou_sum(first: Box, second: Box) -> float:
    overlap = _iou(first, second)
    return overlap / (1 + overlap)  # the intersection over the sum of both areas


def _iou_pixels(first: Box, second: Box) -> float:
    return _iou(*((left, top, right + 1, bottom + 1) for left, top, right, bottom in (first, second)))


def _iou_smaller(first: Box, second: Box) -> float:
    overlap = _iou(first, second)
    both = overlap / (1 + overlap) * (_area(first) + _area(second))
    return both / min(_area(first), _area(second))


EXERCISES = {
    "descriptor": Exercise(
        _descriptor,
        _maps(),
        slips={
            "a large scale has more places and would count for more: average over places first, then over scales.": (
                _of_all_places
            ),
            "average the scales first; a mean of unit vectors is shorter than 1.": _each_scale_first,
            "unit length is meant in the Euclidean sense: divide by the root of the sum of squares.": _by_the_sum,
            "bring the mean to unit length at the end.": (
                lambda maps: torch.stack([scale.mean((1, 2)) for scale in maps]).mean(0)
            ),
        },
    ),
    "iou": Exercise(
        _iou,
        (
            ((0, 0, 10, 10), (5, 0, 15, 10)),
            ((0, 0, 10, 10), (0, 0, 10, 10)),
            ((0, 0, 10, 10), (2, 2, 4, 4)),
            ((0, 0, 10, 10), (10, 0, 20, 10)),
            ((0, 0, 10, 10), (20, 20, 30, 30)),
            ((0, 0, 10, 10), (4, 12, 6, 20)),
        ),
        slips={
            "boxes that lie apart in both directions: two negative sides multiply to a positive area.": _iou_unclipped,
            "the union counts what both share once: subtract it from the sum of the areas.": _iou_sum,
            "right and bottom are exclusive here: a box from 0 to 10 is 10 pixels wide, not 11.": _iou_pixels,
            "divide by the union, not by the smaller box: a small box inside a large one is no good match.": (
                _iou_smaller
            ),
        },
    ),
}
