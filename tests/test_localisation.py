"""Boxes (`vggstudy.localisation`): overlap by hand, merging, and regression of planted boxes."""

from __future__ import annotations

import pytest
import torch

from vggstudy.errors import DataError
from vggstudy.localisation import fit_boxes, iou, merge_greedily, to_centres, to_corners


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), 1),
        ((0, 0, 10, 10), (5, 0, 15, 10), 50 / 150),
        ((0, 0, 10, 10), (5, 5, 15, 15), 25 / 175),
        ((0, 0, 10, 10), (2, 2, 4, 4), 4 / 100),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0),  # they touch
        ((0, 0, 10, 10), (20, 20, 30, 30), 0),  # apart in both directions: no product of two negatives
        ((0, 0, 10, 10), (8, 8, 4, 4), 0),  # its sides are reversed
    ],
)
def test_overlap_by_hand(first, second, overlap):
    assert iou(boxes(first), boxes(second)).item() == pytest.approx(overlap)
    assert iou(boxes(second), boxes(first)).item() == pytest.approx(overlap)


def test_the_papers_four_numbers_and_back():
    corners = boxes((2, 4, 12, 8))
    assert to_centres(corners).tolist() == [[7, 6, 10, 4]]
    assert torch.equal(to_corners(to_centres(corners)), corners)


def test_agreeing_boxes_become_their_mean_and_outbid_a_confident_one():
    found, scores = merge_greedily(
        boxes((0, 0, 10, 10), (50, 50, 60, 60), (1, 0, 11, 10), (0, 1, 10, 11)), torch.tensor([0.3, 0.8, 0.3, 0.3])
    )
    assert torch.allclose(found, boxes((1 / 3, 1 / 3, 10 + 1 / 3, 10 + 1 / 3), (50, 50, 60, 60)))
    assert torch.allclose(scores, torch.tensor([0.9, 0.8]))


def test_boxes_that_do_not_agree_stay_apart_and_nothing_is_changed_in_place():
    given = boxes((0, 0, 10, 10), (6, 0, 16, 10))
    found, scores = merge_greedily(given, torch.tensor([1.0, 2.0]))
    assert len(found) == 2 and scores.tolist() == [2, 1]
    assert torch.equal(given, boxes((0, 0, 10, 10), (6, 0, 16, 10)))


def planted(n, per_class, seed=0):
    """Features from which the box follows by a linear rule: one for all classes, or another for each."""
    random = torch.Generator().manual_seed(seed)
    features = torch.randn(n, 6, generator=random, dtype=torch.float64)
    labels = torch.arange(n) % 3
    rules = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    rule = rules[labels] if per_class else rules[:1].expand(n, 4, 6)
    numbers = (rule @ features[:, :, None]).squeeze(-1) + torch.tensor([50.0, 40.0, 30.0, 20.0])
    return features, labels, to_corners(numbers)


def test_one_box_for_all_classes_is_four_numbers_and_recovers_the_rule():
    features, labels, true = planted(60, per_class=False)
    regressor = fit_boxes(features, true, decay=1e-9)
    assert regressor.outputs == 4
    held_out, labels, true = planted(30, per_class=False, seed=1)
    assert torch.allclose(regressor.boxes(held_out, labels), true, atol=1e-4)


def test_a_box_of_each_class_is_four_times_the_classes_and_recovers_what_one_cannot():
    features, labels, true = planted(90, per_class=True)
    own, shared = fit_boxes(features, true, 1e-9, labels), fit_boxes(features, true, 1e-9)
    assert own.outputs == 12
    held_out, labels, true = planted(30, per_class=True, seed=1)
    assert torch.allclose(own.boxes(held_out, labels), true, atol=1e-4)
    assert iou(shared.boxes(held_out, labels), true).mean() < 0.95


def test_a_class_without_images_is_named():
    features, _, true = planted(6, per_class=False)
    with pytest.raises(DataError, match="class 1 has no image"):
        fit_boxes(features, true, 0.1, torch.tensor([0, 0, 2, 2, 0, 2]))


def test_a_strong_penalty_gives_the_mean_box():
    features, labels, true = planted(60, per_class=False)
    regressor = fit_boxes(features, true, decay=1e12)
    assert torch.allclose(regressor.boxes(features, labels), true.mean(0).expand_as(true), atol=1e-6)
