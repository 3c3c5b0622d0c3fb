"""The evaluation ladder: the same weights, seen better and better, and what each step buys and costs.

It answers "why is my VGG two points worse than the paper's?": most reports stop at the first rung.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vggstudy.bootstrap import Estimate
from vggstudy.errors import ConfigError
from vggstudy.evaluate import PAPER_Q, both_views, evaluate, scales_of
from vggstudy.evaluation import Evaluation, fuse
from vggstudy.model import VGG


@dataclass(frozen=True)
class Rung:
    """One step: what was added, the evaluation with it, and the paired gain over the step before.

    `gain` is in percentage points of top-1 error, positive where the step helps; `None` at the first step.
    """

    name: str
    evaluation: Evaluation
    gain: Estimate | None

    def summary(self) -> dict[str, Any]:
        """The step, its evaluation's summary and its gain `[mean, low, high]`, ready for JSON."""
        gain = self.gain and [self.gain.mean, self.gain.low, self.gain.high]
        return {"step": self.name, **self.evaluation.summary(), "gain": gain}


def ladder(
    models: VGG | Sequence[VGG],
    dataset: Any,
    Q: Sequence[int] | None = None,
    **options: Any,
) -> Iterator[Rung]:
    """Evaluate fixed weights under ever richer protocols.

    The steps: the centre crop; dense evaluation; with the mirror image; at three scales; 150 crops instead; the mean
    of crops and dense; and, with several networks, the mean of all of them.

    Args:
        models: One network, or several to be fused at the end, the first of which climbs the rungs before.
        dataset: As for `evaluate`.
        Q: Test scales; single-scale steps use the middle one.  `None` is the paper's (256, 384, 512) for crops of 224
            pixels, else 1, 5/4 and 3/2 of the crop.
        options: `exact_grid`, `on_error`, `precision`, `workers` and `progress` of `evaluate`.
    Yields:
        A record a step, as soon as it is known.
    Raises:
        ConfigError: Without a network.

    Paper: sections 4.1 to 4.4.  Book: the evaluation ladder.
    """
    models = [models] if isinstance(models, VGG) else list(models)
    if not models:
        raise ConfigError("a ladder needs a network or more")
    first, *others = models

    def see(model: VGG, view: str, flip: bool = True, single: bool = False) -> Evaluation:
        scales = scales_of(model, Q or _three_scales(model))
        middle = scales[len(scales) // 2]
        return evaluate(model, dataset, middle if single else scales, view, flip, **options)

    yield (rung := Rung("centre crop", see(first, "centre", flip=False, single=True), None))
    yield (rung := _above(rung, "dense", see(first, "dense", flip=False, single=True)))
    yield (rung := _above(rung, "+ flip", see(first, "dense", single=True)))
    yield (rung := _above(rung, "+ scales", dense := see(first, "dense")))
    yield (rung := _above(rung, "multi-crop", crops := see(first, "multi-crop")))
    yield (rung := _above(rung, "crops & dense", both := both_views(crops, dense)))
    if others:
        seen = [see(each, "multi-crop & dense") for each in others]  # what both views share is computed once
        yield _above(rung, "fusion", fuse([both, *seen]))


def _above(rung: Rung, name: str, evaluation: Evaluation) -> Rung:
    return Rung(name, evaluation, evaluation.gain_over(rung.evaluation))


def _three_scales(model: VGG) -> tuple[int, ...]:
    crop = model.crop_size
    return PAPER_Q if crop == 224 else (crop, crop * 5 // 4, crop * 3 // 2)
