"""Coding exercises of the chapter on 1x1 convolutions."""

from __future__ import annotations

import torch
from torch import Tensor

from vggstudy.exercises import Exercise


def _merge(kernel: Tensor, bias: Tensor, matrix: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    return torch.einsum("km,mcij->kcij", matrix, kernel), matrix @ bias + shift


def _layers() -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], ...]:
    """A 3x3 layer from C to M channels and a 1x1 layer from M to K, with their biases; first M = K."""
    random = torch.Generator().manual_seed(0)
    return tuple(
        (
            torch.randn(middle, inputs, 3, 3, generator=random),
            torch.randn(middle, generator=random),
            torch.randn(outputs, middle, generator=random),
            torch.randn(outputs, generator=random),
        )
        for inputs, middle, outputs in ((3, 4, 4), (2, 5, 3), (6, 1, 2))
    )


EXERCISES = {
    "merge": Exercise(
        _merge,
        _layers(),
        slips={
            "the kernel is right; the bias of the 3×3 layer goes through the matrix too.": (
                lambda kernel, bias, matrix, shift: (torch.einsum("km,mcij->kcij", matrix, kernel), shift)
            ),
            "the kernel is right; the matrix mixes the biases as it mixes the channels, they are not just added.": (
                lambda kernel, bias, matrix, shift: (torch.einsum("km,mcij->kcij", matrix, kernel), bias + shift)
            ),
            "row k of the matrix makes channel k: you have used its columns.": (
                lambda kernel, bias, matrix, shift: _merge(kernel, bias, matrix.T, shift)
            ),
            "that is the 3×3 layer alone.": lambda kernel, bias, matrix, shift: (kernel, bias),
        },
    ),
}
