"""Numbers as readers read them."""

from __future__ import annotations

UNITS = (("G", 10**9), ("M", 10**6), ("k", 10**3))


def short(count: float, unit: str = "") -> str:
    """Three figures and a unit: `short(102764544)` is `103 M`, `short(12845056, "B")` is `12.8 MB`."""
    for prefix, size in UNITS:
        if count >= 999.5 * size:
            return f"{count / size:,.0f} {prefix}{unit}"
        if count >= size:
            return f"{count / size:.3g} {prefix}{unit}"
    return f"{count:.3g} {unit}".rstrip()
