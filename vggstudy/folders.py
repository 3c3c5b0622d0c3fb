"""Folders of photographs, one folder a class, as torchvision's `ImageFolder` has it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from .augment import scaled_sides
from .errors import DataError, about
from .imageset import SPLITS, Data, ImageSet, check_splits, select, take
from .paper import REGIME
from .photographs import SUFFIXES, read_photograph
from .places import user_path

MOST_SKIPPED = 100
"""Most files that `on_error="skip"` leaves out of a data set."""

LARGEST_S = REGIME.jitter[1]
"""Pixels of the smaller side to which an image must be rescalable under `on_error="skip"`: the paper's largest."""

STATED = 20_000
"""Most files of a folder whose size and date go into the name of the set."""


def class_folders(folder: Path) -> tuple[str, ...]:
    """The classes of a split: its folders in the order of their names, hidden ones left out."""
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")))
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror}): give a folder of class folders") from None


def class_set(folder: Path, classes: Sequence[str]) -> ImageSet:
    """The photographs in the class folders of `folder`; a class may hold folders of its own.

    Raises:
        DataError: If the class folders are not those of `classes`, or one is empty.
    """
    found = class_folders(folder)
    if missing := [name for name in classes if name not in found]:
        raise DataError(f"{folder} has no folder for {_some(missing)}: every split needs the same class folders")
    if added := [name for name in found if name not in classes]:
        raise DataError(f"{folder} has the folder {_some(added)}, which train/ has not: every split needs the same")
    files = [list(_images(folder / name)) for name in classes]
    if empty := [name for name, inside in zip(classes, files, strict=True) if not inside]:
        raise DataError(f"no images in {_some([str(folder / name) for name in empty])}: fill or remove it")
    labels = [label for label, inside in enumerate(files) for _ in inside]
    return photograph_set(folder, [file for inside in files for file in inside], labels)


def photograph_set(folder: Path, files: list[str], labels: list[int]) -> ImageSet:
    """These files, in this order."""
    return ImageSet(lambda i: read_photograph(files[i]), torch.tensor(labels), files.__getitem__, _name(folder, files))


def _images(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[str]:
    """Paths of the images in and below a folder, by name; a link back to a folder above is not followed."""
    above = (*above, folder.resolve())
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.name.lower().endswith(SUFFIXES):
            yield entry.path
        elif entry.is_dir() and not any(passed.is_relative_to(Path(entry.path).resolve()) for passed in above):
            yield from _images(Path(entry.path), above)


def _name(folder: Path, files: list[str]) -> str:
    digest = hashlib.sha256("\0".join(files).encode(errors="surrogateescape"))
    for file in files[:: 1 + len(files) // STATED]:
        try:
            state = os.stat(file)
        except OSError:
            continue
        digest.update(f"{state.st_size} {state.st_mtime_ns}\n".encode())
    return f"{folder.name}-{digest.hexdigest()[:16]}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def photograph_data(
    name: str,
    classes: Sequence[str],
    splits: dict[str, ImageSet | None],
    *,
    on_error: str = "raise",
    largest_S: int = LARGEST_S,
    **counts: int | None,
) -> Data:
    """Splits of photographs, where one set may serve as two, as `load_data` returns them.

    Args:
        on_error: `raise`: reading a file that is no image fails. `skip`: every file is read once, those that
            fail are left out and listed in `Data.skipped`, but not more than `MOST_SKIPPED`.
        largest_S: Pixels of the smaller side; `skip` also leaves out what cannot be rescaled to it.
        counts: How many images of a split are taken; None for all.
    """
    if on_error not in ("raise", "skip"):
        raise DataError(f"on_error = {on_error!r}: allowed are raise, skip")
    check_splits(counts)
    skipped: list[str] = []
    if on_error == "skip":
        different = filter(None, dict.fromkeys(splits.values()))
        good = {images: _readable(images, classes, skipped, largest_S) for images in different}
        splits = {split: images and good[images] for split, images in splits.items()}
    taken = {split: images and take(images, counts.get(split)) for split, images in splits.items()}
    return Data(name, tuple(classes), **taken, skipped=tuple(skipped))


def _readable(images: ImageSet, classes: Sequence[str], skipped: list[str], largest_S: int) -> ImageSet:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = list(pool.map(lambda i: _complaint(images, i, largest_S), range(len(images))))
    skipped += filter(None, complaints)
    if len(skipped) > MOST_SKIPPED:
        raise DataError(f"{len(skipped)} files cannot be used, {MOST_SKIPPED} may be skipped; the first: {skipped[0]}")
    good = [i for i, complaint in enumerate(complaints) if complaint is None]
    kept = select(images, good, f"{images.name}-{len(good)}")
    if lost := set(range(len(classes))) - set(kept.labels.tolist()):
        raise DataError(f"no image of {classes[min(lost)]} can be used; the first: {skipped[0]}")
    return kept


def _complaint(images: ImageSet, index: int, largest_S: int) -> str | None:
    try:
        image = images.read(index)
        with about(images.path(index)):
            scaled_sides(*image.shape[1:], largest_S)
    except DataError as error:
        return str(error)
    return None


def load_folder(root: str, *, download: bool = False, **options: Any) -> Data:
    """`ROOT/train`, `ROOT/val` and perhaps `ROOT/test`, each with a folder a class; or one folder a class in
    `ROOT` itself, to evaluate only. Without `test/`, `val/` serves as both."""
    place = existing(root, "imagefolder")
    if not (place / "train").is_dir():
        classes = class_folders(place)
        if not classes:
            raise DataError(f"{place} has neither train/ and val/ nor class folders: put a folder a class in it")
        splits = dict.fromkeys(SPLITS, class_set(place, classes)) | {"train": None}
        return photograph_data("imagefolder", classes, splits, **options)
    classes = class_folders(place / "train")
    if not classes:
        raise DataError(f"{place / 'train'} has no class folders: put a folder a class in it")
    train, val = (class_set(place / split, classes) for split in ("train", "val"))
    test = class_set(place / "test", classes) if (place / "test").is_dir() else val
    splits = {"train": train, "val": val, "test": test}
    return photograph_data("imagefolder", classes, splits, **options)


def existing(root: str, spec: str) -> Path:
    """The folder that a data set was said to lie in."""
    place = user_path(root)
    if not root or not place.is_dir():
        raise DataError(f"{spec} needs a folder, {root!r} is none: write --data {spec}:ROOT")
    return place
