"""Class score maps to look at: the scores of every position, and which pixels each position sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vggstudy.analysis import LayerTrace, trace
from vggstudy.augment import rescale
from vggstudy.errors import ConfigError
from vggstudy.evaluate import evaluating, pixels_of, scales_of
from vggstudy.model import VGG, preprocess, score_map

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels, the last two excluded


@dataclass(frozen=True, eq=False)
class ClassScoreMap:
    """Scores of some classes over the positions of one image, and the geometry to lay them on it.

    Args:
        scores: `(k, h, w)`; posteriors of each position if it was asked for them.
        classes: The `k` classes, most probable over the whole image first.
        picture: The rescaled image on which pixels are counted, uint8 RGB `(3, H, W)`.
        crop_size: Side of the window of a position, pixels: its score is that of this crop, but for the padding.
        last_layer: Trace of the last layer: receptive field, stride and offset.
    """

    scores: Tensor = field(repr=False)
    classes: tuple[int, ...]
    picture: Tensor = field(repr=False)
    crop_size: int
    last_layer: LayerTrace

    def box(self, row: int, column: int) -> Box:
        """The pixels that the score of a position depends on; it may reach beyond the picture, into zero padding."""
        return self.last_layer.box(row, column)

    def window(self, row: int, column: int) -> Box:
        """The crop in the middle of `box`, over which the network slides from position to position."""
        left, top = column * self.last_layer.stride, row * self.last_layer.stride
        return left, top, left + self.crop_size, top + self.crop_size

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """Middle `(x, y)` of `box` and `window`, in pixels from the picture's top-left corner."""
        left, top, right, bottom = self.box(row, column)
        return (left + right) / 2, (top + bottom) / 2

    @property
    def centres(self) -> tuple[list[float], list[float]]:
        """Horizontal middles of the columns and vertical middles of the rows, pixels."""
        rows, columns = self.scores.shape[1:]
        return [self.centre(0, column)[0] for column in range(columns)], [self.centre(row, 0)[1] for row in range(rows)]


def class_score_map(
    model: VGG,
    image: Any,
    Q: int | None = None,
    classes: int | Sequence[int] | None = None,
    softmax: bool = True,
) -> ClassScoreMap:
    """Where in an image the network sees which class.

    Args:
        model: The network.
        image: uint8 RGB `(3, H, W)` or a PIL image, of any size.
        Q: Test scale, as for `evaluate`; one only.
        classes: One class, several, or `None` for the five that are most probable over the whole image.
        softmax: Posteriors of each position rather than scores.  (The paper averages the scores.)
    Raises:
        ConfigError: For a class that the network does not know, or a scale smaller than the crop.
        DataError: If it is no such image.

    Paper: section 3.2 (class score map).  Book: dense evaluation.
    """
    picture = rescale(pixels_of(image), scales_of(model, Q)[0])
    parameter = next(model.parameters())
    with evaluating(model):
        scores = score_map(model, preprocess(model, picture[None].to(parameter.device)).to(parameter))[0].cpu()
    ranking = scores.mean((1, 2)).argsort(descending=True).tolist()
    wanted = ranking[:5] if classes is None else [classes] if isinstance(classes, int) else list(classes)
    if unknown := [each for each in wanted if each not in ranking]:
        raise ConfigError(f"class {unknown[0]}: the network tells {model.num_classes} classes apart, counted from 0")
    chosen = tuple(sorted(wanted, key=ranking.index))
    net = {"num_classes": model.num_classes, "width": model.width, "fc_width": model.fc_width}
    return ClassScoreMap(
        scores=(scores.softmax(0) if softmax else scores)[torch.tensor(chosen)],
        classes=chosen,
        picture=picture,
        crop_size=model.crop_size,
        last_layer=trace(model.config, model.crop_size, **net)[-1],
    )
