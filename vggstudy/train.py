"""Section 3.1: a network, a data set and a regime in; a record a step out.  Nothing is printed or drawn."""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from vggstudy import __version__
from vggstudy.ahead import ahead
from vggstudy.augment import Batch, release_device_images
from vggstudy.batches import training_batches, updates_per_epoch
from vggstudy.checkpoint import Checkpoint, preprocessing, snapshot
from vggstudy.data import Data
from vggstudy.diagnosis import Stall, not_finite, not_finite_weights, out_of_memory, out_of_memory_aside
from vggstudy.distributed import place
from vggstudy.errors import ConfigError, DataError, StudyWarning, TrainingError
from vggstudy.heap import kept_heap
from vggstudy.imageset import labels_digest, training_images
from vggstudy.learner import Later, Learner
from vggstudy.memory import is_out_of_memory
from vggstudy.model import VGG
from vggstudy.progress import Progress, Step, check_same_classes, check_same_run, resumed
from vggstudy.regime import SMALL, SMALL_NET, TrainConfig, problems
from vggstudy.rundirectory import RunDirectory, has_begun, newest_checkpoint, open_run
from vggstudy.schedule import schedule
from vggstudy.signals import StopRequest
from vggstudy.validation import CentreCrops, validate

__all__ = ["SMALL", "SMALL_NET", "Step", "TrainConfig", "train"]

Made = TypeVar("Made")


def train(
    model: VGG,
    data: Data,
    config: TrainConfig = TrainConfig(),  # noqa: B008 - frozen
    *,
    out: str | Path | None = None,
    resume: bool = False,
    begin: Callable[[VGG], None] | None = None,
    stop: Callable[[], bool] | None = None,
    note: dict[str, Any] | None = None,
) -> Iterator[Step]:
    """Train a network, in place, one step each time the next record is asked for.

    Leaving the loop ends the training; so does SIGINT or SIGTERM, after the step in hand.  (A generator that is held
    in a variable is left by its `close()`.)  With `out`, metrics and checkpoints are written there as they happen, and
    a run that was stopped or killed goes on by `resume=True` to the same weights, bit for bit, that it would have
    reached undisturbed: on the same machine, device and number of processes, with the same `micro_batch` and
    `compile`, and on a GPU with `deterministic`.  With others it goes on too, equal up to rounding.

    Args:
        model: Initialised, with the preprocessing that suits the data; ends on the device, in eval mode.
        data: Its `train` images are learnt, its `val` images steer the rate.
        config: The regime.
        out: Run directory.
        resume: Go on with the run in `out`, or begin it.
        begin: Called with the network where a run begins, and not where it goes on; such as to take over weights.
        stop: Asked before each step whether to stop; default: whether a signal came.
        note: Kept in `config.json` of the run.
    Returns:
        The records.
    Raises:
        ConfigError: For settings that do not fit the network or the data.
        DataError: For images that do not fit it, or cannot be read.
        CheckpointError: If what is to be resumed was trained otherwise.
        TrainingError: If the loss is no longer finite, the memory or the disk is full, or the run is in use.

    Paper: section 3.1.  Book: training.
    """
    check(model, data, config)
    return _Training(model, data, config, note or {}).run(None if out is None else Path(out), resume, begin, stop)


def check(model: VGG, data: Data, config: TrainConfig) -> None:
    """Refuse what cannot be trained, before anything is done."""
    if found := problems(asdict(config), model.crop_size):
        raise ConfigError("; ".join(found))
    images = len(training_images(data))
    if len(data.classes) != model.num_classes:
        raise DataError(
            f"{data.name} has {len(data.classes)} classes, the network {model.num_classes}: build it with "
            f"num_classes={len(data.classes)}"
        )
    if config.plateau_on == "top5" and model.num_classes <= 5:
        raise ConfigError(
            f"plateau_on = 'top5': with {model.num_classes} classes that error is always 0; allowed is top1"
        )
    if config.batch_size > images:
        raise ConfigError(
            f"batch_size = {config.batch_size}: allowed is {images} or less, the training images of {data.name}"
        )


