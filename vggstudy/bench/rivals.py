"""The others, with our weights, as their users run them.

A rival that is not installed is not an error: whoever asks for it gets an `ImportError` and says that it was skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from vggstudy.analysis import scaled_channels
from vggstudy.configs import Conv, Pool
from vggstudy.model import VGG


def plan(model: VGG) -> list[int | str]:
    """The stack of a model in the notation that torchvision and timm share: channels, and `"M"` for a max-pool."""
    letters: list[int | str] = []
    for layer in model.config.layers:
        match layer:
            case Conv(kernel=3):
                letters.append(scaled_channels(layer.channels, model.width))
            case Pool():
                letters.append("M")
            case _:
                raise ValueError(f"{layer} of {model.config.name} is in no rival's notation")
    return letters


def torchvision_vgg(model: VGG) -> nn.Module:
    """torchvision's network of the same configuration and width, with a copy of the weights."""
    from torchvision.models import vgg as torchvision

    with torch.device("meta"):
        net = torchvision.VGG(torchvision.make_layers(plan(model)), model.num_classes, init_weights=False)
        net.avgpool = nn.AdaptiveAvgPool2d(model.map_side)  # changes nothing, as at 224 pixels
        for place in (0, 3, 6):
            ours = model.classifier[place]
            net.classifier[place] = nn.Linear(ours.in_features, ours.out_features)
    return _filled(net, model.state_dict())


def timm_vgg(model: VGG) -> nn.Module:
    """timm's network, whose fully-connected layers are convolutions, with a copy of the weights."""
    from timm.models import vgg as timm

    weights = model.state_dict()
    side = model.map_side
    for ours, theirs, kernel in (("classifier.0", "pre_logits.fc1", side), ("classifier.3", "pre_logits.fc2", 1)):
        weights[f"{theirs}.weight"] = weights.pop(f"{ours}.weight").view(model.fc_width, -1, kernel, kernel)
        weights[f"{theirs}.bias"] = weights.pop(f"{ours}.bias")
    for kind in ("weight", "bias"):
        weights[f"head.fc.{kind}"] = weights.pop(f"classifier.6.{kind}")
    with torch.device("meta"):
        net = timm.VGG(plan(model), num_classes=model.num_classes)
    return _filled(net, weights)


RIVALS: Mapping[str, Callable[[VGG], nn.Module]] = {"torchvision": torchvision_vgg, "timm": timm_vgg}


def _filled(net: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """A network of shapes becomes one with weights of its own, laid out as its library lays them out."""
    copies = {name: weight.detach().clone(memory_format=torch.contiguous_format) for name, weight in weights.items()}
    net.load_state_dict(copies, assign=True)
    return net.requires_grad_(True)


def convolutional_head(model: VGG) -> nn.Module:
    """fc6 to fc8 as convolutions of 7x7, 1x1 and 1x1, the usual form of dense evaluation; the weights are ours."""
    layers: list[nn.Module] = []
    kernel = model.map_side
    for layer in model.classifier:
        if isinstance(layer, nn.Linear):
            conv = nn.Conv2d(layer.in_features // kernel**2, layer.out_features, kernel, device="meta")
            conv.weight = nn.Parameter(layer.weight.detach().view(conv.weight.shape))
            conv.bias = nn.Parameter(layer.bias.detach())
            layer, kernel = conv, 1
        layers.append(layer)
    return nn.Sequential(*layers)
