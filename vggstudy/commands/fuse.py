"""`vggstudy fuse`: stored evaluations put together, without running a network again."""

from __future__ import annotations

import argparse
import json

from vggstudy.commands.evaluate import check_place, line

HELP = "mean posteriors of stored evaluations: several nets, views or scales, without running them again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE.npz", help="what `vggstudy evaluate --save` wrote")
    parser.add_argument("--save", metavar="FILE.npz", help="keep the fused posteriors")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    from vggstudy.evaluation import Evaluation, fuse

    check_place(args.save)
    evaluations = [Evaluation.load(file) for file in args.files]
    fused = fuse(evaluations)
    gains = [fused.gain_over(each) for each in evaluations]
    if args.save:
        fused.save(args.save)
    if args.json:
        seen = [
            {"file": file, **each.summary(), "fusion_gains": [gain.mean, gain.low, gain.high]}
            for file, each, gain in zip(args.files, evaluations, gains, strict=True)
        ]
        print(json.dumps({"fused": fused.summary(), "of": seen}, indent=2))
        return
    for each, gain in zip(evaluations, gains, strict=True):
        print(f"{line(each.summary())}\n    fusion gains {gain.mean:+.2f} [{gain.low:+.2f}; {gain.high:+.2f}] points")
    print(line(fused.summary()))
