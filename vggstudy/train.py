"""Section 3.1: a network, a data set and a regime in; a record a step out.  Nothing is printed or drawn."""

from __future__ import annotations

import json
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from vggstudy import __version__
from vggstudy.ahead import ahead
from vggstudy.augment import Augmentation, Batch, release_device_images, sample_batch
from vggstudy.checkpoint import Checkpoint, preprocessing, snapshot
from vggstudy.data import Data
from vggstudy.diagnosis import Stall, is_out_of_memory, not_finite, not_finite_weights, out_of_memory
from vggstudy.distributed import kernels, place
from vggstudy.errors import ConfigError, DataError, StudyWarning, TrainingError
from vggstudy.imageset import training_images
from vggstudy.keyed import words
from vggstudy.learner import Later, Learner
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
    stop: Callable[[], bool] | None = None,
    note: dict[str, Any] | None = None,
) -> Iterator[Step]:
    """Train a network, in place, one step each time the next record is asked for.

    Leaving the loop ends the training; so does SIGINT or SIGTERM, after the step in hand.  With `out`,
    metrics and checkpoints are written there as they happen, and a run that was stopped or killed goes on by
    `resume=True` to the same weights, bit for bit, that it would have reached undisturbed (same machine,
    device and number of processes).

    Args:
        model: Initialised, with the preprocessing that suits the data; ends on the device, in eval mode.
        data: Its `train` images are learnt, its `val` images steer the rate.
        config: The regime.
        out: Run directory.
        resume: Go on with the run in `out`, or begin it.
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
    return _Training(model, data, config, note or {}).run(None if out is None else Path(out), resume, stop)


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


def updates_per_epoch(data: Data, config: TrainConfig) -> int:
    """Updates in a pass over the training images; those that do not fill a batch wait for another epoch's order."""
    return len(data.train) // config.batch_size


