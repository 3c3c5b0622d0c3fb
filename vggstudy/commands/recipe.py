"""`vggstudy recipe`: the chain of trainings that leads to a net of the paper."""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys

from vggstudy.commands.subject import whole_number
from vggstudy.commands.train import SMALL_DATA, regime_of, scale, source
from vggstudy.recipes import PAPER_NETS, Stage, hours, recipe

HELP = "print, or run, the chain of trainings that leads to a net of the paper"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", metavar="CONFIG", nargs="?", help="A, A-LRN, B, C, D or E; all nets of Table 3 if left out"
    )
    add = parser.add_argument
    add("--S", type=papers_scale, default=256, help="256, 384 or 256:512 (default: 256)")
    add(
        "--data",
        default="imagenet:data/imagenet",
        metavar="SPEC",
        help="as for train (default: imagenet:data/imagenet)",
    )
    add("--root", default="runs", metavar="DIR", help="folder of the run directories (default: runs)")
    add(
        "--nproc-per-node",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="processes, one a GPU, under torchrun (default: 1)",
    )
    add("--run", action="store_true", dest="execute", help="run the chain; what is finished is not run again")
    add("--no-estimate", action="store_true", help="do not measure how fast this machine trains")
    add("--json", action="store_true", help="print JSON")
    add("--options", type=words, default=[], metavar="TEXT",
        help="further options of train for each stage, such as --options='--compile --workers 16'")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    stages = recipe(args.config, args.S) if args.config else every_stage()
    # Where a scaled-down regime is the default, the paper's has to be asked for.
    options = [*(["--regime", "paper"] if source(args.data) in SMALL_DATA else []), *args.options]
    commands = [stage.command(args.data, args.root, args.nproc_per_node, options) for stage in stages]
    for command in commands:
        check_command(command)
    if args.execute:
        return run_chain(commands)
    estimated = not args.no_estimate and source(args.data) == "imagenet"  # the paper's hours are of no other data
    rate = measured_rate(stages[-1], args.nproc_per_node) if estimated else None
    rows = [
        {"stage": stage.name, "config": stage.config, "S": stage.S, "lr": stage.lr, "init_from": stage.init_from,
         "hours": rate and float(f"{hours(stage, rate):.3g}"), "command": command}
        for stage, command in zip(stages, commands, strict=True)
    ]  # fmt: skip
    print(json.dumps(rows, indent=2) if args.json else text(rows))
    return 0


def papers_scale(text: str) -> int | tuple[int, ...]:
    """`256`, or `256:512` for a range."""
    try:
        return scale(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed is 256, 384 or 256:512") from None


def words(text: str) -> list[str]:
    """What a shell would make of a text."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {str(error).lower()}") from None


def check_command(command: list[str]) -> None:
    """Refuse a command that `train` would refuse, before the stage before it has run for days."""
    from vggstudy.__main__ import parser

    args = parser().parse_args(command[command.index("train") :])
    regime_of(args, small=args.regime == "small")


def every_stage() -> tuple[Stage, ...]:
    """The stages of all nets of Table 3, each once, in an order in which they can be run."""
    stages = (stage for config, S in PAPER_NETS for stage in recipe(config, S))
    return tuple(dict.fromkeys(stages))


def measured_rate(stage: Stage, processes: int) -> float | None:
    """The rate of this machine, or None if it has too little memory to try; several processes are taken to be as fast
    together as the sum of them."""
    from vggstudy.memory import is_out_of_memory
    from vggstudy.probe import training_rate

    print("vggstudy: timing a few updates on this machine ...", file=sys.stderr)
    try:
        return processes * training_rate(stage.config)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    print("vggstudy: no estimate: out of memory on a few images", file=sys.stderr)
    return None


def run_chain(commands: list[list[str]]) -> int:
    """Run the stages one after the other; the status of the first that fails, or 0."""
    for command in commands:
        print(f"vggstudy: {shlex.join(command)}", file=sys.stderr)
        start = ["-m", "torch.distributed.run", *command[1:]] if command[0] == "torchrun" else ["-m", *command]
        if status := subprocess.run([sys.executable, *start]).returncode:
            return status if status > 0 else 128 - status
    return 0


def text(rows: list[dict]) -> str:
    """Comments and commands, as a shell would run them."""
    lines = []
    for row in rows:
        start = f"from {row['init_from']}" if row["init_from"] else "from random weights"
        long = f", about {row['hours']:,g} h here if it takes the paper's 74 epochs" if row["hours"] else ""
        lines += [f"# {row['stage']}: {start}{long}", shlex.join(row["command"])]
    total = sum(row["hours"] or 0 for row in rows)
    if total:
        lines.append(f"# together about {total:,.0f} h ({total / 24:,.0f} days)")
    return "\n".join(lines)
