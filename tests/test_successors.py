"""Later networks counted on shapes (`vggstudy.successors`)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vggstudy.analysis import count_macs, count_parameters
from vggstudy.cost import count_macs as flops_counted
from vggstudy.model import vgg
from vggstudy.successors import NETS, build, census, kind_of, published_error

# Depths by which the papers call their networks; AlexNet and VGG-16 have no branches.
DEPTHS = {"alexnet": 8, "vgg16": 16, "googlenet": 22, "resnet18": 18, "resnet50": 50}


@pytest.fixture(scope="module")
def counted():
    return {name: census(build(name), title) for name, title in NETS.items()}


@pytest.mark.parametrize("name", NETS)
def test_totals_are_torchvisions_own(name, counted):
    from torchvision.models import get_model_weights

    meta = get_model_weights(name).IMAGENET1K_V1.meta
    assert counted[name].total_parameters == meta["num_params"]
    assert counted[name].total_macs / 1e9 == pytest.approx(meta["_ops"], abs=1e-3)


@pytest.mark.parametrize("name", DEPTHS)
def test_the_longest_way_has_the_layers_of_the_name(name, counted):
    assert counted[name].depth == DEPTHS[name] <= counted[name].weight_layers


def test_vgg_16_is_net_d(counted):
    d = counted["vgg16"]
    assert (d.total_parameters, d.total_macs) == (count_parameters("D"), count_macs("D"))
    assert set(kind for kind, count in d.parameters.items() if count) == {"3×3", "fully connected"}


def test_macs_agree_with_torchs_counter():
    with torch.device("meta"):
        model = vgg("A").eval()
    ours = census(model.features, side=64)
    assert ours.total_macs == flops_counted(lambda: model.features(torch.empty(1, 3, 64, 64, device="meta")))


def test_kinds():
    places, vector = torch.empty(1, 7, 7, 8), torch.empty(1, 8)
    assert kind_of(nn.Linear(8, 8), places) == "1×1"
    assert kind_of(nn.Linear(8, 8), vector) == "fully connected"
    assert kind_of(nn.Conv2d(8, 8, 3, groups=8), places) == "depthwise"
    assert [kind_of(nn.Conv2d(8, 8, kernel), places) for kernel in (1, 3, 7)] == ["1×1", "3×3", "other kernels"]


def test_published_errors_are_in_per_cent():
    assert 25 < published_error("vgg16") < 30 < published_error("resnet18") < published_error("alexnet") < 50
