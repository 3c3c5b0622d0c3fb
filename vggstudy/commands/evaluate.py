"""`vggstudy evaluate`: error rates of a trained network under the paper's protocols."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from vggstudy.commands.subject import add_subject, options, scales, subject
from vggstudy.errors import ConfigError
from vggstudy.paper import TABLE_3, TABLE_4, TABLE_5, VIEWS, Result
from vggstudy.scales import scale_text

if TYPE_CHECKING:
    from vggstudy.evaluation import Evaluation
    from vggstudy.imageset import ImageSet
    from vggstudy.model import VGG

HELP = "top-1 and top-5 error of a checkpoint, or of published weights, on a data set"
PROTOCOLS = {"table3": TABLE_3, "table4": TABLE_4, "table5": TABLE_5}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_subject(parser)
    parser.add_argument(
        "--Q",
        type=scales,
        metavar="32,40,48",
        help="test scales: smaller side, pixels (default: the paper's for crops of 224 pixels, else the net's S)",
    )
    parser.add_argument(
        "--view", choices=VIEWS, help="default: dense; in a shell 'multi-crop & dense' needs its quotes"
    )
    parser.add_argument("--no-flip", dest="flip", action="store_false", help="leave the mirror images out")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"), help="default: float32")
    parser.add_argument(
        "--exact-grid",
        action="store_true",
        help="leave crops where the regular grid has them, off multiples of 8 pixels: slower",
    )
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        help="every row of that table for this configuration, beside the paper's",
    )
    parser.add_argument(
        "--save", metavar="FILE.npz", help="keep the posteriors for `vggstudy fuse` (of the last row of --protocol)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    check_place(args.save)
    if args.protocol and (args.Q or args.view or not args.flip):
        raise ConfigError("--protocol says which scales and which view: leave --Q, --view and --no-flip out")
    [model], images = subject(args)
    how = {"exact_grid": args.exact_grid, "precision": args.precision, **options(args)}
    if args.protocol:
        results = list(_table(model, images, PROTOCOLS[args.protocol], how))
    else:
        from vggstudy.evaluate import evaluate

        results = [(evaluate(model, images, args.Q, args.view or "dense", args.flip, **how), None)]
    if args.save:
        results[-1][0].save(args.save)
    records = [evaluation.summary() | ({"paper": asdict(row)} if row else {}) for evaluation, row in results]
    if args.json:
        print(json.dumps(records if args.protocol else records[0], indent=2))
    else:
        print(*map(line, records), sep="\n")


def check_place(save: str | None) -> None:
    """Refuse a place that is not there before the hours that an evaluation may take.

    Raises:
        ConfigError: If there is no such folder.
    """
    if save and not Path(save).absolute().parent.is_dir():
        raise ConfigError(f"--save {save}: there is no folder {Path(save).parent}; make it first")


def _table(model: VGG, images: ImageSet, table: tuple[Result, ...], how: dict) -> Iterator[tuple[Evaluation, Result]]:
    """The rows of the network; what two rows have in common is computed once."""
    from vggstudy.evaluate import both_views, evaluate

    rows = rows_of(model, table)
    seen: dict[tuple, Evaluation] = {}
    for row in rows:
        key = row.Q, row.view
        parts = [seen.get((row.Q, view)) for view in ("multi-crop", "dense")]
        if key not in seen:
            joint = row.view == "multi-crop & dense" and None not in parts
            seen[key] = both_views(*parts) if joint else evaluate(model, images, row.Q, row.view, **how)
        yield seen[key], row


def rows_of(model: VGG, table: tuple[Result, ...]) -> list[Result]:
    """The rows of a network's configuration and, where the paper has them, of its training scale.

    Raises:
        ConfigError: If there is none.
    """
    rows = [row for row in table if row.config == model.config.name]
    if not rows:
        there = ", ".join(dict.fromkeys(row.config for row in table))
        raise ConfigError(f"section {table[0].section} has no row of {model.config.name}; it has {there}")
    same = [row for row in rows if row.S == model.S]
    if not same and model.S is not None:
        print(f"vggstudy: the paper has no {model.config.name} of S = {scale_text(model.S)}", file=sys.stderr)
    return same or rows


def line(result: dict) -> str:
    """One evaluation for people."""
    low, high = result["top1_interval"]
    text = f"{result['protocol']}: top-1 error {result['top1_error']:.2f}% [{low:.2f}; {high:.2f}]"
    if result["top5_error"] is not None:
        text += f", top-5 error {result['top5_error']:.2f}%"
    text += f", {result['images']:,} images, {gmacs(result['macs'])} GMACs, {result['seconds']:.1f} s"
    if paper := result.get("paper"):
        text += f"\n    paper (S={scale_text(paper['S'])}, section {paper['section']}): "
        text += f"top-1 {paper['top1_error']}%, top-5 {paper['top5_error']}%"
    return "\n".join([text, *(f"    skipped {reason}" for reason in result["skipped"])])


def gmacs(macs: int) -> str:
    """Billions of multiply-accumulates, those of small nets too: `15`, `0.26`."""
    billions = macs / 1e9
    return f"{billions:,.0f}" if billions >= 10 else f"{billions:.2g}"
