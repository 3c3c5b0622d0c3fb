"""The nets before the paper: against torch and torchvision, against what their papers print, and against Table 1."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import alexnet

from vggstudy.analysis import find_layer, trace
from vggstudy.configs import CONFIGS, Conv
from vggstudy.errors import ConfigError
from vggstudy.predecessors import (
    PREDECESSORS,
    Convolution,
    MaxPool,
    Predecessor,
    describe,
    find_predecessor,
    output_side,
    trace_predecessor,
)


def build(net, average=False):
    """The convolutional part in torch; averages instead of maxima, if every pixel of a window is to count."""
    channels, modules = 3, []
    for layer in net.layers:
        match layer:
            case Convolution(kernel, outputs, stride, padding, groups):
                modules.append(nn.Conv2d(channels, outputs, kernel, stride, padding, groups=groups))
                channels = outputs
            case MaxPool(kernel, stride, ceil) if average:
                modules.append(nn.AvgPool2d(kernel, stride, ceil_mode=ceil))
            case MaxPool(kernel, stride, ceil):
                modules.append(nn.MaxPool2d(kernel, stride, ceil_mode=ceil))
    return nn.Sequential(*modules)


def narrow(net):
    """The same kernels, strides and padding with few channels."""
    layers = [
        replace(layer, channels=2 * layer.groups, groups=1) if isinstance(layer, Convolution) else layer
        for layer in net.layers
    ]
    return replace(net, layers=tuple(layers))


@pytest.fixture(params=PREDECESSORS.values(), ids=PREDECESSORS)
def net(request):
    return request.param


def test_shapes_and_parameters_are_those_of_torch(net):
    with torch.device("meta"):
        features, signal = build(net), torch.zeros(1, 3, net.crop_size, net.crop_size)
        for module, layer in zip(features, trace_predecessor(net)[1:], strict=False):
            signal = module(signal)
            assert signal.shape[1:] == layer.shape, layer.name
            assert sum(p.numel() for p in module.parameters()) == layer.parameters, layer.name


def test_fields_are_those_that_a_gradient_finds(net):
    torch.manual_seed(0)
    features = build(narrow(net), average=True).double()
    for weights in features.parameters():
        nn.init.uniform_(weights, 0.5, 1)  # all positive: nothing cancels
    signal = image = torch.zeros(1, 3, net.crop_size, net.crop_size, dtype=torch.double, requires_grad=True)
    for module, layer in zip(features, trace_predecessor(net)[1:], strict=False):
        signal = module(signal)
        middle = layer.shape[1] // 2
        (gradient,) = torch.autograd.grad(signal[0, 0, middle, middle], image, retain_graph=True)
        rows = gradient[0].sum((0, 2)).nonzero().flatten()
        left, _, right, _ = layer.box(middle, middle)
        assert (rows[0].item(), rows[-1].item() + 1) == (max(left, 0), min(right, net.crop_size)), layer.name


def test_torchvisions_alexnet_is_the_one_tower_variant_to_the_last_parameter():
    with torch.device("meta"):
        model = alexnet()
    layers = [layer for layer in trace_predecessor("AlexNet, one tower") if layer.parameters]
    modules = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    counts = [sum(p.numel() for p in module.parameters()) for module in modules]
    assert [layer.parameters for layer in layers] == counts
    assert sum(counts) == 61_100_840


@pytest.mark.parametrize(("name", "parameters"), [("AlexNet", 60_965_224), ("ZFNet", 62_357_608)])
def test_totals_that_other_implementations_have(name, parameters):
    assert sum(layer.parameters for layer in trace_predecessor(name)) == parameters


def test_alexnets_maps_have_the_numbers_of_neurons_of_its_figure_2():
    """From the second layer on: of the first, the figure prints 253,440, which no map of 55 cells has."""
    neurons = [
        layer.shape[0] * layer.shape[1] * layer.shape[2]
        for layer in trace_predecessor("AlexNet")
        if layer.kind in ("conv", "fc")
    ]
    assert neurons == [290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]


def test_zfnets_maps_are_those_of_its_figure_3():
    sides = [layer.shape[1] for layer in trace_predecessor("ZFNet") if layer.kind in ("conv", "pool")]
    assert sides == [110, 55, 26, 13, 13, 13, 13, 6]


def test_overfeats_inputs_are_those_of_its_tables():
    """Spatial input size of each layer; the fast net's second layer reads 28 cells, where its Table 1 prints 24."""
    inputs = {"OverFeat, fast": [231, 28, 12, 12, 12], "OverFeat, accurate": [221, 36, 15, 15, 15, 15]}
    for name, wanted in inputs.items():
        layers = trace_predecessor(name)
        read = [before.shape[1] for before, layer in pairwise(layers) if layer.kind == "conv"]
        assert read == wanted


def test_totals_agree_with_what_the_papers_print(net):
    layers = trace_predecessor(net)
    if net.parameters_millions:
        assert sum(layer.parameters for layer in layers) // 10**6 == net.parameters_millions
    if net.connections_millions:
        assert sum(layer.macs for layer in layers) / 1e6 == pytest.approx(net.connections_millions, rel=0.004)


@pytest.mark.parametrize("name", ["A", "B", "C", "D", "E"])
def test_the_papers_nets_come_out_as_the_library_traces_them(name):
    layers = tuple(
        Convolution(layer.kernel, layer.channels, padding=layer.padding) if isinstance(layer, Conv) else MaxPool(2, 2)
        for layer in CONFIGS[name].layers
    )
    ours = trace_predecessor(Predecessor(name, 2014, 224, layers, (4096, 4096, 1000), "simonyan2015", "Table 1"))
    for one, other in zip(ours, trace(name), strict=True):
        assert replace(one, name=other.name) == other


def test_weight_layers_and_notation():
    assert {net.name: net.weight_layers for net in PREDECESSORS.values()} == {
        "AlexNet": 8, "AlexNet, one tower": 8, "ZFNet": 8, "OverFeat, fast": 8, "OverFeat, accurate": 9,
    }  # fmt: skip
    assert describe("AlexNet") == "conv11-96/4 | conv5-256 | conv3-384 conv3-384 conv3-256 |"


def test_the_side_of_a_map():
    assert output_side(13, 3, 2) == 6
    assert (output_side(110, 3, 2), output_side(110, 3, 2, ceil=True)) == (54, 55)
    assert output_side(224, 11, 4, padding=2) == 55


def test_an_unknown_name_gets_the_close_matches():
    with pytest.raises(ConfigError, match="AlexNet"):
        find_predecessor("Alexnet")


def test_a_kernel_larger_than_its_map_is_named():
    alexnet_of_64_pixels = replace(PREDECESSORS["AlexNet"], crop_size=64)
    with pytest.raises(ConfigError, match="AlexNet, pool3: a kernel of 3 does not fit a map of 2 cells"):
        trace_predecessor(alexnet_of_64_pixels)


def test_each_source_is_in_the_bibliography(net):
    assert f"{{{net.citation}," in (Path(__file__).parents[1] / "book" / "references.bib").read_text()


def test_the_first_layers_are_those_that_the_paper_names():
    """Section 2.3: 11×11 with stride 4, and 7×7 with stride 2."""
    assert describe("AlexNet").startswith("conv11-96/4 ")
    assert describe("ZFNet").startswith("conv7-96/2 ") and describe("OverFeat, accurate").startswith("conv7-96/2 ")
    assert find_layer(trace_predecessor("AlexNet"), "conv1").stride == 4
