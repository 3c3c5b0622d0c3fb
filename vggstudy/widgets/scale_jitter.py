"""What scale jittering does: where crops fall, what they hold, and how large objects look to the net."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from vggstudy.augment import Augmentation, CropDraw, scaled_sides
from vggstudy.errors import ConfigError, DataError
from vggstudy.regime import Scale
from vggstudy.scales import scale_name
from vggstudy.shapes import Shapes, draw
from vggstudy.widgets.base import StudyWidget
from vggstudy.widgets.pictures import data_url

CROPS = 24  # shown of each picture
BINS = 24
PICTURES, STEP = 4, 7  # neighbours among the made images look alike


@dataclass(frozen=True)
class SeenCrop:
    """One training crop: `S` in pixels; its place in the picture's own pixels; whether it is mirrored; the share of
    the object and of the picture that it holds, in %; the object's longer side in pixels of the rescaled picture."""

    S: int
    left: float
    top: float
    side: float
    flip: bool
    object_share: float
    picture_share: float
    object_size: float


@dataclass(frozen=True)
class Spread:
    """How large objects look under one training scale, in pixels: `heights` of the histogram's bars as parts of the
    largest of all, and the sizes that a tenth, half and nine tenths of the objects do not exceed."""

    regime: str
    heights: tuple[float, ...]
    tenth: float
    half: float
    nine_tenths: float


def seen_crops(
    mask: NDArray[np.bool_], augmentation: Augmentation, n: int = CROPS, seed: int = 0
) -> tuple[SeenCrop, ...]:
    """Training crops of one picture, as `sample_batch` draws them for picture 0 in the epochs 0 to `n - 1`.

    Args:
        mask: Where the object is, shape `(H, W)`.
        augmentation: With the training scale and the side of the crop.
        n: How many.
        seed: Of the draws.

    Paper: section 3.1.  Book: scale jittering.
    """
    draws = [augmentation.draw_crops([0], seed, epoch)[0] for epoch in range(n)]
    return tuple(_seen(mask, crop, augmentation.crop_size) for crop in draws)


def _seen(mask: NDArray[np.bool_], crop: CropDraw, crop_size: int) -> SeenCrop:
    height, width = mask.shape
    scale = crop.S / min(height, width)
    corner = crop.corner(*scaled_sides(height, width, crop.S), crop_size)
    top, left, side = (round(pixels / scale, 2) for pixels in (*corner, crop_size))
    rows, columns = np.nonzero(mask)
    inside = (rows + 0.5 >= top) & (rows + 0.5 < top + side) & (columns + 0.5 >= left) & (columns + 0.5 < left + side)
    return SeenCrop(
        crop.S,
        left,
        top,
        side,
        crop.flip,
        round(100 * float(inside.mean()), 1),
        round(min(100.0, 100 * side**2 / (height * width)), 1),
        round(float(scale * max(np.ptp(rows) + 1, np.ptp(columns) + 1)), 1),
    )


def object_sizes(shapes: Shapes, augmentation: Augmentation, seed: int = 0) -> NDArray[np.float64]:
    """Longer side of each picture's object in pixels, once the picture is rescaled to the S drawn for it.

    Book: scale jittering.
    """
    left, top, right, bottom = shapes.boxes.T
    smaller = np.array([min(image.shape[1:]) for image in shapes.images])
    scales = np.array([crop.S for crop in augmentation.draw_crops(np.arange(len(smaller)), seed, 0)])
    return np.maximum(right - left, bottom - top) * scales / smaller


def spreads(sizes: dict[str, NDArray[np.float64]]) -> tuple[tuple[float, float], tuple[Spread, ...]]:
    """Histograms of object sizes over one axis.

    Args:
        sizes: Name of the training scale -> sizes in pixels.
    Returns:
        The two ends of the axis, and a record a training scale.
    """
    everything = np.concatenate(list(sizes.values()))
    low, high = np.floor(everything.min() / 10) * 10, np.ceil(everything.max() / 10) * 10
    counts = {name: np.histogram(values, BINS, (low, high))[0] / len(values) for name, values in sizes.items()}
    largest = max(count.max() for count in counts.values())
    records = []
    for name, count in counts.items():
        quantiles = np.percentile(sizes[name], (10, 50, 90)).round(1).tolist()
        records.append(Spread(name, tuple((count / largest).round(3).tolist()), *quantiles))
    return (float(low), float(high)), tuple(records)


