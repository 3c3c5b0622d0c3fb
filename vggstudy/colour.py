"""The colours of a training set: the mean that is subtracted, and the directions in which colours vary.

Paper: section 2.1 (the mean), section 3.1 (the random RGB colour shift of Krizhevsky et al., 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .cache import Arrays, cached
from .imageset import ImageSet

SAMPLE = 20_000
"""Most images that are read for these figures: more would not change what can be seen of them."""


@dataclass(frozen=True)
class ColourPCA:
    """Principal components of the RGB values of a training set.

    Args:
        vectors: One component a column, `(3, 3)`; the largest entry of each is positive.
        values: Variance along each, falling, `(3,)`, for pixels between 0 and 1.
    """

    vectors: NDArray[np.float64]
    values: NDArray[np.float64]

    def shift(self, alpha: NDArray[np.float64]) -> NDArray[np.float64]:
        """The colours `(N, 3)`, in units of 0-255, that are added for these draws `(N, 3)` of alpha.

        Krizhevsky et al. add `vectors @ (alpha * values)`. A variance grows with the square of the unit, so
        the unit matters, and they do not say it: pixels between 0 and 1 give a plausible shift, of a few grey
        levels, and pixels between 0 and 255 one of thousands.
        """
        return 255 * (alpha * self.values) @ self.vectors.T


def mean_rgb(dataset: ImageSet) -> tuple[float, float, float]:
    """Mean red, green and blue of all pixels of a training set, 0-255.

    Every image counts the same, whatever its size.

    Paper: section 2.1.
    """
    return tuple(_moments(dataset)["mean"].tolist())


def colour_pca(dataset: ImageSet) -> ColourPCA:
    """Principal components of the RGB values of a training set (Krizhevsky et al., 2012, section 4.1)."""
    values, vectors = np.linalg.eigh(_moments(dataset)["covariance"] / 255**2)
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(0), range(3)])
    return ColourPCA(vectors[:, ::-1], np.maximum(values[::-1], 0))


_known: WeakKeyDictionary[ImageSet, Arrays] = WeakKeyDictionary()
_measuring = Lock()  # the first batches of all workers ask at the same time


def _moments(dataset: ImageSet) -> Arrays:
    with _measuring:
        if dataset not in _known:
            _known[dataset] = cached(f"colour-{dataset.name}", lambda: _measure(dataset))
        return _known[dataset]


def _measure(dataset: ImageSet) -> Arrays:
    count = min(len(dataset), SAMPLE)
    mean, square = np.zeros(3), np.zeros((3, 3))
    for k in range(count):
        pixels = dataset[k * len(dataset) // count][0].numpy().reshape(3, -1).astype(np.float64)
        mean += pixels.mean(1) / count
        square += pixels @ pixels.T / (pixels.shape[1] * count)
    return {"mean": mean, "covariance": square - np.outer(mean, mean)}
