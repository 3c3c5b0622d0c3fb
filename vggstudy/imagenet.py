"""ImageNet (ILSVRC 2012) and Imagenette, ten of its classes that are free to fetch.

The classes of ImageNet are in the order of their WordNet ids, as every published VGG has them. The ids 1-1000
of the development kit are in another order, and a list of them must never be taken for labels.
"""

from __future__ import annotations

import re
from pathlib import Path

from .archives import extract, fetch
from .cache import cache_folder
from .errors import DataError
from .folders import class_folders, class_set, existing, photograph_data, photograph_set
from .imageset import Data

IMAGENETTE = "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-320.tgz"
IMAGENETTE_CHECKSUM = "md5:3df6f0d01a2c9592104656642f5e78a3"
IMAGENETTE_CLASSES = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}

WORDNET_ID = re.compile(r"n\d{8}")
GROUND_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
SYNSETS = "synsets.txt"


def load_imagenette(root: str = "", *, download: bool = False, on_error: str = "raise", **counts: int | None) -> Data:
    """Imagenette; `download` fetches the version of 320 pixels a smaller side. `val` is the test, too."""
    place = Path(root).expanduser() if root else cache_folder()
    if download and not _imagenette(place):
        extract(fetch(IMAGENETTE, place / "imagenette2-320.tgz", IMAGENETTE_CHECKSUM), place)
    folder = _imagenette(place)
    if folder is None:
        raise DataError(f"no Imagenette in {place}: allow the download (--download), or unpack {IMAGENETTE} there")
    train, val = (class_set(folder / split, tuple(IMAGENETTE_CLASSES)) for split in ("train", "val"))
    names = tuple(IMAGENETTE_CLASSES.values())
    return photograph_data("imagenette", names, {"train": train, "val": val, "test": val}, on_error, counts)


def _imagenette(place: Path) -> Path | None:
    folders = (place, *(place / f"imagenette2{size}" for size in ("", "-320", "-160")))
    return next((folder for folder in folders if (folder / "train" / "n01440764").is_dir()), None)


def load_imagenet(root: str, *, download: bool = False, on_error: str = "raise", **counts: int | None) -> Data:
    """ImageNet as torchvision lays it out: `train/` and `val/` with a folder a WordNet id; or the 50,000
    validation images as they are handed out, in one folder, to evaluate. `val` is the test, too, as in the
    paper."""
    place = existing(root, "imagenet")
    train_folder, val_folder = place / "train", place / "val" if (place / "val").is_dir() else place
    train_ids = class_folders(train_folder) if train_folder.is_dir() else ()
    files = sorted(str(file) for file in val_folder.glob("ILSVRC2012_val_*.JPEG"))
    true_ids = _ground_truth(place, len(files)) if files else ()
    ids = train_ids or tuple(sorted(set(true_ids))) or class_folders(val_folder)
    _check(ids, place)
    if files:
        if stray := set(true_ids) - set(ids):
            raise DataError(f"{min(stray)} of {GROUND_TRUTH} has no folder in {train_folder}: add it")
        val = photograph_set(val_folder, files, [ids.index(wordnet_id) for wordnet_id in true_ids])
    else:
        val = class_set(val_folder, ids)
    train = class_set(train_folder, ids) if train_ids else None
    return photograph_data("imagenet", ids, {"train": train, "val": val, "test": val}, on_error, counts)


def _check(ids: tuple[str, ...], place: Path) -> None:
    if not ids or not all(map(WORDNET_ID.fullmatch, ids)):
        raise DataError(
            f"{place} is not ImageNet: train/ and val/ need folders named by WordNet ids such as n01440764, "
            f"or ILSVRC2012_val_*.JPEG beside {GROUND_TRUTH}"
        )


def _ground_truth(place: Path, count: int) -> tuple[str, ...]:
    """WordNet ids of the validation images in the order of their numbers."""
    lines = _lines(place / GROUND_TRUTH, "it is in ImageNet's development kit")
    if len(lines) != count:
        raise DataError(f"{place / GROUND_TRUTH} has {len(lines):,} lines for {count:,} images: both must be whole")
    if all(map(WORDNET_ID.fullmatch, lines)):
        return tuple(lines)
    synsets = _lines(place / SYNSETS, "list the WordNet ids in it in the order of the development kit, one a line")
    if not all(map(WORDNET_ID.fullmatch, synsets)) or len(set(synsets)) != len(synsets):
        raise DataError(f"{place / SYNSETS} must hold a WordNet id a line, each once, in the order of the ids from 1")
    if wrong := next((line for line in lines if not line.isdecimal() or not 0 < int(line) <= len(synsets)), None):
        raise DataError(f"{place / GROUND_TRUTH} holds {wrong!r}: expected are 1 to {len(synsets)} or WordNet ids")
    return tuple(synsets[int(line) - 1] for line in lines)


def _lines(path: Path, hint: str) -> list[str]:
    try:
        return path.read_text().split()
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{path} is missing: {hint}") from None
