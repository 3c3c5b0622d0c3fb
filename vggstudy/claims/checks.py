"""What may not be wrong with the ledger: one line a fault.  The build of the book and the tests ask the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from vggstudy.claims.evidence import Checked, Runs, Shown
from vggstudy.claims.record import STATUSES, Claim
from vggstudy.claims.tables import BY_TABLE
from vggstudy.paper import PARAMETERS_MILLIONS, TABLE_3, TABLE_4, TABLE_5, TABLE_6, TABLE_7

FEWEST = 60  # claims that make a ledger
NAME = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
ROWS = {3: TABLE_3, 4: TABLE_4, 5: TABLE_5, 6: TABLE_6, 7: TABLE_7}


def faults(claims: Sequence[Claim], root: Path) -> list[str]:
    """Everything that is wrong with claims, each with the claim's name.

    Args:
        claims: The ledger, or a part of it.
        root: The repository, in which evidence is looked for.
    """
    return [*_of_names(claims), *(f"{claim.id}: {fault}" for claim in claims for fault in of_claim(claim, root))]


def missing(claims: Sequence[Claim]) -> list[str]:
    """What a whole ledger must have and this one has not: enough claims, and every row of Tables 2 to 7."""
    names = {claim.id for claim in claims}
    wanted = [f"parameters-{name.lower()}" for name in PARAMETERS_MILLIONS]
    for number, rows in ROWS.items():
        if len(rows) != len(BY_TABLE[number]):
            return [f"Table {number} has {len(rows)} rows and {len(BY_TABLE[number])} claims"]
        wanted += [claim.id for claim in BY_TABLE[number]]
    short = [f"{len(names)} claims, where {FEWEST} are the least"] if len(names) < FEWEST else []
    return short + [f"no claim {name}" for name in wanted if name not in names]


def _of_names(claims: Sequence[Claim]) -> Iterator[str]:
    for name, times in Counter(claim.id for claim in claims).items():
        if times > 1:
            yield f"{name}: {times} claims have this name"
        if not NAME.fullmatch(name):
            yield f"{name}: a name is words of letters and digits, joined by hyphens"


def of_claim(claim: Claim, root: Path) -> Iterator[str]:
    """Faults of one claim: of its evidence first, for without that it cannot be judged."""
    broken = [fault for each in claim.evidence if (fault := each.fault(root))]
    yield from broken
    if broken:
        return
    try:
        status = claim.judge().status
    except Exception as error:  # whatever a figure's function may raise
        yield f"cannot be computed: {type(error).__name__}: {error}"
        return
    if status not in STATUSES:
        yield f"unknown status {status!r} (allowed: {', '.join(STATUSES)})"
    if not claim.text.endswith(".") or not claim.section:
        yield "a claim is a sentence, with the section of the paper that says it"
    if status == "exact":
        if not any(isinstance(each, Checked | Shown) for each in claim.evidence):
            yield "an exact claim needs a test or a place in the book"
        if claim.ours and not claim.holds():
            yield f"not exact: the paper has {claim.written(claim.paper)}, here it is {claim.written(claim.ours())}"
    if status == "imagenet" and not any(isinstance(each, Runs) for each in claim.evidence):
        yield "needs ImageNet, and no command is given"
    if status in ("reproduced", "contradicted") and not claim.evidence:
        yield f"{status}, and no evidence is given"
