"""Rows `train_step` and `epoch`: updates of the weights, with the data in memory and from the disk."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from vggstudy.analysis import count_macs
from vggstudy.augment import Batch
from vggstudy.bench.forward import network, title
from vggstudy.bench.harness import Contest, Rival, contests
from vggstudy.bench.photographs import write_photographs
from vggstudy.bench.records import Goal, Measurement, Row, Setting
from vggstudy.bench.references import ReferenceLoop, loader, training_images
from vggstudy.bench.rivals import torchvision_vgg
from vggstudy.data import Data
from vggstudy.distributed import cpu_has_bfloat16, place
from vggstudy.errors import StudyWarning
from vggstudy.folders import class_folders, class_set
from vggstudy.heap import kept_heap
from vggstudy.imageset import take
from vggstudy.learner import Learner
from vggstudy.model import VGG
from vggstudy.regime import TrainConfig
from vggstudy.train import train

PASSES = 3  # forward, gradient of the maps, gradient of the weights: each costs the same multiply-accumulates

UPDATES = 4  # a round: the first finds no memory kept, as at the beginning of a training

REGIME = {"lr": 1e-2, "weight_decay": 1e-4, "colour_std": 0.0}  # the references', so that both make the same update


def regime(setting: Setting, **settings: Any) -> TrainConfig:
    on_gpu = setting.device == "cuda"
    return TrainConfig(**{**REGIME, "device": setting.device, "compile": on_gpu, "S": 256, **settings})


def updates_differ(learner: Learner, rival: ReferenceLoop, batch: Batch, normalised: Tensor) -> float:
    """Both make the same update, dropout aside: the norm of the difference, as a share of the update's."""
    before = [weight.detach().clone() for weight in rival.net.parameters()]
    with no_dropout(learner.model, rival.net):
        learner.update(batch, 1, REGIME["lr"])
        rival.step(normalised, batch.labels)
    difference, update = 0.0, 0.0
    with torch.no_grad():
        for old, ours, theirs in zip(before, learner.model.parameters(), rival.net.parameters(), strict=True):
            difference += float((ours - theirs).square().sum())
            update += float((theirs - old).square().sum())
    return (difference / update) ** 0.5


@contextmanager
def no_dropout(*nets: nn.Module) -> Iterator[None]:
    layers = [layer for net in nets for layer in net.modules() if isinstance(layer, nn.Dropout)]
    probabilities = [layer.p for layer in layers]
    for layer in layers:
        layer.p = 0.0
    yield
    for layer, p in zip(layers, probabilities, strict=True):
        layer.p = p


@contextmanager
def step_contest(setting: Setting, slim: bool, precision: str = "auto") -> Iterator[Contest]:
    size, batch_size = (64, 128) if slim else (224, 256 if setting.device == "cuda" else 4)
    if setting.quick:
        batch_size //= 2
    model = network(setting, crop_size=size, **({"width": 1 / 8, "fc_width": 128} if slim else {})).train()
    rival = ReferenceLoop(torchvision_vgg(model), setting.device, REGIME["lr"], REGIME["weight_decay"])
    images = torch.randint(0, 256, (batch_size, 3, size, size), dtype=torch.uint8)
    batch = Batch(images, torch.zeros(batch_size, 3), torch.randint(0, model.num_classes, (batch_size,)))
    # The references normalise in their workers: their step begins with what our step has yet to compute.
    normalised = model.preprocessing(images)
    config = regime(setting, batch_size=batch_size, precision=precision)
    with place(config) as here:
        learner = Learner(model, config, here)

        def ours() -> None:
            with kept_heap() if setting.device == "cpu" else nullcontext():  # as `train` has it
                for step in range(UPDATES):
                    learner.update(batch, step, config.lr)

        def references() -> None:
            for _ in range(UPDATES):
                rival.step(normalised, batch.labels)

        yield Contest(
            f"{UPDATES} updates of {title(model)} at {size} pixels, batch {batch_size}"
            f"{', ours in mixed precision' if here.dtype == torch.bfloat16 else ''}",
            ours,
            {"torchvision references": Rival(references, Goal(1.3, 1.5, 0.9))},
            lambda: updates_differ(learner, rival, batch, normalised),
            tolerance=0.2 if here.dtype == torch.bfloat16 else 1e-2,
            macs=UPDATES
            * PASSES
            * batch_size
            * count_macs("D", crop_size=size, width=model.width, fc_width=model.fc_width),
            matmul_goal=Goal(None) if slim else Goal(None, 0.5),
        )


def train_afresh(model: VGG, folder: Path, config: TrainConfig) -> int:
    """Train on a folder of photographs of which nothing is in memory yet; the number of updates."""
    images = class_set(folder, class_folders(folder))
    one = take(images, 1)
    data = Data("photographs", class_folders(folder), images, one, one)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StudyWarning)  # made photographs cannot be told apart
        return sum(1 for _ in train(model, data, config))


@contextmanager
def epoch_contest(setting: Setting, crop_size: int, epochs: int) -> Iterator[Contest]:
    on_gpu = setting.device == "cuda"
    per_class, batch_size, workers = (1024, 256, 16) if on_gpu else (8, 16, 2) if setting.quick else (16, 16, 2)
    slim = {} if on_gpu else {"width": 1 / 8, "fc_width": 512}
    with TemporaryDirectory() as folder:
        place = write_photographs(Path(folder), 4, per_class)
        model = network(setting, num_classes=4, crop_size=crop_size, **slim)
        scale = 256 * crop_size // 224
        config = regime(setting, S=scale, batch_size=batch_size, epochs=epochs, workers=workers)
        rival = ReferenceLoop(torchvision_vgg(model).to(setting.device), setting.device)
        theirs = loader(training_images(place, crop_size), batch_size, workers, setting.device)

        def ours() -> int:
            return train_afresh(model, place, config)

        def references() -> int:
            return sum(1 for _ in range(epochs) for _ in rival.run(theirs))

        yield Contest(
            f"{epochs} epoch{'s' if epochs > 1 else ''} of {4 * per_class} JPEG photographs from the disk, "
            f"{title(model)} at {crop_size} pixels, batch {batch_size}, {workers} workers",
            ours,
            {"torchvision references": Rival(references, Goal(1.5, 2.0, 0.9))},
            lambda: float(abs(ours() - references())),
            tolerance=0.0,
        )


def measure_steps(setting: Setting) -> Sequence[Measurement]:
    """At the paper's width and slim; also in bfloat16 on a CPU that computes in it, as `--precision bfloat16` does."""
    jobs = [partial(step_contest, slim=False), partial(step_contest, slim=True)]
    if setting.device == "cpu" and cpu_has_bfloat16():
        jobs.append(partial(step_contest, slim=False, precision="bfloat16"))
    return contests(*jobs)(setting)


train_step = Row(
    "train_step",
    "updates against the torchvision references' loop",
    measure_steps,
)
epoch = Row(
    "epoch",
    "epochs from the disk against the references with Pillow workers; ours reads a file once",
    contests(partial(epoch_contest, crop_size=224, epochs=1), partial(epoch_contest, crop_size=64, epochs=3)),
)
