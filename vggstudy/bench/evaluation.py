"""Rows `dense_head`, `dense` and `multi_crop`: the paper's ways to evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from vggstudy.bench.forward import network
from vggstudy.bench.harness import Contest, Rival, alternate, contests, relative_difference
from vggstudy.bench.records import Goal, Row, Setting
from vggstudy.bench.rivals import convolutional_head
from vggstudy.model import VGG, head, score_map
from vggstudy.views import grid_corners, view_macs
from vggstudy.views import multi_crop as shared_multi_crop

HEAD = Goal(2.5, 1.0, 1.0)


@contextmanager
def head_contest(setting: Setting, Q: int, goal: Goal) -> Iterator[Contest]:
    model = network(setting)
    side = Q // model.stride
    pooled = torch.relu(torch.randn(1, model.features[-3].out_channels, side, side, device=setting.device))
    ours_input = pooled.contiguous(memory_format=torch.channels_last)
    theirs = convolutional_head(model).eval()
    with torch.inference_mode():
        yield Contest(
            f"fc6 to fc8 on the {side}x{side} map of one image at Q={Q}",
            lambda: head(model, ours_input),
            {"7x7 convolution": Rival(lambda: theirs(pooled), goal)},
            lambda: relative_difference(head(model, ours_input), theirs(pooled)),
        )


def crops_of(images: Tensor, model: VGG) -> Tensor:
    """The 25 crops of one image as a batch."""
    side = model.crop_size
    corners = grid_corners(*images.shape[2:], side)
    crops = [images[:, :, top : top + side, left : left + side] for top, left in corners]
    return torch.cat(crops).contiguous(memory_format=torch.channels_last)


def naive_multi_crop(model: VGG, images: Tensor, batch: int) -> Tensor:
    """Posteriors `(1, K)` of one image: every crop by itself, `batch` of them at a time."""
    return torch.cat([model(part) for part in crops_of(images, model).split(batch)]).softmax(1).mean(0, keepdim=True)


def best_batch(model: VGG, images: Tensor, setting: Setting) -> int:
    """The batch with which 25 crops are done soonest here: the rival is tuned before it is raced."""

    seconds = alternate(
        {str(batch): partial(naive_multi_crop, model, images, batch) for batch in (25, 5, 1)}, setting, 1
    )
    return int(min(seconds, key=lambda batch: min(seconds[batch])))


def an_image(setting: Setting, Q: int) -> Tensor:
    """One square preprocessed image."""
    pixels = 50 * torch.randn(1, 3, Q, Q, device=setting.device)
    return pixels.contiguous(memory_format=torch.channels_last)


@contextmanager
def multi_crop_contest(setting: Setting) -> Iterator[Contest]:
    model = network(setting).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        images = an_image(setting, 384)
        batch = best_batch(model, images, setting)
        yield Contest(
            f"25 crops of one image at Q=384, interiors shared, against batches of {batch}, the best of 25, 5, 1",
            lambda: shared_multi_crop(model, images),
            {"every crop by itself": Rival(lambda: naive_multi_crop(model, images, batch), Goal(1.6, 1.3, 1.1))},
            lambda: relative_difference(shared_multi_crop(model, images), naive_multi_crop(model, images, batch)),
            tolerance=1e-5,
            macs=view_macs(model, 384, 384, "multi-crop", flip=False),
            details=lambda: {"mac_ratio": 25 * view_macs(model, 224, 224, "centre", False)
                             / view_macs(model, 384, 384, "multi-crop", False)},
        )  # fmt: skip


@contextmanager
def dense_contest(setting: Setting) -> Iterator[Contest]:
    model = network(setting).to(memory_format=torch.channels_last)
    theirs = convolutional_head(model).eval()
    with torch.inference_mode():
        images = an_image(setting, 384)
        batch = best_batch(model, images, setting)
        dense_macs, crop_macs = (view_macs(model, side, side, "dense", flip=False) for side in (384, 224))
        mac_ratio = 25 * crop_macs / dense_macs
        yield Contest(
            f"one dense pass at Q=384 against 25 crops, as a share of the ratio of their work ({mac_ratio:.2f})",
            lambda: score_map(model, images),
            {"25 crops": Rival(lambda: naive_multi_crop(model, images, batch), Goal(0.9, 0.9, 0.6), 1 / mac_ratio)},
            lambda: relative_difference(score_map(model, images), theirs(model.features(images))),
            macs=dense_macs,
            details=lambda: {"mac_ratio": mac_ratio},
        )


dense_head = Row(
    "dense_head",
    "the fully-connected layers at every position, without a copy of their weights",
    contests(
        partial(head_contest, Q=224, goal=HEAD),
        partial(head_contest, Q=256, goal=HEAD),
        partial(head_contest, Q=384, goal=HEAD),
        partial(head_contest, Q=512, goal=Goal(None)),  # the matrix product alone takes half of the rival's time
    ),
)
dense = Row("dense", "one dense pass costs what its work says, compared with 25 crops", contests(dense_contest))
multi_crop = Row("multi_crop", "25 crops with shared interiors, exactly", contests(multi_crop_contest))
