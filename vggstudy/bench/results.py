"""Results that are kept: files of rows and curves, each with the machine and the command that made it.  No torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vggstudy.atomic import replace_text
from vggstudy.bench import ROWS
from vggstudy.errors import DataError

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"

Results = dict[str, list[dict[str, Any]]]


def load_results(name: str | Path = "cpu") -> Results:
    """Rows and curves of `benchmarks/results/<name>.json`, or of a file.

    Raises:
        DataError: If the file is not there or no file of results.
    """
    path = RESULTS / f"{name}.json" if isinstance(name, str) else name
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        return {"rows": list(results["rows"]), "curves": list(results["curves"])}
    except FileNotFoundError:
        raise DataError(f"no results in {path}: make them with `vggstudy bench --store {path}`") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no file of results ({error}): remove it and measure again") from None


def store_results(path: Path, found: Results) -> None:
    """Put rows and curves into a file, in place of earlier ones of the same name; others stay."""
    results = load_results(path) if path.exists() else {"rows": [], "curves": []}
    for kind, key in (("rows", "row"), ("curves", "curve")):
        records = {record[key]: record for record in [*results[kind], *found.get(kind, [])]}
        places = {name: place for place, name in enumerate(ROWS)} if kind == "rows" else {}
        results[kind] = sorted(records.values(), key=lambda record: places.get(record[key], len(places)))
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(results, indent=1) + "\n")


def rows_table(rows: list[dict[str, Any]]) -> str:
    """Rows as text, a line a comparison."""
    lines = [f"{'row':14} {'against':26} {'ratio':>7} {'min':>7} {'max':>7} {'goal':>6}  verdict"]
    for row in rows:
        notes = [f"{row['matmul_share']:.0%} of the matmul rate"] if row["matmul_share"] is not None else []
        notes += ["noisy"] if row["noisy"] else []
        lines.append(f"{row['row']:14} {row['claim']}{''.join(f'; {note}' for note in notes)}")
        for job in row["jobs"]:
            lines.append(f"  {job['job']}")
            for found in job["comparisons"]:
                ratio, goal = found["ratio"], found["goal"]
                lines.append(
                    f"{'':14} {found['against']:26} {ratio['median']:7.2f} {ratio['min']:7.2f} {ratio['max']:7.2f} "
                    f"{'' if goal is None else f'{goal:.2f}':>6}  {found['verdict']}"
                )
            lines += [f"{'':14} {name}: skipped, {why}" for name, why in job["skipped"].items()]
    return "\n".join(lines)


def curves_table(curves: list[dict[str, Any]]) -> str:
    """Curves as text, a line each."""
    lines = [f"{'curve':16} {'exponent':>8} {'expected':>8}  cliffs"]
    for curve in curves:
        cliffs = ", ".join(f"x{cliff['factor']:.2f} at {cliff['to']:g}" for cliff in curve["cliffs"]) or "none"
        lines.append(f"{curve['curve']:16} {curve['exponent']:8.2f} {curve['expected']:8.2f}  {cliffs}")
    return "\n".join(lines)
