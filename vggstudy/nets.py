"""The small trained nets that ship with the library, each with a card that says how it was made.  No torch.

They are the paper's configurations at an eighth of the width, trained on the made images at scales 3.5 times smaller
than the paper's: crops of 64 pixels for 224, S of 72, 108 and [72; 144] for 256, 384 and [256; 512].  `study` makes
them again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vggstudy.errors import ConfigError, unknown
from vggstudy.regime import Scale
from vggstudy.scales import scale_text

if TYPE_CHECKING:
    from vggstudy.model import VGG

FOLDER = Path(__file__).parent / "trained"
RESULTS = Path(__file__).parents[1] / "book" / "results"


@dataclass(frozen=True)
class Recipe:
    """How one net is trained: `vggstudy train CONFIG --data shapes --S ...`, started from another net of the list.

    Args:
        config: The paper's letter.
        S: Training scale in pixels, or its range.
        epochs: Passes over the 8,000 training images.
        lr: Learning rate at the start.
        parent: Name of the net that it starts from: for the same configuration all weights, else the layers that the
            paper copies (section 3.1).
    """

    config: str
    S: Scale
    epochs: int
    lr: float
    parent: str | None = None

    @property
    def name(self) -> str:
        """`D-S72`, or `D-S72-144` for a jittered scale."""
        return f"{self.config}-S{scale_text(self.S, '-')}"


# As in section 3.1: A and A-LRN from random weights, the deeper nets from A; for D the larger scale from the smaller,
# and the jittered one from the larger.  The other jittered nets take the short way, from S = 72.
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("A", 72, 8, 0.01),
        Recipe("A-LRN", 72, 8, 0.01),
        Recipe("B", 72, 8, 0.005, "A-S72"),
        Recipe("C", 72, 8, 0.005, "A-S72"),
        Recipe("D", 72, 8, 0.005, "A-S72"),
        Recipe("E", 72, 8, 0.005, "A-S72"),
        Recipe("D", 108, 4, 0.002, "D-S72"),
        Recipe("D", (72, 144), 6, 0.002, "D-S108"),
        Recipe("A", (72, 144), 4, 0.002, "A-S72"),
        Recipe("A-LRN", (72, 144), 4, 0.002, "A-LRN-S72"),
        Recipe("B", (72, 144), 4, 0.002, "B-S72"),
        Recipe("C", (72, 144), 4, 0.002, "C-S72"),
        Recipe("E", (72, 144), 4, 0.002, "E-S72"),
    )
}


def shipped() -> tuple[str, ...]:
    """Names of the nets that are there, in the order of `RECIPES`."""
    return tuple(name for name in RECIPES if weights_file(name).exists())


def weights_file(name: str) -> Path:
    """Where the weights of a net lie.

    Raises:
        ConfigError: With the close matches, if no net has that name.
    """
    if name not in RECIPES:
        raise ConfigError(unknown("trained net", name, RECIPES))
    return FOLDER / f"{name}.safetensors"


def load_net(name: str) -> VGG:
    """A trained net by its name, such as `"D-S72"`, in eval mode, with its preprocessing and its classes.

    Raises:
        ConfigError: With the close matches, if no net has that name.
        CheckpointError: If its file is damaged.
    """
    from vggstudy.checkpoint import load_checkpoint

    return load_checkpoint(weights_file(name))


def card(name: str) -> dict[str, Any]:
    """How a net was made and what it reaches: command, seed, data, device, seconds, errors in % by test scale."""
    return json.loads(weights_file(name).with_suffix(".json").read_text(encoding="utf-8"))
