"""7,000 photographs of Fashion-MNIST that travel with the package: the book trains on real images anywhere.

They lie in one picture, a hundred to a row, which anybody can open: first the training images, five rows a
class, then a row a class for validation and a row a class for the test.  The row tells the class.

The picture was made from the files of Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, MIT licence) by::

    python -m vggstudy.fashion_subset /usr/share/datasets/fashion-mnist
"""

from __future__ import annotations

import gzip
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vggstudy.errors import DataError
from vggstudy.imageset import Data, ImageSet, check_splits, take

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
SIDE = 28  # pixels
PER_ROW = 100
ROWS = {"train": 5, "val": 1, "test": 1}  # of each class
PICTURE = files("vggstudy") / "datasets" / "fashion-mnist-small.png"


def load_fashion_subset(root: str = "", *, download: bool = False, **counts: int | None) -> Data:
    """The photographs in the package, 28x28, grey as three equal channels: 5,000, 1,000 and 1,000.

    `train` and `val` are of Fashion-MNIST's training set, `test` of its test set.

    Args:
        root: Must be empty: the images need no folder.
        download: Without effect: nothing is missing.
        counts: `train=`, `val=`, `test=`: how many images of a split, instead of all.
    Raises:
        DataError: If a folder is given or a split has not so many images.

    Book: the data.
    """
    if root:
        raise DataError(f"fashion-mnist-small is in the package and takes no folder, but {root!r} was given")
    check_splits(counts)
    splits = {split: take(_split(split), counts.get(split)) for split in ROWS}
    return Data("fashion-mnist-small", CLASSES, **splits)


@cache
def _tiles() -> NDArray[np.uint8]:
    """All photographs `(rows, PER_ROW, SIDE, SIDE)`, in the order of the picture."""
    with PICTURE.open("rb") as file:
        picture = np.asarray(Image.open(file))
    rows = picture.shape[0] // SIDE
    return picture.reshape(rows, SIDE, PER_ROW, SIDE).swapaxes(1, 2)


def _split(split: str) -> ImageSet:
    names = list(ROWS)
    before = sum(ROWS[name] for name in names[: names.index(split)]) * len(CLASSES)
    per_class = ROWS[split] * PER_ROW

    def read(index: int) -> Tensor:
        tile = _tiles()[before + index // PER_ROW, index % PER_ROW]
        return torch.from_numpy(tile.copy()).expand(3, SIDE, SIDE)

    labels = torch.arange(len(CLASSES)).repeat_interleave(per_class)
    name = f"fashion-mnist-small-{split}"
    return ImageSet(read, labels, lambda i: f"fashion-mnist-small/{split}/{i}", name)


def _read_idx(path: Path, header: int) -> NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def _rows(root: Path, stem: str, first: int, rows: int) -> NDArray[np.uint8]:
    """`rows * PER_ROW` images of each class from the `first` on, in the order of the file."""
    images = _read_idx(root / f"{stem}-images-idx3-ubyte.gz", 16).reshape(-1, SIDE, SIDE)
    labels = _read_idx(root / f"{stem}-labels-idx1-ubyte.gz", 8)
    wanted = slice(first, first + rows * PER_ROW)
    chosen = [np.flatnonzero(labels == label)[wanted] for label in range(len(CLASSES))]
    return images[np.concatenate(chosen)].reshape(-1, PER_ROW, SIDE, SIDE)


def make_picture(root: Path) -> Image.Image:
    """The picture, from the four gz files of Fashion-MNIST in `root`."""
    rows = np.concatenate(
        [
            _rows(root, "train", 0, ROWS["train"]),
            _rows(root, "train", ROWS["train"] * PER_ROW, ROWS["val"]),
            _rows(root, "t10k", 0, ROWS["test"]),
        ]
    )
    return Image.fromarray(rows.swapaxes(1, 2).reshape(-1, PER_ROW * SIDE))


if __name__ == "__main__":
    make_picture(Path(sys.argv[1])).save(str(PICTURE), optimize=True)
