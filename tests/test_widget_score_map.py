"""The score-map viewer shows what dense evaluation and the crops say, and where each position looks."""

import json

import numpy as np
import pytest
import torch

from vggstudy.configs import find_config
from vggstudy.errors import ConfigError
from vggstudy.evaluate import evaluate
from vggstudy.initialise import initialise
from vggstudy.model import vgg
from vggstudy.widgets.score_map import ScoreMapViewer, seen_picture


@pytest.fixture(scope="module")
def model():
    stack = find_config("A").without_last_pool()
    net = vgg(stack, num_classes=7, width=1 / 16, crop_size=32, fc_width=16, ceil_mode=True)
    return initialise(net, "he", seed=2)


IMAGE = torch.randint(256, (3, 40, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
NAMES = [f"class {k}" for k in range(7)]


@pytest.mark.parametrize(("view", "field"), [("dense", "dense"), ("multi-crop", "multi")])
@pytest.mark.parametrize("mirrored", [0, 1])
def test_posteriors_are_those_of_the_evaluator(model, view, field, mirrored):
    picture = seen_picture(model, IMAGE, (48,))
    image = IMAGE.flip(2) if mirrored else IMAGE
    posteriors = evaluate(model, [(image, 0)], 48, view, flip=False).posteriors[0]
    expected = [100 * posteriors[NAMES.index(name)].item() for name in picture.classes]
    assert getattr(picture.seen[0][mirrored], field) == pytest.approx(expected, abs=0.051)


def test_the_mean_is_over_all_positions_and_levels_span_the_scores(model):
    picture = seen_picture(model, IMAGE, (64,))
    seen, geometry = picture.seen[0][0], picture.geometries[0]
    assert all(len(row) == len(geometry.xs) * len(geometry.ys) > 9 for row in seen.scores)
    for scores, mean in zip(seen.scores, seen.mean, strict=True):
        assert np.mean(scores) == pytest.approx(mean, abs=0.06)
    levels = np.array(seen.levels)
    assert (levels.min(), levels.max()) == (0, 100)
    assert np.unravel_index(levels.argmax(), levels.shape) == np.unravel_index(
        np.array(seen.scores).argmax(), levels.shape
    )


def test_positions_and_crops_lie_where_the_geometry_says(model):
    geometry = seen_picture(model, IMAGE, (48,)).geometries[0]
    assert (geometry.width, geometry.height, geometry.stride, geometry.crop) == (60, 48, 16, 32)
    assert geometry.xs[:2] == geometry.ys[:2] == (16, 32)
    assert geometry.lefts[0] + geometry.field / 2 == 16 and geometry.lefts[1] - geometry.lefts[0] == 16
    assert geometry.corners[0] == (0, 0) and geometry.corners[-1] == (16, 28)


def test_the_five_classes_are_the_most_probable(model):
    image = torch.zeros(3, 32, 32, dtype=torch.uint8)
    classes = seen_picture(model, image, (32,)).classes
    posteriors = evaluate(model, [(image, 0)], 32, "dense").posteriors[0]
    assert list(classes) == [NAMES[k] for k in posteriors.argsort(descending=True)[:5]]


def test_the_viewer_tells_what_is_on_show_and_takes_another_picture(model):
    viewer = ScoreMapViewer(model, {"noise": IMAGE}, scales=(32, 48), Q=48)
    dense = viewer.pictures[0]["seen"][1][0]["dense"]
    assert viewer.klass == dense.index(max(dense))
    viewer.klass = 0
    assert repr(viewer) == "ScoreMapViewer(picture=0, Q=48, klass=0, map='posteriors', mirrored=0, cell=0)"
    viewer.set_state({"scale": 0, "cell": 0, "klass": 3})
    assert viewer.Q == 32
    viewer.add(IMAGE.flip(1), "<b>upside down</b>")
    assert (viewer.picture, viewer.cell, viewer.pictures[1]["name"]) == (1, 0, "<b>upside down</b>")
    assert len(json.dumps(viewer.get_state(), default=str)) < 60_000


def test_bad_arguments_are_told(model):
    with pytest.raises(ConfigError, match="pictures="):
        ScoreMapViewer(model, {})
    with pytest.raises(ConfigError, match=r"Q=50.*32, 48"):
        ScoreMapViewer(model, {"noise": IMAGE}, scales=(32, 48), Q=50)
    with pytest.raises(ConfigError, match="32 pixels"):
        ScoreMapViewer(model, {"noise": IMAGE}, scales=(24,), Q=24)
