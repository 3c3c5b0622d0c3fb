"""Where a user says that files lie."""

from __future__ import annotations

from pathlib import Path

from .errors import DataError


def user_path(text: str) -> Path:
    """A path as a user writes it, `~` and `~name` being home folders.

    Raises:
        DataError: If there is no such user, or nobody knows the home folder.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise DataError(f"{text}: there is no home folder {Path(text).parts[0]}; write the folder out") from None