def regime_name(S: Scale) -> str:
    """`S = 72`, or `S in [72; 144]` for a jittered scale."""
    return f"S {'in' if isinstance(S, tuple) else '='} {scale_name(S)}"


@dataclass(frozen=True)
class Picture:
    """A picture with its object's box `(left, top, right, bottom)`, and its crops under each training scale."""

    url: str
    height: int
    width: int
    box: tuple[int, int, int, int]
    crops: tuple[tuple[SeenCrop, ...], ...]


class ScaleJitterViewer(StudyWidget):
    """Training crops of a picture under fixed and jittered S, and how large objects look to the net.

    Args:
        shapes: Pictures whose objects are known, 400 made ones if left out; a few of them are shown.
        regimes: Training scales, a number or `(S_min, S_max)`, pixels.
        crop_size: Side of the crop, pixels; the defaults are the shipped nets', 3.5 times smaller than the paper's.
        seed: Of the crops.
    Raises:
        ConfigError: If there is no regime, or a crop does not fit S.
        DataError: If there is no picture.

    `picture`, `regime` and `crop` number what is on show; `seen` is its record.  On a kernel, `add` takes a picture of
    the reader's own.  Paper: section 3.1.
    """

    _script = "scale_jitter"
    _shown = ("regime", "picture", "crop")

    regime = traitlets.Int().tag(sync=True)
    picture = traitlets.Int().tag(sync=True)
    crop = traitlets.Int().tag(sync=True)
    crop_size = traitlets.Int().tag(sync=True)
    regimes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    pictures = traitlets.List(help="of `Picture` records").tag(sync=True)
    spreads = traitlets.List(help="of `Spread` records").tag(sync=True)
    axis = traitlets.List(help="ends of the axis of sizes, pixels").tag(sync=True)

    def __init__(
        self,
        shapes: Shapes | None = None,
        regimes: Sequence[Scale] = (72, 108, (72, 144)),
        crop_size: int = 64,
        seed: int = 0,
    ) -> None:
        if not regimes:
            raise ConfigError("regimes=(): give one training scale or more, such as 72 or (72, 144)")
        shapes = draw(400, seed=9) if shapes is None else shapes
        if not shapes.images:
            raise DataError("shapes holds no picture: give one or more")
        self._augmentations = {regime_name(S): Augmentation(crop_size, S) for S in regimes}
        self._seed = seed
        sizes = {name: object_sizes(shapes, each, seed) for name, each in self._augmentations.items()}
        axis, records = spreads(sizes)
        super().__init__(
            regimes=list(self._augmentations),
            regime=len(self._augmentations) - 1,
            crop_size=crop_size,
            axis=list(axis),
            spreads=[asdict(record) for record in records],
        )
        self._pictures = [
            self._crops_of(image, mask)
            for image, mask in list(zip(shapes.images, shapes.masks, strict=True))[::STEP][:PICTURES]
        ]
        self.pictures = [asdict(picture) for picture in self._pictures]

    @property
    def seen(self) -> SeenCrop:
        return self._pictures[self.picture].crops[self.regime][self.crop]

    def _crops_of(self, image: ArrayLike, mask: NDArray[np.bool_]) -> Picture:
        rows, columns = np.nonzero(mask)
        box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        crops = tuple(seen_crops(mask, each, seed=self._seed) for each in self._augmentations.values())
        return Picture(data_url(image), *mask.shape, tuple(map(int, box)), crops)

    def add(self, image: ArrayLike, box: tuple[int, int, int, int]) -> None:
        """Show a picture of the reader's own.

        Args:
            image: uint8 RGB `(3, H, W)`.
            box: Left, top, right and bottom of its object in pixels, right and bottom exclusive.
        Raises:
            DataError: If the box is empty or reaches out of the picture.
        """
        height, width = np.shape(image)[1:]
        left, top, right, bottom = box
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise DataError(f"box={tuple(box)}: give one that is not empty, within {width} by {height} pixels")
        mask = np.zeros((height, width), bool)
        mask[top:bottom, left:right] = True
        self._pictures.append(self._crops_of(image, mask))
        self.pictures = [asdict(picture) for picture in self._pictures]
        self.picture = len(self.pictures) - 1
