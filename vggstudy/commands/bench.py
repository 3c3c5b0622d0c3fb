"""`vggstudy bench`: our speed and size beside the rivals', in one run."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from vggstudy.bench import ROWS
from vggstudy.bench.results import curves_table, rows_table, store_results
from vggstudy.errors import ConfigError

HELP = "measure speed and memory beside other libraries, in one run"

ROUNDS = 5


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: allowed is 1 or more")
    return number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options = parser.add_argument
    options("--row", action="append", metavar="NAME", help=f"only this row, may be repeated: {', '.join(ROWS)}")
    options("--curves", action="store_true", help="how cost grows, instead of rows")
    options("--quick", action="store_true", help="narrow nets, all rows under a minute; goals become floors")
    options("--rounds", type=at_least_one, default=ROUNDS, help=f"rounds of each contest (default: {ROUNDS})")
    options("--threads", type=at_least_one, help="threads of each computation (default: torch's)")
    options("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default: a GPU if there is one")
    options("--store", type=Path, metavar="FILE", help="put the results into this file, in place of earlier ones")
    options("--json", action="store_true", help="print JSON on stdout, everything else on stderr")


def run(args: argparse.Namespace) -> None:
    import torch

    from vggstudy.bench.curves import measure_curves
    from vggstudy.bench.machine import machine
    from vggstudy.bench.records import Setting
    from vggstudy.bench.suite import find_row, measure
    from vggstudy.distributed import find_device

    if args.curves and args.row:
        raise ConfigError(f"--curves measures no row: leave --curves or --row {args.row[0]} out")
    device = find_device(args.device).type
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    rows = [find_row(name) for name in args.row or ROWS]
    setting = Setting(device, args.quick, args.rounds, say=lambda line: print(line, file=sys.stderr, flush=True))
    where = {"machine": machine(device), "quick": args.quick}
    kind, found = ("curves", measure_curves(setting)) if args.curves else ("rows", measure(rows, setting))
    records = []
    for record in found:
        records.append({**record, **where, "command": command(args, record.get("row"))})
        if args.store is not None:  # at once: the next one may take long
            store_results(args.store, {kind: records[-1:]})
    if args.json:
        print(json.dumps({kind: records}, indent=2))
    else:
        print(curves_table(records) if args.curves else rows_table(records))


def command(args: argparse.Namespace, row: str | None) -> str:
    """What measures one row, or the curves, again."""
    words = ["vggstudy", "bench", "--device", args.device]
    words += ["--quick"] if args.quick else []
    words += ["--curves"] if row is None else ["--row", row]
    words += ["--threads", str(args.threads)] if args.threads is not None else []
    words += ["--rounds", str(args.rounds)] if args.rounds != ROUNDS else []
    return shlex.join(words)
