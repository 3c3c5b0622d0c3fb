"""Measure rows by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from vggstudy.bench import ROWS
from vggstudy.bench.records import Row, Setting, row_record
from vggstudy.errors import ConfigError, unknown


def find_row(name: str) -> Row:
    """The row of that name.

    Raises:
        ConfigError: With the close matches, if there is none.
    """
    if name not in ROWS:
        raise ConfigError(unknown("row", name, ROWS))
    rows = vars(import_module(ROWS[name])).values()
    return next(row for row in rows if isinstance(row, Row) and row.name == name)


def measure(rows: Iterable[Row], setting: Setting) -> Iterator[dict[str, Any]]:
    """Measure rows one after the other; each record is ready for JSON."""
    for row in rows:
        setting.say(f"{row.name}: {row.claim}")
        yield row_record(row, row.measure(setting))
