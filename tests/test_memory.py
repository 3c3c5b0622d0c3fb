"""A full memory is the machine's fault: nobody's image is called damaged, left out or skipped for it."""

from __future__ import annotations

import errno

import pytest
import torch
from PIL import Image
from tiny import tiny_net, tiny_set

from vggstudy import photographs
from vggstudy.evaluate import evaluate
from vggstudy.imageset import ImageSet
from vggstudy.memory import is_out_of_memory
from vggstudy.photographs import read_photograph


@pytest.mark.fault("T21")
@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_it_is_known_however_it_is_said(error):
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2"), OSError(errno.ENOSPC, "No space left"), ValueError()])
def test_other_errors_are_not_it(error):
    assert not is_out_of_memory(error)


@pytest.mark.fault("T21")
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_photograph_is_not_called_damaged_for_want_of_memory(tmp_path, monkeypatch, suffix):
    Image.new("RGB", (8, 8)).save(tmp_path / f"whole.{suffix}")

    def fail(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 12 bytes.")

    monkeypatch.setattr(torch.ops.image, "decode_jpeg", fail, raising=False)
    monkeypatch.setattr(photographs, "_by_pillow", fail)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        read_photograph(tmp_path / f"whole.{suffix}")


@pytest.mark.fault("T21")
def test_an_evaluation_that_skips_bad_images_does_not_leave_good_ones_out():
    images = tiny_set(9, "test", 0)

    def read(index):
        if index == 4:
            raise MemoryError
        return images.read(index)

    with pytest.raises(MemoryError):
        evaluate(tiny_net(), ImageSet(read, images.labels, images.path, "short of memory"), 9, on_error="skip")
