"""Random numbers that depend on a key alone: the same `(seed, epoch, image)` gives the same number in any batch.

A counter-based generator: each part of the key is stirred into a 64-bit word by SplitMix64's finaliser. It is
written out here, on arrays, because a generator object for each image would cost more than the crop it is
drawn for, and because its words are then the same on every machine and with every version of NumPy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def words(*key: ArrayLike) -> NDArray[np.uint64]:
    """64 random bits for each key; the parts of `key` are whole numbers, or arrays of them that broadcast."""
    state = np.zeros(1, np.uint64)
    for part in key:
        state = state + _GOLDEN + np.asarray(part).astype(np.uint64)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return state


def uniforms(*key: ArrayLike) -> NDArray[np.float64]:
    """Numbers in [0, 1), one for each key."""
    return (words(*key) >> np.uint64(11)) * 2.0**-53


def normals(*key: ArrayLike) -> NDArray[np.float64]:
    """Numbers of a standard normal distribution, one for each key (Box and Muller's transform)."""
    radius = np.sqrt(-2 * np.log1p(-uniforms(*key, 0)))
    return radius * np.cos(2 * np.pi * uniforms(*key, 1))
