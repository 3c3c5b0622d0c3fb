"""Which images are learnt in which update: the order of an epoch, its batches, and each process's share of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from vggstudy.augment import Augmentation, Batch, sample_batch
from vggstudy.distributed import Place
from vggstudy.imageset import ImageSet
from vggstudy.keyed import words
from vggstudy.regime import TrainConfig


def updates_per_epoch(images: ImageSet, config: TrainConfig) -> int:
    """Updates in a pass over the training images; those that do not fill a batch wait for another epoch's order."""
    return len(images) // config.batch_size


def order(n: int, seed: int, epoch: int) -> Tensor:
    """The order of `n` images in an epoch; depends on `(seed, epoch)` alone."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(int(words(seed, epoch)[0] >> 1)))


def training_batches(images: ImageSet, config: TrainConfig, crop_size: int, place: Place) -> Callable[[int], Batch]:
    """What makes the batch of a process for an update, counted from 0.

    Args:
        images: To be learnt.
        config: The regime.
        crop_size: Side of the network's crop, pixels.
        place: The process: of a batch of all it has every `world_size`-th image.
    """
    per_epoch = updates_per_epoch(images, config)
    augmentation = Augmentation(
        crop_size, config.S, config.flip, config.colour_std, config.interpolation, config.S_drawn
    )
    on_gpu = place.device.type == "cuda"
    there = place.device if config.augment_on == "device" else None

    @lru_cache(maxsize=2)
    def shares(epoch: int) -> list[Tensor]:
        mixed = order(len(images), config.seed, epoch)[: per_epoch * config.batch_size]
        return [batch[place.rank :: place.world_size] for batch in mixed.split(config.batch_size)]

    def make(update: int) -> Batch:
        epoch, number = divmod(update, per_epoch)
        batch = sample_batch(images, shares(epoch)[number], config.seed, epoch, augmentation, there)
        return Batch(*(part if part.is_cuda else part.pin_memory() for part in batch)) if on_gpu else batch

    return make
