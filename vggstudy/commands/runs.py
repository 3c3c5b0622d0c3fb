"""`vggstudy runs`: the run directories below a folder, a line each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

from vggstudy.errors import DataError
from vggstudy.runs import RunSummary, find_runs, summarise

HELP = "list run directories: what was trained, how far, with which errors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default="runs", metavar="DIR", help="where to look (default: runs)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    found = list(summaries(args.folder))
    if not found:
        raise DataError(f"{args.folder}: no sound run directory there or below; vggstudy train --out DIR makes one")
    print(json.dumps([asdict(summary) for summary in found], indent=2) if args.json else table(found))


def summaries(folder: str) -> Iterator[RunSummary]:
    """The runs below a folder; what cannot be read is said on stderr, and the others are listed."""
    for path in find_runs(folder):
        try:
            yield summarise(path)
        except DataError as error:
            print(f"vggstudy: skipped {error}", file=sys.stderr)


def table(found: list[RunSummary]) -> str:
    """One line a run; errors in % on the validation images."""
    width = max(len("run"), *(len(summary.path) for summary in found))
    head = f"{'run':{width}} config {'data':20} {'S':>7} {'epoch':>7} {'step':>8} {'loss':>7} {'top-1':>7} {'best':>7}"
    lines = [
        f"{line.path:{width}} {line.config:6} {line.data:20} {line.S:>7} {line.epoch:7.2f} {line.step:8} "
        f"{number(line.loss, 3)} {number(line.val_top1_error)} {number(line.best_top1_error)}"
        for line in found
    ]
    return "\n".join([head, *lines])


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash where there is none yet."""
    return f"{'-':>7}" if value is None else f"{value:7.{digits}f}"
