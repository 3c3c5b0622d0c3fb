"""What is computed once and kept on the disk: arrays in files that are written whole or not at all."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vggstudy.atomic import replacing
from vggstudy.errors import DataError, about
from vggstudy.places import user_path

Arrays = dict[str, NDArray]
T = TypeVar("T")


def cache_folder() -> Path:
    """`$VGGSTUDY_CACHE`, else `vggstudy` in the user's cache folder."""
    with about("the cache folder, which VGGSTUDY_CACHE may name"):
        if chosen := os.environ.get("VGGSTUDY_CACHE"):
            return user_path(chosen)
        return user_path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "vggstudy"


def cached(name: str, make: Callable[[], Arrays]) -> Arrays:
    """The arrays kept under `name`, or those that `make` returns, which are then kept.

    A damaged file (its checksums are read) is made anew; where nothing can be written, nothing is kept.
    """
    try:
        path = cache_folder() / f"{name}.npz"
    except DataError:  # a user without a home folder, as in some containers
        return make()
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            return dict(kept)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        arrays = make()
    with suppress(OSError):
        _write(path, arrays)
    return arrays


def once(make: Callable[[], T]) -> Callable[[], T]:
    """`make` put off until its result is first asked for, by whichever thread, and done once."""
    made: list[T] = []
    lock = Lock()

    def result() -> T:
        with lock:
            if not made:
                made.append(make())
        return made[0]

    return result


def _write(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)
