"""Coding exercises of the chapter on training image size."""

from __future__ import annotations

from vggstudy.exercises import Exercise


def _whole(first: int, length: int, side: int, crop: int) -> float:
    """By counting, place by place."""
    places = range(side - crop + 1)
    return sum(place <= first and first + length <= place + crop for place in places) / len(places)


def _fits(first: int, length: int, crop: int) -> tuple[int, int]:
    """First and last place of a crop that holds the object, were the image endless."""
    return first + length - crop, first


EXERCISES = {
    "whole": Exercise(
        _whole,
        cases=(
            (28, 16, 72, 64), (0, 16, 72, 64), (30, 40, 144, 64), (20, 80, 108, 64), (5, 64, 108, 64),
            (60, 48, 108, 64), (0, 64, 64, 64), (3, 10, 64, 64), (84, 60, 144, 64), (100, 120, 384, 224),
            (0, 224, 256, 224),
        ),
        slips={
            "an object larger than the crop is never whole: there is no negative number of places.": (
                lambda first, length, side, crop: (
                    (min(first, side - crop) - max(_fits(first, length, crop)[0], 0) + 1) / (side - crop + 1)
                )
            ),
            "the crop stays inside the image: no place before 0, none after side - crop.": (
                lambda first, length, side, crop: max(0, crop - length + 1) / (side - crop + 1)
            ),
            "a crop of 64 in 72 pixels has nine places, 0 to 8.": lambda first, length, side, crop: (
                _whole(first, length, side, crop) * (side - crop + 1) / max(1, side - crop)
            ),
            "from the first place that holds it to the last, both count.": lambda first, length, side, crop: (
                max(0, min(first, side - crop) - max(first + length - crop, 0)) / (side - crop + 1)
            ),
            "whole, not its first pixel only.": lambda first, length, side, crop: (
                sum(place <= first < place + crop for place in range(side - crop + 1)) / (side - crop + 1)
            ),
        },
    ),
}  # fmt: skip
