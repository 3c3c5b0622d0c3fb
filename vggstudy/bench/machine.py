"""Where it was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from vggstudy.distributed import cpu_has_bfloat16

PACKAGES = ("vggstudy", "torch", "torchvision", "timm", "numpy", "pillow")


def machine(device: str) -> dict[str, Any]:
    """Device, threads, versions and commit: what a figure means nothing without."""
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "bfloat16": device == "cuda" or cpu_has_bfloat16(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: installed(name) for name in PACKAGES},
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def cpu_name() -> str:
    """The processor as Linux names it, else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    name, family, model = (fields.get(key, "unknown") for key in ("model name", "cpu family", "model"))
    return f"{name} (family {family}, model {model})"


def installed(name: str) -> str | None:
    """Version of a package, `None` if it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def commit() -> str | None:
    """Of the checkout that the library lies in, with a `+` if its files have changed since; `None` outside of one."""

    def git(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True)

    try:
        answer = git("rev-parse", "--short=12", "HEAD")
        changed = git("diff", "--quiet", "HEAD", "--", "..").returncode == 1  # of the package
    except OSError:  # no git here
        return None
    return answer.stdout.strip() + "+" * changed if answer.returncode == 0 else None
