"""Dense evaluation to look at: the class score map on the picture, what each position sees, and the 25 crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from vggstudy.errors import ConfigError
from vggstudy.shapes import draw
from vggstudy.widgets.base import StudyWidget
from vggstudy.widgets.pictures import data_url

if TYPE_CHECKING:
    from torch import Tensor

    from vggstudy.model import VGG

TOP = 5
SCALES = (64, 72, 108, 144, 216)
MAPS = {"posteriors": "soft-max of each position", "scores": "scores (what is averaged)"}


@dataclass(frozen=True)
class Geometry:
    """Where things lie on the rescaled picture, pixels: its size, the first edge of each column's and row's receptive
    field (it may be outside), that field's side, the middle of each column and row, and the corners of the crops."""

    Q: int
    width: int
    height: int
    lefts: tuple[int, ...]
    tops: tuple[int, ...]
    field: int
    stride: int
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    corners: tuple[tuple[int, int], ...]
    crop: int


@dataclass(frozen=True)
class Seen:
    """One side of one picture at one scale, for the five classes of the picture.

    `scores` and `posteriors` (%) are of the positions, row by row, and `levels` the scores as % of their range; `mean`
    is the spatial average of the scores, `dense` its posterior; `crops` are the posteriors of the 25 crops, `multi`
    their mean; all posteriors in %, an entry a class.
    """

    scores: tuple[tuple[float, ...], ...]
    posteriors: tuple[tuple[float, ...], ...]
    levels: tuple[tuple[int, ...], ...]
    mean: tuple[float, ...]
    dense: tuple[float, ...]
    crops: tuple[tuple[float, ...], ...]
    multi: tuple[float, ...]


@dataclass(frozen=True)
class Picture:
    """A picture, its five most probable classes over all scales, sides and views, and what is seen of it: for each
    scale, as it is and mirrored."""

    name: str
    url: str
    classes: tuple[str, ...]
    geometries: tuple[Geometry, ...]
    seen: tuple[tuple[Seen, Seen], ...]


def seen_picture(model: VGG, image: Tensor, scales: Sequence[int] = SCALES, name: str = "") -> Picture:
    """All that the viewer shows of a picture.

    Args:
        model: The network, with `classes` or without.
        image: uint8 RGB `(3, H, W)`.
        scales: Test scales Q, pixels.
        name: Of the picture.

    Paper: section 3.2.  Book: dense evaluation.
    """
    looks = [[_Look(model, side, Q) for side in (image, image.flip(2))] for Q in scales]
    posteriors = np.mean([look.dense + look.crops.mean(1) for pair in looks for look in pair], 0)
    top = posteriors.argsort()[::-1][:TOP]
    names = model.classes or [f"class {k}" for k in range(model.num_classes)]
    return Picture(
        name=name,
        url=data_url(image.numpy()),
        classes=tuple(names[k] for k in top),
        geometries=tuple(pair[0].geometry for pair in looks),
        seen=tuple(tuple(look.of(top) for look in pair) for pair in looks),
    )


class _Look:
    """One pass over a picture at one scale: all classes."""

    def __init__(self, model: VGG, image: Tensor, Q: int) -> None:
        import torch

        from vggstudy.evaluate import evaluating
        from vggstudy.model import preprocess
        from vggstudy.score_maps import class_score_map
        from vggstudy.views import grid_corners

        found = class_score_map(model, image, Q, classes=range(model.num_classes), softmax=False)
        scores = torch.empty_like(found.scores)
        scores[list(found.classes)] = found.scores
        height, width = found.picture.shape[1:]
        corners = grid_corners(height, width, model.crop_size)
        crops = torch.stack([_cut(found.picture, corner, model.crop_size) for corner in corners])
        parameter = next(model.parameters())
        with evaluating(model):
            crop_scores = model(preprocess(model, crops.to(parameter.device)).to(parameter)).cpu()
        rows, columns = scores.shape[1:]
        self.scores = scores.flatten(1).double().numpy()
        self.posteriors = scores.flatten(1).softmax(0).double().numpy()
        self.dense = scores.mean((1, 2)).softmax(0).double().numpy()
        self.crops = crop_scores.softmax(1).T.double().numpy()
        boxes = [found.box(0, column) for column in range(columns)], [found.box(row, 0) for row in range(rows)]
        self.geometry = Geometry(
            Q,
            width,
            height,
            lefts=tuple(box[0] for box in boxes[0]),
            tops=tuple(box[1] for box in boxes[1]),
            field=boxes[0][0][2] - boxes[0][0][0],
            stride=found.last_layer.stride,
            xs=tuple(found.centre(0, column)[0] for column in range(columns)),
            ys=tuple(found.centre(row, 0)[1] for row in range(rows)),
            corners=corners,
            crop=model.crop_size,
        )

    def of(self, top: NDArray[np.int64]) -> Seen:
        scores = self.scores[top]
        low, high = scores.min(), scores.max()
        return Seen(
            scores=_rounded(scores),
            posteriors=_rounded(100 * self.posteriors[top]),
            levels=tuple(map(tuple, (100 * (scores - low) / max(high - low, 1e-9)).round().astype(int).tolist())),
            mean=tuple(scores.mean(1).round(2).tolist()),
            dense=tuple((100 * self.dense[top]).round(1).tolist()),
            crops=_rounded(100 * self.crops[top]),
            multi=tuple((100 * self.crops[top].mean(1)).round(1).tolist()),
        )


