"""Coding exercise of the chapter on crops and dense evaluation."""

from __future__ import annotations

from collections.abc import Callable

from vggstudy.exercises import Exercise

Corners = tuple[tuple[int, int], ...]

GRID = 5


def _grid(place: Callable[[int, int, int], int]) -> Callable[[int, int, int], Corners]:
    """All corners, row by row, from the rule of one side: number of the crop, side of the image and of the crop."""

    def corners(height: int, width: int, crop: int) -> Corners:
        return tuple(
            (place(row, height, crop), place(column, width, crop)) for row in range(GRID) for column in range(GRID)
        )

    return corners


_corners = _grid(lambda i, side, crop: i * (side - crop) // (GRID - 1))


EXERCISES = {
    "corners": Exercise(
        _corners,
        cases=(
            (256, 256, 224), (384, 384, 224), (512, 512, 224), (256, 341, 224), (384, 512, 224), (72, 81, 64),
            (64, 72, 64), (224, 224, 224), (227, 225, 224), (288, 432, 224),
        ),
        slips={
            "five crops leave four gaps between them.": _grid(lambda i, side, crop: i * (side - crop) // GRID),
            "the last crop ends at the image's edge: it begins at side - crop.": (
                _grid(lambda i, side, crop: i * side // GRID)
            ),
            "32 pixels is the stride of the score map; the grid fits itself to the image.": (
                _grid(lambda i, side, crop: 32 * i)
            ),
            "row by row: the left edge changes first.": lambda height, width, crop: tuple(
                (top, left) for left in dict.fromkeys(x for _, x in _corners(height, width, crop)) for top, _ in
                _corners(height, width, crop)[::GRID]
            ),
            "the top edge belongs to the height, the left one to the width.": (
                lambda height, width, crop: _corners(width, height, crop)
            ),
            "a corner is a whole pixel, rounded down.": (
                _grid(lambda i, side, crop: -(-i * (side - crop) // (GRID - 1)))
            ),
            "that is the middle of the crop; asked for is its top-left pixel.": (
                _grid(lambda i, side, crop: i * (side - crop) // (GRID - 1) + crop // 2)
            ),
        },
    ),
}  # fmt: skip
