"""Fashion-MNIST: 70,000 small photographs of clothing (Xiao, Rasul and Vollgraf, 2017; MIT licence)."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.datasets import FashionMNIST

from .archives import fetch
from .cache import cache_folder
from .errors import DataError
from .imageset import Data, ImageSet, check_splits, take
from .places import user_path

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts the files."""

CHOICE = 5000
"""The last images of the training set, which serve as `val`."""

BORDER = 2
"""Black pixels on each side, so that 28 become 32."""


def load_fashion(root: str = "", *, download: bool = False, **counts: int | None) -> Data:
    """Fashion-MNIST, 32x32 pixels, grey in three equal channels: 55,000, 5,000 and 10,000 images.

    It is looked for in `root`, in torchvision's folders in it, and in Debian's; without a root in the cache
    folder.
    """
    check_splits(counts)
    place = user_path(root) if root else cache_folder()
    raw = place / "FashionMNIST" / "raw"
    if download and _file((place, raw, DEBIAN), "t10k-labels-idx1-ubyte") is None:
        for name, md5 in FashionMNIST.resources:
            fetch(FashionMNIST.mirrors[0] + name, raw / name, f"md5:{md5}")
    places = (place, raw) if root and not download else (place, raw, DEBIAN)
    train_images, train_labels, test_images, test_labels = (
        _read(places, f"{part}-{kind}-ubyte") for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    )
    splits = {
        "train": _set("train", train_images[:-CHOICE], train_labels[:-CHOICE]),
        "val": _set("val", train_images[-CHOICE:], train_labels[-CHOICE:]),
        "test": _set("test", test_images, test_labels),
    }
    return Data(
        "fashion-mnist",
        tuple(FashionMNIST.classes),
        **{split: take(images, counts.get(split)) for split, images in splits.items()},
    )


def _set(split: str, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> ImageSet:
    border = ((0, 0), (BORDER, BORDER), (BORDER, BORDER))
    grey = torch.from_numpy(np.pad(images, border))[:, None].expand(-1, 3, -1, -1)
    kind = torch.from_numpy(labels.astype(np.int64))
    name = f"fashion-mnist-{split}-{zlib.crc32(images):08x}"  # other data of this format are another set
    return ImageSet(grey.__getitem__, kind, lambda i: f"fashion-mnist/{split}/{i}", name)


def _file(places: tuple[Path, ...], name: str) -> Path | None:
    files = (place / (name + suffix) for place in places for suffix in ("", ".gz"))
    return next((file for file in files if file.is_file()), None)


def _read(places: tuple[Path, ...], name: str) -> NDArray[np.uint8]:
    """Read an IDX file: two zeros, type, number of dimensions, their sizes as 32-bit integers, bytes."""
    path = _file(places, name)
    if path is None:
        raise DataError(
            f"Fashion-MNIST's {name}[.gz] is not in {' or '.join(map(str, places))}: "
            "install Debian's package dataset-fashion-mnist, or allow the download (--download)"
        )
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}): remove it and fetch it again") from None
