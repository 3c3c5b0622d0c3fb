"""How far an error rate, or the gap between two, may be chance: bootstrap intervals over the images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

RESAMPLES = 10_000


@dataclass(frozen=True)
class Estimate:
    """A mean over images and the bootstrap interval around it, in the unit of its values."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}; {self.high:.2f}]"


def estimate(values: ArrayLike, level: float = 0.95, seed: int = 0) -> Estimate:
    """Mean of one value an image, with its percentile bootstrap interval.

    Errors, and differences of errors, take few distinct values, so that to resample the images is to draw how
    often each value occurs.

    Args:
        values: One number an image, `(n,)`; equal images in equal places make differences paired.
        level: Share of the resampled means that the interval holds.
        seed: Of the resampling.
    """
    values = np.asarray(values, dtype=float)
    distinct, counts = np.unique(values, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(values.size, counts / values.size, size=RESAMPLES)
    means = drawn @ distinct / values.size
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(values.mean()), float(low), float(high))
