"""Fully convolutional heads: interpolation, alignment to the pixel, skips that begin silent, errors by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vggstudy.analysis import find_layer, trace
from vggstudy.errors import ConfigError, DataError
from vggstudy.fcn import (
    FCN,
    Confusion,
    Labelled,
    Lattice,
    as_convolution,
    bilinear,
    confuse,
    label_pixels,
    lattice,
    near_edge,
    pooled_maps,
    segment,
    train_fcn,
    upsample,
)
from vggstudy.initialise import initialise
from vggstudy.model import Preprocessing, preprocess, score_map, vgg
from vggstudy.paper import SEGMENTATION, SEGMENTATION_PADDING
from vggstudy.shapes import draw


def network(config="A", crop_size=64, **net):
    return initialise(vgg(config, num_classes=20, width=1 / 32, crop_size=crop_size, fc_width=6, **net), "he").eval()


def transposed(scores, factor):
    """Upsampling as a transposed convolution with a bilinear kernel, uncropped."""
    line = 1 - (torch.arange(2 * factor) - (factor - 0.5)).abs() / factor
    kernel = (line[:, None] * line).expand(scores.shape[1], 1, -1, -1)
    return F.conv_transpose2d(scores, kernel, stride=factor, groups=scores.shape[1])


def upsampled(at, factor):
    """The lattice of what `transposed` gives."""
    step = at.stride // factor
    return Lattice(at.first - (factor - 0.5) * step, step)


def pixels(side):
    return torch.arange(side)


def test_a_constant_map_stays_constant_everywhere():
    map_ = torch.full((1, 2, 3, 4), 5.0)
    assert torch.allclose(upsample(map_, Lattice(31.5, 32), pixels(96), pixels(128)), torch.tensor(5.0))


def test_a_linear_map_stays_linear_between_the_outermost_middles():
    at = Lattice(3.5, 8)
    rows, columns = at.middles(5), at.middles(7)
    map_ = (2 * rows[:, None] - 3 * columns + 1)[None, None]
    y, x = torch.arange(4, 36), torch.arange(4, 52)
    assert torch.allclose(upsample(map_, at, y, x)[0, 0], 2.0 * y[:, None] - 3 * x + 1, atol=1e-4)


@pytest.mark.parametrize("factor", [2, 8, 16, 32])
def test_inside_it_is_the_cropped_transposed_convolution(factor):
    map_ = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    at = Lattice(12.5, factor)
    fine = upsampled(at, factor)
    assert fine.stride == 1
    whole = transposed(map_, factor)
    y, x = fine.middles(whole.shape[2]), fine.middles(whole.shape[3])
    rows, columns = ((p >= 12.5) & (p <= at.middles(n)[-1]) for p, n in ((y, 4), (x, 5)))
    inside = whole[:, :, rows][..., columns]
    assert torch.allclose(upsample(map_, at, y[rows], x[columns]), inside, atol=1e-5)


def test_each_row_of_weights_sums_to_one_and_reads_two_cells_at_most():
    weights = bilinear(torch.arange(-50.0, 150.0), 4, Lattice(-0.5, 32))
    assert torch.allclose(weights.sum(1), torch.ones(200))
    assert ((weights > 0).sum(1) <= 2).all()


def test_the_crops_of_the_published_nets_follow_from_the_geometry():
    layers = trace("D")
    at = {
        name: lattice(find_layer(layers, name), SEGMENTATION_PADDING - 1)  # conv1_1 pads by 1 anyway
        for name in ("pool3", "pool4", "fc6")
    }
    crops = {32: (-upsampled(at["fc6"], 32).first,)}
    twice = upsampled(at["fc6"], 2)
    four = (twice.first - at["pool4"].first) / 16
    crops[16] = (four, -upsampled(twice, 16).first)
    again = upsampled(twice, 2)
    crops[8] = ((again.first - at["pool3"].first) / 8, four, -upsampled(again, 8).first)
    assert crops == {row.stride: row.crops for row in SEGMENTATION}


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("size", [(64, 64), (72, 90), (80, 64)])
def test_a_planted_pixel_lights_just_the_cells_whose_fields_hold_it(ceil_mode, size):
    model = network(ceil_mode=ceil_mode)
    for layer in model.weight_layers.values():
        torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
        layer.weight.data /= layer.weight[0].numel() ** 0.5
    model.preprocessing = Preprocessing(mean=(0.0, 0.0, 0.0))
    model.double()
    layers, fcn = trace("A", 64, width=1 / 32), FCN(model, 21)
    for y, x in ((0, 0), (31, 32), (size[0] - 1, size[1] - 1)):
        image = torch.zeros(1, 3, *size, dtype=torch.uint8)
        image[:, :, y, x] = 255
        for name, map_ in pooled_maps(model, preprocess(model, image).double()).items():
            field = find_layer(layers, name).receptive_field
            near = [
                (fcn.lattices[name].middles(cells) - place).abs() <= (field - 1) / 2
                for place, cells in zip((y, x), map_.shape[2:], strict=True)
            ]
            assert torch.equal(map_[0].sum(0) > 0, near[0][:, None] & near[1]), (name, y, x)


def test_the_maps_reach_over_the_whole_picture():
    model = network()
    fcn = FCN(model, 21)
    for size in ((64, 64), (72, 90), (80, 64), (95, 97)):
        maps = pooled_maps(model, torch.zeros(1, 3, *size))
        for side, cells in zip(size, maps["pool5"].shape[2:], strict=True):
            middles = fcn.lattices["fc6"].middles(cells - 1)
            assert middles[0] <= 0 and middles[-1] >= side - 1


@pytest.mark.parametrize("name", ["pool3", "pool4"])
@pytest.mark.parametrize("low", [16, 32])
def test_a_planted_mask_comes_back_at_its_pixels(name, low):
    """A band of whole cells, written into the finest map that is scored, is found to the pixel."""
    model = network()
    fcn, high = FCN(model, 2), 64
    fcn.refine()
    if name == "pool3":
        fcn.refine()
    fcn.skips[name].weight.data[1, 0] = 1
    maps = pooled_maps(model, torch.zeros(1, 3, 72, 90))
    middles = [fcn.lattices[name].middles(cells) for cells in maps[name].shape[2:]]
    rows, columns = ((low < places) & (places < high) for places in middles)
    for band, mask in ((rows[:, None], torch.arange(72)[:, None]), (columns, torch.arange(90))):
        maps[name] = torch.zeros_like(maps[name])
        maps[name][0, 0] = band * 2.0 - 1
        run = Labelled(torch.zeros(1, 3, 72, 90, dtype=torch.uint8), torch.zeros(1, 72, 90, dtype=torch.int64), maps)
        assert torch.equal(segment(fcn, run)[0].bool(), ((low <= mask) & (mask < high)).expand(72, 90))


def test_fc6_and_fc7_are_the_networks():
    model = network()
    images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    fcn = FCN(model, 20)
    fcn.score = as_convolution(model.layer("fc8"))
    margin = (32, 32, 32, 32)
    expected = score_map(model, F.pad(images, margin))
    at = fcn.lattices["fc6"]
    found = fcn(pooled_maps(model, images), at.middles(expected.shape[2]), at.middles(expected.shape[3]))
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_new_skip_changes_nothing_but_the_way_of_interpolating():
    model = network()
    fcn = FCN(model, 4)
    torch.nn.init.normal_(fcn.score.weight)
    maps = pooled_maps(model, torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    deep = fcn.score(fcn.fc7(fcn.fc6(maps["pool5"]).relu()).relu())
    places = {name: fcn.lattices[name].middles(maps[name].shape[2]) for name in ("pool4", "pool3")}
    fcn.refine()
    fcn.refine()
    assert fcn.stride == 8
    steps = upsample(deep, fcn.lattices["fc6"], places["pool4"], places["pool4"])
    steps = upsample(steps, fcn.lattices["pool4"], places["pool3"], places["pool3"])
    steps = upsample(steps, fcn.lattices["pool3"], pixels(64), pixels(64))
    assert torch.equal(fcn(maps, pixels(64), pixels(64)), steps)


def test_where_the_scores_are_linear_8s_begins_as_32s():
    """Interpolating in three steps cuts the corner at each cell's middle, and only there."""
    model = network()
    fine, coarse = FCN(model, 1), FCN(model, 1)
    at = coarse.lattices["fc6"]
    deep = (at.middles(4)[:, None] + 2 * at.middles(4))[None, None]
    for _ in range(2):
        fine.refine()
    for fcn in (fine, coarse):
        fcn.fc6 = fcn.fc7 = fcn.score = torch.nn.Identity()
    maps = pooled_maps(model, torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    maps["pool5"] = deep + 100  # the ReLUs let it pass
    inside = torch.arange(12, 52)
    assert torch.allclose(fine(maps, inside, inside), coarse(maps, inside, inside), atol=1e-3)


def test_labels_are_background_and_one_more_than_the_class():
    model = network()
    drawn = draw(40, seed=3)
    runs = label_pixels(model, drawn)
    assert [tuple(run.labels.shape) for run in runs] == [(20, 64, 64), (20, 64, 80)]
    for number, (label, mask) in enumerate(zip(drawn.labels, drawn.masks, strict=True)):
        found = runs[number // 20].labels[number % 20].numpy()
        assert np.array_equal(found > 0, mask) and set(found[mask]) == {label + 1}


def test_training_lowers_the_loss_and_leaves_the_network_alone():
    model = network()
    model.preprocessing = Preprocessing(std=(60.0, 60.0, 60.0))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    runs = label_pixels(model, draw(40, seed=3))
    fcn = FCN(model, 21)
    fcn.refine()
    fc6 = fcn.fc6.weight.detach().clone()
    losses = list(train_fcn(fcn, runs, steps=60, lr=0.03))
    assert losses[0] == pytest.approx(np.log(21), rel=1e-4)
    assert np.mean(losses[-4:]) < 0.6 * losses[0]
    assert not torch.equal(fc6, fcn.fc6.weight) and fcn.skips["pool4"].weight.abs().sum() > 0
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_training_again_from_the_same_seed_is_the_same():
    model = network()
    runs = label_pixels(model, draw(40, seed=3))
    first, second = (list(train_fcn(FCN(model, 21), runs, steps=4, seed=5)) for _ in range(2))
    assert first == second != list(train_fcn(FCN(model, 21), runs, steps=4, seed=6))


def test_errors_by_hand():
    labels = torch.tensor([[0, 0, 1], [0, 1, 1], [2, 2, 0]])
    taken = torch.tensor([[0, 0, 1], [0, 0, 1], [2, 1, 0]])
    seen = confuse([labels], [taken], 4)
    assert np.array_equal(seen.counts, [[4, 0, 0, 0], [1, 2, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
    assert seen.pixel_error == pytest.approx(100 * 2 / 9)
    assert seen.ious[:3] == pytest.approx([80, 50, 50]) and np.isnan(seen.ious[3])
    assert seen.mean_iou == pytest.approx(60)


def test_pixels_near_an_edge_lie_on_both_sides_of_it():
    labels = torch.zeros(1, 8, 12, dtype=torch.int64)
    labels[0, 2:6, 5:] = 7  # to the right border, which is no edge
    near = near_edge(labels, 1)[0]
    expected = torch.zeros(8, 12, dtype=torch.bool)
    expected[1:7, 4:] = True
    expected[3:5, 6:] = False
    assert torch.equal(near, expected)


def test_a_class_that_is_only_guessed_counts():
    assert Confusion(np.array([[3, 1], [0, 0]])).mean_iou == pytest.approx((75 + 0) / 2)


def test_pairs_of_different_shape_are_refused():
    with pytest.raises(DataError, match=r"labels of shape \(2, 3\) for pixels of shape \(3, 2\)"):
        confuse([torch.zeros(2, 3, dtype=torch.int64)], [torch.zeros(3, 2, dtype=torch.int64)], 2)


def test_what_cannot_be_refined_says_so():
    fcn = FCN(network(), 21)
    fcn.refine()
    fcn.refine()
    with pytest.raises(ConfigError, match="stride 8 is as fine as it gets"):
        fcn.refine()


def test_a_network_of_another_stride_is_refused():
    with pytest.raises(ConfigError, match="a stride of 16: an FCN stands on five max-pools"):
        FCN(network("conv3-64 | conv3-128 | conv3-256 | conv3-512 |"), 21)
