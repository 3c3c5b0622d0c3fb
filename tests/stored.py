"""A made store of posteriors: three nets, of which one has no crops."""

from __future__ import annotations

import numpy as np

from vggstudy.ablation import Ablation, parts_of

NETS = ("A-S72", "D-S72", "D-S72-144")


def made_ablation(n: int = 60, classes: int = 8) -> Ablation:
    """Posteriors that are often right, each part with a chance of its own; `D-S72-144` lacks the crops."""
    dice = np.random.default_rng(0)
    labels = np.arange(n) % classes
    stored = Ablation("made", labels)
    for net in NETS:
        for part in parts_of(net):
            scores = dice.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels]
            if (net, part.view) != ("D-S72-144", "multi-crop"):
                stored = stored.with_part(part, np.exp(scores) / np.exp(scores).sum(1, keepdims=True))
    return stored
