"""How fast this machine trains: a few updates of the real trainer on random images."""

from __future__ import annotations

import time

import torch

from vggstudy.analysis import count_macs
from vggstudy.augment import Batch
from vggstudy.distributed import place
from vggstudy.learner import Learner
from vggstudy.model import vgg
from vggstudy.regime import TrainConfig


def training_rate(config: str, images: int | None = None, updates: int = 3) -> float:
    """Multiply-accumulates of the forward passes that this machine trains a second, data already in memory.

    Args:
        config: Configuration of the probe; others of the same kind train at a similar rate.
        images: Images an update; default: 64 on a GPU, 2 on a CPU.
        updates: Updates that are timed, after one that warms up.
    """
    regime = TrainConfig()
    with place(regime) as here:
        learner = Learner(vgg(config).train(), regime, here)
        count = images or (64 if here.device.type == "cuda" else 2)
        crops = torch.randint(0, 256, (count, 3, 224, 224), dtype=torch.uint8)
        batch = Batch(crops, torch.zeros(count, 3), torch.arange(count))
        learner.update(batch, 1, 0.0).item()
        begun = time.perf_counter()
        for step in range(updates):
            loss = learner.update(batch, step, 0.0)
        loss.item()
        seconds = time.perf_counter() - begun
    return count_macs(config) * count * updates * here.world_size / seconds
