"""Errors of our own: each message is one line that says what is wrong, where, and what to do.

They are `ValueError`s, so that a notebook may treat them as such; the command line prints the line and exits with 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class StudyError(ValueError):
    """Base of every error that the user can mend."""


class ConfigError(StudyError):
    """A configuration, a setting or a name that is not understood."""


class DataError(StudyError):
    """A folder, an archive or an image that cannot be used."""


class CheckpointError(StudyError):
    """A checkpoint that is damaged, foreign or does not fit."""


class TrainingError(StudyError):
    """Training that cannot go on."""


class WeightsError(StudyError):
    """Weights that cannot be had or do not fit the network."""


class StudyWarning(UserWarning):
    """What the user should know, though the work goes on."""


@contextmanager
def about(what: str) -> Iterator[None]:
    """While it is entered, a `DataError` that does not know its image or file begins with it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{what}: {error}") from None


def unknown(what: str, name: object, allowed: Iterable[str]) -> str:
    """One line for a name that is not known: the close matches if there are any, and all that is allowed."""
    allowed = list(allowed)
    lowered = {option.lower(): option for option in allowed}
    near = [lowered[match] for match in get_close_matches(str(name).lower(), lowered, n=3, cutoff=0.6)]
    hint = f"; did you mean {' or '.join(near)}" if near else ""
    return f"unknown {what} {str(name)!r}{hint} (allowed: {', '.join(allowed)})"
