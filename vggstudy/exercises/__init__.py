"""Coding exercises: the reader's function against the library's, case by case, with a hint for each known slip.

Each chapter's exercises are a module of this package, `EXERCISES` by name; `check("small_filters.centre", mine)` finds
them there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from vggstudy.errors import ConfigError, unknown

RELATIVE = 1e-4  # of numbers and tensors that are compared


@dataclass(frozen=True)
class Exercise:
    """A function for the reader to write.

    Args:
        answer: The library's, called with the arguments of each case.
        cases: Arguments of each call; the first ones are the plainest.
        slips: Hint -> what a reader with that slip would have written.
    """

    answer: Callable[..., Any]
    cases: tuple[tuple[Any, ...], ...]
    slips: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What `check` says."""

    right: bool
    words: str

    def __repr__(self) -> str:
        return self.words


def check(name: str, function: Callable[..., Any]) -> Verdict:
    """Try a reader's function on the cases of an exercise.

    Args:
        name: `chapter.exercise`, as the exercise says.
        function: The reader's.
    Returns:
        Whether it is right in all cases; otherwise the first case in which it is not, and a hint if the slip is known.
    Raises:
        ConfigError: With the close matches, if no exercise has that name.
    """
    exercise = find(name)
    for number, case in enumerate(exercise.cases):
        call = f"{getattr(function, '__name__', 'function')}({', '.join(map(_short, case))})"
        try:
            given = function(*case)
        except Exception as error:
            return Verdict(False, f"not yet: {call} raises {type(error).__name__}: {error}")
        if not same(given, exercise.answer(*case)):
            return Verdict(False, f"not yet: {call} gives {_short(given)}.{_hint(exercise, function, number)}")
    return Verdict(True, f"right in all {len(exercise.cases)} cases")


def find(name: str) -> Exercise:
    """The exercise called `chapter.exercise`.

    Raises:
        ConfigError: With the close matches, if there is none.
    """
    chapter, _, exercise = name.partition(".")
    if chapter in chapters():
        found = import_module(f"{__name__}.{chapter}").EXERCISES
        if exercise in found:
            return found[exercise]
        raise ConfigError(unknown("exercise", name, [f"{chapter}.{each}" for each in found]))
    raise ConfigError(unknown("chapter of exercises", chapter, chapters()))


def chapters() -> list[str]:
    """Chapters that have coding exercises."""
    return sorted(module.name for module in iter_modules(__path__))


def same(given: Any, wanted: Any) -> bool:
    """Whether two results agree: numbers and tensors closely, sequences one by one, everything else exactly."""
    if hasattr(wanted, "shape"):
        return getattr(given, "shape", None) == wanted.shape and bool(
            (abs(given - wanted) <= RELATIVE * (1 + abs(wanted))).all()
        )
    if isinstance(wanted, tuple | list):
        return isinstance(given, tuple | list) and len(given) == len(wanted) and all(map(same, given, wanted))
    if isinstance(wanted, float) or isinstance(given, float):
        return isinstance(given, int | float) and math.isclose(given, wanted, rel_tol=RELATIVE, abs_tol=RELATIVE)
    return type(given) is type(wanted) and given == wanted


def _hint(exercise: Exercise, function: Callable[..., Any], number: int) -> str:
    """The hint of the slip that agrees with the reader's function up to and in the case where it fails."""
    cases = exercise.cases[: number + 1]
    for hint, slip in exercise.slips.items():
        try:
            if all(same(function(*case), slip(*case)) for case in cases):
                return f" Hint: {hint}"
        except Exception:  # a slip need not have an answer for every case
            continue
    return ""


def _short(value: Any) -> str:
    if hasattr(value, "shape"):
        return f"{type(value).__name__}{tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
