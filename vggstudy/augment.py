"""What becomes of an image before the network sees it: rescaled to S, cropped, flipped, its colours shifted.

Paper: section 3.1 (training image size).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from .colour import colour_pca
from .errors import ConfigError, DataError, about
from .imageset import ImageSet
from .keyed import normals, uniforms

Pixels = TypeVar("Pixels", NDArray[np.uint8], Tensor)

LARGEST = 2**24
"""Most pixels of a rescaled image: beyond it a sliver, a pixel high and very wide, would fill the memory."""

KEPT_BYTES = 2**30
"""Memory for the rescaled images of a data set; what does not fit is rescaled whenever it is drawn."""


def rescale(image: Tensor, size: int, interpolation: str = "bilinear") -> Tensor:
    """Rescale isotropically, so that the smaller side becomes `size` pixels (the paper's S and Q).

    The paper does not say how it interpolates. `bilinear` and `bicubic` are both antialiased here, and the
    other side is rounded down, as torchvision's `Resize` does both.

    Args:
        image: uint8 `(3, H, W)`.
    Returns:
        uint8 `(3, h, w)`, `min(h, w) == size`.
    Raises:
        DataError: If it becomes larger than `LARGEST` pixels.

    Paper: section 3.1, "isotropically rescaled".
    """
    height, width = scaled_sides(*image.shape[-2:], size)
    if image.shape[-2:] == (height, width):
        return image
    resize = antialiased if image.device.type == "cpu" else antialiased_as_floats
    return resize(image[None], (height, width), interpolation)[0]


def antialiased(images: Tensor, sides: tuple[int, int], interpolation: str) -> Tensor:
    """Rescale `(N, 3, H, W)` to `sides`."""
    return interpolate(images, sides, mode=interpolation, antialias=True)


def antialiased_as_floats(images: Tensor, sides: tuple[int, int], interpolation: str) -> Tensor:
    """The same by way of floats, where a device has no kernel for bytes.

    Equal up to a level of rounding; at edges, where bicubic overshoots, bytes are also cut off between the directions.
    """
    return antialiased(images.float(), sides, interpolation).round().clamp(0, 255).to(torch.uint8)


def scaled_sides(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of an image once its smaller side is `size` pixels.

    Raises:
        DataError: If that is more than `LARGEST` pixels.
    """
    smaller = min(height, width)
    tall, wide = (size if side == smaller else int(size * side / smaller) for side in (height, width))
    if tall * wide > LARGEST:
        raise DataError(
            f"{width}x{height} pixels become {wide}x{tall} at S = {size}, more than the {LARGEST:,} allowed: "
            "crop it or leave it out"
        )
    return tall, wide


class CropDraw(NamedTuple):
    """What is drawn for one crop: `S` in pixels, how far `down` and `right` it lies, from 0 to 1, and the flip."""

    S: int
    down: float
    right: float
    flip: bool

    def corner(self, height: int, width: int, side: int) -> tuple[int, int]:
        """Top and left of a crop of this side in an image of this size, pixels."""
        return int(self.down * (height - side + 1)), int(self.right * (width - side + 1))


@dataclass(frozen=True)
class Augmentation:
    """How training images are drawn. The defaults are the paper's.

    Args:
        crop_size: Side of the crop, pixels.
        S: Training scale, the smaller side of the rescaled image in pixels: a number, or `(S_min, S_max)` for
            scale jittering, where each image draws its own in each epoch.
        flip: Flip half of the crops left to right.
        colour_std: Standard deviation of alpha in the colour shift; 0 for none.
        interpolation: `bilinear` or `bicubic` (the paper does not say).
        S_drawn: `integers`, each whole number of pixels equally likely, or `continuous`, a real number that
            is then rounded, so that the two ends get half (the paper does not say).

    Raises:
        ConfigError: If the crop is larger than S, or a value is out of its range.

    Paper: section 3.1.  Book: the training data.
    """

    crop_size: int = 224
    S: int | tuple[int, int] = 256
    flip: bool = True
    colour_std: float = 0.1
    interpolation: str = "bilinear"
    S_drawn: str = "integers"

    def __post_init__(self) -> None:
        smallest, largest = self.S_range
        if not 0 < self.crop_size <= smallest:
            raise ConfigError(f"crop_size = {self.crop_size} does not fit S = {self.S}: allowed is 1 to {smallest}")
        if largest < smallest:
            raise ConfigError(f"S = {self.S} runs backwards: give (S_min, S_max)")
        if not 0 <= self.colour_std < float("inf"):
            raise ConfigError(f"colour_std = {self.colour_std}: allowed are 0 (no colour shift) and more")
        if self.interpolation not in ("bilinear", "bicubic"):
            raise ConfigError(f"interpolation = {self.interpolation!r}: allowed are bilinear, bicubic")
        if self.S_drawn not in ("integers", "continuous"):
            raise ConfigError(f"S_drawn = {self.S_drawn!r}: allowed are integers, continuous")

    @property
    def S_range(self) -> tuple[int, int]:
        """`(S_min, S_max)`, equal where S is fixed."""
        return self.S if isinstance(self.S, tuple) else (self.S, self.S)

    def draw_S(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        """Training scales, pixels, from numbers in [0, 1)."""
        smallest, largest = self.S_range
        if self.S_drawn == "continuous":
            return np.rint(smallest + uniform * (largest - smallest)).astype(np.int64)
        return smallest + np.floor(uniform * (largest - smallest + 1)).astype(np.int64)

    def draw_crops(self, indices: ArrayLike, seed: int, epoch: int) -> list[CropDraw]:
        """The crops of these images in this epoch, which depend on `(seed, epoch, index)` alone."""
        u = uniforms(seed, epoch, np.asarray(indices, np.int64)[:, None], np.arange(4))
        flips = self.flip & (u[:, 3] < 0.5)
        columns = self.draw_S(u[:, 0]), u[:, 1], u[:, 2], flips
        return [CropDraw(*draw) for draw in zip(*(column.tolist() for column in columns), strict=True)]


class Batch(NamedTuple):
    """`images` uint8 RGB `(N, 3, crop, crop)`; `colour_shift` float `(N, 3)`, in units of 0-255, to be added
    to every pixel once the mean is subtracted; `labels` `(N,)`."""

    images: Tensor
    colour_shift: Tensor
    labels: Tensor


def sample_batch(
    dataset: ImageSet,
    indices: Sequence[int] | Tensor,
    seed: int,
    epoch: int,
    augmentation: Augmentation,
    device: torch.device | None = None,
) -> Batch:
    """Draw the training crops of these images for this epoch.

    What is drawn for an image depends on `(seed, epoch, index)` alone, not on its batch or on earlier draws.

    Args:
        dataset: The images.
        indices: Which of them.
        seed: Of the run.
        epoch: Counted from 0.
        augmentation: How they are drawn.
        device: Where images are rescaled and cropped, decoded on the host; None for the host.

    Paper: section 3.1.  Book: the training data.
    """
    indices = np.asarray(indices, np.int64)
    draws = augmentation.draw_crops(indices, seed, epoch)
    cut = cut_on_host if device is None else cut_on_device
    rescaled = (
        _rescaled(dataset, index, draw.S, augmentation.interpolation, device)
        for index, draw in zip(indices.tolist(), draws, strict=True)
    )
    crops = cut(rescaled, draws, augmentation.crop_size)
    shift = _colour_shift(dataset, indices, seed, epoch, augmentation.colour_std)
    return Batch(crops, shift, dataset.labels[indices].long())


def slices(images: Iterable[Pixels], draws: Sequence[CropDraw], side: int) -> Iterator[Pixels]:
    """The crops of rescaled images `(3, h, w)`, arrays or tensors, not yet flipped and not copied."""
    for image, draw in zip(images, draws, strict=True):
        top, left = draw.corner(*image.shape[1:], side)
        yield image[:, top : top + side, left : left + side]


def cut_on_host(images: Iterable[NDArray[np.uint8]], draws: Sequence[CropDraw], side: int) -> Tensor:
    """The crops of rescaled images, uint8 `(N, 3, side, side)`; slices of arrays are the cheapest."""
    crops = np.empty((len(draws), 3, side, side), np.uint8)
    for k, (crop, draw) in enumerate(zip(slices(images, draws, side), draws, strict=True)):
        crops[k] = crop[:, :, ::-1] if draw.flip else crop
    return torch.from_numpy(crops)


def cut_on_device(images: Iterable[Tensor], draws: Sequence[CropDraw], side: int) -> Tensor:
    """The same of tensors, in a handful of kernels for the whole batch."""
    batch = torch.stack(list(slices(images, draws, side)))
    flips = torch.tensor([draw.flip for draw in draws]).to(batch.device, non_blocking=True)
    return torch.where(flips[:, None, None, None], batch.flip(-1), batch)


def _colour_shift(dataset: ImageSet, indices: NDArray, seed: int, epoch: int, std: float) -> Tensor:
    if not std:
        return torch.zeros(len(indices), 3)
    alpha = std * normals(seed, epoch, indices[:, None], 4 + np.arange(3))
    return torch.from_numpy(colour_pca(dataset).shift(alpha)).float()


class _Kept:
    """Rescaled images of a data set by (index, S, interpolation, device), while there is room; threads share them."""

    def __init__(self) -> None:
        self.images: dict[tuple, NDArray | Tensor] = {}
        self.room = KEPT_BYTES
        self._changing = Lock()

    def keep(self, key: tuple, image: NDArray | Tensor) -> None:
        with self._changing:
            if key not in self.images and image.nbytes <= self.room:
                self.room -= image.nbytes
                self.images[key] = image

    def release_device(self) -> None:
        with self._changing:
            for key in [key for key in self.images if key[-1] is not None]:
                self.room += self.images.pop(key).nbytes


_kept: WeakKeyDictionary[ImageSet, _Kept] = WeakKeyDictionary()


def release_device_images(dataset: ImageSet) -> None:
    """Let go of the rescaled images that `sample_batch` keeps of a data set on a device, where memory is short.

    Those on the host go with the data set: what is trained next on it
    finds them.
    """
    if kept := _kept.get(dataset):
        kept.release_device()


def _rescaled(
    dataset: ImageSet, index: int, S: int, interpolation: str, device: torch.device | None
) -> NDArray[np.uint8] | Tensor:
    """An image at scale S: an array on the host, a tensor on a device."""
    kept = _kept.setdefault(dataset, _Kept())
    key = index, S, interpolation, device
    found = kept.images.get(key)
    if found is None:
        image, _ = (dataset if device is None else dataset.on(device))[index]
        with about(dataset.path(index)):
            image = rescale(image, S, interpolation)
        found = image.numpy() if device is None else image
        kept.keep(key, found)
    return found