class _Training:
    """One call of `train`."""

    def __init__(self, model: VGG, data: Data, config: TrainConfig, note: dict[str, Any]) -> None:
        self.model, self.data, self.config = model, data, config
        self.per_epoch = updates_per_epoch(data.train, config)
        self.total = config.epochs * self.per_epoch
        self.progress = Progress(0, schedule(config, self.total))
        self.saved: int | None = None  # step of the newest checkpoint
        self.files: RunDirectory | None = None
        described = {
            "name": data.name, "train_images": len(data.train), "val_images": len(data.val),
            "classes": len(data.classes), "labels": labels_digest(data),
        }  # fmt: skip
        record = {"model": model.spec, "data": described, "train": asdict(config), **note}
        self.record = json.loads(json.dumps(record))  # as it will be read back

    @property
    def finished(self) -> bool:
        return self.progress.step >= self.total or self.progress.schedule.finished

    def run(
        self,
        out: Path | None,
        resume: bool,
        begin: Callable[[VGG], None] | None,
        stop: Callable[[], bool] | None,
    ) -> Iterator[Step]:
        with ExitStack() as stack:
            stop = stop or stack.enter_context(StopRequest())
            self.place = stack.enter_context(place(self.config))
            if not self.place.agree(self._fingerprint()):
                raise DataError(
                    f"{self.data.name}: the processes do not see the same images, or were started differently; give "
                    "all computers the same files and the same command"
                )
            if self.place.device.type == "cpu":
                stack.enter_context(kept_heap())
            momentum = self._open(stack, out, resume, begin)
            self.learner = Learner(self.model, self.config, self.place)
            self.learner.set_momentum(momentum)
            self.crops = self._centre_crops()
            stack.callback(self.model.eval)
            stack.callback(release_device_images, self.data.train)
            self.model.train()
            yield from self._steps(stop)

    def _fingerprint(self) -> int:
        """A number that differs where the network, the regime, the classes or the labels differ."""
        told = json.dumps(
            [self.record["model"], self.record["train"], self.record["data"]["labels"], self.data.classes]
        )
        return int.from_bytes(hashlib.sha256(told.encode()).digest()[:7], "big")

    def _steps(self, stop: Callable[[], bool]) -> Iterator[Step]:
        """The loop.  On a GPU a record follows its update by one step, so that the device need not wait to be
        asked."""
        lag = 1 if self.place.device.type == "cuda" else 0
        waiting: deque[tuple[Step, Later]] = deque()
        stall, clock = Stall(self.model.num_classes), time.perf_counter()
        batches = self._batches()
        try:
            while (batch := self._next(batches)) is not None and not self.place.any(stop()):
                step = self._step()
                waiting.append((step, Later(self._update(batch, step))))
                self.progress = replace(self.progress, step=step.step)
                resting = self._validates(step.step) or self._saves(step.step)
                while len(waiting) > (0 if resting else lag):
                    step = settled(*waiting.popleft(), self.config.batch_size / (time.perf_counter() - clock))
                    yield self._told(step, stall, newest=not waiting)
                    clock = time.perf_counter()
                if self.finished:
                    break
        except GeneratorExit:
            self._finish(waiting)
            raise
        yield from self._finish(waiting)

    def _told(self, step: Step, stall: Stall, newest: bool) -> Step:
        """The record of a step, written down; after the newest one validation and checkpoint, if they are due."""
        stall.saw(step.loss)
        if newest and self._validates(step.step):
            step = self._validated(step, stall)
        self._log(step)
        if newest and self._saves(step.step):
            self._save()
        return step

    def _centre_crops(self) -> CentreCrops:
        config, place = self.config, self.place
        images = config.micro_batch or config.batch_size // place.world_size
        return CentreCrops(self.data.val, config.val_Q, self.model.crop_size, images, place.rank, place.world_size)

    def _step(self) -> Step:
        """The record of the next update, its loss still to come."""
        number = self.progress.step + 1
        return Step(number, number / self.per_epoch, float("nan"), self.progress.schedule.lr(number), 0.0)

    def _batches(self) -> Iterator[Batch]:
        """The batches of this process that are still to be learnt."""
        make = training_batches(self.data.train, self.config, self.model.crop_size, self.place)
        start = self.progress.step
        return ahead(make, range(start, start if self.finished else self.total), self.workers)

    @property
    def workers(self) -> int:
        """Threads that prepare images."""
        return int(self.place.device.type == "cuda") if self.config.workers is None else self.config.workers

    def _next(self, batches: Iterator[Batch]) -> Batch | None:
        told = partial(out_of_memory_aside, "prepared", self.config.batch_size // self.place.world_size)
        return self._in_memory(partial(next, batches, None), told)

    def _update(self, batch: Batch, step: Step) -> Tensor:
        images = self.config.micro_batch or len(batch.labels)
        update = partial(self.learner.update, batch, step.step, step.lr)
        return self._in_memory(update, partial(out_of_memory, self.model, images))

    def _in_memory(self, work: Callable[[], Made], told: Callable[[], str]) -> Made:
        """What `work` makes; where there is no memory for it, gradients and momentum are let go, and `told` says it."""
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # Here the error, and with it what it kept alive, is gone.
        self.learner.release()
        raise TrainingError(told())

    def _validates(self, step: int) -> bool:
        return step == self.total or self._steers(step)

    def _steers(self, step: int) -> bool:
        """Whether the validation of a step steers the rate; one at the end of a run that goes on later does not, so
        that it does not matter where the run was cut."""
        return step % (self.config.validate_every or self.per_epoch) == 0

    def _saves(self, step: int) -> bool:
        """Whether a checkpoint is due: at its interval, at the end, and when the validation was the best so
        far."""
        due = step == self.total or step % (self.config.save_every or self.per_epoch) == 0
        return self.files is not None and (due or self.progress.best_step == step)

    def _validated(self, step: Step, stall: Stall) -> Step:
        told = partial(out_of_memory_aside, "validated", self.crops.batch_size)
        seen = self._in_memory(partial(validate, self.learner, self.crops, self.workers), told)
        step = replace(step, val_loss=seen.loss, val_top1_error=seen.top1_error, val_top5_error=seen.top5_error)
        meant = {"top1": step.val_top1_error, "top5": step.val_top5_error}[self.config.plateau_on]
        self.progress = self.progress.after(step, meant if self._steers(step.step) else None)
        if (text := stall.warning(step)) and self.place.first:
            warnings.warn(text, StudyWarning, stacklevel=2)
        return step

    def _finish(self, waiting: deque[tuple[Step, Later]]) -> list[Step]:
        """Write down what is still to be written: metrics of the last steps, a checkpoint."""
        steps = [settled(step, loss, step.images_per_second) for step, loss in waiting]
        waiting.clear()
        for step in steps:
            self._log(step)
        if self.files is not None and self.saved != self.progress.step:
            self._save()
        return steps

    def _open(
        self, stack: ExitStack, out: Path | None, resume: bool, begin: Callable[[VGG], None] | None
    ) -> dict[str, Tensor]:
        """Rank 0 takes the run directory; every rank takes up the newest checkpoint, whose momentum is returned, or
        begins."""
        if out is not None and self.place.first:
            self.files = stack.enter_context(open_run(out, resume))
        checkpoint = newest_checkpoint(out) if resume and out is not None and has_begun(out) else None
        if not self.place.agree(checkpoint.training["progress"]["step"] if checkpoint else 0):
            raise TrainingError(
                f"{out}: the processes would go on from different steps; --out must lie where all computers see it"
            )
        if checkpoint is not None:
            self._resume(str(out), checkpoint)
        elif begin is not None:
            begin(self.model)
        if self.files is not None and not self.finished:
            self.files.require(self._checkpoint_bytes())
            self.files.rewind(self.progress.step)
            versions = {"vggstudy": __version__, "torch": torch.__version__}
            where = {"device": str(self.place.device), "processes": self.place.world_size}
            self.files.note({**self.record, **versions, **where, "classes": self.data.classes})
        return checkpoint.momentum if checkpoint is not None else {}

    def _resume(self, out: str, checkpoint: Checkpoint) -> None:
        check_same_run(out, checkpoint.training["record"], self.record)
        check_same_classes(out, checkpoint.classes, self.data.classes)
        self.model.load_state_dict(checkpoint.weights)
        self.model.preprocessing = preprocessing(checkpoint.preprocessing)
        self.progress = resumed(checkpoint.training["progress"], self.config, self.total)
        self.saved = self.progress.step

    def _checkpoint_bytes(self) -> int:
        """Bytes of the checkpoints that are kept: weights and momentum, the newest, the best, one being
        written."""
        return 2 * (self.config.keep + 2) * sum(weights.nbytes for weights in self.model.parameters())

    def _log(self, step: Step) -> None:
        if self.files is not None:
            self.files.log(asdict(step))

    def _save(self) -> None:
        if not all(weights.isfinite().all() for weights in self.model.parameters()):
            raise TrainingError(not_finite_weights(self.progress.step))
        training = {"progress": self.progress.record(), "record": self.record}
        checkpoint = snapshot(
            self.model, classes=self.data.classes, training=training, momentum=self.learner.momentum()
        )  # fmt: skip
        self.files.save(self.progress.step, checkpoint, self.config.keep, self.progress.best_step)
        self.saved = self.progress.step


def settled(step: Step, loss: Later, images_per_second: float) -> Step:
    """The record of a step with its loss.

    Raises:
        TrainingError: If the loss is not finite.
    """
    step = replace(step, loss=loss(), images_per_second=images_per_second)
    if not isfinite(step.loss):
        raise TrainingError(not_finite(step))
    return step
