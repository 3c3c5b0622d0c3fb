"""The rival in training: torchvision's classification references, written from their documented recipe.

`torchrun train.py --model vgg16 --lr 1e-2`: batches of 32, stochastic gradient descent with momentum 0.9 and weight
decay 1e-4, cross-entropy; images decoded by Pillow, a random part of each resized to 224 pixels and mirrored at random,
in worker processes; loss, top-1 and top-5 logged at every step; on a GPU `--amp`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.transforms.functional import InterpolationMode

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ReferenceLoop:
    """One epoch of the references is `run`; a network and what it is trained with."""

    def __init__(self, net: nn.Module, device: str, lr: float = 1e-2, weight_decay: float = 1e-4) -> None:
        self.net, self.device = net.train(), device
        self.optimiser = torch.optim.SGD(net.parameters(), lr, momentum=0.9, weight_decay=weight_decay)
        self.scaler = torch.amp.GradScaler(device) if device == "cuda" else None

    def step(self, images: Tensor, target: Tensor) -> tuple[float, float, float]:
        """One update; loss, and the shares of images right at top-1 and top-5, as they are logged."""
        images, target = images.to(self.device, non_blocking=True), target.to(self.device, non_blocking=True)
        with torch.autocast(self.device, torch.float16, enabled=self.scaler is not None):
            output = self.net(images)
            loss = cross_entropy(output, target)
        self.optimiser.zero_grad()
        if self.scaler is None:
            loss.backward()
            self.optimiser.step()
        else:
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimiser)
            self.scaler.update()
        right = output.detach().topk(min(5, output.shape[1])).indices == target[:, None]
        return loss.item(), right[:, :1].sum().item() / len(target), right.sum().item() / len(target)

    def run(self, batches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[float, float, float]]:
        for images, target in batches:
            yield self.step(images, target)


def training_images(folder: Path, crop_size: int) -> ImageFolder:
    """The references' training preset, Pillow backend."""
    return ImageFolder(folder, transforms.Compose([
        transforms.RandomResizedCrop(crop_size, interpolation=InterpolationMode.BILINEAR, antialias=True),
        transforms.RandomHorizontalFlip(),
        *_to_normalised(),
    ]))  # fmt: skip


def rescaled_images(folder: Path, size: int, crop_size: int) -> ImageFolder:
    """The paper's augmentation in the references' terms: the smaller side becomes `size`, then a crop and a mirror."""
    resize = transforms.Resize(size, interpolation=InterpolationMode.BILINEAR, antialias=True)
    random = transforms.RandomCrop(crop_size), transforms.RandomHorizontalFlip()
    return ImageFolder(folder, transforms.Compose([resize, *random, *_to_normalised()]))


def evaluation_images(folder: Path, size: int, crop_size: int) -> ImageFolder:
    """The references' evaluation preset, Pillow backend."""
    resize = transforms.Resize(size, interpolation=InterpolationMode.BILINEAR, antialias=True)
    return ImageFolder(folder, transforms.Compose([resize, transforms.CenterCrop(crop_size), *_to_normalised()]))


def _to_normalised() -> list:
    return [
        transforms.PILToTensor(),
        transforms.ConvertImageDtype(torch.float),
        transforms.Normalize(mean=MEAN, std=STD),
    ]


def loader(images: Dataset, batch_size: int, workers: int, device: str) -> DataLoader:
    """The references' loader: shuffled; pinned memory where there is a device to copy it to.

    Workers are kept from epoch to epoch, so that a race of many epochs is not one of starting processes.
    """
    return DataLoader(
        images,
        batch_size,
        shuffle=True,
        num_workers=workers,
        pin_memory=device == "cuda",
        persistent_workers=workers > 0,
    )
