"""How a training scale S is written, in pixels or as the range of scale jittering.  No torch."""

from __future__ import annotations

from collections.abc import Sequence


def scale_text(S: int | Sequence[int], separator: str = ":") -> str:
    """`256`, or `256:512` for a range, as the command line takes it."""
    return separator.join(map(str, [S] if isinstance(S, int) else S))


def scale_name(S: int | Sequence[int]) -> str:
    """`256`, or `[256; 512]` for a range, as the paper writes it."""
    return scale_text(S) if isinstance(S, int) else f"[{scale_text(S, '; ')}]"