def _cut(picture: Tensor, corner: tuple[int, int], side: int) -> Tensor:
    top, left = corner
    return picture[:, top : top + side, left : left + side]


def _rounded(values: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, values.round(1).tolist()))


def made_pictures() -> dict[str, NDArray[np.uint8]]:
    """A picture with one object, one with two, and one with four."""
    drawn = draw(20, seed=12).images
    pair = np.concatenate([drawn[2], drawn[13]], 2)
    four = np.concatenate([np.concatenate([drawn[a], drawn[b]], 2) for a, b in ((8, 18), (5, 15))], 1)
    return {"one object": drawn[9], "two objects": pair, "four objects": four}


class ScoreMapViewer(StudyWidget):
    """The class score map laid on the picture, what each position sees of it, and the 25 crops beside it.

    Args:
        model: A network, or the name of a shipped one.
        pictures: Name -> uint8 RGB `(3, H, W)`; made ones if left out.
        scales: Test scales Q, pixels.
        Q: The one that is on show at first.
    Raises:
        ConfigError: If there is no picture, Q is none of the scales, or a scale is smaller than the crop.

    `picture`, `scale`, `klass` and `cell` number what is on show.  On a kernel, `add` takes a picture of the reader's
    own.  Paper: section 3.2.
    """

    _script = "score_map"
    _shown = ("picture", "Q", "klass", "map", "mirrored", "cell")

    picture = traitlets.Int().tag(sync=True)
    scale = traitlets.Int().tag(sync=True)
    klass = traitlets.Int(help="of the picture's five").tag(sync=True)
    map = traitlets.Enum(tuple(MAPS), "posteriors").tag(sync=True)
    mirrored = traitlets.Int(0, min=0, max=1).tag(sync=True)
    cell = traitlets.Int(help="position, row by row").tag(sync=True)
    maps = traitlets.List(list(MAPS.items())).tag(sync=True)
    scales = traitlets.List(traitlets.Int()).tag(sync=True)
    pictures = traitlets.List(help="of `Picture` records").tag(sync=True)

    def __init__(
        self,
        model: VGG | str = "D-S72-144",
        pictures: dict[str, ArrayLike] | None = None,
        scales: Sequence[int] = SCALES,
        Q: int = 144,
    ) -> None:
        pictures = made_pictures() if pictures is None else pictures
        if not pictures:
            raise ConfigError("pictures={}: give one or more, name -> uint8 RGB (3, H, W)")
        if Q not in scales:
            raise ConfigError(f"Q={Q!r}: on show is one of the scales {', '.join(map(str, scales))}")
        self._model = _load(model)
        super().__init__(scales=list(scales), scale=list(scales).index(Q))
        for name, image in pictures.items():
            self._append(name, image)
        self.picture = len(self.pictures) - 1
        self.klass = self._clearest()

    @property
    def Q(self) -> int:
        return self.scales[self.scale]

    def _append(self, name: str, image: ArrayLike) -> None:
        import torch

        seen = seen_picture(self._model, torch.as_tensor(np.asarray(image)), self.scales, name)
        self.pictures = [*self.pictures, asdict(seen)]

    def add(self, image: ArrayLike, name: str = "yours") -> None:
        """Show a picture of the reader's own, uint8 RGB `(3, H, W)`."""
        self._append(name, image)
        with self.hold_sync():
            self.cell, self.picture = 0, len(self.pictures) - 1
            self.klass = self._clearest()

    def _clearest(self) -> int:
        """The class of the picture that dense evaluation finds most probable."""
        return int(np.argmax(self.pictures[self.picture]["seen"][self.scale][0]["dense"]))


def _load(model: VGG | str) -> VGG:
    if not isinstance(model, str):
        return model
    from vggstudy.nets import load_net

    return load_net(model)
