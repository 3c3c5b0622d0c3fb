"""One process or many: where this one computes, and what the processes agree on.

`torchrun` tells each process its rank by the environment; without it there is one process, of rank 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor

from vggstudy.errors import ConfigError
from vggstudy.regime import TrainConfig
from vggstudy.signals import under_torchrun


@dataclass(frozen=True)
class Place:
    """Where this process computes.

    Args:
        device: Its device.
        dtype: bfloat16 for mixed precision, or float32.
        rank, world_size: Its number among all processes, and their number.
    """

    device: torch.device
    dtype: torch.dtype = torch.float32
    rank: int = 0
    world_size: int = 1
    control: dist.ProcessGroup | None = field(default=None, repr=False)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def any(self, flag: bool) -> bool:
        """Whether the flag is up in any process."""
        if self.world_size == 1:
            return flag
        flags = torch.tensor(int(flag))
        dist.all_reduce(flags, dist.ReduceOp.MAX, group=self.control)
        return bool(flags)

    def agree(self, number: int) -> bool:
        """Whether all processes have the same number."""
        if self.world_size == 1:
            return True
        largest = torch.tensor([number, -number])
        dist.all_reduce(largest, dist.ReduceOp.MAX, group=self.control)
        return bool(largest[0] == -largest[1])

    def mean(self, value: Tensor) -> Tensor:
        """Mean over all processes; in place."""
        if self.world_size > 1:
            dist.all_reduce(value)
            value /= self.world_size
        return value

    def total(self, value: Tensor) -> Tensor:
        """Sum over all processes; in place."""
        if self.world_size > 1:
            dist.all_reduce(value)
        return value


def is_first() -> bool:
    """Whether this process writes and reports: rank 0, or the only one."""
    return not under_torchrun() or os.environ["RANK"] == "0"


@contextmanager
def place(config: TrainConfig) -> Iterator[Place]:
    """The device and the companions of this process, for the length of a training.

    Raises:
        ConfigError: For a device or a precision that this machine does not have.
    """
    device = find_device(config.device)
    dtype = find_dtype(config.precision, device)
    if not under_torchrun():
        if device.index is not None:
            torch.cuda.set_device(device)  # events and streams are those of the current device
        yield Place(device, dtype)
        return
    if device.type == "cuda":
        device = own_gpu(int(os.environ["LOCAL_RANK"]), torch.cuda.device_count())
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", device_id=device)
    else:
        dist.init_process_group("gloo")
    try:
        check_share(config.batch_size, dist.get_world_size())
        yield Place(device, dtype, dist.get_rank(), dist.get_world_size(), dist.new_group(backend="gloo"))
    finally:
        dist.destroy_process_group()


def own_gpu(local_rank: int, gpus: int) -> torch.device:
    """The GPU of a process, by its number among those of this computer.

    Raises:
        ConfigError: If there are more processes than GPUs.
    """
    if local_rank >= gpus:
        raise ConfigError(f"--nproc-per-node: allowed here is {gpus} or less, the number of GPUs")
    return torch.device("cuda", local_rank)


def check_share(batch_size: int, world_size: int) -> None:
    """Refuse a batch that cannot be shared out evenly: the mean over processes would not be that over images."""
    if batch_size % world_size:
        raise ConfigError(f"batch_size = {batch_size}: allowed is a multiple of {world_size}, the number of processes")


def find_device(name: str) -> torch.device:
    """The device of that name; `"auto"` takes a GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device = {name!r}: not usable here ({reason}); auto takes what there is") from None
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device = {name!r}: allowed is auto, cpu, cuda or one of several, cuda:1")
    return device


def find_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The type that a precision means on a device; on a CPU without bfloat16 that would be a hundred times
    slower."""
    if precision == "auto":
        native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float32
    if precision == "bfloat16" and device.type == "cpu" and not cpu_has_bfloat16():
        raise ConfigError("precision = 'bfloat16': this CPU does not compute in it; allowed here is float32")
    return getattr(torch, precision)


def cpu_has_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16; where torch is built without oneDNN, as on a Mac, it does not."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


@contextmanager
def kernels(deterministic: bool) -> Iterator[None]:
    """While it is entered, torch takes the convolutions that are fastest for batches of one shape; or, if wanted,
    refuses operations whose result differs from run to run."""
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    mode, timed = torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark
    if deterministic:
        torch.set_deterministic_debug_mode("error")
    torch.backends.cudnn.benchmark = not deterministic
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        torch.backends.cudnn.benchmark = timed
