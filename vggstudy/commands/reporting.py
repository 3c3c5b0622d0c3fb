"""What `vggstudy train` shows while it trains, all of it on stderr."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from vggstudy.errors import StudyWarning

if TYPE_CHECKING:
    from vggstudy.progress import Step
    from vggstudy.signals import StopRequest


def follow(steps: Iterable[Step], total: int, tensorboard: str | Path | None = None) -> Step | None:
    """Show the steps as a bar, if somebody is looking, and each validation as a line.

    Args:
        total: Updates of the whole run.
        tensorboard: Run directory in which TensorBoard will look for the metrics.
    Returns:
        The last step, or None if there was none.
    """
    last = None
    quiet = not sys.stderr.isatty()  # the log of a batch job holds the validations only
    with (
        writer(tensorboard) as write,
        tqdm(total=total, unit="step", dynamic_ncols=True, mininterval=0.5, smoothing=0.05, disable=quiet) as bar,
    ):
        for step in steps:
            if last is None:
                bar.initial = bar.n = step.step - 1
            last = step
            bar.update(step.step - bar.n)
            bar.set_postfix_str(f"loss {step.loss:.3f}", refresh=False)
            if step.val_top1_error is not None:
                bar.write(validation_line(step), file=sys.stderr)
            write(step)
    return last


def validation_line(step: Step) -> str:
    """A validation in words."""
    return (
        f"epoch {step.epoch:.2f}  step {step.step}  lr {step.lr:.2g}  loss {step.loss:.3f}  "
        f"val loss {step.val_loss:.3f}  val top-1 error {step.val_top1_error:.2f}%"
    )


def ending(last: Step | None, out: str | Path | None, stop: StopRequest) -> str | None:
    """One line on how it ended, if that needs one."""
    if stop():
        resume = f"; go on by the same command with --resume --out {out}" if out is not None else ""
        return f"stopped by {stop.signal.name} at step {last.step if last else saved_step(out)}{resume}"
    if last is None and ended_on_plateau(out):
        return (
            f"{out} is finished, nothing changed: its validation error stopped improving, so --epochs does not go on; "
            f"train on from its weights with --init-from {out} and another --out"
        )
    if last is None:
        return f"{out} is finished, nothing changed; a longer schedule (--epochs) goes on with it"
    if out is None:
        return "nothing was kept: --out DIR keeps the network and its metrics"
    return None


def saved_step(out: str | Path | None) -> int:
    """The step at which a run stands that made none this time."""
    from vggstudy.rundirectory import checkpoints, has_begun

    return checkpoints(out)[-1][0] if out is not None and has_begun(out) else 0


def ended_on_plateau(out: str | Path) -> bool:
    """Whether a run ended before its last epoch because the validation error had stopped improving."""
    from vggstudy.rundirectory import newest_checkpoint

    return newest_checkpoint(out, momentum=False).training["progress"]["schedule"]["finished"]


@contextmanager
def writer(folder: str | Path | None) -> Iterator[Callable[[Step], None]]:
    """What hands a step to TensorBoard; without a folder, or without the package, it does nothing."""
    if folder is None:
        yield lambda step: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        print("vggstudy: --tensorboard is skipped: not installed (pip install tensorboard)", file=sys.stderr)
        yield lambda step: None
        return
    board = SummaryWriter(str(folder))

    def write(step: Step) -> None:
        for name in ("loss", "lr", "images_per_second", "val_loss", "val_top1_error", "val_top5_error"):
            if (value := getattr(step, name)) is not None:
                board.add_scalar(name, value, step.step)

    try:
        yield write
    finally:
        board.close()  # it keeps the last steps in memory for minutes


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """While it is entered, a warning is one line, without the place in the code that gave it."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", StudyWarning)
        warnings.showwarning = lambda message, *_, **__: tqdm.write(f"vggstudy: warning: {message}", file=sys.stderr)
        yield
