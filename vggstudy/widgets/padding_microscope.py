"""Crops and dense evaluation differ by their borders: which cells of a crop's last map are those of the whole image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from vggstudy.analysis import trace
from vggstudy.errors import ConfigError, DataError, unknown
from vggstudy.shapes import draw
from vggstudy.widgets.base import StudyWidget
from vggstudy.widgets.pictures import data_url

if TYPE_CHECKING:
    from torch import Tensor

    from vggstudy.model import VGG

EQUAL = 0.01  # per cent: rounding stays below
SIDE, WIDTH = 352, 1 / 16


@dataclass(frozen=True)
class CropCells:
    """A crop at `left`, `top` pixels: by how much each cell of its last map differs from the cell of the whole image's
    map at the same place, in % of that cell's length, row by row; and how many do not differ."""

    left: int
    top: int
    differences: tuple[float, ...]
    equal: int


@dataclass(frozen=True)
class Net:
    """A configuration: receptive field of the last map's cells, pixels; first edge of each column's (and row's) field,
    from the crop's edge; cells a side of the map; and its crops, row by row."""

    config: str
    field: int
    edges: tuple[int, ...]
    side: int
    crops: tuple[CropCells, ...]


def padding_differences(model: VGG, image: Tensor) -> Net:
    """The last maps of all crops of an image at multiples of the stride, against the map of the whole image.

    Args:
        model: The network.
        image: uint8 RGB `(3, H, W)`, square, its side a multiple of the stride and at least the crop.
    Raises:
        DataError: If the image is not so.

    Paper: section 3.2 ("when applying a ConvNet to a crop, the convolved feature maps are padded with zeros").
    Book: dense evaluation.
    """
    from vggstudy.evaluate import evaluating
    from vggstudy.model import preprocess

    height, width = image.shape[1:]
    crop, stride, cells = model.crop_size, model.stride, model.map_side
    if height != width or width % stride or width < crop:
        raise DataError(
            f"an image of {width} by {height} pixels: give a square, a multiple of {stride} and at least {crop}"
        )
    places = range(0, width - crop + 1, stride)
    found = []
    with evaluating(model):
        pixels = preprocess(model, image[None])
        whole = model.features(pixels)[0]
        for top in places:
            for left in places:
                ours = model.features(pixels[:, :, top : top + crop, left : left + crop])[0]
                row, column = top // stride, left // stride
                theirs = whole[:, row : row + cells, column : column + cells]
                differences = 100 * (ours - theirs).norm(dim=0) / theirs.norm(dim=0).clamp(min=1e-9)
                found.append(
                    CropCells(
                        left,
                        top,
                        tuple(differences.flatten().double().numpy().round(2).tolist()),
                        int((differences < EQUAL).sum()),
                    )
                )
    last = [layer for layer in trace(model.config, crop, width=model.width) if layer.kind != "fc"][-1]
    return Net(
        model.config.name,
        last.receptive_field,
        tuple(last.box(0, column)[0] for column in range(cells)),
        cells,
        tuple(found),
    )


def made_picture() -> NDArray[np.uint8]:
    """A mosaic of made pictures, uint8 RGB `(3, 352, 352)`."""
    import torch

    from vggstudy.augment import rescale

    tiles = draw(20, seed=12).images[:16]
    mosaic = np.concatenate([np.concatenate(tiles[row : row + 4], 2) for row in range(0, 16, 4)], 1)
    return rescale(torch.from_numpy(mosaic), SIDE).numpy()


class PaddingMicroscope(StudyWidget):
    """Slide a crop over a picture: which cells of its last map are those of the whole picture's, and how far the others
    are off.

    The nets have the paper's geometry, crops of 224 pixels, at a sixteenth of the width, with He's random weights:
    where cells agree depends on the geometry alone.

    Args:
        configs: The paper's letters.
        config: The one on show at first.
        picture: uint8 RGB `(3, H, W)`, square; a made one if left out.
    Raises:
        ConfigError: If there is no configuration, or `config` is none of them.
        DataError: If the picture does not fit (see `padding_differences`).

    `column` and `row` number the crop, `cell` the cell.  `equal` counts the cells that agree.  Paper: section 3.2.
    """

    _script = "padding_microscope"
    _shown = ("config", "column", "row", "equal")

    config = traitlets.Unicode().tag(sync=True)
    column = traitlets.Int().tag(sync=True)
    row = traitlets.Int().tag(sync=True)
    cell = traitlets.Int().tag(sync=True)
    crop_size = traitlets.Int().tag(sync=True)
    places = traitlets.Int(help="of the crop, a side").tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)
    size = traitlets.Int(help="of the picture, pixels").tag(sync=True)
    nets = traitlets.List(help="of `Net` records").tag(sync=True)

    def __init__(
        self, configs: Sequence[str] = ("A", "B", "D", "E"), config: str = "D", picture: ArrayLike | None = None
    ) -> None:
        if config not in configs:
            raise ConfigError(unknown("configuration", config, configs))
        import torch

        from vggstudy.initialise import initialise
        from vggstudy.model import vgg

        picture = made_picture() if picture is None else np.asarray(picture)
        image = torch.as_tensor(picture)
        models = [vgg(name, num_classes=2, width=WIDTH, fc_width=2) for name in configs]
        self._nets = [padding_differences(initialise(model, "he"), image) for model in models]
        crop, last = models[0].crop_size, self._nets[0]
        places = round(len(last.crops) ** 0.5)
        super().__init__(
            config=config,
            column=places // 2,
            row=places // 2,
            cell=last.side**2 // 2,
            crop_size=crop,
            places=places,
            picture=data_url(picture),
            size=picture.shape[1],
            nets=[asdict(net) for net in self._nets],
        )

    @property
    def equal(self) -> int:
        """Cells of the crop on show that agree with the whole image's."""
        net = next(net for net in self._nets if net.config == self.config)
        return net.crops[self.row * self.places + self.column].equal
