"""Validation while training: loss and errors on centre crops, split between the processes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from vggstudy.ahead import ahead
from vggstudy.augment import rescale
from vggstudy.distributed import kernels
from vggstudy.errors import DataError, about
from vggstudy.imageset import ImageSet
from vggstudy.learner import Learner

KEPT_BYTES = 2**28  # of crops that stay in memory between validations


@dataclass(frozen=True)
class Validation:
    """Mean cross-entropy in nats, top-1 and top-5 error in %."""

    loss: float
    top1_error: float
    top5_error: float


class CentreCrops:
    """The centre crops of a data set at test scale Q, in batches; kept if they fit into memory.

    Process `rank` of `world_size` has every `world_size`-th image: none twice, none left out.
    """

    def __init__(self, dataset: ImageSet, Q: int, crop_size: int, batch_size: int, rank: int = 0, world_size: int = 1):
        self.dataset, self.Q, self.crop_size, self.batch_size = dataset, Q, crop_size, batch_size
        mine = torch.arange(len(dataset))[rank::world_size]
        self.indices = [part for part in mine.split(batch_size) if len(part)]
        self._keep = len(dataset) * 3 * crop_size**2 <= KEPT_BYTES
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Crops, uint8 `(N, 3, crop, crop)`, and labels `(N,)` of one batch."""
        if number in self._kept:
            return self._kept[number]
        crops, labels = zip(*map(self._crop, self.indices[number].tolist()), strict=True)
        batch = torch.stack(crops), torch.tensor(labels)
        if self._keep:
            self._kept[number] = batch
        return batch

    def _crop(self, index: int) -> tuple[Tensor, int]:
        image, label = self.dataset[index]
        with about(self.dataset.path(index)):
            return centre_crop(rescale(image, self.Q), self.crop_size), label


def centre_crop(image: Tensor, side: int) -> Tensor:
    """The square of `side` pixels in the middle of an image `(3, H, W)`."""
    height, width = image.shape[1:]
    if min(height, width) < side:
        raise DataError(f"an image of {width}x{height} pixels is smaller than the crop of {side}: choose a larger Q")
    top, left = (height - side) // 2, (width - side) // 2
    return image[:, top : top + side, left : left + side]


@torch.inference_mode()
def validate(learner: Learner, crops: CentreCrops, workers: int = 0) -> Validation:
    """Loss and errors of the network as it is now, over the crops of all processes, read by that many threads."""
    place, model = learner.place, learner.model
    totals = torch.zeros(4, dtype=torch.float64, device=place.device)  # loss, top-1 wrong, top-5 wrong, images
    model.eval()
    for batch in ahead(crops.__getitem__, range(len(crops)), workers):
        images, labels = (part.to(place.device, non_blocking=True) for part in batch)
        with kernels(learner.config.deterministic):
            scores = learner.scores(images)
        right = scores.topk(min(5, model.num_classes)).indices == labels[:, None]
        totals[0] += cross_entropy(scores, labels, reduction="sum")
        totals[1] += (~right[:, 0]).sum()
        totals[2] += (~right.any(1)).sum()
        totals[3] += len(labels)
    model.train()
    loss, top1, top5, images = place.total(totals).tolist()
    if loss != loss:  # scores that are no numbers have no order either
        return Validation(loss, loss, loss)
    return Validation(loss / images, 100 * top1 / images, 100 * top5 / images)
