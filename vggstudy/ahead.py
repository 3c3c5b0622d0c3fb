"""Work done ahead of need: threads decode, rescale and crop while the network computes.

Threads, not processes: decoding and rescaling let go of Python's lock, nothing is copied between address spaces or
through /dev/shm, no worker can be killed apart from its run, and what a worker rescaled stays in memory for all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from vggstudy.errors import DataError, StudyError
from vggstudy.memory import is_out_of_memory

Key = TypeVar("Key")
Made = TypeVar("Made")

AHEAD = 2  # results in hand for each worker


def ahead(make: Callable[[Key], Made], keys: Iterable[Key], workers: int = 0) -> Iterator[Made]:
    """`make(key)` for each key, in order.

    Args:
        make: Depends on its key alone, so that the results are the same for any number of workers.
        keys: Asked for as results are taken, so they may go on for ever.
        workers: Threads; with 0 each result is made when it is asked for.
    Raises:
        DataError: If a worker fails, but for want of memory: that error is left as it is.
    """
    if not workers:
        yield from map(make, keys)
        return
    keys = iter(keys)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="vggstudy")
    try:
        waiting = deque(pool.submit(make, key) for key in islice(keys, AHEAD * workers))
        while waiting:
            made = _result(waiting.popleft())
            waiting.extend(pool.submit(make, key) for key in islice(keys, 1))
            yield made
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[Made]) -> Made:
    try:
        return future.result()
    except StudyError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"a worker failed on a batch ({reason}); --workers 0 shows where") from error
