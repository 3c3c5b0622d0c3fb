"""Where images come from: one line of text names a data set, `load_data` returns its three splits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import shapes
from .cache import cached, once
from .errors import DataError, unknown
from .fashion import load_fashion
from .fashion_subset import load_fashion_subset
from .folders import load_folder
from .imagenet import load_imagenet, load_imagenette
from .imageset import Data, ImageSet


def load_data(spec: str, *, download: bool = False, **options) -> Data:
    """Load a data set by name.

    Args:
        spec: `shapes`, `fashion-mnist[:ROOT]`, `fashion-mnist-small`, `imagefolder:ROOT`, `imagenette[:ROOT]`
            or `imagenet:ROOT`.
        download: May fetch what is missing, where the set can be had freely.
        options: `train=`, `val=`, `test=`: how many images of a split, instead of all. For photographs also
            `on_error="raise"`, where reading a file that is no image fails, or `"skip"`, where every file is
            read once and those that fail are left out and listed in `Data.skipped`, as are those that cannot be
            rescaled to `largest_S=512` pixels of the smaller side: give the largest S of the training.

    Raises:
        DataError: If it is not there or not sound; the message says where it was sought and how to get it.

    Paper: section 4 (the data).  Book: the data.
    """
    name, _, root = spec.partition(":")
    if name not in SOURCES:
        raise DataError(unknown("data set", name, SOURCES))
    return SOURCES[name](root, download=download, **options)


def load_shapes(
    root: str = "", *, download: bool = False, train: int = 8000, val: int = 2000, test: int = 4000
) -> Data:
    """The made images: each split has a seed of its own and is drawn when it is first looked at."""
    if root:
        raise DataError(f"the made images need no folder, {root!r} was given: write --data shapes")
    sizes = {"train": train, "val": val, "test": test}
    splits = (_drawn(split, n, seed) for seed, (split, n) in enumerate(sizes.items()))
    return Data("shapes", shapes.CLASSES, *splits)


def _drawn(split: str, n: int, seed: int) -> ImageSet:
    name = f"shapes-{shapes.DIGEST[:12]}-{split}-{n}"

    def stacks() -> dict[str, NDArray]:
        images = shapes.draw(n, seed).images
        sizes = {image.shape[1:] for image in images}
        return {_text(size): np.stack([image for image in images if image.shape[1:] == size]) for size in sizes}

    @once
    def images() -> list[Tensor]:
        rows = {size: iter(torch.from_numpy(stack)) for size, stack in cached(name, stacks).items()}
        return [next(rows[_text(shapes.size_of(i))]) for i in range(n)]

    return ImageSet(lambda i: images()[i], torch.from_numpy(shapes.labels_of(n)), lambda i: f"shapes/{split}/{i}", name)


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


SOURCES: dict[str, Callable[..., Data]] = {
    "shapes": load_shapes,
    "fashion-mnist": load_fashion,
    "fashion-mnist-small": load_fashion_subset,
    "imagefolder": load_folder,
    "imagenette": load_imagenette,
    "imagenet": load_imagenet,
}
