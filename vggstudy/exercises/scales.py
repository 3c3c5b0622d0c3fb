"""Coding exercise of the chapter on single- and multi-scale evaluation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vggstudy.exercises import Exercise

Scores = NDArray[np.float64]  # a class score map (K, h, w), or its mean (K,)


def _soft_max(scores: Scores) -> Scores:
    raised = np.exp(scores - scores.max(0))
    return raised / raised.sum(0)


def _places(scores: Scores) -> Scores:
    return scores.mean((1, 2))


def _posterior(small: Scores, large: Scores) -> Scores:
    return (_soft_max(_places(small)) + _soft_max(_places(large))) / 2


def _pooled(small: Scores, large: Scores) -> Scores:
    """All places of both maps in one mean."""
    together = np.concatenate([each.reshape(len(each), -1) for each in (small, large)], 1)
    return _soft_max(together.mean(1))


def _map(seed: int, *shape: int) -> Scores:
    return np.random.default_rng(seed).normal(scale=2.0, size=shape)


def _peak(scores: Scores) -> Scores:
    return scores.max((1, 2))


EXERCISES = {
    "posterior": Exercise(
        _posterior,
        cases=(
            (_map(0, 3, 1, 1), _map(0, 3, 1, 1)), (_map(1, 3, 2, 2), _map(1, 3, 2, 2)),
            (_map(2, 4, 1, 1), _map(3, 4, 2, 2)), (_map(4, 5, 2, 3), _map(5, 5, 4, 6)),
            (_map(6, 20, 3, 2), _map(7, 20, 7, 5)), (_map(8, 2, 1, 1), 50 * _map(9, 2, 9, 9)),
        ),
        slips={
            "these are scores still: the soft-max makes posteriors of them, which sum to one.": (
                lambda small, large: (_places(small) + _places(large)) / 2
            ),
            "within a map it is the scores that are averaged; the soft-max comes after.": (
                lambda small, large: sum(_places(_soft_max(each)) for each in (small, large)) / 2
            ),
            "a map is averaged over its places; its largest score is another rule.": (
                lambda small, large: (_soft_max(_peak(small)) + _soft_max(_peak(large))) / 2
            ),
            "a larger image has more places, but each scale has one vote: average each map by itself.": _pooled,
            "over scales it is the posteriors that are averaged: a soft-max for each scale, then the mean.": (
                lambda small, large: _soft_max((_places(small) + _places(large)) / 2)
            ),
            "the mean of two posteriors is half their sum.": (
                lambda small, large: _soft_max(_places(small)) + _soft_max(_places(large))
            ),
        },
    ),
}  # fmt: skip
