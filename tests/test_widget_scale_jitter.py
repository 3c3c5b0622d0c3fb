"""The scale-jitter viewer shows the crops that training draws, and counts what they hold."""

import json

import numpy as np
import pytest
import torch

from vggstudy.augment import Augmentation, sample_batch
from vggstudy.errors import ConfigError, DataError
from vggstudy.imageset import ImageSet
from vggstudy.shapes import Shapes, draw
from vggstudy.widgets.scale_jitter import ScaleJitterViewer, object_sizes, regime_name, seen_crops, spreads


def mask(height, width, left, top, right, bottom):
    made = np.zeros((height, width), bool)
    made[top:bottom, left:right] = True
    return made


@pytest.mark.parametrize("S", [96, (96, 192)])
def test_the_crops_shown_are_those_of_training(S):
    """Each pixel holds its own place, so that a training crop tells where it was cut."""
    place = np.stack(np.broadcast_arrays(np.arange(120)[:, None], np.arange(96)[None], 0)).astype(np.uint8)
    picture = ImageSet(lambda i: torch.from_numpy(place), torch.zeros(1).long(), str, "place")
    augmentation = Augmentation(64, S, colour_std=0)
    for epoch, crop in enumerate(seen_crops(np.ones((120, 96), bool), augmentation, n=8)):
        rows, columns, _ = sample_batch(picture, [0], 0, epoch, augmentation).images[0].float()
        first = columns[:, -1] if crop.flip else columns[:, 0]
        assert rows[0].mean() == pytest.approx(crop.top, abs=1)
        assert first.mean() == pytest.approx(crop.left, abs=1)
        assert crop.side == pytest.approx(64 * 96 / crop.S, abs=0.01)


def test_the_share_of_the_object_is_counted_in_its_pixels():
    whole = seen_crops(mask(64, 64, 20, 20, 40, 30), Augmentation(64, 64), n=3)
    assert all(crop.object_share == 100 and crop.picture_share == 100 for crop in whole)
    assert {crop.object_size for crop in whole} == {20}
    part = seen_crops(np.ones((64, 64), bool), Augmentation(64, 128), n=20)
    assert all(crop.object_share == pytest.approx(25, abs=1) == crop.picture_share for crop in part)
    assert len({(crop.left, crop.top) for crop in part}) > 15


def test_objects_grow_with_s_and_spread_with_jitter():
    shapes = draw(100, seed=1)
    small, large, jittered = (object_sizes(shapes, Augmentation(64, S)) for S in (72, 144, (72, 144)))
    assert large == pytest.approx(2 * small)
    assert np.all((small <= jittered) & (jittered <= large))
    pair = shapes.images[0], shapes.images[60]  # 64 x 64 and 72 x 90
    two = Shapes(pair, shapes.labels[:2], np.array([[10, 20, 40, 30], [10, 20, 20, 50]]), shapes.masks[:2])
    assert object_sizes(two, Augmentation(64, 128)) == pytest.approx([30 * 128 / 64, 30 * 128 / 72])


def test_histograms_share_an_axis_and_a_scale():
    axis, (first, second) = spreads({"one": np.full(10, 30.0), "two": np.array([30.0, 61.0])})
    assert axis == (30, 70)
    assert max(first.heights) == 1 and sorted(second.heights)[-2:] == [0.5, 0.5]
    assert (second.tenth, second.half) == (33.1, 45.5)


def test_the_viewer_tells_what_is_on_show_and_stays_small():
    viewer = ScaleJitterViewer(draw(60, seed=2), regimes=(72, (72, 144)))
    assert repr(viewer) == "ScaleJitterViewer(regime=1, picture=0, crop=0)"
    viewer.set_state({"regime": 0, "crop": 3})
    assert viewer.seen.S == 72 and viewer.regimes == [regime_name(72), "S in [72; 144]"]
    assert len(json.dumps(viewer.get_state(), default=str)) < 70_000


def test_a_training_scale_that_is_given_twice_is_one():
    viewer = ScaleJitterViewer(draw(8, seed=2), regimes=(72, (72, 144), 72))
    assert viewer.regimes == [regime_name(72), regime_name((72, 144))] and viewer.regime == 1 and viewer.seen


def test_a_picture_of_ones_own_is_cropped_too():
    viewer = ScaleJitterViewer(draw(8, seed=2))
    viewer.add(np.zeros((3, 50, 80), np.uint8), box=(10, 5, 30, 45))
    assert viewer.picture == len(viewer.pictures) - 1 == 2
    shown = viewer.pictures[-1]
    assert (shown["box"], shown["width"], shown["height"]) == ((10, 5, 30, 45), 80, 50)
    with pytest.raises(DataError, match=r"box=\(10, 5, 90, 45\).*80 by 50"):
        viewer.add(np.zeros((3, 50, 80), np.uint8), box=(10, 5, 90, 45))


def test_a_crop_larger_than_s_and_no_regime_are_refused():
    with pytest.raises(ConfigError, match=r"crop_size = 64.*S = 48"):
        ScaleJitterViewer(draw(4), regimes=(48,))
    with pytest.raises(ConfigError, match="regimes"):
        ScaleJitterViewer(draw(4), regimes=())
