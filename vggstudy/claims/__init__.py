"""The ledger of the paper's claims: every checkable sentence and number, what we find, and where to look.  No torch.

    record          a claim, and the statuses it can have
    evidence        what a claim can rest on, and whether that is there
    verdicts        statuses that measurements decide
    networks, small_filters, training, testing, experiments, tables, appendices
                    the claims, in the order of the paper
    checks          what may not be wrong with them

The page is `book/claims.md`; in a chapter, {claim}`weights-excess` is a badge with the claim's status.
"""

from __future__ import annotations

from difflib import get_close_matches

from vggstudy.claims import appendices, experiments, networks, small_filters, tables, testing, training
from vggstudy.claims.record import STATUSES, Claim, Verdict
from vggstudy.errors import ConfigError

CLAIMS: tuple[Claim, ...] = tuple(
    claim
    for module in (networks, small_filters, training, testing, experiments, tables, appendices)
    for claim in module.CLAIMS
)

__all__ = ["CLAIMS", "STATUSES", "Claim", "Verdict", "find_claim", "of_parts"]


def find_claim(name: str, claims: tuple[Claim, ...] = CLAIMS) -> Claim:
    """The claim of that name.

    Raises:
        ConfigError: With the close matches, if there is none.
    """
    by_name = {claim.id: claim for claim in claims}
    if name not in by_name:
        near = get_close_matches(name, by_name, n=3)
        hint = f"did you mean {' or '.join(near)}" if near else "vggstudy/claims holds them all"
        raise ConfigError(f"unknown claim {name!r}: {hint}")
    return by_name[name]


def of_parts(parts: tuple[str, ...], claims: tuple[Claim, ...] = CLAIMS) -> tuple[Claim, ...]:
    """The claims of some sections of the paper, in order: sentences first, then rows of tables."""
    return tuple(claim for claim in claims if claim.part in parts)
