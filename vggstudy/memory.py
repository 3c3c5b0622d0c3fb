"""Whether an error says that memory is full: that is the machine's fault, not that of the file or the batch in hand."""

from __future__ import annotations

import errno

import torch

FULL = ("can't allocate memory", "not enough memory", "CUDA error: out of memory", "_STATUS_ALLOC_FAILED")
"""How allocators say it that have no error of their own: the CPU's (Linux, Windows), CUDA's for the host, cuDNN's and
cuBLAS's."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory is full, on whichever device."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in str(error) for words in FULL)
