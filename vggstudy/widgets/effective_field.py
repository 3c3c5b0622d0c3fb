"""The theoretical receptive field and the one in use: a box, and the map of the gradients inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from matplotlib import colormaps
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vggstudy.errors import ConfigError, unknown
from vggstudy.widgets.base import StudyWidget
from vggstudy.widgets.pictures import data_url

if TYPE_CHECKING:
    from vggstudy.fields import EffectiveField

LARGEST_MAP = 96  # pixels; larger maps are averaged down to it


@dataclass(frozen=True)
class FieldMap:
    """One layer under one set of weights: sides of the theoretical box and of the effective field in pixels, the part
    of the box's area that the latter covers in %, and the coloured map as the address of a picture."""

    layer: str
    box: int
    side: int
    area: float
    url: str


def field_maps(fields: Sequence[EffectiveField]) -> tuple[FieldMap, ...]:
    """The measured fields, ready to be shown; the brightest pixel of each map has its largest gradient."""
    return tuple(
        FieldMap(
            field.layer,
            field.box,
            field.side,
            round(100 * (field.side / field.box) ** 2, 1),
            data_url(coloured(field.gradient)),
        )
        for field in fields
    )


def coloured(gradient: ArrayLike) -> NDArray[np.uint8]:
    """A map `(box, box)` in colours from black for 0 to light for its maximum; RGB `(3, h, h)`."""
    gradient = np.asarray(gradient, np.float32)
    side = min(len(gradient), LARGEST_MAP)
    small = np.asarray(Image.fromarray(gradient).resize((side, side), Image.Resampling.BOX))
    return (colormaps["magma"](small / (small.max() or 1))[..., :3] * 255).round().astype(np.uint8).transpose(2, 0, 1)


class EffectiveReceptiveField(StudyWidget):
    """The theoretical box and the map measured by gradients, layer by layer, for several sets of weights.

    Args:
        fields: Name of the weights, such as `"random"` and `"trained"` -> what `measure_fields` measured; the same
            layers for all.
        layer: Name of the layer shown at first; the last one if left out.
    Raises:
        ConfigError: If there are no fields, the layers of two sets differ, or the layer is none of them.

    `add` takes those of another net's weights.  Paper: section 2.3.
    """

    _script = "effective_field"
    _shown = ("weights", "shown")

    layer = traitlets.Int(help="number of the layer on show").tag(sync=True)
    zoom = traitlets.Enum(("box", "largest"), "box", help="which box fills the frame").tag(sync=True)
    layers = traitlets.List(traitlets.Unicode()).tag(sync=True)
    maps = traitlets.Dict(help="weights -> `FieldMap` records, a layer each").tag(sync=True)

    def __init__(self, fields: Mapping[str, Sequence[EffectiveField]], layer: str | None = None) -> None:
        if not fields or not all(fields.values()):
            raise ConfigError("fields is empty: give the measured fields of one set of weights or more")
        super().__init__(layers=[field.layer for field in next(iter(fields.values()))])
        for weights, measured in fields.items():
            self.add(weights, measured)
        if layer is not None and layer not in self.layers:
            raise ConfigError(unknown("layer", layer, self.layers))
        self.layer = self.layers.index(layer) if layer else len(self.layers) - 1

    @property
    def weights(self) -> list[str]:
        return list(self.maps)

    @property
    def shown(self) -> str:
        return self.layers[self.layer]

    def add(self, weights: str, fields: Sequence[EffectiveField]) -> None:
        """Put another set of weights beside the others; the same name replaces it.

        Raises:
            ConfigError: If its layers differ from those of the others.
        """
        layers = [field.layer for field in fields]
        if layers != self.layers:
            raise ConfigError(f"{weights!r} has the layers {layers}, not {self.layers}: measure the same ones")
        self.maps = {**self.maps, weights: [asdict(each) for each in field_maps(fields)]}
