"""What the small-scale replication says of each of the paper's comparisons: gains and verdicts.  No torch.

A gain is the fall of the top-1 error, in percentage points, from one arm or protocol to another with the same seed. The
two have spent the same budget of multiply-accumulates; where the name ends in `-passes` they have made as many passes
over the images, the paper's rule.  The interval is Student's over the seeds: with five of them it is wide, and a gain
that it does not keep apart from zero is left undecided.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from vggstudy.arms import BUDGET, BUDGETS, BY_LABEL, FOLLOWED, SEEDS
from vggstudy.errors import ConfigError, DataError, unknown
from vggstudy.nets import RESULTS
from vggstudy.paper import JITTER, SHALLOW_NET_EXCESS, TABLE_3, TABLE_4, TABLE_5, TABLE_6

STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""Degrees of freedom -> 97.5% quantile of Student's distribution."""

REPRODUCED, CONTRADICTED = "reproduced at small scale", "contradicted at small scale"
UNDECIDED, NOT_TESTED = "undecided at small scale", "not tested"


@dataclass(frozen=True)
class Side:
    """One side of a comparison: the label of an arm, the protocol of its test, and the budget of its training."""

    arm: str
    protocol: str = "dense 40"
    budget: float = BUDGET

    def __str__(self) -> str:
        return f"{self.arm}, {self.protocol}"


@dataclass(frozen=True)
class Comparison:
    """A claim of the paper about two nets, or about one net tested in two ways.

    Args:
        claim: What the paper says, in a few words.
        section: Where.
        before, after: The two sides; the gain is the error of the first less that of the second.
        paper: The paper's gain, in points of top-1 error; `None` where it gives no number.
        better: Whether the paper finds `after` better; otherwise it finds it no better.
    """

    claim: str
    section: str
    before: Side
    after: Side
    paper: float | None = None
    better: bool = True


@dataclass(frozen=True)
class Outcome:
    """A comparison as measured: errors in % and gains in points of top-1 error, one for each seed."""

    comparison: Comparison
    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def gains(self) -> tuple[float, ...]:
        return tuple(first - second for first, second in zip(self.before, self.after, strict=True))

    @property
    def mean(self) -> float:
        return fmean(self.gains)

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the mean gain, over the seeds."""
        n = len(self.gains)
        half = STUDENT[n - 1] * stdev(self.gains) / sqrt(n)
        return self.mean - half, self.mean + half

    @property
    def verdict(self) -> str:
        """Whether the gain has the paper's sign beyond its interval, the other sign, or neither."""
        if len(self.gains) < 2:
            return NOT_TESTED
        low, high = self.interval
        if low <= 0 <= high:
            return UNDECIDED
        return REPRODUCED if (low > 0) == self.comparison.better else CONTRADICTED

    @property
    def wins(self) -> int:
        """Seeds in which `after` has the lower error."""
        return sum(gain > 0 for gain in self.gains)


def _gain(before: tuple, after: tuple) -> float:
    """Difference of two rows of Tables 3 to 5, each given as `(config, S, Q, view)`."""
    rows = {(row.config, row.S, row.Q, row.view): row.top1_error for row in (*TABLE_5, *TABLE_4, *TABLE_3)}
    return round(rows[before] - rows[after], 1)


def _single(config: str, S: Any = 256) -> tuple:
    Q = sum(S) // 2 if isinstance(S, tuple) else S
    return config, S, (Q,), "dense"


def _side(net: str, large: bool = False, budget: float = BUDGET) -> Side:
    return Side(f"{net} in large crops", "dense 72", budget) if large else Side(net, budget=budget)


def _deeper(letter: str, large: bool = False) -> Comparison:
    """A deeper net against A, after as many passes."""
    claim = f"{letter} is better than A, passes equal{', large crops' if large else ''}"
    paper = _gain(_single("A"), _single(letter))
    return Comparison(claim, "4.1", _side("A", large), _side(f"{letter} after A", large), paper)


