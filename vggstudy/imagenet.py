"""ImageNet (ILSVRC 2012) and Imagenette, ten of its classes that are free to fetch.

The classes of ImageNet are in the order of their WordNet ids, as every published VGG has them. The ids 1-1000
of the development kit are in another order, and a list of them must never be taken for labels.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from .archives import extract, fetch
from .cache import cache_folder
from .errors import DataError
from .folders import class_folders, class_set, existing, photograph_data, photograph_set
from .imageset import Data
from .places import user_path

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
KIT_MAP = "map_clsloc.txt"
CAFFE_TRUTH = "val.txt"
KAGGLE_TRUTH = "LOC_val_solution.csv"
KAGGLE_IMAGES = "ILSVRC/Data/CLS-LOC"


@cache
def imagenet_classes() -> tuple[str, ...]:
    """WordNet ids of the 1,000 classes of ILSVRC-2012, in the order of the scores."""
    return tuple(
        json.loads((Path(__file__).parent / "datasets" / "imagenet-wordnet-ids.json").read_text(encoding="utf-8"))
    )


def load_imagenette(root: str = "", *, download: bool = False, **options: Any) -> Data:
    """Imagenette; `download` fetches the version of 320 pixels a smaller side. `val` is the test, too."""
    place = user_path(root) if root else cache_folder()
    if download and not _imagenette(place):
        extract(fetch(IMAGENETTE, place / "imagenette2-320.tgz", IMAGENETTE_CHECKSUM), place)
    folder = _imagenette(place)
    if folder is None:
        raise DataError(f"no Imagenette in {place}: allow the download (--download), or unpack {IMAGENETTE} there")
    train, val = (class_set(folder / split, tuple(IMAGENETTE_CLASSES)) for split in ("train", "val"))
    names = tuple(IMAGENETTE_CLASSES.values())
    splits = {"train": train, "val": val, "test": val}
    return photograph_data("imagenette", names, splits, **options)


def _imagenette(place: Path) -> Path | None:
    folders = (place, *(place / f"imagenette2{size}" for size in ("", "-320", "-160")))
    return next((folder for folder in folders if (folder / "train" / "n01440764").is_dir()), None)


def load_imagenet(root: str, *, download: bool = False, **options: Any) -> Data:
    """ImageNet as torchvision lays it out: `train/` and `val/` with a folder a WordNet id; or with the 50,000
    validation images as they are handed out, in one folder; or as Kaggle's archive unpacks. `val` is the test, too, as
    in the paper.

    The classes of a flat folder are told by one of the files that usually lie beside it: `val.txt` of Caffe,
    `LOC_val_solution.csv` of Kaggle, or the ground truth of the development kit; its numbers 1-1000 mean something
    only with the kit's own list, `map_clsloc.txt`, or `synsets.txt` with the ids in the order of the kit.
    """
    top = existing(root, "imagenet")
    place = top / KAGGLE_IMAGES if (top / KAGGLE_IMAGES).is_dir() else top
    train_folder, val_folder = place / "train", place / "val" if (place / "val").is_dir() else place
    train_ids = class_folders(train_folder) if train_folder.is_dir() else ()
    files = sorted(str(file) for file in val_folder.glob("ILSVRC2012_val_*.JPEG"))
    true_ids = _true_ids(top, files) if files else ()
    ids = train_ids or tuple(sorted(set(true_ids))) or class_folders(val_folder)
    _check(ids, top)
    if files:
        if stray := set(true_ids) - set(ids):
            raise DataError(f"{min(stray)} of the ground truth has no folder in {train_folder}: add it")
        val = photograph_set(val_folder, files, [ids.index(wordnet_id) for wordnet_id in true_ids])
    else:
        val = class_set(val_folder, ids)
    train = class_set(train_folder, ids) if train_ids else None
    splits = {"train": train, "val": val, "test": val}
    return photograph_data("imagenet", ids, splits, **options)


def _check(ids: tuple[str, ...], place: Path) -> None:
    if not ids or not all(map(WORDNET_ID.fullmatch, ids)):
        raise DataError(
            f"{place} is not ImageNet: train/ and val/ need folders named by WordNet ids such as n01440764, "
            f"or ILSVRC2012_val_*.JPEG beside {GROUND_TRUTH}, {CAFFE_TRUTH} or {KAGGLE_TRUTH}"
        )


def _true_ids(place: Path, files: Sequence[str]) -> tuple[str, ...]:
    """WordNet ids of the validation images."""
    if not (place / GROUND_TRUTH).exists():
        for name, read in ((CAFFE_TRUTH, _caffe_truth), (KAGGLE_TRUTH, _kaggle_truth)):
            if (place / name).exists():
                return _named(place / name, read(place / name), files)
    return _ground_truth(place, len(files))


def _named(path: Path, truth: dict[str, str], files: Sequence[str]) -> tuple[str, ...]:
    """The ids of the files, by their names."""
    stems = [Path(file).stem for file in files]
    if missing := next((stem for stem in stems if stem not in truth), None):
        raise DataError(f"{path} does not tell the class of {missing}.JPEG: it must name every image")
    return tuple(truth[stem] for stem in stems)


def _caffe_truth(path: Path) -> dict[str, str]:
    """Lines such as `ILSVRC2012_val_00000001.JPEG 65`: the classes are counted from 0 in the order of their ids."""
    words = _lines(path, "")
    classes = imagenet_classes()
    truth = {}
    for name, number in zip(words[::2], words[1::2], strict=False):
        if not number.isdecimal() or int(number) >= len(classes):
            raise DataError(f"{path} holds {name} {number!r}: expected are a file and a class, 0 to {len(classes) - 1}")
        truth[Path(name).stem] = classes[int(number)]
    return truth


def _kaggle_truth(path: Path) -> dict[str, str]:
    """Lines such as `ILSVRC2012_val_00000001,n01751748 111 108 497 373`: an id and a box an object, of one class."""
    truth = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            found = WORDNET_ID.match(row[1]) if len(row) == 2 else None
            if found:
                truth[row[0]] = found.group()
    return truth


def _ground_truth(place: Path, count: int) -> tuple[str, ...]:
    """WordNet ids of the validation images in the order of their numbers."""
    hint = f"it is in ImageNet's development kit; {CAFFE_TRUTH} of Caffe or {KAGGLE_TRUTH} of Kaggle do as well, there"
    lines = _lines(place / GROUND_TRUTH, hint)
    if len(lines) != count:
        raise DataError(f"{place / GROUND_TRUTH} has {len(lines):,} lines for {count:,} images: both must be whole")
    if all(map(WORDNET_ID.fullmatch, lines)):
        return tuple(lines)
    synsets = _kit_order(place)
    if wrong := next((line for line in lines if not line.isdecimal() or not 0 < int(line) <= len(synsets)), None):
        raise DataError(f"{place / GROUND_TRUTH} holds {wrong!r}: expected are 1 to {len(synsets)} or WordNet ids")
    return tuple(synsets[int(line) - 1] for line in lines)


def _kit_order(place: Path) -> list[str]:
    """WordNet ids in the order of the development kit.

    Raises:
        DataError: Also if they are in the order in which networks count, as Caffe's file of the same name has them:
            every image would get a wrong label, and nothing else would show it.
    """
    kit = place / KIT_MAP
    if kit.exists():  # lines such as `n02119789 1 kit_fox`
        rows = [line.split() for line in kit.read_text(encoding="utf-8").splitlines() if line.strip()]
        if [row[1] for row in rows if len(row) > 1] != [str(number + 1) for number in range(len(rows))]:
            raise DataError(f"{kit} must hold a WordNet id, its number from 1 on, and a name a line, in that order")
        path, synsets = kit, [row[0] for row in rows]
    else:
        path = place / SYNSETS
        hint = f"list the WordNet ids in it in the order of the development kit, one a line, or add its {KIT_MAP}"
        synsets = _lines(path, hint)
    if not all(map(WORDNET_ID.fullmatch, synsets)) or len(set(synsets)) != len(synsets):
        raise DataError(f"{path} must hold a WordNet id a line, each once, in the order of the ids from 1")
    if tuple(synsets) == imagenet_classes():
        raise DataError(
            f"{path} is in the order of the WordNet ids (Caffe's file is), which is not that of the development kit: "
            f"use the kit's {KIT_MAP}, or Caffe's {CAFFE_TRUTH} in place of {GROUND_TRUTH}"
        )
    return synsets


def _lines(path: Path, hint: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        raise DataError(f"{path} is missing: {hint}") from None
