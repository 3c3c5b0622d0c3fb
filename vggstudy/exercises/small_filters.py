"""Coding exercises of the chapter on small filters."""

from __future__ import annotations

from vggstudy.analysis import trace
from vggstudy.exercises import Exercise


def _centre(index: int, field: int, stride: int, offset: int) -> float:
    return offset + index * stride + (field - 1) / 2


def _fields() -> tuple[tuple[int, int, int, int], ...]:
    """Cells of every kind of layer of net D, those near the image first."""
    layers = [layer for layer in trace("D") if layer.kind in ("conv", "pool")]
    return tuple(
        (index, layer.receptive_field, layer.stride, layer.offset)
        for layer in layers
        for index in (0, 1, layer.shape[1] - 1)
    )


EXERCISES = {
    "centre": Exercise(
        _centre,
        _fields(),
        slips={
            "the first pixel of a field of 5 is 0 and its last is 4, so its middle is 2, not 2.5.": (
                lambda index, field, stride, offset: offset + index * stride + field / 2
            ),
            "a field begins at `offset` for cell 0, which padding puts outside the image: add it.": (
                lambda index, field, stride, offset: index * stride + (field - 1) / 2
            ),
            "that is where the field begins; its middle lies half a field further.": (
                lambda index, field, stride, offset: float(offset + index * stride)
            ),
        },
    ),
}
