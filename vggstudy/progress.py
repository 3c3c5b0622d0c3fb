"""Where a training stands: the record of a step, and what a checkpoint keeps beside weights and momentum.

No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from vggstudy.errors import CheckpointError
from vggstudy.regime import DEFAULTS, TrainConfig
from vggstudy.schedule import Plateau, Schedule, schedule

FREE = {"epochs", "validate_every", "save_every", "keep", "workers", "device", "compile", "micro_batch"}
"""Settings that may differ when a run is resumed: they say where and for how long, not what is learnt.  How often is
validated counts among them only where the rate does not go by it."""


@dataclass(frozen=True)
class Step:
    """One update, and the validation after it if there was one.

    Args:
        step: Updates so far, this one included.
        epoch: Passes over the training images so far.
        loss: Mean cross-entropy of the batch before the update, nats.
        lr: Learning rate.
        images_per_second: Over this update, the wait for its images included.
        val_loss: Mean cross-entropy on the validation images, nats.
        val_top1_error, val_top5_error: On the validation images, in %.
    """

    step: int
    epoch: float
    loss: float
    lr: float
    images_per_second: float
    val_loss: float | None = None
    val_top1_error: float | None = None
    val_top5_error: float | None = None


@dataclass(frozen=True)
class Progress:
    """Updates made, the schedule as it stands, and the best validation so far (top-1 error in %)."""

    step: int
    schedule: Schedule
    best_step: int | None = None
    best_top1_error: float = float("inf")

    def after(self, step: Step, told: float | None) -> Progress:
        """Where training stands after a step; an error that is not a number is never the best.

        Args:
            step: With or without a validation.
            told: The error in % that the schedule is told; None for nothing.
        """
        error = step.val_top1_error
        if error is None:
            return replace(self, step=step.step)
        moved = replace(self, step=step.step, schedule=self.schedule if told is None else self.schedule.after(told))
        return replace(moved, best_step=step.step, best_top1_error=error) if error < self.best_top1_error else moved

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def resumed(record: Mapping[str, Any], config: TrainConfig, total: int) -> Progress:
    """The progress that `Progress.record` wrote down, in a run of `total` updates."""
    rate = Plateau(**record["schedule"]) if config.schedule == "plateau" else schedule(config, total)
    return Progress(**{**record, "schedule": rate})


def check_same_run(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Refuse to go on with another network, other data or another regime.

    Args:
        path: Of the run, for the message.
        old, new: Records with the sections `model`, `train` and `data`.
    Raises:
        CheckpointError: Naming each field that differs, old -> new.
    """
    free = FREE - {"validate_every"} if new["train"]["schedule"] == "plateau" else FREE
    pairs = (
        (name, old[section].get(name, DEFAULTS.get(name, value)), value)  # the run may be older than what is compared
        for section in ("model", "data", "train")
        for name, value in new[section].items()
        if name not in free
    )
    differing = [f"{name} {had!r} -> {value!r}" for name, had, value in pairs if had != value]
    if differing:
        raise CheckpointError(
            f"{path}: was trained otherwise ({', '.join(differing)}); resume with the old settings, or "
            "start anew from its weights with --init-from"
        )


def check_same_classes(path: str, old: Sequence[str], new: Sequence[str]) -> None:
    """Refuse to go on with classes of other names, or in another order: their labels would mean something else.

    Raises:
        CheckpointError: Naming the first that differs, old -> new.
    """
    for number, (had, name) in enumerate(zip(old, new, strict=True)):
        if had != name:
            raise CheckpointError(
                f"{path}: was trained on other classes (class {number}: {had!r} -> {name!r}); resume with the old "
                "data, or start anew from its weights with --init-from"
            )