def order(n: int, seed: int, epoch: int) -> Tensor:
    """The order of `n` images in an epoch; depends on `(seed, epoch)` alone."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(int(words(seed, epoch)[0] >> 1)))


class _Training:
    """One call of `train`."""

    def __init__(self, model: VGG, data: Data, config: TrainConfig, note: dict[str, Any]) -> None:
        self.model, self.data, self.config = model, data, config
        self.per_epoch = updates_per_epoch(data, config)
        self.total = config.epochs * self.per_epoch
        self.progress = Progress(0, schedule(config, self.total))
        self.saved: int | None = None  # step of the newest checkpoint
        self.files: RunDirectory | None = None
        described = {"name": data.name, "train_images": len(data.train), "classes": len(data.classes)}
        record = {"model": model.spec, "data": described, "train": asdict(config), **note}
        self.record = json.loads(json.dumps(record))  # as it will be read back

    @property
    def finished(self) -> bool:
        return self.progress.step >= self.total or self.progress.schedule.finished

    def run(self, out: Path | None, resume: bool, stop: Callable[[], bool] | None) -> Iterator[Step]:
        config = self.config
        with ExitStack() as stack:
            stop = stop or stack.enter_context(StopRequest())
            self.place = stack.enter_context(place(config))
            stack.enter_context(kernels(config.deterministic))
            self.workers = int(self.place.device.type == "cuda") if config.workers is None else config.workers
            self.learner = Learner(self.model, config, self.place)
            self.crops = CentreCrops(
                self.data.val,
                config.val_Q,
                self.model.crop_size,
                config.micro_batch or config.batch_size // self.place.world_size,
                self.place.rank,
                self.place.world_size,
            )
            if out is not None:
                self._open(stack, out, resume)
            stack.callback(self.model.eval)
            stack.callback(release_device_images, self.data.train)
            self.model.train()
            yield from self._steps(stop)

    def _steps(self, stop: Callable[[], bool]) -> Iterator[Step]:
        """The loop.  On a GPU a record follows its update by one step, so that the device need not wait to be
        asked."""
        lag = 1 if self.place.device.type == "cuda" else 0
        waiting: deque[tuple[Step, Later]] = deque()
        stall, clock = Stall(self.model.num_classes), time.perf_counter()
        try:
            for batch in self._batches(self.progress.step):
                if self.place.any(stop()):
                    break
                step = self._step()
                waiting.append((step, Later(self._update(batch, step))))
                self.progress = replace(self.progress, step=step.step)
                resting = self._validates(step.step) or self._saves(step.step)
                while len(waiting) > (0 if resting else lag):
                    step = settled(*waiting.popleft(), self.config.batch_size / (time.perf_counter() - clock))
                    stall.saw(step.loss)
                    if not waiting and self._validates(step.step):
                        step = self._validated(step, stall)
                    self._log(step)
                    if not waiting and self._saves(step.step):
                        self._save()
                    yield step
                    clock = time.perf_counter()
                if self.finished:
                    break
        except GeneratorExit:
            self._finish(waiting)
            raise
        yield from self._finish(waiting)

    def _step(self) -> Step:
        """The record of the next update, its loss still to come."""
        number = self.progress.step + 1
        return Step(number, number / self.per_epoch, float("nan"), self.progress.schedule.lr(number), 0.0)

    def _batches(self, start: int) -> Iterator[Batch]:
        """The batches of this process from update `start` (0 is the first) to the last."""
        config, place = self.config, self.place
        augmentation = Augmentation(
            self.model.crop_size,
            config.S,
            config.flip,
            config.colour_std,
            config.interpolation,
            config.S_drawn,
        )
        on_gpu = place.device.type == "cuda"
        there = place.device if config.augment_on == "device" else None

        @lru_cache(maxsize=2)
        def batches(epoch: int) -> list[Tensor]:
            mixed = order(len(self.data.train), config.seed, epoch)[: self.per_epoch * config.batch_size]
            return [batch[place.rank :: place.world_size] for batch in mixed.split(config.batch_size)]

        def make(step: int) -> Batch:
            epoch, number = divmod(step, self.per_epoch)
            batch = sample_batch(
                self.data.train,
                batches(epoch)[number],
                seed=config.seed,
                epoch=epoch,
                augmentation=augmentation,
                device=there,
            )
            return Batch(*(part if part.is_cuda else part.pin_memory() for part in batch)) if on_gpu else batch

        return ahead(make, range(start, start if self.finished else self.total), self.workers)

    def _update(self, batch: Batch, step: Step) -> Tensor:
        images = self.config.micro_batch or len(batch.labels)
        return self._in_memory(lambda: self.learner.update(batch, step.step, step.lr), images)

    def _in_memory(self, work: Callable[[], Made], images: int) -> Made:
        """What `work` makes of that many images at a time."""
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # Here the error, and with it what it kept alive, is gone.
        self.learner.release()
        raise TrainingError(out_of_memory(self.model, images))

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
        crops = self.crops
        seen = self._in_memory(lambda: validate(self.learner, crops, self.workers), crops.batch_size)
        step = replace(step, val_loss=seen.loss, val_top1_error=seen.top1_error, val_top5_error=seen.top5_error)
        told = {"top1": step.val_top1_error, "top5": step.val_top5_error}[self.config.plateau_on]
        self.progress = self.progress.after(step, told if self._steers(step.step) else None)
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

    def _open(self, stack: ExitStack, out: Path, resume: bool) -> None:
        """Rank 0 takes the run directory; every rank takes up the newest checkpoint."""
        if self.place.first:
            self.files = stack.enter_context(open_run(out, resume))
            self.files.require(self._checkpoint_bytes())
        if resume and has_begun(out):
            self._resume(out, newest_checkpoint(out))
        if not self.place.agree(self.progress.step):
            raise TrainingError(
                f"{out}: the processes would go on from different steps; --out must lie where all computers see it"
            )
        if self.files is not None and not self.finished:
            self.files.rewind(self.progress.step)
            versions = {"vggstudy": __version__, "torch": torch.__version__}
            where = {"device": str(self.place.device), "processes": self.place.world_size}
            self.files.note({**self.record, **versions, **where, "classes": self.data.classes})

    def _resume(self, out: Path, checkpoint: Checkpoint) -> None:
        check_same_run(str(out), checkpoint.training["record"], self.record)
        check_same_classes(str(out), checkpoint.classes, self.data.classes)
        self.learner.load(checkpoint.weights, checkpoint.momentum, preprocessing(checkpoint.preprocessing))
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
