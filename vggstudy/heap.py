"""The heap of the C library while a CPU trains: what an update frees is kept for the next one.

Every update asks for the same feature maps again, of megabytes each.  By default glibc gives such blocks back to the
system when they are freed, which then has to clear each of their pages anew: a fifth of the time of an update.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # mallopt's names for: the free top of the heap, and a block, given back
NEVER = 2**30  # bytes: larger than any map
USUAL = {MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26}  # what glibc comes to by itself when large blocks are freed

_inside = 0
_changing = Lock()


@contextmanager
def kept_heap() -> Iterator[None]:
    """While it is entered, by whomever, freed memory stays in the process; then it is given back.

    Without effect where the C library is not glibc.
    """
    if (libc := _glibc()) is None:
        yield
        return
    _count(+1, lambda: _set(libc, dict.fromkeys(USUAL, NEVER)))
    try:
        yield
    finally:
        _count(-1, lambda: (_set(libc, USUAL), libc.malloc_trim(0)))


@cache
def _glibc() -> Any:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None


def _set(libc: Any, thresholds: dict[int, int]) -> None:
    for name, size in thresholds.items():
        libc.mallopt(name, size)


def _count(step: int, change: Callable[[], object]) -> None:
    """Count who is inside; the first one in and the last one out make the change."""
    global _inside
    with _changing:
        _inside += step
        if _inside == max(step, 0):
            change()
