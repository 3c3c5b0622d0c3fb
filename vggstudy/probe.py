"""How fast this machine trains: a few updates of the real trainer on random images."""

from __future__ import annotations

import time
from statistics import median

import torch

from vggstudy.analysis import count_macs
from vggstudy.augment import Batch
from vggstudy.distributed import place
from vggstudy.learner import Learner
from vggstudy.model import vgg
from vggstudy.regime import TrainConfig

BATCHES = {"cuda": (16, 64), "cpu": (1, 4)}  # images of the updates that are timed


def training_rate(config: str, updates: int = 3) -> float:
    """Multiply-accumulates of the forward passes that this machine trains a second, data already in memory.

    An update takes a time of its own, which the paper's batch hardly notices, and a time for each image; two small
    batches tell them apart.

    Args:
        config: Configuration of the probe; others of the same kind train at a similar rate.
        updates: Updates of each batch that are timed; their median counts.
    """
    regime = TrainConfig()
    with place(regime) as here:
        learner = Learner(vgg(config).train(), regime, here)
        few, more = BATCHES[here.device.type]
        seconds_of(learner, more, 1)  # warms up
        short, long = (seconds_of(learner, images, updates) for images in (few, more))
    update = short + (long - short) / (more - few) * (regime.batch_size - few)
    return count_macs(config) * regime.batch_size / update


def seconds_of(learner: Learner, images: int, updates: int) -> float:
    """Median time of an update of a batch of `images` crops of the paper's size."""
    crops = torch.randint(0, 256, (images, 3, learner.model.crop_size, learner.model.crop_size), dtype=torch.uint8)
    batch = Batch(crops, torch.zeros(images, 3), torch.arange(images))
    seconds = []
    for step in range(updates):
        begun = time.perf_counter()
        learner.update(batch, step, 0.0).item()
        seconds.append(time.perf_counter() - begun)
    return median(seconds)
