"""Why are these weights so bad?  Usual faults of evaluation, tried one by one on a handful of labelled images.

Every remedy is tried: another channel order or range of the pixels, another rule of resizing, another order of the
classes.  The best is taken if its paired gain is no chance, and upon it the others are tried again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vggstudy.augment import rescale, scaled_sides
from vggstudy.bootstrap import Estimate, estimate
from vggstudy.errors import DataError, about
from vggstudy.evaluate import evaluate, path_of, pixels_of, scales_of
from vggstudy.model import VGG, Preprocessing
from vggstudy.weights import CAFFE, TORCHVISION

CONFIDENCE = 0.99  # of the interval of a gain: many remedies are tried, and one of them is always the best

RANGES = {
    "pixels 0-255 minus the mean (the paper, Caffe)": replace(CAFFE, mean=CAFFE.mean[::-1], order="RGB"),
    "pixels 0-1, mean and standard deviation (torchvision)": TORCHVISION,
    "pixels 0-255, no mean": Preprocessing(mean=(0.0, 0.0, 0.0)),
    "pixels 0-1, no mean": Preprocessing(mean=(0.0, 0.0, 0.0), scale=1 / 255),
    "pixels -1 to 1": Preprocessing(mean=(1.0, 1.0, 1.0), scale=2 / 255),
}


def reordered(rule: Preprocessing) -> Preprocessing:
    """The same treatment of each colour, fed in the other channel order."""
    other = {"RGB": "BGR", "BGR": "RGB"}[rule.order]
    return replace(rule, mean=rule.mean[::-1], std=rule.std[::-1], order=other)


def squeezed(image: Tensor, size: int) -> Tensor:
    """Both sides to `size`, whatever the aspect."""
    return interpolate(image[None], (size, size), mode="bilinear", antialias=True)[0]


def jagged(image: Tensor, size: int) -> Tensor:
    """Isotropic, without antialiasing."""
    height, width = rescale(image, size).shape[1:]
    return interpolate(image[None].float(), (height, width), mode="bilinear")[0].round().byte()


def exchanged_sides(image: Tensor, size: int) -> Tensor:
    """Rows and columns exchanged, as (W, H, C) read for (H, W, C) does."""
    return rescale(image.transpose(1, 2), size)


Resize = Callable[[Tensor, int], Tensor]
Wrong = Callable[[Tensor, Tensor], Tensor]  # labels and predictions (n,) -> which images are wrong, bool (n,)

RESIZES: dict[str, Resize] = {
    "smaller side to Q (the paper)": rescale,
    "both sides to Q, squeezed": squeezed,
    "smaller side to Q, not antialiased": jagged,
    "rows and columns exchanged": exchanged_sides,
}


def differs(labels: Tensor, predictions: Tensor) -> Tensor:
    return predictions != labels


def in_another_order(labels: Tensor, predictions: Tensor) -> Tensor:
    """Either half of the images learns from the other which score stands for which label."""
    wrong = torch.ones_like(labels, dtype=torch.bool)
    fold = torch.empty_like(labels)
    fold[labels.argsort(stable=True)] = torch.arange(len(labels)) % 2  # half of each class
    for half in (0, 1):
        learnt = meanings(labels[fold != half], predictions[fold != half])
        here = fold == half
        expected = torch.tensor([learnt.get(label, -1) for label in labels[here].tolist()])
        wrong[here] = predictions[here] != expected
    return wrong


def meanings(labels: Tensor, predictions: Tensor) -> dict[int, int]:
    """The score that is highest most often for each label; a score stands for one label at most."""
    votes = Counter(zip(labels.tolist(), predictions.tolist(), strict=True))
    learnt: dict[int, int] = {}
    for (label, score), _ in votes.most_common():
        if label not in learnt and score not in learnt.values():
            learnt[label] = score
    return learnt


ORDERS: dict[str, Wrong] = {
    "labels as they are": differs,
    "labels counted from 1": lambda labels, predictions: predictions != labels - 1,
    "labels one too small": lambda labels, predictions: predictions != labels + 1,
    "classes in another order": in_another_order,
}


@dataclass(frozen=True)
class Setting:
    """How images are fed, and how the scores are read."""

    preprocessing: Preprocessing
    resizing: Resize = rescale
    classes: Wrong = differs


def remedies(declared: Preprocessing) -> dict[str, dict[str, Any]]:
    """What to try, by the field of `Setting` that it changes."""
    ranges = {"the declared range": declared} | RANGES
    return {
        "preprocessing": {
            f"{rule.order}, {name}": rule for name, each in ranges.items() for rule in (each, reordered(each))
        },
        "resizing": RESIZES,
        "classes": ORDERS,
    }


@dataclass(frozen=True)
class Trial:
    """One remedy: what it changes and how, the top-1 error with it in %, and the paired gain in percentage points."""

    field: str
    remedy: str
    top1_error: float
    gain: Estimate


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor tried.

    Args:
        images: How many images were looked at; those that could not be read are not among them.
        top1_error: Error in % with everything as declared.
        trials: Every remedy, in the order of trial; its gain is over the remedies taken until then.
        taken: The remedies that helped beyond chance, one a field at most.
    """

    images: int
    top1_error: float
    trials: tuple[Trial, ...]
    taken: tuple[Trial, ...]

    @property
    def verdict(self) -> str:
        """One line for people."""
        if not self.taken:
            found = f"{self.top1_error:.1f}% error on these {self.images} images"
            return f"no fault found: nothing tried beats {found} by more than chance"
        cures = "; ".join(f"{trial.field} should be: {trial.remedy}" for trial in self.taken)
        return f"most likely fault: {cures} (error {self.top1_error:.1f}% -> {self.taken[-1].top1_error:.1f}%)"


