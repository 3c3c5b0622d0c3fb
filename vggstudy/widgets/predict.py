"""Predict before reveal: the reader commits to an answer, and a wrong one is met by the thought behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, isfinite

import traitlets

from vggstudy.errors import ConfigError, unknown
from vggstudy.widgets.base import StudyWidget

RELATIVE_TOLERANCE = 0.05  # of an answer that is no whole number


@dataclass(frozen=True)
class Band:
    """What is said to an answer between `low` and `high`, both included; `None` is without end."""

    low: float | None
    high: float | None
    right: bool
    feedback: str

    def holds(self, value: float) -> bool:
        low = -inf if self.low is None else self.low
        high = inf if self.high is None else self.high
        return low <= value <= high


@dataclass(frozen=True)
class Option:
    """One choice, and what is said to it."""

    text: str
    right: bool
    feedback: str


def bands(
    answer: float, tolerance: float | None = None, misconceptions: Mapping[float, str] | None = None
) -> tuple[Band, ...]:
    """What is said to any number: the first band that holds it speaks.

    Args:
        answer: The key, computed by the library.
        tolerance: Largest distance from the key that is right; left out, 0 for a whole number and else 5%.
        misconceptions: Wrong number -> the thought that leads to it.  It is met within the same tolerance.
    Raises:
        ConfigError: If a number is not finite, the tolerance is negative, or a misconception counts as right.
    """
    if not isfinite(answer):
        raise ConfigError(f"answer={answer!r}: a prediction needs a finite number as its key")
    if tolerance is None:
        tolerance = 0 if float(answer).is_integer() else RELATIVE_TOLERANCE * abs(answer)
    if not 0 <= tolerance < inf:
        raise ConfigError(f"tolerance={tolerance!r}: it is 0 or more")
    right = Band(answer - tolerance, answer + tolerance, True, "")
    spoken = [right]
    for wrong, thought in (misconceptions or {}).items():
        if right.holds(wrong):
            raise ConfigError(f"misconceptions: {wrong!r} counts as right ({answer!r} within {tolerance:g})")
        spoken.append(Band(wrong - tolerance, wrong + tolerance, False, thought))
    return (*spoken, Band(None, answer, False, "Too small."), Band(answer, None, False, "Too large."))


def options(choices: Sequence[str], answer: str, misconceptions: Mapping[str, str] | None = None) -> tuple[Option, ...]:
    """The choices, with what is said to each.

    Raises:
        ConfigError: If there are fewer than two choices, or two alike, or the key or a misconception is none.
    """
    misconceptions = misconceptions or {}
    if len(choices) < 2 or len(set(choices)) < len(choices):
        raise ConfigError(f"choices={list(choices)!r}: there are two or more, all different")
    for text in (answer, *misconceptions):
        if text not in choices:
            raise ConfigError(unknown("choice", text, choices))
    if answer in misconceptions:
        raise ConfigError(f"misconceptions: {answer!r} is the key")
    return tuple(Option(text, text == answer, misconceptions.get(text, "")) for text in choices)


class Predict(StudyWidget):
    """A question that the reader answers before the book does.

    Args:
        question: One sentence, plain text.
        answer: The key, computed by the library: a number, or one of `choices`.
        unit: Of the number, such as `"px"`.
        misconceptions: Wrong answer -> the thought that leads to it, in a sentence.
        choices: Two or more texts to choose from; left out, a number is asked for.
        tolerance: As for `bands`.
        explanation: Shown once the reader has committed, right or wrong.

    `committed` is what the reader said, `None` until then.
    """

    _script = "predict"
    _shown = ("question", "committed")

    question = traitlets.Unicode().tag(sync=True)
    unit = traitlets.Unicode().tag(sync=True)
    key = traitlets.Unicode(help="the answer as a reader writes it").tag(sync=True)
    explanation = traitlets.Unicode().tag(sync=True)
    bands = traitlets.List(help="of `Band` records; empty for a choice").tag(sync=True)
    options = traitlets.List(help="of `Option` records; empty for a number").tag(sync=True)
    committed = traitlets.Any(None, allow_none=True).tag(sync=True)

    def __init__(
        self,
        question: str,
        *,
        answer: float | str,
        unit: str = "",
        misconceptions: Mapping | None = None,
        choices: Sequence[str] | None = None,
        tolerance: float | None = None,
        explanation: str = "",
    ) -> None:
        traits = {"question": question, "unit": unit, "explanation": explanation}
        if choices is None:
            number = _number(answer)
            traits["key"] = f"{number:,}" if isinstance(number, int) else f"{number:,.4g}"
            traits["bands"] = [asdict(band) for band in bands(number, tolerance, misconceptions)]
        else:
            traits["key"] = str(answer)
            traits["options"] = [asdict(option) for option in options(choices, answer, misconceptions)]
        super().__init__(**traits)


def _number(answer: object) -> int | float:
    """A plain number, also from numpy and torch, whole where it is."""
    try:
        number = float(answer)
    except (TypeError, ValueError):
        raise ConfigError(f"answer={answer!r}: give a number, or choices=[...] to choose from") from None
    return int(number) if number.is_integer() else number
