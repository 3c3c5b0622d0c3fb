"""Coding exercises of the chapter on reproducing the paper on ImageNet."""

from __future__ import annotations

from vggstudy.exercises import Exercise

# Ids as a development kit might list them: not in the order of their names.
SYNSETS = ("n02119789", "n02100735", "n02110185", "n01440764", "n03888257", "n01443537")


def _labels(numbers: list[int], synsets: list[str]) -> list[int]:
    order = sorted(synsets)
    return [order.index(synsets[number - 1]) for number in numbers]


EXERCISES = {
    "labels": Exercise(
        _labels,
        (
            ([4], list(SYNSETS)),
            ([1, 2, 3], list(SYNSETS)),
            ([5, 5, 1, 4], list(SYNSETS)),
            ([3, 2, 1], ["n00000001", "n00000002", "n00000003"]),
        ),
        slips={
            "the numbers of the development kit count from 1, labels from 0; and the order is another, too.": (
                lambda numbers, synsets: list(numbers)
            ),
            "that is the place in the development kit; networks count the ids in the order of their names.": (
                lambda numbers, synsets: [number - 1 for number in numbers]
            ),
            "the first line of the list is number 1, not number 0.": (
                lambda numbers, synsets: [sorted(synsets).index(synsets[number]) for number in numbers]
            ),
            "number n is line n of the list as it stands: sort only to find its rank.": (
                lambda numbers, synsets: [synsets.index(sorted(synsets)[number - 1]) for number in numbers]
            ),
        },
    ),
}
