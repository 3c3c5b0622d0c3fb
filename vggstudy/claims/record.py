"""One claim of the paper as a record, and how its figure and ours are written and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vggstudy.claims.evidence import Evidence

# Status -> the word on its badge, and what it means.
STATUSES = {
    "exact": (
        "exact",
        "computed here, or built into the library and tested: as the paper says, to the last digit that it gives",
    ),
    "reproduced": (
        "reproduced at small scale",
        "small nets on made images show it too: beyond the interval over seeds, or in a case where one is enough",
    ),
    "contradicted": (
        "contradicted at small scale",
        "small nets on made images show the opposite, beyond that interval; it says nothing of the paper's nets",
    ),
    "undecided": (
        "undecided at small scale",
        "our runs do not tell, or there are fewer than three seeds of them",
    ),
    "imagenet": ("needs ImageNet", "not run here; the command that would tell is given"),
    "reported": ("reported only", "what others did or said, which nothing here can check"),
}

SIGNIFICANT = 1e-9  # what binary fractions may differ by


@dataclass(frozen=True)
class Verdict:
    """A status, and what was found here, in words."""

    status: str
    found: str


@dataclass(frozen=True)
class Claim:
    """One checkable sentence or number of the paper.

    Args:
        id: Its anchor in the ledger, and its name in `{claim}` roles of the chapters.
        section: Of the paper, and the table: `"2.3"`, `"4.1, Table 3"`, `"A"`.
        text: The claim in our own words.
        status: A key of `STATUSES`; or, where measurements decide, the function that reads its verdict off them.
        paper: The paper's figure, from `vggstudy.paper`; or a word where it gives none.
        ours: Computes the figure to set beside it.
        unit: Written after both figures.
        decimals: Of both, as the paper rounds; `None` writes them as they are.
        agrees: Of an exact claim, whether our figure is the paper's: by default whether they are written alike.
        evidence: Where it is computed, tried or told.
    """

    id: str
    section: str
    text: str
    status: str | Callable[[], Verdict]
    paper: Any = ""
    ours: Callable[[], Any] | None = None
    unit: str = ""
    decimals: int | None = None
    agrees: Callable[[Any, Any], bool] | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def part(self) -> str:
        """The section without its table."""
        return self.section.partition(",")[0]

    def judge(self) -> Verdict:
        """Its status, and our figure as it is written."""
        if callable(self.status):
            return self.status()
        return Verdict(self.status, self.written(self.ours()) if self.ours else "")

    def written(self, value: Any) -> str:
        """A figure, rounded and with its unit; texts are left alone."""
        if isinstance(value, str):
            return value
        values = value if isinstance(value, tuple) else (value,)
        return " / ".join(map(self._rounded, values)) + self.unit

    def _rounded(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if self.decimals is not None:
            return f"{value + SIGNIFICANT:,.{self.decimals}f}"
        return str(value) if value < 10_000 else f"{value:,}"

    def holds(self) -> bool:
        """Whether our figure is the paper's, of a claim that has both."""
        ours = self.ours()
        return self.agrees(self.paper, ours) if self.agrees else self.written(ours) == self.written(self.paper)
