"""The evaluation ladder, step by step, and the fusion of any of the stored nets; Tables 6 and 7 beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from numpy.typing import NDArray

from vggstudy.bootstrap import Estimate, estimate
from vggstudy.errors import ConfigError, DataError, unknown
from vggstudy.nets import RECIPES
from vggstudy.paper import TABLE_6, TABLE_7, Fusion, Result
from vggstudy.scales import scale_name
from vggstudy.widgets.base import StudyWidget
from vggstudy.widgets.words import short

if TYPE_CHECKING:
    from vggstudy.ablation import Ablation

MOST_NETS = 10  # 1,023 subsets
METHODS = {"softmax": "mean of the soft-max posteriors", "scores": "mean of the scores, then soft-max"}
VIEWS = ("dense", "multi-crop & dense")


@dataclass(frozen=True)
class Step:
    """A rung: errors in % (top-1, top-5), interval of the first, paired gain over the rung below `(mean, low, high)` in
    points, cost of an image, and the paper's errors at the same rung."""

    name: str
    errors: tuple[float, float]
    interval: tuple[float, float]
    gain: tuple[float, float, float] | None
    macs: str
    paper: tuple[float, float] | None


@dataclass(frozen=True)
class Subsets:
    """All subsets of some nets under one view: entry `m` is of the nets whose bits are set in `m`, and 0 is unused.

    `wrong` holds, for each method, how many images are wrong: top-1 and top-5.  `disagreement` is the share of the
    images on which two nets' most probable classes differ, %.
    """

    nets: tuple[str, ...]
    wrong: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    disagreement: tuple[tuple[float, ...], ...]


def ladder_steps(ablation: Ablation, net: str, others: Sequence[str] = ()) -> tuple[Step, ...]:
    """The ladder of one net, with the paper's errors where it reports them.

    Paper: sections 4.1 to 4.4.  Book: the evaluation ladder.
    """
    from vggstudy.ablation import Q_SETS, paper_result, stored_ladder

    scales = Q_SETS[RECIPES[net].S]
    reported = {
        "+ flip": paper_result(net, scales[1], "dense"),
        "+ scales": paper_result(net, scales, "dense"),
        "multi-crop": paper_result(net, scales, "multi-crop"),
        "crops & dense": paper_result(net, scales, "multi-crop & dense"),
        "fusion": TABLE_6[-1],
    }
    return tuple(
        Step(
            rung.name,
            (round(rung.evaluation.top1_error, 1), round(rung.evaluation.top5_error, 1)),
            _ends(rung.evaluation.interval()),
            rung.gain and (round(rung.gain.mean, 1), *_ends(rung.gain)),
            short(rung.evaluation.macs / len(rung.evaluation)),
            _errors(reported.get(rung.name)),
        )
        for rung in stored_ladder(ablation, net, others)
    )


def _ends(each: Estimate) -> tuple[float, float]:
    return round(each.low, 1), round(each.high, 1)


def _errors(row: Result | Fusion | None) -> tuple[float, float] | None:
    return (row.top1_error, row.top5_error) if row else None


def all_subsets(nets: Iterable[str], posteriors: NDArray[np.float64], labels: NDArray[np.int64]) -> Subsets:
    """The errors of every subset of some nets.

    Args:
        nets: Their names.
        posteriors: Of each net, `(nets, n, K)`.
        labels: `(n,)`.

    The mean of scores needs no scores: a posterior's logarithm is its score but for one number an image, which the
    soft-max takes away.  (For posteriors that are themselves means over views, it is their geometric mean.)

    Paper: section 4.4.  Book: fusion.
    """
    terms = {"softmax": posteriors, "scores": np.log(np.maximum(posteriors, 0.5 / 65535))}
    own = labels[:, None]
    earlier = np.arange(posteriors.shape[2]) < own  # of equal classes the first counts: a constant net is not praised

    def wrong(values: NDArray[np.float64], mask: int) -> tuple[int, int]:
        total = values[[bit for bit in range(len(values)) if mask >> bit & 1]].sum(0)
        theirs = np.take_along_axis(total, own, 1)
        before = ((total > theirs) | ((total == theirs) & earlier)).sum(1)
        return int((before >= 1).sum()), int((before >= 5).sum())

    masks = range(1, 2 ** len(posteriors))
    counted = {name: [(0, 0), *(wrong(values, mask) for mask in masks)] for name, values in terms.items()}
    said = posteriors.argmax(2)
    apart = 100 * (said[:, None] != said[None]).mean(2)
    return Subsets(
        tuple(nets),
        {name: tuple(zip(*counts, strict=True)) for name, counts in counted.items()},
        tuple(map(tuple, apart.round(1).tolist())),
    )


