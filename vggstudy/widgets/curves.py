"""Records of training runs -> everything that the widget of training curves shows.  No torch, no widget.

A record is a mapping as the trainer writes it into `metrics.jsonl`: `step`, `epoch`, `loss`, `lr`, ..., and
where there was a validation `val_loss`, `val_top1_error`, `val_top5_error`; what was not measured is missing
or `None`.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vggstudy.configs import CONFIGS
from vggstudy.paper import REGIME

Record = Mapping[str, Any]

POINTS = 120  # of each curve: a loss is a mean over enough batches to be read
ALL_POINTS = 600  # shared out among the runs: the state stays under 60 kB
FRAMES = 120  # positions of the scrubber
DIGITS = 4  # of each value

STUCK_AFTER = 200  # updates that any net may spend at ln K
STUCK_SHARE = 0.97  # of ln K

TRAINED = {
    "epoch": "epoch",
    "loss": "loss, training",
    "top1_error": "top-1 error in %, training",
    "top5_error": "top-5 error in %, training",
    "lr": "learning rate",
    "images_per_second": "images/s",
    "seconds_left": "time left in s",
}
VALIDATED = {
    "val_loss": "loss, validation",
    "val_top1_error": "top-1 error in %, validation",
    "val_top5_error": "top-5 error in %, validation",
}

ADVICE = (
    "Stuck at ln K: the scores say nothing about the image. The paper’s way out (section 3.1): train the "
    f"shallow net A from random weights, copy its first {REGIME.copied_convolutions} convolutional and its "
    f"{REGIME.copied_fully_connected} fully-connected layers into the deeper net, and train on."
)


@dataclass(frozen=True)
class Recording:
    """A run so far.

    Args:
        name: For the legend.
        records: Its steps, oldest first.
        epochs: Passes over the training images that are planned, if that is known.
        batch_size: Images of an update, if that is known.
    """

    name: str
    records: Sequence[Record]
    epochs: int | None = None
    batch_size: int | None = None

    @property
    def total(self) -> int | None:
        """Updates that are planned."""
        if not self.epochs or not self.records:
            return None
        last = self.records[-1]
        return round(self.epochs * last["step"] / last["epoch"])

    def timed(self) -> list[Record]:
        """The records with `seconds_left`, at the mean rate of the last updates, where it can be told."""
        if not self.total or not self.batch_size:
            return list(self.records)
        recent: deque[float] = deque(maxlen=50)
        timed = []
        for record in self.records:
            if record["images_per_second"]:
                recent.append(self.batch_size / record["images_per_second"])
            left = (self.total - record["step"]) * sum(recent) / max(1, len(recent))
            timed.append({**record, "seconds_left": round(left)})
        return timed


@dataclass(frozen=True)
class Panel:
    """A chart: its title, the curves in it, and whether its axis is logarithmic."""

    title: str
    series: tuple[str, ...]
    log: bool = False


PANELS = (
    Panel("Loss", ("loss", "val_loss")),
    Panel("Error in %", ("top1_error", "top5_error", "val_top1_error", "val_top5_error")),
    Panel("Learning rate", ("lr",), log=True),
)


def curves(runs: Sequence[Recording], num_classes: int | None = None) -> dict[str, Any]:
    """What the widget draws: thinned curves, axes, marks, scrubber positions.

    Args:
        runs: In the order of the legend.
        num_classes: `K`; ln K, the loss of equal scores, is marked.
    Returns:
        A JSON-able dict of `runs`, `panels`, `steps` (axis of updates), `frames` (last update that each
        position of the scrubber shows), `labels` of the values, `level` (ln K) and `advice` to who is stuck
        there.
    """
    level = math.log(num_classes) if num_classes else None
    points = min(POINTS, ALL_POINTS // max(1, len(runs)))
    shades = colours([run.name for run in runs])
    drawn = [_run(run, level, points, shade) for run, shade in zip(runs, shades, strict=True)]
    last = max([run.total or 0 for run in runs] + [track["step"] for track in drawn], default=0)
    ends = sorted({step for track in drawn for step in track["train"]["step"] + track["validation"]["step"]})
    return {
        "runs": drawn,
        "panels": [_panel(panel, drawn, level) for panel in PANELS],
        "steps": axis(0, max(last, 1)),
        "frames": [ends[i] for i in _spread(len(ends), FRAMES)],
        "labels": TRAINED | VALIDATED,
        "level": level and {"value": _rounded(level), "label": f"ln {num_classes} = {level:.3f}"},
        "advice": ADVICE,
    }


def colours(names: Sequence[str]) -> list[str]:
    """The configuration whose colour a run gets: that with which its name begins, or one not yet taken."""
    taken: list[str] = []
    for name in names:
        own = re.split(r"[^A-Za-z-]", name)[0]
        free = [config for config in reversed(CONFIGS) if config not in taken] or list(CONFIGS)
        taken.append(own if own in free else free[0])
    return taken


def _run(run: Recording, level: float | None, points: int, shade: str) -> dict[str, Any]:
    train = _track(run.timed(), TRAINED, points, mean=True)
    return {
        "name": run.name,
        "colour": shade,
        "step": run.records[-1]["step"] if run.records else 0,
        "total": run.total,
        "train": train,
        "validation": _track(run.records, VALIDATED, points, mean=False),
        "drops": drops(run.records),
        "stuck": None if level is None else stuck(train, level, run.total),
    }


def _track(records: Sequence[Record], names: Iterable[str], points: int, mean: bool) -> dict[str, list]:
    """Columns `step` and those of `names` that are there, thinned to at most `points`; gaps are `None`."""
    table = {name: _column(records, name) for name in names}
    table = {name: values for name, values in table.items() if np.isfinite(values).any()}
    kept = np.isfinite(np.array(list(table.values()))).any(axis=0) if table else np.zeros(len(records), bool)
    steps = _column(records, "step")[kept]
    bins = np.array_split(np.arange(len(steps)), min(points, len(steps))) if len(steps) else []
    track: dict[str, list] = {"step": [int(steps[chosen[-1]]) for chosen in bins]}
    for name, values in table.items():
        track[name] = [_of_bin(name, values[kept][chosen], mean) for chosen in bins]
    return track


def _column(records: Sequence[Record], name: str) -> NDArray[np.float64]:
    return np.array([math.nan if record.get(name) is None else record[name] for record in records], float)


def _of_bin(name: str, values: NDArray[np.float64], mean: bool) -> float | None:
    """Losses and errors are averaged over the steps of a bin; of the others its last value stands."""
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    return _rounded(values.mean() if mean and ("loss" in name or "error" in name) else values[-1])


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _spread(length: int, count: int) -> list[int]:
    """At most `count` indices of `length`, evenly spread, the last among them."""
    return sorted({(length * (i + 1) - 1) // min(count, length) for i in range(min(count, length))})


def drops(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Updates at which the learning rate fell by more than a third, with the two rates in words.

    Paper: section 3.1.
    """
    rated = [(record["step"], record["lr"]) for record in records if record.get("lr")]
    return [
        {"step": step, "label": f"{before:.3g} → {after:.3g}"}
        for (_, before), (step, after) in pairwise(rated)
        if after < before * 2 / 3
    ]


