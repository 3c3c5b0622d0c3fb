"""Numbers on the book's Markdown pages, which have no cells: computed by the library when the page is built.

    {computed}`receptive_field("D", at="fc6")`        404

An expression may use what `vggstudy.analysis`, `vggstudy.configs` and `vggstudy.paper` define, and `sqrt`, `log`.
"""

from __future__ import annotations

import math
from typing import Any

from vggstudy import analysis, configs, paper

NAMES: dict[str, Any] = {
    **vars(paper), **vars(configs), **vars(analysis), "sqrt": math.sqrt, "log": math.log,
    "__builtins__": {"sum": sum, "round": round, "len": len},
}  # fmt: skip


def compute(expression: str) -> str:
    """The value of an expression as a reader writes it: thousands apart, four figures of what is no whole number.

    Raises:
        ValueError: Naming the expression, if it has no value or the value is no number and no text.
    """
    try:
        # The expressions are those of our own pages, under version control like any other code.
        value = eval(expression, dict(NAMES))
    except Exception as error:
        raise ValueError(f"{{computed}}`{expression}`: {type(error).__name__}: {error}") from None
    if not isinstance(value, int | float | str):
        raise ValueError(f"{{computed}}`{expression}` is a {type(value).__name__}, not a number")
    return written(value)


def written(value: float | str) -> str:
    """`12,845,056`, `0.02946`, or the text itself."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    return f"{value:,.4g}".replace("-", "−")
