"""What a run directory holds, as records: its configuration and its metrics.  No torch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vggstudy.errors import ConfigError, DataError
from vggstudy.scales import scale_text

CONFIG, METRICS = "config.json", "metrics.jsonl"
ALWAYS = {"step", "epoch", "loss", "lr", "images_per_second"}  # fields of every step
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


def run_path(name: str, root: str | Path = "runs") -> Path:
    """The directory of the run of that name.

    Raises:
        ConfigError: For a name that is empty, too long, or leads elsewhere.
    """
    if not NAME.fullmatch(name):
        shown = name if len(name) <= 40 else f"{name[:40]}... ({len(name)} characters)"
        raise ConfigError(
            f"run name {shown!r}: allowed are 1 to 100 letters, digits and . _ + -, the first a letter or a digit"
        )
    return Path(root) / name


def read_metrics(run: str | Path) -> list[dict[str, Any]]:
    """The steps of a run so far, oldest first, as dicts with the fields of `Step`.

    A last line that is cut off, as a kill or a full disk leaves it, is left out.

    Raises:
        DataError: If there are none, or naming the line that is damaged.
    """
    return list(metrics(run))


def metrics(run: str | Path) -> Iterator[dict[str, Any]]:
    """The same, a step at a time: what lies behind the last one that is asked for is not looked at."""
    path = Path(run) / METRICS
    if not path.is_file():
        raise DataError(f"{path}: no such file; a run directory of vggstudy train holds it")
    with path.open("rb") as file:  # a damaged line need not be text
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):
                yield _step(line, f"{path}, line {number}")


def seconds_of(steps: Iterable[Mapping[str, Any]], batch_size: int) -> float:
    """Time of these steps of a run; one that was interrupted before it was timed has no rate, and does not count."""
    return sum(batch_size / step["images_per_second"] for step in steps if step["images_per_second"])


def _step(line: bytes, place: str) -> dict[str, Any]:
    with suppress(ValueError):
        record = json.loads(line)
        if isinstance(record, dict) and record.keys() >= ALWAYS:
            return record
    raise DataError(f"{place}: damaged, this is no record of a step; remove the line")


def read_config(run: str | Path) -> dict[str, Any]:
    """The record of how a run was started.

    Raises:
        DataError: If the directory holds no run.
    """
    path = Path(run) / CONFIG
    with suppress(OSError, ValueError):  # not UTF-8 and not JSON are both a ValueError
        if isinstance(record := json.loads(path.read_text(encoding="utf-8")), dict):
            return record
    raise DataError(f"{path}: not there or no record of a run; a run directory of vggstudy train holds it")


@dataclass(frozen=True)
class RunSummary:
    """One line of `vggstudy runs`; errors in %, of the last validation and of the best."""

    path: str
    config: str
    data: str
    S: str
    step: int
    epoch: float
    loss: float | None
    val_top1_error: float | None
    best_top1_error: float | None
    device: str


def summarise(run: str | Path) -> RunSummary:
    """A run directory in one line.

    Raises:
        DataError: If the directory holds no run, or a damaged one.
    """
    config = read_config(run)
    steps = read_metrics(run)
    errors = [step["val_top1_error"] for step in steps if step.get("val_top1_error") is not None]
    last = steps[-1] if steps else {"step": 0, "epoch": 0.0, "loss": None}
    try:
        return RunSummary(
            path=str(run), config=config["model"]["name"], data=config["data"]["name"],
            S=scale_text(config["train"]["S"]),
            step=last["step"], epoch=last["epoch"], loss=last["loss"],
            val_top1_error=errors[-1] if errors else None, best_top1_error=min(errors, default=None),
            device=config["device"],
        )  # fmt: skip
    except (KeyError, TypeError):
        raise DataError(f"{Path(run) / CONFIG}: not of a run of vggstudy train; move it elsewhere") from None


def find_runs(root: str | Path) -> list[Path]:
    """Directories at or below `root` with the configuration and the metrics of a run, or what has their names, by
    path."""
    return sorted(path.parent for path in Path(root).rglob(METRICS) if (path.parent / CONFIG).is_file())
