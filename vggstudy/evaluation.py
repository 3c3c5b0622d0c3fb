"""What an evaluation leaves behind: the posteriors of every image, and all that can be read off them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vggstudy.atomic import replacing
from vggstudy.bootstrap import Estimate, estimate
from vggstudy.errors import DataError


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Posteriors of a data set under one protocol, and what they cost.

    Args:
        posteriors: `(n, K)`, float32, each row a distribution over the classes.
        labels: True class of each image, `(n,)`.
        paths: Where each image lies; two evaluations are compared or fused only over equal paths.
        protocol: What was done, for example `D dense Q=256,384,512 flip`.
        macs: Multiply-accumulates of all images together.
        seconds: Time in the network, to the device and back included; reading and rescaling not.
        skipped: Images that could not be read, each `path: reason`.
    """

    posteriors: Tensor = field(repr=False)
    labels: Tensor = field(repr=False)
    paths: tuple[str, ...] = field(repr=False)
    protocol: str
    macs: int
    seconds: float
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def top1_error(self) -> float:
        """Images whose class is not the most probable one, in %."""
        return self.error(1)

    @property
    def top5_error(self) -> float:
        """Images whose class is not among the five most probable, in %."""
        return self.error(5)

    def error(self, k: int) -> float:
        """Top-k error in %.

        Raises:
            DataError: If there are fewer than `k` classes, or no images.
        """
        return 100 * float(self.wrong(k).double().mean())

    def wrong(self, k: int = 1) -> Tensor:
        """Whether each image's class is missing among the `k` most probable ones, bool `(n,)`."""
        classes = self.posteriors.shape[1]
        if not 1 <= k <= classes:
            raise DataError(f"top-{k} error of {classes} classes: k is 1 to {classes}")
        if not len(self):
            raise DataError(f"{self.protocol}: no image was evaluated, so there is no error rate")
        return (self.posteriors.topk(k).indices != self.labels[:, None]).all(1)

    def interval(self, k: int = 1, level: float = 0.95) -> Estimate:
        """Top-k error in % with its bootstrap interval."""
        return estimate(100 * self.wrong(k).numpy(), level)

    def gain_over(self, other: Evaluation, k: int = 1, level: float = 0.95) -> Estimate:
        """Percentage points of top-k error by which this evaluation is better than one of the same images.

        The comparison is paired: both are wrong on much the same images, so the interval of the difference is
        far narrower than that of either error.

        Raises:
            DataError: If the images differ.
        """
        _same_images((self, other))
        return estimate(100 * (other.wrong(k).numpy().astype(int) - self.wrong(k).numpy()), level)

    def summary(self) -> dict[str, Any]:
        """All but the images, ready for JSON; the top-5 error of fewer than five classes is `None`."""
        interval = self.interval()
        return {
            "protocol": self.protocol,
            "images": len(self),
            "top1_error": self.top1_error,
            "top1_interval": [interval.low, interval.high],
            "top5_error": self.top5_error if self.posteriors.shape[1] >= 5 else None,
            "macs": self.macs,
            "seconds": self.seconds,
            "skipped": list(self.skipped),
        }

    def save(self, path: str | Path) -> None:
        """Write everything into one compressed `.npz` file, whole or not at all."""
        path = Path(path)
        record = {key: value for key, value in self._facts().items() if key not in ("posteriors", "labels", "paths")}
        arrays = {
            "posteriors": self.posteriors.numpy(),
            "labels": self.labels.numpy(),
            "paths": np.array(self.paths),
        }
        try:
            with replacing(path) as part, part.open("wb") as file:
                np.savez_compressed(file, **arrays, record=np.array(json.dumps(record)))
        except OSError as error:
            raise DataError(f"cannot write the evaluation to {path}: {error.strerror}; choose another place") from None

    def _facts(self) -> dict:
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}

    @classmethod
    def load(cls, path: str | Path) -> Evaluation:
        """Read what `save` wrote.

        Raises:
            DataError: If the file is missing, damaged or something else.
        """
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in ("posteriors", "labels", "paths", "record")}
            record = json.loads(str(arrays["record"]))
            return cls(
                torch.from_numpy(arrays["posteriors"]),
                torch.from_numpy(arrays["labels"]),
                tuple(map(str, arrays["paths"])),
                **{**record, "skipped": tuple(record["skipped"])},
            )
        except FileNotFoundError:
            raise DataError(f"no such evaluation: {path}; make it with `vggstudy evaluate … --save {path}`") from None
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            EOFError,
            AttributeError,
            zipfile.BadZipFile,
        ) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{path} is no sound evaluation ({reason}); make it again with --save") from None


def fuse(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Mean of the posteriors of several evaluations of the same images: of several nets, views or scales.

    Raises:
        DataError: If there is none, or the images or classes differ.

    Paper: section 4.4 (fusion).  Book: fusion.
    """
    if not evaluations:
        raise DataError("nothing to fuse: give one evaluation or more")
    _same_images(evaluations)
    first = evaluations[0]
    return Evaluation(
        torch.stack([each.posteriors for each in evaluations]).mean(0),
        first.labels,
        first.paths,
        protocol=" + ".join(each.protocol for each in evaluations),
        macs=sum(each.macs for each in evaluations),
        seconds=sum(each.seconds for each in evaluations),
        skipped=first.skipped,
    )


def _same_images(evaluations: Sequence[Evaluation]) -> None:
    first = evaluations[0]
    for other in evaluations[1:]:
        if other.posteriors.shape[1] != first.posteriors.shape[1]:
            classes = first.posteriors.shape[1], other.posteriors.shape[1]
            raise DataError(f"'{first.protocol}' has {classes[0]} classes, '{other.protocol}' {classes[1]}")
        if other.paths != first.paths or not torch.equal(other.labels, first.labels):
            odd = sorted(set(first.paths) ^ set(other.paths))
            where = f"{odd[0]} is in one only" if odd else "their order or labels differ"
            raise DataError(f"'{first.protocol}' and '{other.protocol}' saw different images: {where}")
