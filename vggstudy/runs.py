"""What a run directory holds, as records: its configuration and its metrics.  No torch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vggstudy.errors import ConfigError, DataError

CONFIG, METRICS = "config.json", "metrics.jsonl"
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
        DataError: If there are none.
    """
    path = Path(run) / METRICS
    if not path.is_file():
        raise DataError(f"{path}: no such file; a run directory of vggstudy train holds it")
    return list(_lines(path))


def seconds_of(steps: Iterable[Mapping[str, Any]], batch_size: int) -> float:
    """Time of these steps of a run; one that was interrupted before it was timed has no rate, and does not count."""
    return sum(batch_size / step["images_per_second"] for step in steps if step["images_per_second"])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def read_config(run: str | Path) -> dict[str, Any]:
    """The record of how a run was started.

    Raises:
        DataError: If the directory holds no run.
    """
    path = Path(run) / CONFIG
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        raise DataError(f"{path}: not there or not readable; a run directory of vggstudy train holds it") from None


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
    """A run directory in one line."""
    config = read_config(run)
    steps = read_metrics(run) if (Path(run) / METRICS).is_file() else []
    errors = [step["val_top1_error"] for step in steps if step.get("val_top1_error") is not None]
    last = steps[-1] if steps else {"step": 0, "epoch": 0.0, "loss": None}
    S = config["train"]["S"]
    return RunSummary(
        path=str(run), config=config["model"]["name"], data=config["data"]["name"],
        S=":".join(map(str, S)) if isinstance(S, list) else str(S),
        step=last["step"], epoch=last["epoch"], loss=last["loss"],
        val_top1_error=errors[-1] if errors else None, best_top1_error=min(errors, default=None),
        device=config["device"],
    )  # fmt: skip


def find_runs(root: str | Path) -> list[Path]:
    """Run directories at or below `root`, by path."""
    return sorted(path.parent for path in Path(root).rglob(CONFIG) if _is_run(path.parent))


def _is_run(path: Path) -> bool:
    try:
        return {"train", "model", "data", "device"} <= read_config(path).keys()
    except DataError:
        return False
