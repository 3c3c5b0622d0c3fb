"""Effective fields: the gradient stays in the theoretical box, and known weights give known fields."""

import pytest
import torch

from vggstudy import vgg
from vggstudy.errors import ConfigError, DataError
from vggstudy.fields import measure_fields, mosaics
from vggstudy.initialise import initialise
from vggstudy.shapes import draw


def net(config="A"):
    return initialise(vgg(config, num_classes=5, width=1 / 8, crop_size=32, fc_width=16), "he", seed=2)


def images(side, n=2):
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("layer", ["conv1_1", "pool2", "conv3_2", "pool4"])
def test_no_gradient_falls_outside_the_box_and_some_falls_on_its_edge(layer):
    model, pixels = net(), images(128).requires_grad_()
    (field,) = measure_fields(model, pixels, [layer])
    assert field.gradient.shape == (field.box, field.box)
    assert field.gradient[0].sum() > 0 and field.gradient[:, -1].sum() > 0
    start = model.features[: model._position[layer] + 1](pixels)
    cell = start[:, :, start.shape[2] // 2, start.shape[3] // 2]
    (gradient,) = torch.autograd.grad(cell.sum(), pixels)
    reached = gradient.abs().amax((0, 1)).nonzero()
    assert (reached.amax(0) - reached.amin(0) + 1).tolist() == [field.box, field.box]


def test_weights_at_the_middle_alone_make_a_field_of_one_pixel():
    model = net("conv3-64 conv3-64 |")
    with torch.no_grad():
        for name in ("conv1_1", "conv1_2"):
            weight = model.layer(name).weight
            weight.abs_()
            weight[:, :, [0, 0, 0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 2, 0, 1, 2]] = 0
    (field,) = measure_fields(model, images(64).abs(), ["conv1_2"])
    assert (field.box, field.side) == (5, 1)
    assert field.gradient[2, 2] > 0 and field.gradient.count_nonzero() == 1


def test_even_weights_make_a_field_that_needs_the_whole_box():
    model = net("conv5-64 |")
    with torch.no_grad():
        model.layer("conv1_1").weight.fill_(1.0)
    (field,) = measure_fields(model, images(32).abs(), ["conv1_1"])
    assert field.side == 5


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match=r"pool4.*70 pixels does not fit into images of 64x64"):
        measure_fields(net(), images(64), ["pool4"])
    with pytest.raises(ConfigError, match="conv9_9"):
        measure_fields(net(), images(64), ["conv9_9"])


def test_scaling_the_weights_does_not_change_the_field():
    """Without biases the net is homogeneous: only the shape of the map is left to compare."""
    model, pixels = net(), images(64)
    (before,) = measure_fields(model, pixels, ["conv2_1"])
    with torch.no_grad():
        model.layer("conv1_1").weight.mul_(3)
    (after,) = measure_fields(model, pixels, ["conv2_1"])
    assert torch.allclose(after.gradient, 3 * before.gradient, rtol=1e-4)
    assert after.side == before.side


def test_mosaics_are_made_images_edge_to_edge():
    made = mosaics(3, 150, seed=4)
    first = draw(20, 4).images
    assert made.shape == (3, 3, 150, 150) and made.dtype == torch.uint8
    assert (made[0, :, :64, 64:128].numpy() == first[1]).all()
    assert (made[1, :, :64, :64].numpy() == first[9]).all()


@pytest.mark.parametrize(("rim", "side"), [(0.125, 5), (0.05, 1)])
def test_the_effective_square_holds_nine_tenths_of_the_squared_gradient(rim, side):
    model = net("conv5-64 |")
    with torch.no_grad():
        weight = model.layer("conv1_1").weight
        weight.fill_(rim)
        weight[:, :, 1:4, 1:4] = 0
        weight[:, :, 2, 2] = 1  # 1 of 1 + 16 * rim ** 2: 80% or 96%
    (field,) = measure_fields(model, images(32).abs(), ["conv1_1"])
    assert field.side == side
