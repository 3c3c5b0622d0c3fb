"""Coding exercise of the chapter on fusion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vggstudy.exercises import Exercise

Wrong = NDArray[np.bool_]  # (candidates, images)


def _honest(wrong: Wrong, first: int) -> float:
    best = wrong[:, :first].mean(1).argmin()
    return float(100 * wrong[best, first:].mean())


def _case(seed: int, candidates: int, images: int, first: int) -> tuple[Wrong, int]:
    return np.random.default_rng(seed).random((candidates, images)) < 0.4, first


EXERCISES = {
    "honest": Exercise(
        _honest,
        cases=(
            _case(300, 3, 11, 5), _case(0, 4, 40, 20), _case(1, 4, 40, 20), _case(2, 30, 100, 50),
            _case(3, 255, 400, 100), _case(4, 255, 400, 300), _case(5, 12, 1000, 500),
        ),
        slips={
            "an error is given in %.": lambda wrong, first: _honest(wrong, first) / 100,
            "the images that chose are not to be reported on: take the others.": (
                lambda wrong, first: float(100 * wrong[:, :first].mean(1).min())
            ),
            "choose on the first images only: the others must not have had a say.": (
                lambda wrong, first: float(100 * wrong[wrong.mean(1).argmin(), first:].mean())
            ),
            "that is the least error of the others over all candidates: it chooses on what it reports.": (
                lambda wrong, first: float(100 * wrong[:, first:].mean(1).min())
            ),
            "report on the others alone, not on all images.": (
                lambda wrong, first: float(100 * wrong[wrong[:, :first].mean(1).argmin()].mean())
            ),
            "count the images in which it is wrong, not those in which it is right.": (
                lambda wrong, first: 100 - _honest(wrong, first)
            ),
            "the first images choose, the others report: not the other way round.": (
                lambda wrong, first: float(100 * wrong[wrong[:, first:].mean(1).argmin(), :first].mean())
            ),
        },
    ),
}  # fmt: skip
