"""Coding exercises of the chapter on initialisation."""

from __future__ import annotations

from math import sqrt

from vggstudy.exercises import Exercise


def _std(kernel: int, channels: int, outputs: int, first: bool) -> float:
    """Keeps the signal's size: half of a ReLU's mean square is gone, and the image has had no ReLU."""
    return sqrt((1 if first else 2) / (kernel**2 * channels))


EXERCISES = {
    "std": Exercise(
        _std,
        cases=(
            (3, 64, 192, False), (1, 512, 512, False), (3, 3, 64, True), (3, 256, 256, False), (7, 512, 4096, False),
            (11, 3, 96, True), (1, 4096, 1000, False),
        ),
        slips={
            "that is the variance.": lambda kernel, channels, outputs, first: (
                (1 if first else 2) / (kernel**2 * channels)
            ),
            "an output adds up kernel × kernel products of each channel.": lambda kernel, channels, outputs, first: (
                sqrt((1 if first else 2) / channels)
            ),
            "the kernel has two sides.": lambda kernel, channels, outputs, first: (
                sqrt((1 if first else 2) / (kernel * channels))
            ),
            "that is the fan-out, which keeps the size of gradients; an output adds up its inputs.": (
                lambda kernel, channels, outputs, first: sqrt((1 if first else 2) / (kernel**2 * outputs))
            ),
            "that is Glorot's mean of the fans, which takes no account of ReLU.": (
                lambda kernel, channels, outputs, first: sqrt(2 / (kernel**2 * (channels + outputs)))
            ),
            "a ReLU throws away half of the mean square that the layer reads.": (
                lambda kernel, channels, outputs, first: sqrt(1 / (kernel**2 * channels))
            ),
            "no ReLU stands before the first layer.": lambda kernel, channels, outputs, first: (
                sqrt(2 / (kernel**2 * channels))
            ),
        },
    ),
}  # fmt: skip
