"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write a file that is to take the place of `path`, which it does when the block ends.

    By then it is on the disk.  If the block or the disk fails, what was written is removed, and what was at `path` is
    there as before.  The name lies beside `path` and is given once, so that threads and processes may write one file
    at a time: the last one wins.

    Raises:
        OSError: If the disk does not take it.
    """
    path = path.resolve()  # what a link leads to is replaced, not the link
    temporary = path.with_name(f".{path.name}.{token_hex(4)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:  # Windows flushes only what may be written
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    with suppress(OSError):  # the file is whole and in its place; not every file system flushes, or opens, a folder
        _flush_folder(path.parent)


def replace_text(path: Path, text: str) -> None:
    """Write a text file, in UTF-8: all or nothing.

    Raises:
        OSError: If the disk does not take it; a file that was there before is still there.
    """
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _flush_folder(folder: Path) -> None:
    """Wait until the names of a folder's files are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
