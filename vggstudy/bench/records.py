"""What is measured, and what is made of it.  Every comparison is a ratio that should be at least its goal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

NOISY = 1.3  # largest share of the probe's slowest round in its fastest one


@dataclass(frozen=True)
class Setting:
    """How a row is to be measured.

    Args:
        device: `"cpu"` or `"cuda"`.
        quick: Narrow nets and few images, so that all rows together take under a minute; goals become floors.
        rounds: Rounds of each contest, at least 5 for a figure that is reported.
        say: What to do with a line of progress.
    """

    device: str = "cpu"
    quick: bool = False
    rounds: int = 5
    say: Callable[[str], None] = field(default=lambda line: None, repr=False, compare=False)


@dataclass(frozen=True)
class Goal:
    """The least ratio: on a CPU, on a GPU, and with slack for the narrow nets of a quick run; or none."""

    cpu: float | None
    gpu: float | None = None
    quick: float | None = None

    def on(self, setting: Setting) -> float | None:
        if setting.quick:
            return self.quick
        return self.cpu if setting.device == "cpu" else self.gpu


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest value of all rounds."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        values = list(values)
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Comparison:
    """Ours against one other: `ratio` above 1 is in our favour, and `goal` is the least that was aimed at."""

    against: str
    ratio: Spread
    goal: float | None = None

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return "no goal"
        return "met" if self.ratio.median >= self.goal else "missed"

    @property
    def margin(self) -> float:
        """How far the ratio is above its goal, as a factor."""
        return self.ratio.median / self.goal if self.goal else float("inf")


@dataclass(frozen=True)
class Measurement:
    """One contest, measured.

    Args:
        job: What was done, in words.
        comparisons: A record a rival.
        seconds: Time of one run, by contestant.
        matmul_share: Our multiply-accumulates a second, as a share of those of the matrix product of the same round.
        probe_spread: Slowest round of the matrix product over its fastest.
        difference: Largest difference between our result and a rival's, relative to the largest value.
        skipped: Rivals that could not take part, and why.
        details: Whatever else is worth keeping.
    """

    job: str
    comparisons: tuple[Comparison, ...]
    seconds: Mapping[str, Spread] = field(default_factory=dict)
    matmul_share: Spread | None = None
    probe_spread: float | None = None
    difference: float | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def noisy(self) -> bool:
        return self.probe_spread is not None and self.probe_spread > NOISY

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        comparisons = [{**asdict(comparison), "verdict": comparison.verdict} for comparison in self.comparisons]
        return {**asdict(self), "comparisons": comparisons, "noisy": self.noisy}


@dataclass(frozen=True)
class Row:
    """A claim about speed or size, and how to measure it."""

    name: str
    claim: str
    measure: Callable[[Setting], Sequence[Measurement]]


def row_record(row: Row, measurements: Sequence[Measurement]) -> dict[str, Any]:
    """A row ready for JSON; `ratio` and `goal` are those of the comparison with the least margin."""
    compared = [comparison for measurement in measurements for comparison in measurement.comparisons]
    judged = [comparison for comparison in compared if comparison.goal is not None]
    tightest = min(judged or compared, key=lambda comparison: comparison.margin, default=None)
    shares = [entry.matmul_share.median for entry in measurements if entry.matmul_share]
    return {
        "row": row.name,
        "claim": row.claim,
        "ratio": tightest and tightest.ratio.median,
        "goal": tightest and tightest.goal,
        "against": tightest and tightest.against,
        "verdict": tightest.verdict if tightest else "skipped",
        "noisy": any(measurement.noisy for measurement in measurements),
        "matmul_share": shares[0] if shares else None,
        "jobs": [measurement.record() for measurement in measurements],
    }