def diagnose(
    model: VGG,
    dataset: Any,
    Q: int | None = None,
    **options: Any,
) -> Diagnosis:
    """Try the usual faults of evaluation on some labelled images; the model is left as it was.

    Args:
        model: Network with the preprocessing that is in doubt.
        dataset: As for `evaluate`; some tens of images, and a few of each class if the order of classes is in doubt.
        Q: Test scale; the middle one of `evaluate`'s by default.
        options: `on_error`, `precision`, `workers` and `progress` of `evaluate`.
    Raises:
        DataError: Without images, or if none can be read.

    Paper: section 4.  Book: the evaluation ladder.
    """
    if not len(dataset):
        raise DataError("the doctor needs labelled images: give some tens")
    scales = scales_of(model, Q)
    size = scales[len(scales) // 2]

    @cache
    def seen(rule: Preprocessing, resize: Resize) -> tuple[Tensor, Tensor]:
        with fed(model, rule):
            fed_images = Resized(dataset, resize, size)
            evaluation = evaluate(model, fed_images, size, flip=False, **options)
        if not len(evaluation):
            raise DataError(f"none of the {len(dataset)} images can be read, the first: {evaluation.skipped[0]}")
        labels = torch.tensor([label for _, label in sorted(fed_images.labels.items())])
        return labels, evaluation.posteriors.argmax(1)

    def wrong(setting: Setting) -> Tensor:
        return setting.classes(*seen(setting.preprocessing, setting.resizing))

    best = declared = Setting(model.preprocessing)
    left = remedies(model.preprocessing)
    trials: list[Trial] = []
    taken: list[Trial] = []
    while left:
        settings = {
            (name, remedy): replace(best, **{name: value}) for name in left for remedy, value in left[name].items()
        }
        tried = [_trial(*key, wrong(setting), wrong(best)) for key, setting in settings.items()]
        trials += tried
        winner = min(tried, key=lambda trial: trial.top1_error)
        if winner.gain.low <= 0:
            break
        taken.append(winner)
        best = settings[winner.field, winner.remedy]
        del left[winner.field]
    before = wrong(declared)
    return Diagnosis(len(before), _percent(before), tuple(trials), tuple(taken))


def _trial(name: str, remedy: str, wrong: Tensor, before: Tensor) -> Trial:
    return Trial(name, remedy, _percent(wrong), estimate(100 * (before.int() - wrong.int()).numpy(), CONFIDENCE))


def _percent(wrong: Tensor) -> float:
    return 100 * float(wrong.double().mean())


@dataclass(frozen=True)
class Resized:
    """A data set whose images come at test scale `Q`, by another rule than the evaluator's.

    The evaluator refuses labels that the network has not, and here these may be the very fault: it gets none, and
    `labels` keeps those of the images that could be read, by their numbers.
    """

    images: Any
    resize: Resize
    Q: int
    labels: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image, label = self.images[index]
        pixels = pixels_of(image, self.path(index))
        with about(self.path(index)):
            scaled_sides(*pixels.shape[1:], self.Q)  # refused under every rule, so that all see the same images
            resized = self.resize(pixels, self.Q)
        self.labels[index] = int(label)
        return resized, 0

    def path(self, index: int) -> str:
        return path_of(self.images, index)


@contextmanager
def fed(model: VGG, rule: Preprocessing) -> Iterator[None]:
    """With another preprocessing, as long as it lasts."""
    declared, model.preprocessing = model.preprocessing, rule
    try:
        yield
    finally:
        model.preprocessing = declared