def _longer(letter: str, large: bool = False) -> Comparison:
    """The same against a net A that goes on for as many passes as the deeper net adds."""
    claim = f"{letter} after A is better than A that goes on{', large crops' if large else ''}"
    return Comparison(claim, "4.1", _side("A", large, 2 * BUDGET), _side(f"{letter} after A", large))


def _started(letter: str) -> Comparison:
    """Pre-initialisation against random weights, with as many passes in all."""
    claim = f"{letter} is better from A than from random weights, passes equal"
    return Comparison(claim, "3.1", Side(f"{letter} from random"), Side(f"{letter} after A"))


def _steps(start: str, name: str = "", told: str = "") -> dict[str, Comparison]:
    """From one deeper net to another, all of which start `from` or `after` A."""
    B, C, D, E = (Side(f"{letter} {start} A") for letter in "BCDE")
    return {
        f"saturation{name}": Comparison(
            f"at one fixed S, E is no better than D{told}", "4.1", D, E, _gain(_single("D"), _single("E")), better=False
        ),
        f"one-by-one{name}": Comparison(
            f"C is better than B: non-linearity helps{told}", "4.1", B, C, _gain(_single("B"), _single("C"))
        ),
        f"context{name}": Comparison(
            f"D is better than C: spatial context helps{told}", "4.1", C, D, _gain(_single("C"), _single("D"))
        ),
    }


_D = "D", JITTER, (256, 384, 512)

COMPARISONS: dict[str, Comparison] = {
    "lrn": Comparison(
        "LRN does not improve A", "4.1", Side("A"), Side("A-LRN"), _gain(_single("A"), _single("A-LRN")), better=False
    ),
    "depth-b": Comparison("B is better than A", "4.1", Side("A"), Side("B"), _gain(_single("A"), _single("B"))),
    "depth-c": Comparison("C is better than A", "4.1", Side("A"), Side("C from A"), _gain(_single("A"), _single("C"))),
    "depth-d": Comparison("D is better than A", "4.1", Side("A"), Side("D from A"), _gain(_single("A"), _single("D"))),
    "depth-e": Comparison("E is better than A", "4.1", Side("A"), Side("E from A"), _gain(_single("A"), _single("E"))),
    **_steps("from"),
    **{f"depth-{letter.lower()}-passes": _deeper(letter) for letter in "BCDE"},
    **_steps("after", "-passes", ", passes equal"),
    **{f"longer-{letter.lower()}": _longer(letter) for letter in "BCDE"},
    **{
        f"{name}-{letter.lower()}-large": compared(letter, large=True)
        for letter in "BD" for name, compared in (("depth", _deeper), ("longer", _longer))
    },
    "small-filters": Comparison(
        "B is better than its rival of 5×5 layers", "4.1", Side("B with 5×5", "centre 40"), Side("B", "centre 40"),
        SHALLOW_NET_EXCESS,
    ),
    "small-filters-7": Comparison(
        "three 3×3 layers are better than one 7×7 layer", "2.3", Side("D with 7×7"), Side("D from A")
    ),
    **{
        f"start-{letter.lower()}": Comparison(
            f"{letter} starts better from A than from random weights", "3.1", Side(letter), Side(f"{letter} from A")
        )
        for letter in "BCDE"
    },
    **{f"start-{letter.lower()}-passes": _started(letter) for letter in "BD"},
    "jitter": Comparison(
        "training over a range of S is better than at its small end", "4.1",
        Side("A at S=40"), Side("A at S=40:64", "dense 52"), _gain(_single("D"), _single("D", JITTER)),
    ),
    "jitter-large": Comparison(
        "training over a range of S is better than at its large end", "4.1",
        Side("A at S=64", "dense 64"), Side("A at S=40:64", "dense 52"),
        _gain(_single("D", 384), _single("D", JITTER)),
    ),
    "jitter-scales": Comparison(
        "with several test scales too, training over a range of S is better than at its small end", "4.2",
        Side("A at S=40", "dense small"), Side("A at S=40:64", "dense jittered"),
        _gain(("D", 256, (224, 256, 288), "dense"), (*_D, "dense")),
    ),
    "scales": Comparison(
        "several test scales are better than one", "4.2",
        Side("A at S=40:64", "dense 52"), Side("A at S=40:64", "dense jittered"),
        _gain(_single("D", JITTER), (*_D, "dense")),
    ),
    "scales-fixed": Comparison(
        "several test scales are better than one, at fixed S", "4.2", Side("D from A"), Side("D from A", "dense small"),
        _gain(_single("D"), ("D", 256, (224, 256, 288), "dense")),
    ),
    "flip": Comparison(
        "averaging with the mirror image helps", "3.2", Side("D from A", "dense 40 unflipped"), Side("D from A")
    ),
    "crops": Comparison(
        "crops are better than dense", "4.3", Side("D from A", "first dense"), Side("D from A", "first multi-crop"),
        _gain((*_D, "dense"), (*_D, "multi-crop")),
    ),
    "both-dense": Comparison(
        "crops and dense together are better than dense", "4.3",
        Side("D from A", "first dense"), Side("D from A", "first both"),
        _gain((*_D, "dense"), (*_D, "multi-crop & dense")),
    ),
    "both-crops": Comparison(
        "crops and dense together are better than crops", "4.3",
        Side("D from A", "first multi-crop"), Side("D from A", "first both"),
        _gain((*_D, "multi-crop"), (*_D, "multi-crop & dense")),
    ),
    "fusion": Comparison(
        "the two best nets together are better than the best alone", "4.4",
        Side("fusion", "best single"), Side("fusion", "fused"),
        round(min(row.top1_error for row in TABLE_5 if row.view == "dense") - TABLE_6[1].top1_error, 1),
    ),
}  # fmt: skip


