"""Statuses that measurements decide: the replication's comparisons, and what other stored runs show.  No torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from math import log
from statistics import fmean
from typing import Any

from vggstudy.claims.record import Verdict
from vggstudy.comparisons import COMPARISONS, Outcome, compare
from vggstudy.errors import DataError
from vggstudy.nets import RECIPES, RESULTS, card, shipped
from vggstudy.regime import Scale

FEWEST_SEEDS = 3  # below this a verdict is not worth the name
STATUS = {"reproduced at small scale": "reproduced", "contradicted at small scale": "contradicted"}


def outcome_of(name: str) -> Outcome | None:
    """A comparison as measured, or `None` while it is not stored."""
    try:
        return compare(name)
    except DataError:
        return None


def verdict_of(name: str) -> Verdict:
    """What the replication says of a comparison; undecided while it is missing or has too few seeds."""
    outcome = outcome_of(name)
    seeds = len(outcome.gains) if outcome else 0
    if seeds < FEWEST_SEEDS:
        return Verdict("undecided", f"{seeds} seeds so far")
    return Verdict(STATUS.get(outcome.verdict, "undecided"), f"gain {_gain(outcome)} ({seeds} seeds)")


def _gain(outcome: Outcome) -> str:
    low, high = outcome.interval
    return f"{outcome.mean:+.1f} points [{low:+.1f}; {high:+.1f}]".replace("-", "−")


def combined(**names: str) -> Callable[[], Verdict]:
    """One verdict over several comparisons, by what each is about.

    Reproduced if all of them are; contradicted if some are and none is reproduced; else undecided.
    """

    def judge() -> Verdict:
        verdicts = {label: verdict_of(name) for label, name in names.items()}
        seen = {verdict.status for verdict in verdicts.values()}
        status = "undecided"
        if seen == {"reproduced"}:
            status = "reproduced"
        elif "contradicted" in seen and "reproduced" not in seen:
            status = "contradicted"
        found = "; ".join(f"{label.replace('_', ' ')}: {verdict.found}" for label, verdict in verdicts.items())
        return Verdict(status, found)

    return judge


def by_both_rules(**names: str) -> Callable[[], Verdict]:
    """One verdict over several comparisons by the paper's rule, passes equal; what they say at equal cost is told."""
    judge_passes = combined(**{label: f"{name}-passes" for label, name in names.items()})

    def judge() -> Verdict:
        verdict = judge_passes()
        at_equal_cost = "; ".join(f"{label}: {verdict_of(name).found}" for label, name in names.items())
        return Verdict(verdict.status, f"passes equal: {verdict.found}. Cost equal: {at_equal_cost}")

    return judge


def provided(supposed: str, judge: Callable[[], Verdict], otherwise: str) -> Callable[[], Verdict]:
    """The verdict of `judge`; undecided, and why, where the comparison that the claim supposes is not reproduced."""

    def judge_if() -> Verdict:
        verdict = judge()
        if verdict_of(supposed).status == "reproduced":
            return verdict
        return Verdict("undecided", f"{verdict.found}. {otherwise}")

    return judge_if


def comparison(name: str) -> Callable[[], Verdict]:
    """The verdict of one comparison, read when it is asked for."""
    return partial(verdict_of, name)


def papers_gain(name: str) -> str:
    """The gain that the paper reports for a comparison, in points of top-1 error."""
    gain = COMPARISONS[name].paper
    return "no figure" if gain is None else f"{gain:+.1f} points".replace("-", "−")


@cache
def stored(file: str) -> dict[str, Any]:
    return json.loads((RESULTS / file).read_text(encoding="utf-8"))["settings"]


def end_of(name: str) -> tuple[float, float, float]:
    """Training loss, validation top-1 error in % and ln K at the end of a recorded run of the chapter on starts."""
    (run,) = stored("start.json")[name]
    last = run["records"][-1]
    return last["loss"], last["val_top1_error"], log(run["model"]["num_classes"])


def a_stall() -> Verdict:
    """Whether D from random weights stayed at ln K while D from A left it."""
    stuck, error, chance = end_of("D, random")
    loss, other, _ = end_of("D, from A")
    status = "reproduced" if abs(stuck - chance) < 0.05 < chance - loss else "undecided"
    found = f"D from random weights ends at a loss of {stuck:.2f} (ln K = {chance:.2f}), an error of {error:.0f}%"
    return Verdict(status, f"{found}, from A at {loss:.2f} and {other:.0f}% (1 seed)")


def a_learns() -> Verdict:
    """Whether A learnt from random weights."""
    loss, error, chance = end_of("A")
    status = "reproduced" if loss < chance / 2 else "undecided"
    return Verdict(
        status, f"A ends at a loss of {loss:.2f} (ln K = {chance:.2f}) and an error of {error:.0f}% (1 seed)"
    )


def epochs_of_small_filters(error: int = 25) -> Verdict:
    """Whether B needs fewer epochs than its rival of 5x5 layers to a validation error."""

    def epochs(name: str) -> list[int]:
        runs = stored("filter_size.json")[name]
        return [int(next(r["epoch"] for r in run["records"] if r["val_top1_error"] < error)) for run in runs]

    small, large = epochs("B, 3×3"), epochs("rival, 5×5")
    status = "undecided"
    if len(small) >= FEWEST_SEEDS:
        status = "reproduced" if max(small) < min(large) else "contradicted" if max(large) < min(small) else status
    told = f"B reaches a validation error of {error}% in {_or(small)} epochs, its rival of 5×5 layers in {_or(large)}"
    return Verdict(status, f"{told} ({len(small)} seeds)")


def _or(numbers: list[int]) -> str:
    return " or ".join(map(str, dict.fromkeys(numbers)))


def errors_by_scale(name: str) -> dict[int, float]:
    """Top-1 error in % of a shipped net by test scale Q."""
    return {int(Q): error for Q, error in card(name)["test_top1_error"].items()}


def far_scales(points: float = 10.0) -> Verdict:
    """Whether the shipped nets of one S err more at the test scale that lies furthest from it."""
    nets: dict[str, Scale] = {name: RECIPES[name].S for name in shipped() if isinstance(RECIPES[name].S, int)}
    near, far = [], []
    for name, S in nets.items():
        errors = errors_by_scale(name)
        near.append(errors[S])
        far.append(errors[max(errors, key=lambda Q, S=S: abs(Q - S))])
    worse = sum(second > first + points for first, second in zip(near, far, strict=True))
    status = "reproduced" if worse == len(nets) else "undecided" if worse else "contradicted"
    found = f"{worse} of {len(nets)} nets err over {points:.0f} points more at the furthest Q"
    return Verdict(status, f"{found}: {fmean(far):.0f}% instead of {fmean(near):.0f}% on average (1 seed a net)")


def wider_range() -> Verdict:
    """Whether jittered nets err less than those of one S, averaged over all test scales."""
    pairs = [(f"{r.config}-S72", r.name) for r in RECIPES.values() if r.S == (72, 144)]
    means = [tuple(fmean(errors_by_scale(name).values()) for name in pair) for pair in pairs]
    better = sum(jittered < fixed for fixed, jittered in means)
    status = "reproduced" if better == len(pairs) else "undecided" if better else "contradicted"
    fixed, jittered = (fmean(column) for column in zip(*means, strict=True))
    found = f"averaged over Q from 64 to 144, {better} of {len(pairs)} jittered nets err less"
    return Verdict(
        status, f"{found}: {jittered:.0f}% instead of {fixed:.0f}% (1 seed a net, trained on from the other)"
    )
