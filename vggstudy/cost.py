"""What a pass of the network costs: multiply-accumulates, and how many images fit at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

import torch
from torch.utils.flop_counter import FlopCounterMode

from vggstudy.analysis import trace
from vggstudy.model import VGG, vgg

CACHE_BYTES = 2**25  # a CPU is fastest while the activations stay in its last cache
SHARE_OF_GPU = 1 / 16  # of its memory, for the largest layer of a pass; crops and their rims take some times as much


def on_meta(spec: str) -> VGG:
    """A network of shapes without numbers, from the JSON of its `spec`: it runs in no time, to be counted."""
    with torch.device("meta"):
        return vgg(**json.loads(spec)).eval()


def working_bytes(device: torch.device) -> int:
    """Activations that the largest layer of one pass may hold."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory * SHARE_OF_GPU)
    return CACHE_BYTES


def count_macs(run: Callable[[], object]) -> int:
    """Multiply-accumulates of whatever `run` computes (convolutions and matrix products; FLOPs = 2 MACs)."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() // 2


def images_at_a_time(model: VGG, height: int, width: int) -> int:
    """Images of that size whose largest layer, input and output, fits into the working memory; at least 1."""
    net = {"crop_size": model.crop_size, "num_classes": model.num_classes, "width": model.width}
    layers = trace(model.config, **net, fc_width=model.fc_width)
    largest = max(first.activation_bytes + second.activation_bytes for first, second in pairwise(layers))
    bytes_a_pixel = largest / model.crop_size**2
    budget = working_bytes(next(model.parameters()).device)
    return max(1, int(budget / (bytes_a_pixel * height * width)))
