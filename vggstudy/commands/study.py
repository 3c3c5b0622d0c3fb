"""`vggstudy study`: make the shipped nets again."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from vggstudy.errors import ConfigError, TrainingError, unknown
from vggstudy.nets import FOLDER, RECIPES

HELP = "train and evaluate the small nets that ship with the library again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="NET", help=f"of {', '.join(RECIPES)} (default: all, an hour or two on a CPU)"
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/study"), metavar="DIR", help="run directories; what is there goes on"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a part of it in minutes, in a temporary folder: shows that all runs"
    )
    parser.add_argument(
        "--ablation",
        action="store_true",
        help="evaluate the shipped nets in every view and at every scale instead; what is stored is left out",
    )
    parser.add_argument(
        "--replication",
        action="store_true",
        help="train the arms of the small-scale replication on every seed instead; what is stored is left out",
    )


def run(args: argparse.Namespace) -> None:
    try:
        make(args)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"status {error.returncode}"
        raise TrainingError(f"{shlex.join(map(str, error.cmd[2:]))} failed: {reason}") from None


def make(args: argparse.Namespace) -> None:
    if args.replication:
        return replicate(args)
    for name in args.names:
        if name not in RECIPES:
            raise ConfigError(unknown("trained net", name, RECIPES))
    if args.ablation:
        return ablate(args)
    from vggstudy.study import study

    with tempfile.TemporaryDirectory() as scratch:
        if args.quick:
            cards = study(args.names or ["A-S72", "D-S72"], Path(scratch), Path(scratch), epochs=1)
        else:
            cards = study(args.names or list(RECIPES), args.runs, FOLDER)
        for card in cards:
            errors = "  ".join(f"Q={Q}: {error:5.1f}" for Q, error in card["test_top1_error"].items())
            print(
                f"{card['name']:12} top-1 error in %, dense:  {errors}  ({card['seconds']} s)",
                file=sys.stdout,
                flush=True,
            )


def ablate(args: argparse.Namespace) -> None:
    from vggstudy.ablation import measure

    with tempfile.TemporaryDirectory() as scratch:
        parts = measure(args.names or ["A-S72"], Path(scratch), n=20) if args.quick else measure(args.names or None)
        for part in parts:
            print(f"{part.key:28} {part.macs / 1e6:8.1f} million MACs an image  ({part.seconds} s)", flush=True)


def replicate(args: argparse.Namespace) -> None:
    from vggstudy.arms import KINDS
    from vggstudy.replication import Replication

    with tempfile.TemporaryDirectory() as scratch:
        study, options = Replication(), {}
        if args.quick:
            study = Replication(Path(scratch), Path(scratch), half=1)
            options = {"wanted": [KINDS["A"](1), KINDS["B from A"](2)], "seeds": (0,)}
        for line in study.measure(**options):
            print(line, flush=True)
