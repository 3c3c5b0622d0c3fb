"""`vggstudy curves`: loss, validation error and learning rate of some runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from vggstudy.errors import DataError
from vggstudy.runs import read_config, read_metrics

HELP = "draw the loss, validation error and learning rate of runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run directories")
    parser.add_argument("--out", default="curves.png", metavar="FILE", help="picture to write (default: curves.png)")


def run(args: argparse.Namespace) -> None:
    names = [Path(path).name for path in args.runs]
    labels = names if len(set(names)) == len(names) else args.runs
    runs = {label: read_metrics(path) for label, path in zip(labels, args.runs, strict=True)}
    named = [read_config(path).get("classes") for path in args.runs]
    classes = {len(names) if isinstance(names, list) else None for names in named}

    from vggstudy.plots.curves import plot_curves

    figure = plot_curves(runs, classes.pop() if len(classes) == 1 else None)
    try:
        figure.savefig(args.out)
    except (OSError, ValueError) as error:
        raise DataError(f"{args.out}: cannot be written ({error}); choose another --out") from None
    print(args.out)
