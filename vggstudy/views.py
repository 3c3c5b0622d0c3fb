"""Views of an image: which parts of it the network sees, and how their posteriors become one.

Class *scores* are averaged over the positions of a score map before the soft-max; soft-max *posteriors* are
averaged over crops, mirror images, scales, views and nets (sections 3.2 and 4).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from json import dumps

import torch
from torch import Tensor

from vggstudy import paper
from vggstudy.cost import count_macs, images_at_a_time, on_meta
from vggstudy.errors import ConfigError, DataError, unknown
from vggstudy.interiors import Corner, CropMaps, share_interiors, split_features
from vggstudy.model import VGG, head

GRID = 5  # crops a side
SHARED_STAGES = (0, 1, 2, 3)
ALIGNMENTS_PER_CROP = 28  # 224 pixels / 2 ** 3


def alignment(crop_size: int) -> int:
    """Pixels to whose multiples the corners of crops are moved: 8 for crops of 224, 1 for crops under 56.

    So aligned, crops can share their interiors (`vggstudy.interiors`); none moves by more than a 28th of its
    side, and the grids of the paper's test scales (smallest side 224 to 512) lie on multiples of 8 by
    themselves.
    """
    return 2 ** ((crop_size // ALIGNMENTS_PER_CROP).bit_length() - 1) if crop_size >= ALIGNMENTS_PER_CROP else 1


def grid_corners(height: int, width: int, crop_size: int, exact: bool = False) -> tuple[Corner, ...]:
    """Top-left pixels of the regular 5x5 grid of crops, row by row.

    Args:
        height, width: Of the rescaled image, pixels.
        exact: Keep the corners where the regular grid puts them, rather than on multiples of
            `alignment(crop_size)`.
    Returns:
        25 corners, some of them equal where the image is hardly larger than the crop.

    Paper: section 3.2 (5x5 regular grid).
    """
    step = 1 if exact else alignment(crop_size)

    def places(side: int) -> list[int]:
        return [i * (side - crop_size) // (GRID - 1) // step * step for i in range(GRID)]

    return tuple((top, left) for top in places(height) for left in places(width))


def soft_max(scores: Tensor) -> Tensor:
    """Posteriors from scores `(..., K)`, in float32 or better whatever the network computes in."""
    return scores.to(posterior_dtype(scores.dtype)).softmax(-1)


def posterior_dtype(dtype: torch.dtype) -> torch.dtype:
    """In which numbers posteriors are kept, by those in which the network computes: never in half precision."""
    return torch.promote_types(dtype, torch.float32)


def centre(model: VGG, images: Tensor, exact_grid: bool = False) -> Tensor:
    """The central crop alone."""
    top, left = (round((side - model.crop_size) / 2) for side in images.shape[2:])
    crop = images[:, :, top : top + model.crop_size, left : left + model.crop_size]
    return soft_max(model(crop))


def dense(model: VGG, images: Tensor, exact_grid: bool = False) -> Tensor:
    """The whole image: scores averaged over the score map, then soft-max."""
    return soft_max(model(images))


def multi_crop(model: VGG, images: Tensor, exact_grid: bool = False) -> Tensor:
    """The crops of a 5x5 grid, each seen as if it were an image by itself; posteriors averaged."""
    maps, counts, stages = _crop_maps(model, images, exact_grid)
    return _mean_over_crops(model, maps, counts, stages)


def multi_crop_and_dense(model: VGG, images: Tensor, exact_grid: bool = False) -> Tensor:
    """Mean of the posteriors of both views; what the crops share, dense evaluation shares too."""
    maps, counts, stages = _crop_maps(model, images, exact_grid)
    whole = soft_max(head(model, split_features(model, stages)[1](maps.whole)).mean((2, 3)))
    return (_mean_over_crops(model, maps, counts, stages) + whole) / 2


VIEWS: dict[str, Callable[[VGG, Tensor, bool], Tensor]] = dict(
    zip(paper.VIEWS, (centre, dense, multi_crop, multi_crop_and_dense), strict=True)
)


def find_view(name: str) -> Callable[[VGG, Tensor, bool], Tensor]:
    """The view of that name.

    Raises:
        ConfigError: With the close matches, if there is none.
    """
    if name not in VIEWS:
        raise ConfigError(unknown("view", name, VIEWS))
    return VIEWS[name]


def posteriors(model: VGG, images: Tensor, view: str, flip: bool = True, exact_grid: bool = False) -> Tensor:
    """Class posteriors of images of one size in one view.

    Args:
        model: Network in eval mode.
        images: Preprocessed, `(N, 3, H, W)`, sides of the crop size or more.
        view: A name in `VIEWS`.
        flip: Average with the posteriors of the mirror image.
        exact_grid: As for `grid_corners`.
    Returns:
        Posteriors, `(N, K)`.
    Raises:
        DataError: If the images are smaller than the crop.

    Paper: section 3.2.  Book: dense evaluation.
    """
    if min(images.shape[2:]) < model.crop_size:
        raise DataError(f"images of {tuple(images.shape[2:])} pixels are smaller than the crop of {model.crop_size}")
    sides = (images, images.flip(3)) if flip else (images,)
    return torch.stack([find_view(view)(model, side, exact_grid) for side in sides]).mean(0)


def _crop_maps(model: VGG, images: Tensor, exact_grid: bool) -> tuple[CropMaps, Tensor, int]:
    """Maps of the different crops, how often the grid names each, and how many stages are shared."""
    height, width = images.shape[2:]
    corners = grid_corners(height, width, model.crop_size, exact_grid)
    different = tuple(dict.fromkeys(corners))
    counts = images.new_tensor([corners.count(corner) for corner in different])
    stages = best_stages(dumps(model.spec), different, height, width)
    return share_interiors(model, images, different, stages), counts, stages


def _mean_over_crops(model: VGG, maps: CropMaps, counts: Tensor, stages: int) -> Tensor:
    scores = crop_scores(model, maps, stages)
    weights = counts / counts.sum()
    return (soft_max(scores) * weights[:, None, None]).sum(0)


def crop_scores(model: VGG, maps: CropMaps, stages: int) -> Tensor:
    """Scores of each crop of each image, `(crops, N, K)`, from maps on which `stages` stages are done."""
    rest = split_features(model, stages)[1]
    # Each stage halves what an image's activations take; fc6 reads its weights once rather than for each piece.
    pieces = images_at_a_time(model, model.crop_size, model.crop_size) * 2**stages
    pooled = torch.cat([rest(piece) for piece in maps.crops().split(pieces)])
    return head(model, pooled).flatten(1).unflatten(0, (len(maps.corners), -1))


@lru_cache(maxsize=4096)
def best_stages(spec: str, corners: tuple[Corner, ...], height: int, width: int) -> int:
    """How many stages to share: of the numbers that the corners allow, the one with the fewest MACs."""
    model = on_meta(spec)
    images = torch.empty(1, 3, height, width, device="meta")
    pools = model.stride.bit_length() - 1

    def cost(stages: int) -> int:
        return count_macs(lambda: crop_scores(model, share_interiors(model, images, corners, stages), stages))

    allowed = [
        k for k in SHARED_STAGES if k <= pools and all(edge % 2**k == 0 for corner in corners for edge in corner)
    ]
    return min(allowed, key=cost)


def view_macs(model: VGG, height: int, width: int, view: str, flip: bool, exact_grid: bool = False) -> int:
    """Multiply-accumulates that `posteriors` spends on one image of that size."""
    return _view_macs(dumps(model.spec), height, width, view, flip, exact_grid)


@lru_cache(maxsize=4096)
def _view_macs(spec: str, height: int, width: int, view: str, flip: bool, exact_grid: bool) -> int:
    model = on_meta(spec)
    images = torch.empty(1, 3, height, width, device="meta")

    def look() -> Tensor:
        return posteriors(model, images, view, flip, exact_grid)

    with torch.no_grad():
        look()  # chooses the stages to share, for which passes of its own are counted
    return count_macs(look)
