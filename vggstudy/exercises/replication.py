"""Coding exercises of the chapter that tries the paper's comparisons again."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, pstdev, stdev

from vggstudy.comparisons import STUDENT
from vggstudy.exercises import Exercise


def _around(gains: Sequence[float], half: float) -> tuple[float, float]:
    return fmean(gains) - half, fmean(gains) + half


def _interval(gains: Sequence[float]) -> tuple[float, float]:
    return _around(gains, STUDENT[4] * stdev(gains) / sqrt(5))


EXERCISES = {
    "interval": Exercise(
        _interval,
        (
            ((1.0, 2.0, 3.0, 4.0, 5.0),),
            ((-1.0, 0.5, 2.0, 0.0, 3.5),),
            ((0.2, 0.1, 0.4, 0.3, 0.2),),
            ((-8.0, -8.0, -8.0, -8.0, -7.0),),
        ),
        slips={
            "1.96 belongs to a spread that is known; here five numbers have to tell it too, so take Student's 2.776.": (
                lambda gains: _around(gains, 1.96 * stdev(gains) / sqrt(5))
            ),
            "that spread divides by n; with an estimated mean the sum of squares is divided by n - 1.": (
                lambda gains: _around(gains, STUDENT[4] * pstdev(gains) / sqrt(5))
            ),
            "that is where single gains lie; the mean of five spreads less, by the square root of five.": (
                lambda gains: _around(gains, STUDENT[4] * stdev(gains))
            ),
            "give the two ends, not the mean and the half-width.": (
                lambda gains: (fmean(gains), STUDENT[4] * stdev(gains) / sqrt(5))
            ),
        },
    ),
}
