"""A data set as the library sees it: three splits of numbered images, each with a label and a path."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from .errors import DataError, unknown

Read = Callable[[int], Tensor]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Map-style: `len(images)`, `images[i] -> (uint8 RGB (3, H, W), label)`.

    Args:
        read: Gives image `i`, uint8 RGB `(3, H, W)`; must bear being called by several threads.
        labels: Class of each image, `(n,)`.
        path: Where image `i` lies: a file, or a name such as `shapes/train/17`.
        name: Tells this set from every other, so that what is computed of it can be kept.
    """

    read: Read = field(repr=False)
    labels: Tensor = field(repr=False)
    path: Callable[[int], str] = field(repr=False)
    name: str

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        index = range(len(self))[index]
        image = self.read(index)
        if image.dtype != torch.uint8:
            flaw = f"of type {image.dtype}" if image.isfinite().all() else "with pixels that are no number"
            raise DataError(f"{self.path(index)}: an image {flaw}; images are uint8, 0 to 255: convert or remove it")
        return image, int(self.labels[index])

    def on(self, device: torch.device) -> ImageSet:
        """The same images on `device`."""
        return replace(self, read=lambda index: self.read(index).to(device))


SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Data:
    """A data set and its splits: `train` to learn from, `val` for every choice (rates, plateaus), `test` to
    report.

    `train` is None where there are images to evaluate only.
    """

    name: str
    classes: tuple[str, ...]
    train: ImageSet | None
    val: ImageSet
    test: ImageSet
    skipped: tuple[str, ...] = ()
    """Files left out under `on_error="skip"`, each with the reason."""


def training_images(data: Data) -> ImageSet:
    """What a data set has to learn from.

    Raises:
        DataError: If it is for evaluation only.
    """
    if data.train is None:
        raise DataError(
            f"{data.name} has no training images, only some to evaluate: give a folder with train/ and val/"
        )
    return data.train


def check_splits(names: Iterable[str]) -> None:
    """Refuse a split that there is not.

    Raises:
        DataError: With the close matches.
    """
    if stranger := next((name for name in names if name not in SPLITS), None):
        raise DataError(unknown("split", stranger, SPLITS))


def labels_digest(data: Data) -> str:
    """Digest of the labels that are learnt and validated by, in their order."""
    digest = hashlib.sha256()
    for images in (data.train, data.val):
        digest.update(images.labels.numpy().tobytes())
    return digest.hexdigest()[:12]


def take(images: ImageSet, n: int | None) -> ImageSet:
    """`n` images spread evenly over the classes, and over each class; all of them for None."""
    if n is None or n == len(images):
        return images
    if not 0 < n < len(images):
        raise DataError(f"{n:,} images were asked for: allowed is 1 to {len(images):,}, which {images.name} has")
    by_class = images.labels.argsort(stable=True)
    index = by_class[torch.arange(n) * len(images) // n].sort().values
    return select(images, index.tolist(), f"{images.name}[{n}]")


def select(images: ImageSet, index: Sequence[int], name: str) -> ImageSet:
    """The images of these numbers, in this order, as a set called `name`."""
    return ImageSet(
        read=lambda i: images.read(index[i]),
        labels=images.labels[torch.as_tensor(index, dtype=torch.long)],
        path=lambda i: images.path(index[i]),
        name=name,
    )
