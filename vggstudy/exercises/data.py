"""Coding exercises of the chapter on the data."""

from __future__ import annotations

from vggstudy.augment import CropDraw
from vggstudy.exercises import Exercise


def _first_pixel(u: float, side: int, crop: int) -> int:
    """As the library cuts, in one direction."""
    return CropDraw(S=side, down=u, right=0.0, flip=False).corner(side, crop, crop)[0]


EXERCISES = {
    "first_pixel": Exercise(
        _first_pixel,
        cases=(
            (0.0, 40, 32), (0.5, 40, 32), (0.99, 40, 32), (0.0, 32, 32), (0.7, 32, 32), (0.95, 256, 224),
            *((k / 20, 72, 64) for k in range(20)), (0.999, 512, 224), (0.25, 384, 224),
        ),
        slips={
            "a crop of 32 in 40 pixels has nine places, 0 to 8: yours never touches the far edge.": (
                lambda u, side, crop: int(u * (side - crop))
            ),
            "rounding gives the first and the last place half of what the others get.": (
                lambda u, side, crop: round(u * (side - crop))
            ),
            "that is the first pixel of the crop anywhere in the image: its last pixel must lie inside too.": (
                lambda u, side, crop: int(u * side)
            ),
            "that is the crop in the middle, whatever was drawn.": lambda u, side, crop: (side - crop) // 2,
            "a pixel has a whole number.": lambda u, side, crop: u * (side - crop + 1),
        },
    ),
}  # fmt: skip
