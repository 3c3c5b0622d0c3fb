"""Shared interiors are exact for every number of shared stages, and their rims are as thick as they must be."""

import pytest
import torch
from test_views import NARROW, OTHERS, network, pictures

from vggstudy.configs import CONFIGS, find_config
from vggstudy.initialise import initialise
from vggstudy.interiors import Box, CropMaps, rim_boxes, share_interiors, split_features
from vggstudy.model import vgg
from vggstudy.views import best_stages, crop_scores, grid_corners

CORNERS = ((0, 0), (8, 16), (32, 40), (24, 8))


def crops(images, corners, side):
    return torch.cat([images[:, :, top : top + side, left : left + side] for top, left in corners])


@pytest.mark.parametrize("stages", [0, 1, 2, 3])
@pytest.mark.parametrize("config", [*CONFIGS, OTHERS[0]])
def test_maps_of_crops_are_those_of_crops_by_themselves(config, stages):
    """Kernels of 5 and 7 pixels have thicker rims; some rims are as thick as the crop."""
    stack = find_config(config)
    model = network(stack if config in CONFIGS else stack.without_last_pool(), 64)
    if stages > model.stride.bit_length() - 1:
        pytest.skip("the stack has fewer stages")
    images = pictures(64 + 40, 64 + 47)
    first, rest = split_features(model, stages)
    with torch.inference_mode():
        maps = share_interiors(model, images, CORNERS, stages)
        assert torch.allclose(maps.crops(), first(crops(images, CORNERS, 64)), atol=1e-12)
        assert torch.equal(maps.whole, first(images))
        by_themselves = model(crops(images, CORNERS, 64)).view(4, 2, -1)
        assert torch.allclose(crop_scores(model, maps, stages), by_themselves, atol=1e-12)
        assert len(first) + len(rest) == len(model.features)


def test_float32_within_one_part_in_a_hundred_thousand():
    model = initialise(vgg("D", **(NARROW | {"width": 1 / 8}), crop_size=224), "he").eval()
    images, corners = pictures(288, 300, n=1).float(), grid_corners(288, 300, 224)
    with torch.inference_mode():
        shared, naive = (crop_scores(model, share_interiors(model, images, corners, k), k) for k in (3, 0))
        assert ((shared - naive).abs().max() / naive.abs().max()) < 1e-5


@pytest.mark.parametrize(("config", "rims"), [("A", [1, 1, 2]), ("D", [1, 2, 3]), ("C", [1, 2, 2]), ("E", [1, 2, 3])])
def test_rims_after_each_stage(config, rims):
    model, images = network(config), pictures(96, 96, n=1)
    with torch.inference_mode():
        assert [share_interiors(model, images, ((0, 0),), k).rim for k in (1, 2, 3)] == rims


def test_inside_the_rim_a_crop_is_the_image_and_in_the_rim_it_is_not():
    model, images = network("D"), pictures(128, 128, n=1)
    with torch.inference_mode():
        maps = share_interiors(model, images, ((32, 32),), 3)
        inside, window = maps.crops()[:, :, 3:-3, 3:-3], maps.whole[:, :, 4:12, 4:12]
        assert torch.equal(inside, window[:, :, 3:-3, 3:-3])
        assert not torch.allclose(maps.crops()[:, :, 2], window[:, :, 2])


def test_reading_beyond_a_crop_gives_zeros():
    maps = CropMaps(torch.ones(1, 1, 9, 9), ((2, 3), (0, 0)), side=4)
    cells = maps.read(Box(-1, 2, 3, 6))
    assert cells.shape == (2, 1, 4, 4)
    assert torch.equal(cells[0, 0], torch.tensor([[0.0] * 4, *[[1.0, 1, 0, 0]] * 3]))


def test_boxes():
    box = Box(1, 2, 5, 7)
    assert box & Box(3, 0, 9, 4) == Box(3, 2, 5, 4)
    assert not box & Box(5, 0, 9, 9)
    assert box.seen_by(reach=1, stride=2) == Box(1, 3, 11, 15)
    maps = torch.arange(70).view(1, 1, 7, 10)
    assert torch.equal(box.of(maps), maps[:, :, 1:5, 2:7])
    assert torch.equal(box.of(maps, (1, 2)), maps[:, :, :4, :5])
    covered = torch.zeros(1, 1, 6, 6)
    for each in rim_boxes(6, 2):
        each.of(covered).fill_(1)
    assert covered.sum() == 36 - 4
    assert rim_boxes(4, 9)[0] == Box(0, 0, 4, 4)


def test_stages_are_shared_as_far_as_corners_allow_and_work_is_saved():
    spec = '{"config": "D", "num_classes": 10, "width": 0.125, "fc_width": 8, "crop_size": 224}'

    def best(*corners):
        return best_stages(spec, corners, 400, 400)

    grid = grid_corners(384, 384, 224)
    assert best(*grid) == 3
    assert best(*((top, left + 4) for top, left in grid)) == 2
    assert best(*((top + 1, left) for top, left in grid)) == 0
    assert best((0, 0)) == 0  # a crop by itself has nothing to share
