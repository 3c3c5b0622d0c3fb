"""Coding exercises of the chapter on dense evaluation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vggstudy.exercises import Exercise


def _kernel(weight: Tensor, side: int) -> Tensor:
    return weight.unflatten(1, (-1, side, side))


def _layers() -> tuple[tuple[Tensor, int], ...]:
    """Weights of fully-connected layers on maps of some sides."""
    random = torch.Generator().manual_seed(0)
    return tuple(
        (torch.randn(outputs, channels * side**2, generator=random), side)
        for outputs, channels, side in ((4, 3, 2), (2, 5, 7), (6, 8, 1))
    )


def _counts(labels: Tensor, predicted: Tensor, num_classes: int) -> list[tuple[int, int, int]]:
    """Of each class: pixels right, true, predicted."""
    return [
        tuple(int(found.sum()) for found in ((labels == k) & (predicted == k), labels == k, predicted == k))
        for k in range(num_classes)
    ]


def _mean(
    value: Callable[[int, int, int], float], wanted: Callable[[int, int, int], bool], first: int = 0
) -> Callable[[Tensor, Tensor, int], float]:
    """100 times the mean of a value over the classes that are wanted."""

    def function(labels: Tensor, predicted: Tensor, num_classes: int) -> float:
        values = [value(*seen) for seen in _counts(labels, predicted, num_classes)[first:] if wanted(*seen)]
        return 100 * sum(values) / len(values)

    return function


def _iou(both: int, true: int, taken: int) -> float:
    return both / max(true + taken - both, 1)


def _occurs(both: int, true: int, taken: int) -> bool:
    return true + taken > 0


def _pixels() -> tuple[tuple[Tensor, Tensor, int], ...]:
    """Labels and what they were taken for: all classes occur; one does not; one is only guessed."""
    labels = torch.tensor([[0, 0, 1], [0, 1, 1], [2, 2, 0]])
    taken = torch.tensor([[0, 0, 1], [0, 0, 1], [2, 1, 0]])
    return (
        (labels, taken, 3),
        (labels, taken, 5),
        (labels, torch.where(labels == 2, 3, taken), 5),
        (labels, labels, 4),
    )


EXERCISES = {
    "kernel": Exercise(
        _kernel,
        _layers(),
        slips={
            "the vector runs through all cells of a channel before it comes to the next channel: C, h, w.": (
                lambda weight, side: weight.unflatten(1, (side, side, -1)).permute(0, 3, 1, 2)
            ),
            "a kernel of torch is (outputs, channels, rows, columns), in this order.": (
                lambda weight, side: weight.unflatten(1, (-1, side, side)).permute(0, 2, 3, 1)
            ),
            "within a channel columns run faster than rows.": (
                lambda weight, side: weight.unflatten(1, (-1, side, side)).transpose(2, 3)
            ),
            "torch's convolution turns nothing round: it multiplies each weight by the cell under it.": (
                lambda weight, side: weight.unflatten(1, (-1, side, side)).flip(2, 3)
            ),
        },
    ),
    "mean_iou": Exercise(
        _mean(_iou, _occurs),
        _pixels(),
        slips={
            "in %, please.": lambda *case: _mean(_iou, _occurs)(*case) / 100,
            "that is the share of right pixels, to which a large background contributes most.": (
                lambda labels, predicted, _: 100 * float((labels == predicted).double().mean())
            ),
            "the union counts a pixel that is in both sets once, not twice.": (
                _mean(lambda both, true, taken: both / max(true + taken, 1), _occurs)
            ),
            "twice the intersection over the sum of both sets is another measure (Dice's).": (
                _mean(lambda both, true, taken: 2 * both / max(true + taken, 1), _occurs)
            ),
            "that is the share of each class's pixels that were found; what was wrongly taken for it must count too.": (
                _mean(lambda both, true, taken: both / max(true, 1), _occurs)
            ),
            "background is a class too.": _mean(_iou, _occurs, first=1),
            "a class without a pixel on either side has no union: leave it out of the mean.": (
                _mean(_iou, lambda *_: True)
            ),
            "a class that is guessed but not there counts, with 0.": _mean(_iou, lambda both, true, taken: true > 0),
        },
    ),
}
