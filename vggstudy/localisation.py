"""Where an object is: boxes, how far two of them agree, and a linear layer that predicts one.

The paper's localisation nets end in a layer that gives a box instead of class scores: one box for all classes
(single-class regression, 4 outputs), or one for each class (per-class regression, 4 K outputs).

Paper: appendix A.  Book: after VGG.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from vggstudy.errors import DataError

CORRECT = 0.5  # a box is right if it agrees with the true one by more than this


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes, pair by pair.

    Args:
        first, second: Left, top, right and bottom, `(..., 4)`, the last two exclusive.
    Returns:
        0 (apart) to 1 (equal), `(...)`.
    """
    corner = torch.maximum(first[..., :2], second[..., :2])
    opposite = torch.minimum(first[..., 2:], second[..., 2:])
    both = (opposite - corner).clamp_min(0).prod(-1)
    return both / (area(first) + area(second) - both)


def area(boxes: Tensor) -> Tensor:
    """Pixels in boxes `(..., 4)`; a box whose sides are reversed has none."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp_min(0).prod(-1)


def to_centres(boxes: Tensor) -> Tensor:
    """Left, top, right, bottom -> the paper's four numbers: centre x, centre y, width, height."""
    return torch.cat([(boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]], -1)


def to_corners(boxes: Tensor) -> Tensor:
    """Centre x, centre y, width, height -> left, top, right, bottom."""
    return torch.cat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)


def merge_greedily(boxes: Tensor, scores: Tensor, least: float = CORRECT) -> tuple[Tensor, Tensor]:
    """Merge the two boxes that agree most, again and again, until no two agree well.

    A merged box is the mean of all that went into it, and its score is their sum, so that a place on which many
    positions agree outbids a single confident one.

    Args:
        boxes: Predictions at many positions and scales, corners, `(n, 4)`.
        scores: Of the class at these positions, `(n,)`.
        least: Overlap (IoU) from which two boxes are merged.
    Returns:
        Merged boxes `(m, 4)` and their scores `(m,)`, the highest score first.

    Paper: appendix A, after Sermanet et al. (2014), whose own measure of closeness is another.
    """
    merged, total, count = boxes.clone(), scores.clone(), torch.ones_like(scores)
    while len(merged) > 1:
        overlap = iou(merged[:, None], merged[None]).fill_diagonal_(-1)
        i, j = divmod(int(overlap.argmax()), len(merged))
        if overlap[i, j] < least:
            break
        share = count[i] / (count[i] + count[j])
        merged[i] = share * merged[i] + (1 - share) * merged[j]
        total[i], count[i] = total[i] + total[j], count[i] + count[j]
        kept = torch.arange(len(merged)) != j
        merged, total, count = merged[kept], total[kept], count[kept]
    order = total.argsort(descending=True)
    return merged[order], total[order]


@dataclass(frozen=True)
class BoxRegressor:
    """A linear layer that gives boxes: `(4, d)` for all classes together, or `(K, 4, d)`, a box for each.

    Args:
        weight: As above.
        bias: `(4,)` or `(K, 4)`.
    """

    weight: Tensor = field(repr=False)
    bias: Tensor = field(repr=False)

    @property
    def outputs(self) -> int:
        """Numbers that the layer gives: 4, or 4 K."""
        return self.bias.numel()

    def boxes(self, features: Tensor, labels: Tensor) -> Tensor:
        """Boxes `(n, 4)` as corners; of the class in `labels` `(n,)` where there is one for each."""
        features = features.to(self.weight)
        if self.bias.ndim == 1:
            return to_corners(features @ self.weight.T + self.bias)
        return to_corners((self.weight[labels] @ features[:, :, None]).squeeze(-1) + self.bias[labels])


def fit_boxes(features: Tensor, boxes: Tensor, decay: float, labels: Tensor | None = None) -> BoxRegressor:
    """The linear layer of least mean squared (Euclidean) error plus `decay` times the squared weights.

    Args:
        features: `(n, d)`.
        boxes: True ones as corners, `(n, 4)`.
        decay: Strength of the penalty; biases are free.
        labels: `(n,)`, for a box of each class; left out, one box serves all classes.
    Raises:
        DataError: If a class has no image.

    Paper: appendix A.
    """
    features, targets = features.double(), to_centres(boxes.double())
    if labels is None:
        return BoxRegressor(*_ridge(features, targets, decay))
    classes = range(int(labels.max()) + 1)
    if missing := [k for k in classes if not (labels == k).any()]:
        raise DataError(f"class {missing[0]} has no image to learn a box from: give some of each class")
    layers = [_ridge(features[labels == k], targets[labels == k], decay) for k in classes]
    weights, biases = zip(*layers, strict=True)
    return BoxRegressor(torch.stack(weights), torch.stack(biases))


def _ridge(features: Tensor, targets: Tensor, decay: float) -> tuple[Tensor, Tensor]:
    """Weight `(m, d)` and bias `(m,)` of a penalised least-squares fit."""
    x, y = features - features.mean(0), targets - targets.mean(0)
    penalty = decay * len(x) * torch.eye(x.shape[1], dtype=x.dtype)
    weight = torch.linalg.solve(x.T @ x + penalty, x.T @ y).T
    return weight, targets.mean(0) - weight @ features.mean(0)
