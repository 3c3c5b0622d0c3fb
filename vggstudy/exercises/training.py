"""Coding exercises of the chapter on training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vggstudy.exercises import Exercise


def _gradient_of_batch(gradients: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    return sum(size * gradient for gradient, size in zip(gradients, sizes, strict=True)) / sum(sizes)


def _part(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


EXERCISES = {
    "gradient_of_batch": Exercise(
        _gradient_of_batch,
        cases=(
            ([_part(1.0, -2.0), _part(3.0, 4.0)], [8, 8]),
            ([_part(0.5, 2.0), _part(-1.0, 6.0), _part(4.0, 1.0)], [32, 32, 5]),
            ([_part(2.0)], [7]),
            ([_part(1.0, 0.0, 2.0)] * 4, [64, 64, 64, 64]),
        ),
        slips={
            "gradients of a mean cannot just be added: four quarters would step four times as far.": (
                lambda gradients, sizes: sum(gradients)
            ),
            "the last part of an epoch is often smaller: each part counts with its number of images.": (
                lambda gradients, sizes: sum(gradients) / len(gradients)
            ),
            "each part's gradient is a mean already: multiply it by its images before you divide by all.": (
                lambda gradients, sizes: sum(gradients) / sum(sizes)
            ),
            "and now divide by the number of images of the whole batch.": (
                lambda gradients, sizes: sum(g * n for g, n in zip(gradients, sizes, strict=True))
            ),
        },
    ),
}
