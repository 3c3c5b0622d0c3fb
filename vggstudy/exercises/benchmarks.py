"""Coding exercises of the chapter on benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from vggstudy.bench.records import Spread
from vggstudy.exercises import Exercise


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return Spread.of(their / our for our, their in zip(ours, theirs, strict=True)).median


EXERCISES = {
    "ratio": Exercise(
        _ratio,
        cases=(
            ([1.0, 1.0, 1.0], [1.5, 1.5, 1.5]),
            ([1.0, 3.0, 1.2, 1.1, 1.3], [1.4, 3.3, 1.9, 1.25, 1.56]),
            ([2.0, 1.0, 1.0, 1.0, 1.0], [1.9, 1.2, 9.0, 1.1, 1.3]),
            ([0.2, 0.2, 0.4, 0.3], [0.3, 0.2, 0.5, 0.6]),
        ),
        slips={
            "above 1 shall be in our favour: the seconds of the other over ours.": lambda ours, theirs: median(
                our / their for our, their in zip(ours, theirs, strict=True)
            ),
            "a slow moment hits both in one round: take the ratio within a round, and then the median.": (
                lambda ours, theirs: median(theirs) / median(ours)
            ),
            "the fastest rounds of the two are from different moments; divide within a round.": (
                lambda ours, theirs: min(theirs) / min(ours)
            ),
            "one round in which somebody else used the machine moves a mean as far as it likes.": (
                lambda ours, theirs: fmean(their / our for our, their in zip(ours, theirs, strict=True))
            ),
            "the best round flatters: half of the rounds should be better, half worse.": lambda ours, theirs: max(
                their / our for our, their in zip(ours, theirs, strict=True)
            ),
        },
    ),
}