def load_replication(folder: Path = RESULTS) -> dict[str, Any]:
    """What `vggstudy study --replication` stored.

    Raises:
        DataError: If it is missing.
    """
    path = folder / "replication.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"no such file: {path}; make it with `vggstudy study --replication`") from None


def key_of(label: str, budget: float = BUDGET) -> str:
    """Under which an arm's runs are stored."""
    return BY_LABEL[label](budget).key if label in BY_LABEL else label


def errors(record: Mapping[str, Any], side: Side) -> dict[int, float]:
    """Top-1 error in % by seed, of the seeds that are stored."""
    found = {seed: record["runs"].get(f"{key_of(side.arm, side.budget)}/{seed}") for seed in SEEDS}
    return {seed: run["test"][side.protocol] for seed, run in found.items() if run}


def compare(name: str, record: Mapping[str, Any] | None = None) -> Outcome:
    """A comparison by its name, over the seeds that both sides have.

    Raises:
        ConfigError: With the close matches, if there is no comparison of that name.
    """
    if name not in COMPARISONS:
        raise ConfigError(unknown("comparison", name, COMPARISONS))
    comparison, record = COMPARISONS[name], record or load_replication()
    sides = [errors(record, side) for side in (comparison.before, comparison.after)]
    seeds = [seed for seed in SEEDS if all(seed in side for side in sides)]
    return Outcome(comparison, *(tuple(side[seed] for seed in seeds) for side in sides))


@dataclass(frozen=True)
class Point:
    """A net at one budget: multiply-accumulates of the forward passes in training, and errors in % over seeds."""

    label: str
    budget: float
    macs: float
    errors: tuple[float, ...]


def by_budget(
    record: Mapping[str, Any] | None = None, labels: Iterable[str] = FOLLOWED, protocol: str = "dense 40"
) -> tuple[Point, ...]:
    """Nets by their labels, at every budget that is stored."""
    record = record or load_replication()
    points = []
    for label in labels:
        for budget in BUDGETS:
            if seen := tuple(errors(record, Side(label, protocol, budget)).values()):
                points.append(Point(label, budget, BY_LABEL[label](budget).spent, seen))
    return tuple(points)
