"""`vggstudy ladder`: the same weights under ever richer protocols."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from vggstudy.commands.subject import add_subject, options, scales, subject

if TYPE_CHECKING:
    from vggstudy.ladder import Rung

HELP = "what each step of the evaluation buys: centre, dense, flip, scales, crops, both, fusion"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_subject(parser, nets="+")
    parser.add_argument("--Q", type=scales, metavar="32,40,48", help="test scales (default: the paper's)")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"), help="default: float32")
    parser.add_argument("--exact-grid", action="store_true", help="crops off multiples of 8 pixels: slower")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    from vggstudy.ladder import ladder

    models, images = subject(args)
    rungs = []
    if not args.json:
        print(f"{'step':15} {'top-1':>6} {'gain over the step before':>27} {'GMACs':>9} {'s':>8}")
    how = {"exact_grid": args.exact_grid, "precision": args.precision, **options(args)}
    for rung in ladder(models, images, args.Q, **how):
        rungs.append(rung.summary())
        if not args.json:
            print(_line(rung), flush=True)
    if args.json:
        print(json.dumps({"rungs": rungs}, indent=2))


def _line(rung: Rung) -> str:
    ours = rung.evaluation
    gain = f"{rung.gain.mean:+.2f} [{rung.gain.low:+.2f}; {rung.gain.high:+.2f}]" if rung.gain else ""
    return f"{rung.name:15} {ours.top1_error:5.2f}% {gain:>27} {ours.macs / 1e9:9,.1f} {ours.seconds:8.1f}"
