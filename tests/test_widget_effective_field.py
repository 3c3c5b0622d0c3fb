"""The effective receptive field on show is the one that was measured."""

import json

import numpy as np
import pytest
import torch

from vggstudy.errors import ConfigError
from vggstudy.fields import EffectiveField
from vggstudy.widgets.effective_field import LARGEST_MAP, EffectiveReceptiveField, coloured, field_maps


def field(layer="pool1", box=6, side=3):
    gradient = torch.zeros(box, box)
    gradient[box // 2, box // 3] = 2.0
    return EffectiveField(layer, box, side, gradient)


def test_the_brightest_pixel_is_where_the_gradient_is_and_nothing_is_black():
    picture = coloured(field().gradient)
    assert picture.shape == (3, 6, 6) and picture.dtype == np.uint8
    bright = picture.sum(0)
    assert np.unravel_index(bright.argmax(), bright.shape) == (3, 2)
    assert (np.delete(bright, bright.argmax()) < 10).all()
    assert (coloured(np.zeros((4, 4))) < 10).all()  # a dead cell: no division by zero


def test_a_large_map_is_averaged_over_its_whole_extent():
    gradient = np.zeros((212, 212))
    gradient[:, -1] = 1
    picture = coloured(gradient)
    assert picture.shape == (3, LARGEST_MAP, LARGEST_MAP)
    assert picture[:, :, -1].min(1).max() > 200 and picture[:, :, :-2].max() < 10


def test_the_area_is_that_of_squares():
    (shown,) = field_maps([field(box=6, side=3)])
    assert (shown.layer, shown.box, shown.side, shown.area) == ("pool1", 6, 3, 25.0)


def test_the_widget_tells_weights_and_layer():
    layers = [field(), field("pool2", 16, 9)]
    widget = EffectiveReceptiveField({"random": layers}, layer="pool1")
    widget.add("<b>trained</b>", layers)
    assert repr(widget) == "EffectiveReceptiveField(weights=['random', '<b>trained</b>'], shown='pool1')"
    assert EffectiveReceptiveField({"random": layers}).shown == "pool2"
    assert json.loads(json.dumps(widget.maps)) == widget.maps


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ConfigError, match="fields is empty"):
        EffectiveReceptiveField({})
    with pytest.raises(ConfigError, match=r"'trained'.*pool2.*pool1"):
        EffectiveReceptiveField({"random": [field()], "trained": [field("pool2")]})
    with pytest.raises(ConfigError, match=r"'pool9'.*pool1"):
        EffectiveReceptiveField({"random": [field()]}, layer="pool9")


def test_maps_of_a_whole_net_are_small():
    noise = torch.rand(212, 212, generator=torch.Generator().manual_seed(0))
    widget = EffectiveReceptiveField({"random": [EffectiveField(f"pool{i}", 212, 100, noise) for i in range(10)]})
    assert len(json.dumps(widget.get_state(), default=str)) < 100_000