def stuck(train: Mapping[str, Sequence], level: float, total: int | None = None) -> list[int] | None:
    """First and last update of a loss that has not left `level`, ln K, when it should have; `None` if it has.

    It should have after 200 updates or a twentieth of the run, whichever is later.
    """
    patience = max(STUCK_AFTER, (total or 0) // 20)
    held: list[int] = []
    for step, loss in zip(train["step"], train.get("loss", ()), strict=False):
        if loss is None or loss < STUCK_SHARE * level:
            break
        held.append(step)
    return [patience, held[-1]] if held and held[-1] > patience else None


def _panel(panel: Panel, runs: Sequence[Mapping], level: float | None) -> dict[str, Any]:
    values = [
        value
        for run in runs
        for track in (run["train"], run["validation"])
        for name in panel.series
        for value in track.get(name, ())
        if value is not None
    ]
    loss = panel.series[0] == "loss"
    if panel.log:
        drawn = log_axis(min(values, default=1e-3), max(values, default=1e-2))
    else:
        marks = [level] if loss and level else []
        drawn = axis(0, max([*values, *marks], default=1) or 1)
    return {"title": panel.title, "series": panel.series, "level": loss and level is not None, **drawn}


def axis(low: float, high: float, count: int = 4) -> dict[str, Any]:
    """A linear axis from `low` to beyond `high`; about `count` round ticks, each a value and its text."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    ticks = [low + step * i for i in range(math.floor((high - low) / step + 1e-9) + 1)]
    return {"low": low, "high": high * 1.04, "ticks": [[_rounded(tick), f"{tick:,.6g}"] for tick in ticks]}


def log_axis(low: float, high: float) -> dict[str, Any]:
    """An axis over whole decades: `low`, `high` and the ticks are exponents of ten, each with its text."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    every = max(1, (last - first) // 4)
    return {"low": first, "high": last, "log": True,
            "ticks": [[power, f"{10.0**power:g}"] for power in range(first, last + 1, every)]}  # fmt: skip
