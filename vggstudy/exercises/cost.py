"""Coding exercises of the chapter on what training costs."""

from __future__ import annotations

from vggstudy.budget import FLOAT32, all_reduce_seconds
from vggstudy.exercises import Exercise


def _all_reduce(weights: int, gpus: int, link: float) -> float:
    return all_reduce_seconds(FLOAT32 * weights, gpus, link)


EXERCISES = {
    "all_reduce": Exercise(
        _all_reduce,
        cases=(
            (10**9, 4, 1e9), (10**9, 2, 1e9), (138_357_544, 4, 3.3e9), (138_357_544, 64, 10e9), (10**9, 1, 1e9),
            (132_863_336, 8, 1e9),
        ),
        slips={
            "a gradient in float32 has four bytes.": lambda weights, gpus, link: 2 * (gpus - 1) / gpus * weights / link,
            "that adds the parts up, and each GPU then has one n-th of the sum: it has to go round once more.": (
                lambda weights, gpus, link: (gpus - 1) / gpus * 4 * weights / link
            ),
            "n - 1 steps, not n: nobody sends anything to itself.": lambda weights, gpus, link: 8 * weights / link,
            "in one step an n-th of the gradients is sent, not all of them.": lambda weights, gpus, link: (
                2 * (gpus - 1) * 4 * weights / link
            ),
            "that is one GPU to which all others send their gradients in turn; in a ring all send at once.": (
                lambda weights, gpus, link: (gpus - 1) * 4 * weights / link
            ),
        },
    ),
}  # fmt: skip
