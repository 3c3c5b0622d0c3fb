"""Contests: a job done by us and by others, in alternated rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from math import ceil
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from vggstudy.bench.records import Comparison, Goal, Measurement, Setting, Spread

Run = Callable[[], object]

OURS, PROBE = "ours", "matmul"
NO_GOAL = Goal(None)


@dataclass(frozen=True)
class Rival:
    """Another way to do the job.

    Args:
        run: Does it once.
        goal: The least ratio of its time to ours.
        scale: What that ratio is multiplied by; for a rival whose job is larger, our share of its work.
    """

    run: Run
    goal: Goal = NO_GOAL
    scale: float = 1.0


@dataclass(frozen=True)
class Contest:
    """One job and who does it.

    Args:
        job: What is done, in words.
        ours: Does it once.
        rivals: Who else does it.
        difference: Runs everybody once; largest difference of the results, relative to the largest value.
        tolerance: What `difference` may be.
        macs: Multiply-accumulates of one run of ours, if a share of the matmul rate means anything.
        matmul_goal: The least share of it.
        skipped: Rivals that are not here, and why.
        details: Kept with the result; called after the last round.
    """

    job: str
    ours: Run
    rivals: Mapping[str, Rival]
    difference: Callable[[], float]
    tolerance: float = 1e-3
    macs: int | None = None
    matmul_goal: Goal = NO_GOAL
    skipped: Mapping[str, str] = field(default_factory=dict)
    details: Callable[[], Mapping[str, Any]] = dict


Prepare = Callable[[Setting], AbstractContextManager[Contest]]


class NotEqual(AssertionError):
    """Two contestants do not compute the same: there is nothing to be timed."""


def contests(*preparations: Prepare) -> Callable[[Setting], Sequence[Measurement]]:
    """What a row does: prepare each contest, hold it, clear it away."""

    def measure(setting: Setting) -> Sequence[Measurement]:
        return [measured(prepare, setting) for prepare in preparations]

    return measure


def measured(prepare: Prepare, setting: Setting) -> Measurement:
    with prepare(setting) as contest:
        return hold(contest, setting)


def hold(contest: Contest, setting: Setting) -> Measurement:
    """Check that all compute the same, then time them.

    Raises:
        NotEqual: If a result differs by more than the contest's tolerance.
    """
    setting.say(f"  {contest.job}")
    difference = contest.difference()
    if not difference <= contest.tolerance:  # also if it is not a number
        raise NotEqual(f"{contest.job}: results differ by {difference:.1e}, allowed is {contest.tolerance:.0e}")
    with matmul_probe(setting) as (probe, probe_macs):
        runs = {OURS: contest.ours, **{name: rival.run for name, rival in contest.rivals.items()}, PROBE: probe}
        seconds = alternate(runs, setting)

    def ratio(other: str, scale: float) -> Spread:
        return Spread.of(scale * theirs / ours for ours, theirs in zip(seconds[OURS], seconds[other], strict=True))

    comparisons = [
        Comparison(name, ratio(name, rival.scale), rival.goal.on(setting)) for name, rival in contest.rivals.items()
    ]
    share = contest.macs and ratio(PROBE, contest.macs / probe_macs)
    if share and contest.matmul_goal != NO_GOAL:
        comparisons.append(Comparison("the matmul rate", share, contest.matmul_goal.on(setting)))
    return Measurement(
        contest.job,
        tuple(comparisons),
        {name: Spread.of(values) for name, values in seconds.items()},
        share or None,
        max(seconds[PROBE]) / min(seconds[PROBE]),
        difference,
        contest.skipped,
        contest.details(),
    )


def alternate(runs: Mapping[str, Run], setting: Setting, rounds: int | None = None) -> dict[str, list[float]]:
    """Seconds of one run, by contestant and round.

    Each is warmed up first; short jobs are repeated within a round; who begins moves on from round to round.
    """
    settle = torch.cuda.synchronize if setting.device == "cuda" else lambda: None
    least = 0.03 if setting.quick else 0.2  # seconds a round: the clock and the scheduler are far finer

    def timed(run: Run, times: int = 1) -> float:
        settle()
        start = perf_counter()
        for _ in range(times):
            run()
        settle()
        return (perf_counter() - start) / times

    times = {}
    for name, run in runs.items():
        short = timed(run) < least
        times[name] = max(1, ceil(least / timed(run))) if short else 1
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for number in range(rounds or setting.rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(timed(runs[name], times[name]))
    return seconds


@contextmanager
def matmul_probe(setting: Setting) -> Iterator[tuple[Run, int]]:
    """A square matrix product in the precision of the device, and its multiply-accumulates."""
    on_gpu = setting.device == "cuda"
    side = 8192 if on_gpu else 1024 if setting.quick else 2048
    a, b, c = (torch.ones(side, side, device=setting.device, dtype=precision(setting)) for _ in range(3))
    yield lambda: torch.mm(a, b, out=c), side**3


def precision(setting: Setting) -> torch.dtype:
    """What the device computes fastest without being told to be inexact: bfloat16 on a GPU, float32 on a CPU."""
    return torch.bfloat16 if setting.device == "cuda" else torch.float32


def relative_difference(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference of two results, in units of the largest value."""
    return float((ours - theirs).abs().max() / theirs.abs().max())
