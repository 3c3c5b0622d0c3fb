"""`vggstudy doctor`: the usual faults of evaluation, tried one by one."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from vggstudy.commands.subject import add_subject, options, subject

HELP = "why are these weights so bad: try channel order, range, resizing and class order on some images"
LIMIT = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_subject(parser, most=LIMIT)
    parser.add_argument("--Q", type=int, help="test scale, pixels (default: the middle one of the paper's)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    from vggstudy.doctor import diagnose

    [model], images = subject(args)
    diagnosis = diagnose(model, images, args.Q, **options(args))
    if args.json:
        print(json.dumps({"verdict": diagnosis.verdict, **asdict(diagnosis)}, indent=2))
        return
    for trial in diagnosis.trials:
        gain = f"{trial.gain.mean:+.1f} [{trial.gain.low:+.1f}; {trial.gain.high:+.1f}]"
        print(f"{trial.top1_error:6.1f}%  {gain:>22}  {trial.field}: {trial.remedy}")
    print(diagnosis.verdict)
