"""Evaluation: a trained network, a data set, test scales Q and a view -> posteriors and error rates.

Images keep their aspect: each is rescaled so that its smaller side is Q, and images of exactly equal size are
run together, never padded, for padding would change their scores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vggstudy.ahead import ahead
from vggstudy.augment import rescale
from vggstudy.cost import images_at_a_time
from vggstudy.distributed import find_dtype
from vggstudy.errors import ConfigError, DataError, about, unknown
from vggstudy.evaluation import Evaluation, fuse
from vggstudy.memory import is_out_of_memory
from vggstudy.model import VGG, preprocess
from vggstudy.views import find_view, posterior_dtype, posteriors, view_macs

__all__ = ["Evaluation", "evaluate", "fuse", "scales_of"]

PAPER_Q = (256, 384, 512)
WAITING = 2048  # rescaled images that may wait for others of their size


def evaluate(
    model: VGG,
    dataset: Any,
    Q: int | Sequence[int] | None = None,
    view: str = "dense",
    flip: bool = True,
    *,
    exact_grid: bool = False,
    on_error: str = "raise",
    precision: str = "float32",
    workers: int = 0,
    progress: Callable[[Iterable], Iterable] = iter,
) -> Evaluation:
    """Posteriors of every image of a data set, averaged over scales, mirror images and crops.

    Args:
        model: The network, on the device where it shall run; its `preprocessing` is applied.
        dataset: `len(dataset)` pairs `(image, label)`, an image being a uint8 RGB tensor `(3, H, W)` or a PIL
            image.
        Q: Test scale or scales, the smaller side of the rescaled image in pixels.  `None` is the paper's
            (256, 384, 512) for crops of 224 pixels, else one scale of 5/4 of the crop.
        view: `"centre"`, `"dense"`, `"multi-crop"` or `"multi-crop & dense"`.
        flip: Average with the mirror images.
        exact_grid: Keep the crops where the regular grid puts them (see `views.grid_corners`).
        on_error: What to do with an image that cannot be read: `"raise"`, or `"skip"` and list it in
            `.skipped`.
        precision: `"float32"`, which is the network's own, or `"bfloat16"` where the device computes in it.
        workers: Threads that read and rescale ahead of the network, 0 or more; worth having where it runs on a GPU.
        progress: Wraps the image numbers, as `tqdm` does.
    Returns:
        The record of the evaluation, on the CPU.
    Raises:
        ConfigError: For an unknown view or policy, a scale smaller than the crop, fewer workers than none, or a
            precision that the device lacks.
        DataError: Naming the image that cannot be read or rescaled, or whose label the network does not know.

    Paper: sections 3.2 and 4.  Book: dense evaluation.
    """
    scales = scales_of(model, Q)
    find_view(view)
    if on_error not in ("raise", "skip"):
        raise ConfigError(unknown("policy for bad images", on_error, ("raise", "skip")))
    if workers < 0:
        raise ConfigError(f"workers = {workers}: allowed is a whole number, 0 or more")
    parameter = next(model.parameters())
    device = parameter.device
    bf16 = find_dtype(precision, device) == torch.bfloat16
    labels = torch.full((len(dataset),), -1)
    skipped: dict[int, str] = {}

    def read(index: int) -> list[tuple[int, Tensor]]:
        try:
            image, label = _read(dataset, index, model.num_classes)
            with about(path_of(dataset, index)):
                rescaled = [(index, rescale(image, size)) for size in scales]
        except DataError as error:
            if on_error == "raise":
                raise
            skipped[index] = str(error)
            return []
        labels[index] = label
        return rescaled

    images = chain.from_iterable(ahead(read, progress(range(len(dataset))), workers))
    total = torch.zeros(len(dataset), model.num_classes, dtype=posterior_dtype(parameter.dtype))
    macs, seconds = 0, 0.0
    with evaluating(model), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for indices, batch in batches_by_size(images, cache(partial(images_at_a_time, model))):
            start = perf_counter()
            pixels = preprocess(model, batch.to(device)).to(parameter, memory_format=torch.channels_last)
            averaged = posteriors(model, pixels, view, flip, exact_grid).cpu()
            seconds += perf_counter() - start
            macs += len(indices) * view_macs(model, *batch.shape[2:], view, flip, exact_grid)
            if not averaged.isfinite().all():
                bad = indices[int((~averaged.isfinite()).any(1).nonzero()[0])]
                raise DataError(f"{path_of(dataset, bad)}: the scores are not finite; look at the network's weights")
            total.index_add_(0, torch.tensor(indices), averaged)
    seen = (labels >= 0).nonzero().flatten()
    return Evaluation(
        (total[seen] / len(scales)).float(),
        labels[seen],
        tuple(path_of(dataset, index) for index in seen.tolist()),
        protocol=describe(model, scales, view, flip, exact_grid, bf16),
        macs=macs,
        seconds=seconds,
        skipped=tuple(reason for _, reason in sorted(skipped.items())),
    )


def both_views(crops: Evaluation, dense: Evaluation) -> Evaluation:
    """Multi-crop & dense, from evaluations of the two views: the mean of their posteriors (section 4.3)."""
    return replace(fuse([crops, dense]), protocol=crops.protocol.replace("multi-crop", "multi-crop & dense"))


def scales_of(model: VGG, Q: int | Sequence[int] | None = None) -> tuple[int, ...]:
    """The test scales meant by `Q`, as for `evaluate`.

    Raises:
        ConfigError: If there is none, or one is smaller than the crop.
    """
    if Q is None and model.crop_size == 224:
        return PAPER_Q
    if Q is None:  # Q = S, or the middle of its range (section 4.1)
        S = model.S or model.crop_size * 5 // 4
        return (sum(S) // 2 if isinstance(S, tuple) else S,)
    scales = (Q,) if isinstance(Q, int) else tuple(Q)
    if not scales or min(scales) < model.crop_size:
        raise ConfigError(
            f"Q={','.join(map(str, scales))}: a test scale is {model.crop_size} pixels (the crop) or more"
        )
    return scales


def describe(
    model: VGG, scales: Sequence[int], view: str, flip: bool, exact_grid: bool = False, bf16: bool = False
) -> str:
    """A protocol in one line; what is not the rule is named."""
    line = f"{model.config.name} {view} Q={','.join(map(str, scales))}"
    options = {"flip": flip, "exact grid": exact_grid and "multi-crop" in view, "bfloat16": bf16}
    return " ".join([line, *(name for name, taken in options.items() if taken)])


def batches_by_size(
    images: Iterable[tuple[int, Tensor]], at_a_time: Callable[[int, int], int]
) -> Iterator[tuple[list[int], Tensor]]:
    """Gather numbered images `(3, H, W)` into batches of exactly equal height and width.

    Args:
        images: Pairs of a number and an image.
        at_a_time: How many of a height and width make a batch.
    Yields:
        The numbers and the images `(N, 3, H, W)`; where many sizes occur, fuller batches leave first.
    """
    waiting: dict[torch.Size, list[tuple[int, Tensor]]] = defaultdict(list)

    def batch(size: torch.Size) -> tuple[list[int], Tensor]:
        numbers, same = zip(*waiting.pop(size), strict=True)
        return list(numbers), torch.stack(same)

    for number, image in images:
        size = image.shape[1:]
        waiting[size].append((number, image))
        if len(waiting[size]) == at_a_time(*size):
            yield batch(size)
        elif sum(map(len, waiting.values())) == WAITING:
            yield batch(max(waiting, key=lambda size: len(waiting[size])))
    yield from map(batch, list(waiting))


@contextmanager
def evaluating(model: VGG) -> Iterator[None]:
    """In eval mode and without gradients, as long as it lasts."""
    training = model.training
    model.eval().to(memory_format=torch.channels_last)
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def path_of(dataset: Any, index: int) -> str:
    """Where an image lies, or its number in a data set that does not say."""
    return dataset.path(index) if hasattr(dataset, "path") else f"image {index}"


def pixels_of(image: Any, name: str = "image") -> Tensor:
    """A tensor as it is, a PIL image as uint8 RGB `(3, H, W)`.

    Raises:
        DataError: With `name`, if it is something else.
    """
    if not isinstance(image, Tensor):
        if not hasattr(image, "convert"):
            raise DataError(f"{name}: images are tensors or PIL images, not {type(image).__name__}")
        image = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    if image.dtype != torch.uint8 or image.ndim != 3 or image.shape[0] != 3:
        raise DataError(f"{name}: images are uint8 RGB (3, H, W), not {tuple(image.shape)} {image.dtype}")
    return image


def _read(dataset: Any, index: int, num_classes: int) -> tuple[Tensor, int]:
    """One image and its label, or a DataError that begins with its path."""
    try:
        image, label = dataset[index]
    except DataError:
        raise
    except Exception as error:  # a reader of images fails in more ways than it tells (SyntaxError, for a PNG)
        if is_out_of_memory(error):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path_of(dataset, index)}: cannot be read ({reason}); mend or leave it out, or skip bad images"
        ) from error
    image = pixels_of(image, path_of(dataset, index))
    if not 0 <= label < num_classes:
        raise DataError(f"{path_of(dataset, index)}: label {label}, but the network tells {num_classes} classes apart")
    return image, label
