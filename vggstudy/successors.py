"""Where the parameters and the arithmetic of later networks lie, counted on shapes alone: no weights are needed.

Paper: section 2.3 and Table 2, continued.  Book: after VGG.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx, nn

# Name of the builder in torchvision.models -> what readers call it, oldest first.
NETS = {
    "alexnet": "AlexNet",
    "vgg16": "VGG-16 (D)",
    "googlenet": "GoogLeNet",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "mobilenet_v2": "MobileNetV2",
    "convnext_tiny": "ConvNeXt-T",
}

KINDS = ("other kernels", "3×3", "1×1", "depthwise", "fully connected", "the rest")


@dataclass(frozen=True)
class Census:
    """What a network is made of.

    Args:
        name: For readers.
        parameters: By kind of layer, a key of `KINDS`; normalisation and what belongs to no layer is "the rest".
        macs: Multiply-accumulates of one crop by kind; additions and normalisation are not counted.
        weight_layers: Convolutions and fully-connected layers, those on side branches too.
        depth: Weight layers on the longest way from the image to the scores.
    """

    name: str
    parameters: dict[str, int] = field(repr=False)
    macs: dict[str, int] = field(repr=False)
    weight_layers: int
    depth: int

    @property
    def total_parameters(self) -> int:
        return sum(self.parameters.values())

    @property
    def total_macs(self) -> int:
        return sum(self.macs.values())


def build(name: str) -> nn.Module:
    """One of torchvision's networks as shapes without numbers, in eval mode."""
    from torchvision import models

    bare = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    with torch.device("meta"):
        return getattr(models, name)(**bare).eval()


def census(model: nn.Module, name: str = "", side: int = 224) -> Census:
    """Count a network by kind of layer.

    Args:
        model: On the meta device.
        name: For readers.
        side: Of the crop, pixels.
    """
    parameters, macs = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]

    def count(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        kind = kind_of(layer, inputs[0])
        parameters[kind] += sum(each.numel() for each in layer.parameters(recurse=False))
        macs[kind] += output.numel() * layer.weight[0].numel()

    hooks = [layer.register_forward_hook(count) for layer in layers]
    with torch.no_grad():
        model(torch.empty(1, 3, side, side, device="meta"))
    for hook in hooks:
        hook.remove()
    parameters["the rest"] = sum(each.numel() for each in model.parameters()) - sum(parameters.values())
    return Census(name, parameters, macs, len(layers), depth(model))


def kind_of(layer: nn.Module, signal: Tensor) -> str:
    """The kind of a weight layer; a linear layer that is applied at every place of a map is a 1×1 convolution."""
    if isinstance(layer, nn.Linear):
        return "fully connected" if math.prod(signal.shape[:-1]) == 1 else "1×1"
    if layer.groups > 1:
        return "depthwise"
    return {1: "1×1", 3: "3×3"}.get(max(layer.kernel_size), "other kernels")


def depth(model: nn.Module) -> int:
    """Weight layers on the longest way through the network, as ResNet-50 has 50 of its 54."""
    deepest: dict[fx.Node, int] = {}
    for node in fx.symbolic_trace(model).graph.nodes:
        layer = model.get_submodule(node.target) if node.op == "call_module" else None
        before = max((deepest[each] for each in node.all_input_nodes), default=0)
        deepest[node] = before + isinstance(layer, nn.Conv2d | nn.Linear)
    return max(deepest.values())


def published_error(name: str) -> float:
    """Top-1 error in % that torchvision reports of its first weights of this net: centre crop, its own recipe."""
    from torchvision.models import get_model_weights

    metrics = get_model_weights(name).IMAGENET1K_V1.meta["_metrics"]["ImageNet-1K"]
    return round(100 - metrics["acc@1"], 2)