def last_nets(ablation: Ablation) -> Ablation:
    """The last ten nets of the study, if it holds more: those of jittered S, the paper's best, come last."""
    kept = ablation.nets[-MOST_NETS:]
    return replace(ablation, parts={key: part for key, part in ablation.parts.items() if part.net in kept})


def stored_subsets(ablation: Ablation, view: str) -> Subsets:
    """All subsets of the nets that are stored in a view at the scales that suit their S."""
    from vggstudy.ablation import Q_SETS

    seen = {net: ablation.evaluation(net, Q_SETS[RECIPES[net].S], view) for net in ablation.nets}
    seen = {net: each for net, each in seen.items() if each}
    if len(seen) > MOST_NETS:
        raise DataError(f"{len(seen)} nets are stored; subsets are counted of {MOST_NETS} at most")
    stacked = (
        np.stack([each.posteriors.numpy() for each in seen.values()]).astype(float) if seen else np.zeros((0, 1, 1))
    )
    return all_subsets(seen, stacked, ablation.labels)


class LadderAndFusion(StudyWidget):
    """What each step of the evaluation buys, and what the fusion of any nets does.

    Args:
        ablation: Stored posteriors; those of the study's last ten nets if left out.
        net: The net that climbs the ladder at first; the last one if left out.
    Raises:
        ConfigError: For a net that is not stored.
        DataError: If nothing is stored, or of too many nets.

    `chosen` are the nets that are fused, as bits; `nets` names them and `fused` gives top-1 and top-5 error in %.
    Paper: Tables 6 and 7.
    """

    _script = "ladder_and_fusion"
    _shown = ("net", "nets", "method", "view", "fused")

    net = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Int(1, min=1).tag(sync=True)
    method = traitlets.Enum(tuple(METHODS), "softmax").tag(sync=True)
    view = traitlets.Unicode("dense").tag(sync=True)
    methods = traitlets.List(list(METHODS.items())).tag(sync=True)
    images = traitlets.Int().tag(sync=True)
    names = traitlets.Dict(help="net -> configuration and S").tag(sync=True)
    ladders = traitlets.Dict(help="net -> `Step` records").tag(sync=True)
    subsets = traitlets.Dict(help="view -> `Subsets` record").tag(sync=True)
    intervals = traitlets.Dict(help="wrong images -> interval of the error in %").tag(sync=True)
    paper = traitlets.List(help="rows of Tables 6 and 7").tag(sync=True)

    def __init__(self, ablation: Ablation | None = None, net: str | None = None) -> None:
        from vggstudy.ablation import Ablation

        ablation = last_nets(Ablation.load()) if ablation is None else ablation
        if not ablation.nets:
            raise DataError("ablation holds no net: make it with `vggstudy study --ablation`")
        net = ablation.nets[-1] if net is None else net
        if net not in ablation.nets:
            raise ConfigError(unknown("stored net", net, ablation.nets))
        found = {view: stored_subsets(ablation, view) for view in VIEWS}
        found = {view: subsets for view, subsets in found.items() if subsets.nets}
        if not found:
            raise DataError("ablation holds no net at all scales of its S: go on with `vggstudy study --ablation`")
        n, first = len(ablation.labels), next(iter(found.values()))
        counts = {count for each in found.values() for tops in each.wrong.values() for top in tops for count in top}
        super().__init__(
            net=net,
            chosen=2 ** len(first.nets) - 1,
            view=next(iter(found)),
            images=n,
            names={name: _named(name) for name in ablation.nets},
            ladders={
                each: [asdict(step) for step in ladder_steps(ablation, each, _partners(ablation, each))]
                for each in ablation.nets
            },
            subsets={view: asdict(each) for view, each in found.items()},
            intervals={str(count): _ends(estimate(100.0 * (np.arange(n) < count))) for count in sorted(counts)},
            paper=_reported(),
        )

    @property
    def nets(self) -> list[str]:
        return [net for bit, net in enumerate(self.subsets[self.view]["nets"]) if self.chosen >> bit & 1]

    @property
    def fused(self) -> tuple[float, float]:
        top1, top5 = self.subsets[self.view]["wrong"][self.method]
        return 100 * top1[self.chosen] / self.images, 100 * top5[self.chosen] / self.images


def _partners(ablation: Ablation, net: str) -> list[str]:
    """With whom a net is fused on its last rung: all others that are stored."""
    return [other for other in ablation.nets if other != net]


def _named(net: str) -> tuple[str, str]:
    return RECIPES[net].config, f"S = {scale_name(RECIPES[net].S)}"


def _reported() -> list[tuple[str, str, float | None, float | None]]:
    fusions = [(f"{len(row.models)} nets, {row.view} ({row.when})", row.top1_error, row.top5_error) for row in TABLE_6]
    rivals = [(row.method, row.top1_error, row.top5_error) for row in TABLE_7]
    return [("6", *row) for row in fusions] + [("7", *row) for row in rivals]
