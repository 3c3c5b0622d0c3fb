"""The padding microscope finds equal exactly the cells that the geometry says are equal."""

import json

import numpy as np
import pytest
import torch

from vggstudy.analysis import trace
from vggstudy.configs import find_config
from vggstudy.errors import ConfigError, DataError
from vggstudy.initialise import initialise
from vggstudy.model import vgg
from vggstudy.widgets.padding_microscope import PaddingMicroscope, made_picture, padding_differences


@pytest.fixture(scope="module")
def microscope():
    return PaddingMicroscope(("A", "D"), "D")


def expected(config, left, top, crop=224, side=352):
    """Cells whose receptive field is cut off by no edge of the crop that is not the picture's own."""
    last = next(layer for layer in trace(find_config(config), crop) if layer.name == "pool5")

    def whole(cell, start):
        first, _, end, _ = last.box(0, cell)
        return (first >= 0 or start == 0) and (end <= crop or start + crop == side)

    return [[whole(row, top) and whole(column, left) for column in range(7)] for row in range(7)]


@pytest.mark.parametrize("config", ["A", "D"])
def test_equal_cells_are_those_that_the_crop_cuts_nothing_off(microscope, config):
    net = next(net for net in microscope.nets if net["config"] == config)
    for crop in net["crops"]:
        equal = np.array(crop["differences"]).reshape(7, 7) < 0.01
        assert equal.tolist() == expected(config, crop["left"], crop["top"]), (crop["left"], crop["top"])
        assert crop["equal"] == equal.sum()


def test_only_the_centre_of_49_cells_is_equal_inside_the_picture(microscope):
    assert repr(microscope) == "PaddingMicroscope(config='D', column=2, row=2, equal=1)"
    microscope.set_state({"config": "A"})
    assert microscope.equal == 9
    microscope.set_state({"column": 0, "row": 0, "config": "D"})
    assert microscope.equal == 16
    microscope.set_state({"column": 2, "row": 2})


def test_differences_are_relative_to_the_whole_pictures_cell():
    model = initialise(vgg("A", num_classes=2, width=1 / 32, crop_size=64, fc_width=2), "he")
    image = torch.randint(256, (3, 96, 96), dtype=torch.uint8)
    net = padding_differences(model, image)
    with torch.inference_mode():
        pixels = model.preprocessing(image[None].float())
        whole, crop = model.features(pixels)[0, :, 1, 2], model.features(pixels[:, :, :64, 32:])[0, :, 1, 1]
    found = next(each for each in net.crops if (each.top, each.left) == (0, 32)).differences[3]
    assert found == pytest.approx(100 * ((crop - whole).norm() / whole.norm()).item(), abs=0.01)


def test_the_state_is_small_and_the_picture_fits(microscope):
    assert made_picture().shape == (3, 352, 352)
    assert len(json.dumps(microscope.get_state(), default=str)) < 80_000
    json.dumps(microscope.nets)


def test_bad_arguments_are_told():
    with pytest.raises(ConfigError, match=r"'D'.*A"):
        PaddingMicroscope(("A",))
    with pytest.raises(DataError, match="230 by 224"):
        PaddingMicroscope(("A",), "A", np.zeros((3, 224, 230), np.uint8))
